"""Read and write directions as JSON files: those of the extension and the user's own. No bpy.

Files come from other people too: they hold numbers, switches and names, and anything else is
refused.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import re
from pathlib import Path
from typing import Any

from ..errors import SessionError
from ..package import files, runtime_errors
from .direction import HINT, BadDirection, Direction, as_json, from_json

FORMAT = 1
CONTENT = "cstalk-direction"
LARGEST_FILE = 1_000_000
"""Bytes: every channel of the largest rig corrected takes 30,000."""
LONGEST_NAME = 63
LONGEST_DESCRIPTION = 500
BUNDLED_FOLDER = Path(__file__).resolve().parent / "presets"
BUNDLED = ("subtle", "stage", "cartoon", "whisper", "anime")
"""Presets of the extension, in the order of the menu. Their numbers are starting points."""


class BadDirectionFile(SessionError):
    """A file that is no direction, or a direction that cannot be written."""

    code = "bad-direction-file"


@dataclasses.dataclass(frozen=True)
class DirectionPreset:
    """A direction with a name."""

    name: str
    direction: Direction
    description: str = ""
    """One sentence for the tooltip."""


def encode(preset: DirectionPreset) -> bytes:
    """Return a preset as UTF-8 JSON."""
    data = {
        "format": FORMAT,
        "content": CONTENT,
        "name": preset.name,
        "description": preset.description,
        "settings": as_json(preset.direction),
    }
    return (json.dumps(data, indent=1, ensure_ascii=False) + "\n").encode("utf-8")


def decode(data: bytes, where: str) -> DirectionPreset:
    """Read and check a preset.

    Args:
        data: The file.
        where: Name of the file, for messages.

    Raises:
        BadDirectionFile: The content is not what `encode` writes.
    """
    try:
        values = json.loads(data.decode("utf-8"))
        if not isinstance(values, dict) or values.get("content") != CONTENT:
            raise ValueError(f'"content" is not {CONTENT!r}')
        if values.get("format") != FORMAT:
            raise ValueError(f"its format is {values.get('format')!r:.40}, not {FORMAT}")
        return DirectionPreset(
            _text(values.get("name"), "name", LONGEST_NAME),
            from_json(values.get("settings")),
            _text(values.get("description", ""), "description", LONGEST_DESCRIPTION, least=0),
        )
    except (ValueError, RecursionError, BadDirection) as error:
        raise BadDirectionFile(f"Not a preset of CSTalk: {where}: {error}", hint=HINT) from error


def load(path: Path) -> DirectionPreset:
    """Read and check the preset at ``path``.

    Raises:
        BadDirectionFile: The file cannot be read, or is no preset.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise BadDirectionFile(f"{path.name} has more than {LARGEST_FILE} bytes", hint=HINT)
        return decode(path.read_bytes(), path.name)
    except OSError as error:
        raise BadDirectionFile(
            f"Cannot read {path}: {error.strerror or error}", hint=HINT
        ) from error


def save(folder: Path, preset: DirectionPreset) -> Path:
    """Write a preset into a folder; one of the same name is replaced.

    Args:
        folder: Folder of the user's presets, created when missing.
        preset: The preset.

    Returns:
        Path of the file.

    Raises:
        BadDirectionFile: The file cannot be written, or another preset's file has this path.
    """
    # Names of users may hold slashes or characters that Windows forbids in file names.
    slug = re.sub(r"[^\w-]+", "_", preset.name)[:40]
    path = folder / f"{slug}.json"
    data = encode(preset)
    decode(data, path.name)  # a file that could not be read back is not written
    if path.exists() and load(path).name != preset.name:
        raise BadDirectionFile(
            f"{path.name} holds the preset {load(path).name!r}", hint="Choose another name"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files.replace_file(path, data)
    except (OSError, runtime_errors.BadOutput) as error:
        fault = files.unwritable(path, error) if isinstance(error, OSError) else error
        raise BadDirectionFile(str(fault), hint=fault.hint) from error
    return path


def delete(folder: Path, name: str) -> None:
    """Delete one of the user's presets.

    Args:
        folder: Folder of the user's presets.
        name: File name, as `own` returns it.

    Raises:
        BadDirectionFile: The folder has no such preset, or it cannot be deleted.
    """
    # Only what `own` lists: a link, a path or a file of someone else is none of our files.
    path = folder / name
    if name not in own(folder) or path.is_symlink():
        raise BadDirectionFile(f"Preset not found: {name}", hint="Open the menu again")
    try:
        path.unlink()
    except OSError as error:
        fault = files.unwritable(path, error)
        raise BadDirectionFile(str(fault), hint=fault.hint) from error


@functools.cache
def bundled() -> dict[str, DirectionPreset]:
    """Return the presets of the extension by their keys."""
    return {name: load(BUNDLED_FOLDER / f"{name}.json") for name in BUNDLED}


def own(folder: Path) -> dict[str, DirectionPreset]:
    """Return the user's presets by file name, sorted; files that are none are left out.

    Args:
        folder: Folder of the user's presets, which may not exist.
    """
    found = {}
    for path in sorted(folder.glob("*.json")):
        try:
            stat = path.stat()
            found[path.name] = _loaded(path, stat.st_mtime_ns, stat.st_size)
        except (OSError, BadDirectionFile):
            continue  # a file of someone else, or one that is just being replaced
    return found


@functools.lru_cache(maxsize=256)
def _loaded(path: Path, _changed_at: int, _size: int) -> DirectionPreset:
    return load(path)


def _text(value: Any, name: str, longest: int, *, least: int = 1) -> str:
    if not isinstance(value, str) or not least <= len(value) <= longest:
        raise ValueError(f"{name} is not a text of {least} to {longest} characters")
    value.encode("utf-8")  # half a surrogate pair raises ValueError
    if any(ord(letter) < 32 for letter in value):
        raise ValueError(f"{name} has characters that cannot be displayed")
    return value
