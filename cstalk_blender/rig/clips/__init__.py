"""Place clips of a batch as NLA strips or in files of their own.

- `strips`: clips as NLA strips; `rest` holds the face between them.
- `rewriting`: write new curves into clips that strips play.
- `exports`: a clip with its character in a file; `export_record` protects foreign files.
"""
