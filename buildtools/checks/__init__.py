"""Check the sources: the parts of `build.py check`. Standard library only.

- ``run``: runs every check and prints its findings.
- ``sizes``: limits on the length of files and functions.
- ``style_figures``: measures lengths, docstrings and comments of each package.
- ``sources``: lists the source files, and which of them import Blender.
"""
