"""Find the character that speaks a line: by the cast list, then by names. No bpy."""

from __future__ import annotations

import dataclasses
import fnmatch
from collections.abc import Sequence
from pathlib import PurePosixPath

from ..package import batch_manifest


@dataclasses.dataclass(frozen=True)
class Role:
    """One entry of the cast list."""

    character: str
    """Name of the face or of its parent."""
    pattern: str = ""
    """Glob on the line's name or its role; empty: any."""
    channel: int = 0
    """Channel of the sequencer; 0: any."""


@dataclasses.dataclass(frozen=True)
class Clue:
    """Properties of a line from which its character follows."""

    name: str
    """Name of the strip or of the audio file."""
    role: str = ""
    """Character in the list, the sidecar or the file name."""
    channel: int = 0
    channel_name: str = ""


def cast(clue: Clue, roles: Sequence[Role], characters: Sequence[str]) -> str:
    """Return the name of the character that speaks a line, empty if it is unknown.

    In this order: the first entry of the cast list that fits, the role by its name, a character
    whose name begins the line's name (the longest such), the name of the channel.
    """
    # The user's list decides before any name.
    for role in roles:
        if role.character and _fits(clue, role):
            return role.character
    by_name = {name.casefold(): name for name in characters}
    # A role that no character has is not guessed from the line's name.
    if clue.role:
        return by_name.get(clue.role.casefold(), "")
    line = clue.name.rpartition("/")[2].casefold()
    speaking = [name for name in by_name if _begins(line, name)]
    if speaking:
        # The longest: Anna Maria before Anna.
        return by_name[max(speaking, key=len)]
    return by_name.get(clue.channel_name.casefold(), "")


def _fits(clue: Clue, role: Role) -> bool:
    # An empty row of the list fits nothing, rather than everything.
    if not role.pattern and not role.channel:
        return False
    if role.channel and role.channel != clue.channel:
        return False
    pattern = role.pattern.casefold()
    path = PurePosixPath(clue.name)
    names = [clue.name, path.name, clue.role]
    if path.suffix.lower() in batch_manifest.AUDIO_SUFFIXES:  # lists show lines without it
        names += [path.stem, str(path.with_suffix(""))]
    return not pattern or any(fnmatch.fnmatchcase(name.casefold(), pattern) for name in names)


def _begins(line: str, name: str) -> bool:
    """Return whether ``name`` is the first word of ``line``: Anna of anna_012, not annabel_012."""
    return line.startswith(name) and not line[len(name) : len(name) + 1].isalpha()
