"""Register the shell command ``blender --command cstalk``."""

from __future__ import annotations

from collections.abc import Sequence

import bpy

from . import bake

COMMAND = "cstalk"

# Blender identifies the command by the handle.
_registered: list[object] = []


def attach() -> None:
    """Register the command."""
    # Blender returns a handle, which its type stubs do not know.
    handle = bpy.utils.register_cli_command(COMMAND, _execute)  # type: ignore[func-returns-value]
    _registered.append(handle)


def detach() -> None:
    """Unregister the command."""
    bpy.utils.unregister_cli_command(_registered.pop())


def _execute(arguments: Sequence[str]) -> int:
    return bake.execute(arguments)  # read here: most sessions run no command
