"""Measure what the add-on costs inside Blender. Standard library only, except inside Blender.

- ``addon_benchmark``: `build.py benchmark`, installs the zip and compares the costs with limits.
- ``addon_costs``: runs inside Blender and measures them.
"""
