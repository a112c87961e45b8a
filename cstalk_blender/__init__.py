"""CSTalk for Blender: the add-on. Importing it touches no bpy; `register` does."""

from __future__ import annotations

import importlib


def register() -> None:
    """Add classes, properties, menus and handlers to Blender. Undoes itself when a step fails."""
    importlib.import_module(".lazy", __package__).defer_packages()
    importlib.import_module(".registration", __package__).register()


def unregister() -> None:
    """Take everything out again and end the child process."""
    importlib.import_module(".registration", __package__).unregister()
