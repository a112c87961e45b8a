"""Check file names from untrusted sources. Stdlib only.

A list, preset or message may name an output file. Names that pass denote a plain file below the
chosen folder on every operating system: no parent folder, no other drive, no device.
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
"""Device names on Windows, with any extension (Microsoft, "Naming Files, Paths")."""
FORBIDDEN = re.compile(r'[<>:"|?*\\\x00-\x1f\x7f]')
"""Characters that Windows forbids or interprets: drive, stream, folder."""
MAX_BYTES = 255
"""Limit for one component of a path on all common file systems."""
NAME_HINT = "Use a plain file name: letters, digits, spaces, dots, hyphens"


def name_problem(name: str) -> str:
    """Return the problem of ``name`` as one component of a path; empty if there is none."""
    if not name or name in (".", ".."):
        return "is empty or a folder"
    # "/" separates components everywhere; the others matter on one system at least.
    if "/" in name or FORBIDDEN.search(name):
        return "contains a forbidden character"
    # Windows drops trailing dots and spaces, so two names could be one file.
    if name != name.rstrip(". "):
        return "ends in a dot or space, which Windows drops"
    if name.split(".")[0].rstrip().casefold() in DEVICES:
        return "is a device name on Windows"
    # Bytes, not letters: file systems count bytes.
    if len(name.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        return f"is longer than {MAX_BYTES} bytes"
    return ""


def inside(folder: Path, relative: str) -> Path:
    """Return the path of ``relative`` below ``folder``.

    Args:
        folder: The folder that must contain the file.
        relative: Relative path with forward slashes.

    Raises:
        BadArgument: The path is empty or absolute, ``name_problem`` rejects a component, or a
            symbolic link leads out of ``folder``.
    """
    parts = relative.split("/")
    for part in parts:
        problem = name_problem(part)
        if problem:
            raise BadArgument(f"The file name {relative!r} {problem}", hint=NAME_HINT)
    path = folder.joinpath(*PurePosixPath(relative).parts)
    # realpath of the parent, since the file itself need not exist yet.
    root, parent = os.path.realpath(folder), os.path.realpath(path.parent)
    # The separator is part of the comparison: "out2" begins with "out".
    if parent != root and not parent.startswith(os.path.join(root, "")):
        raise BadArgument(
            f"The file name {relative!r} leads out of {folder} through a symbolic link",
            hint="Remove the link, or choose another output folder",
        )
    return path
