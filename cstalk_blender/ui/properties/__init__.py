"""Define the settings that are stored in .blend files.

- ``generate``: settings of Generate.
- ``acting``: strengths of acting and the script.
- ``batch``: lines, cast and destination of a batch.
- ``mapping``: user rows of mappings.
- ``migration``: reads the property names of version 0.1.
"""
