"""Names of files that come from others: do they stay in their folder, on every system? Stdlib only.

A list, a preset or a message from a stranger may name an output. What is let through here names a
plain file below the folder that was chosen: no way up, no other disk, no device.
"""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath

from ..errors import BadArgument

DEVICES = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$"]
    + [f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³"]
)
"""What Windows opens instead of a file, whatever the ending: docs "Naming Files, Paths"."""
FORBIDDEN = re.compile(r'[<>:"|?*\\\x00-\x1f\x7f]')
"""Letters that Windows refuses or reads otherwise: a drive, a stream, a folder."""
MAX_BYTES = 255
"""Of one part of a path, on all common file systems."""
NAME_HINT = "Use a plain file name: letters, digits, spaces, dots, hyphens"


def name_problem(name: str) -> str:
    """What is wrong with ``name`` as one part of a path; empty when nothing is."""
    if not name or name in (".", ".."):
        return "is no name"
    if "/" in name or FORBIDDEN.search(name):
        return "has a letter that file names must not have"
    if name != name.rstrip(". "):
        return "ends in a dot or space, which Windows drops"
    if name.split(".")[0].rstrip().casefold() in DEVICES:
        return "is a device on Windows"
    if len(name.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        return f"has more than {MAX_BYTES} bytes"
    return ""


def inside(folder: Path, relative: str) -> Path:
    """The path of ``relative``, written with slashes, below ``folder``.

    Raises:
        BadArgument: It is empty or absolute, has a part that ``name_problem`` objects to, or a
            link in between leads out of ``folder``.
    """
    parts = relative.split("/")
    for part in parts:
        problem = name_problem(part)
        if problem:
            raise BadArgument(f"The file name {relative!r} {problem}", hint=NAME_HINT)
    path = folder.joinpath(*PurePosixPath(relative).parts)
    root, parent = os.path.realpath(folder), os.path.realpath(path.parent)
    if parent != root and not parent.startswith(os.path.join(root, "")):
        raise BadArgument(
            f"The file name {relative!r} leads out of {folder} by a link",
            hint="Remove the link, or choose another output folder",
        )
    return path
