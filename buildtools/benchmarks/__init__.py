"""Measure costs and audio codings. Standard library only, except inside other Pythons.

- ``addon_benchmark``: `build.py benchmark`, installs the zip and compares the costs with limits.
- ``addon_costs``: runs inside Blender and measures them.
- ``coding_reader``: `build.py codings`, reads audio files with one Python.
"""
