"""Read lists of lines and keep the files of a batch. Standard library only.

* `manifest`: the lines of a folder, a glob or a list, with their sidecars and names.
* `audio_files`: the audio files of folders, globs and lists.
* `table`: lists as spreadsheets write them.
* `naming`: name patterns, emotion words, names of output files; `matching`: the pattern matcher.
* `keys`: emotion keys as text.
* `plan`: lines with their output files.
* `performance`: lines as protocol messages.
* `fingerprint`: digests of everything that a line depends on.
* `ownership`: files that CSTalk wrote, as opposed to files of the user.
* `journal`, `lock`, `control`: state of a running batch.
* `report`, `report_html`: the report as a table and as a page.
"""
