"""Represent facial curves and read and write curve files. numpy only; used by the add-on as well.

* ``track``: curves of named channels at a frame rate. ``rig``: definitions of channels.
* ``layered``: the tracks of one clip with and without its emotion.
* ``resample``: other frame rates, with lip closures preserved. ``edit``: gains, smoothing, bounds.
* ``formats``: curve files. ``file_names``: safe names of files in a folder.
"""
