"""Define the settings that are stored in .blend files.

- ``generate``: settings of Generate.
- ``acting``: strengths of acting and the script.
- ``expressions``: emotions and named expressions for dropdowns.
- ``batch``: lines, cast and destination of a batch.
- ``mapping``: user rows of mappings.
- ``migration``: reads the property names of version 0.1.
"""
