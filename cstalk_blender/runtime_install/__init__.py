"""Installs a GPU runtime: an environment of its own with PyTorch, beside Blender's Python. No bpy.

``python -m cstalk_blender.runtime_install --help`` is the same from a terminal.
"""
