"""CSTalk for Blender: the add-on. Importing it touches no bpy; `register` does."""

from __future__ import annotations


def register() -> None:
    """Add classes, properties, menus and handlers to Blender. Undoes itself when a step fails."""
    from . import registration

    registration.register()


def unregister() -> None:
    """Take everything out again and end the child process."""
    from . import registration

    registration.unregister()
