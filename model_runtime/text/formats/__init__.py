"""Read and write files of scripts and timings. Standard library only.

* ``files``: script files, also beside an audio file.
* ``textgrid``, ``subtitles``: Praat TextGrids, SRT and WebVTT.
"""
