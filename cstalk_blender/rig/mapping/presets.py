"""Save, load and find mappings as preset files. No bpy.

A preset is found again by the names of a rig's shape keys. Its content is checked as that of an
untrusted file: it is numbers and names, and anything else is refused.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

from ...errors import SessionError
from ...package import files, runtime_errors
from .routing import KINDS, Kind, Route, Routing, Target

FORMAT = 1
# Tells a mapping from other JSON files that a user may pick in the file browser.
CONTENT = "cstalk-mapping"
LARGEST_FILE = 16_000_000
"""Bytes: a solved matrix of 60 channels and 400 keys has 24,000 routes of about 100 bytes."""
# 2.5 times the routes of that matrix.
MOST_ROUTES = 60_000
LONGEST_NAME = 255
LONGEST_PATH = 1023
"""Characters of a target: a property's animation path is longer than a name."""
LARGEST_NUMBER = 1000.0

HINT = "Get the file again, or save the mapping from the Mapping panel"


class BadPreset(SessionError):
    """A file that is not a mapping, or a mapping that cannot be written."""

    code = "bad-preset"


@dataclasses.dataclass(frozen=True)
class Preset:
    """A routing with a name."""

    name: str
    fingerprint: str
    """`fingerprint` of the rig that it was made for."""
    mesh: str
    """Name of the object that it was made on, to choose between presets of one fingerprint."""
    routing: Routing


def fingerprint(shape_names: Iterable[str]) -> str:
    """Return 64 hexadecimal digits that identify a rig by its shape keys' names, in any order.

    Args:
        shape_names: Names without the reference key, whose name depends on Blender's language.
    """
    # NUL cannot occur in a name of Blender, so that two different lists never join to one text.
    names = "\0".join(sorted(shape_names))
    # Names may hold bytes that are no UTF-8, which Blender's Python passes on as surrogates.
    return hashlib.sha256(names.encode("utf-8", "surrogateescape")).hexdigest()


def encode(preset: Preset) -> bytes:
    """Return the preset as UTF-8 JSON with one route per line."""
    # One route a line keeps the file readable in a diff and easy to edit by hand.
    routes = ",\n  ".join(
        json.dumps(dataclasses.asdict(route), ensure_ascii=False) for route in preset.routing.routes
    )
    bounds = ",\n  ".join(
        json.dumps({"kind": goal.kind, "target": goal.name, "low": low, "high": high})
        for goal, (low, high) in preset.routing.bounds.items()
    )
    head = {
        "format": FORMAT,
        "content": CONTENT,
        "name": preset.name,
        "fingerprint": preset.fingerprint,
        "mesh": preset.mesh,
    }
    lines = [
        f" {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)},"
        for key, value in head.items()
    ]
    text = "\n".join(
        ["{", *lines, f' "routes": [\n  {routes}\n ],', f' "bounds": [\n  {bounds}\n ]', "}"]
    )
    return (text + "\n").encode("utf-8", "surrogateescape")


def decode(data: bytes, where: str) -> Preset:
    """Read and check a preset.

    Args:
        data: The file.
        where: Name of the file, for messages.

    Raises:
        BadPreset: The content is not what `encode` writes.
    """
    # Checked again after `load`: data can come from a place other than a file.
    if len(data) > LARGEST_FILE:
        raise BadPreset(f"{where} has more than {LARGEST_FILE} bytes", hint=HINT)
    try:
        return _preset(json.loads(data.decode("utf-8")))
    except (ValueError, RecursionError) as error:
        raise BadPreset(f"Not a CSTalk mapping file: {where}: {error}", hint=HINT) from error


def load(path: Path) -> Preset:
    """Read and check the preset at ``path``.

    Raises:
        BadPreset: The file cannot be read, or is not a mapping.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise BadPreset(f"{path.name} has more than {LARGEST_FILE} bytes", hint=HINT)
        return decode(path.read_bytes(), path.name)
    except OSError as error:
        raise BadPreset(f"Cannot read {path}: {error.strerror or error}", hint=HINT) from error


def save(folder: Path, preset: Preset) -> Path:
    """Write a preset into a folder; one of the same name and rig is replaced.

    Args:
        folder: Folder of presets, created when missing.
        preset: The preset.

    Returns:
        Path of the file.

    Raises:
        BadPreset: The file cannot be written.
    """
    # Names of users may hold slashes or characters that Windows forbids in file names.
    slug = re.sub(r"[^\w-]+", "_", preset.name)[:40]
    # The rig is part of the name: "Default" for two heads are two files.
    path = folder / f"{slug}-{preset.fingerprint[:8]}.json"
    write(path, preset)
    return path


def write(path: Path, preset: Preset) -> None:
    """Write a preset, completely or not at all.

    Args:
        path: The file, replaced if it exists.
        preset: The preset.

    Raises:
        BadPreset: The file cannot be written.
    """
    data = encode(preset)
    decode(data, path.name)  # a file that could not be read back is not written
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.replace_file(path, data)
    except (OSError, runtime_errors.BadOutput) as error:
        fault = files.unwritable(path, error) if isinstance(error, OSError) else error
        raise BadPreset(str(fault), hint=fault.hint) from error


class PresetStore:
    """Presets of one folder, read again only when a file there has changed."""

    def __init__(self, folder: Path) -> None:
        """Set the folder; nothing is read yet."""
        self.folder = folder
        self._seen: dict[Path, tuple[int, int]] = {}
        self._presets: dict[Path, Preset] = {}
        self.refused: dict[Path, BadPreset] = {}
        """Files that are not presets, and their errors."""

    def presets(self) -> dict[Path, Preset]:
        """Return the presets by file, the newest first."""
        # Panels ask on every redraw; comparing times and sizes costs one listing instead of all
        # files.
        seen = self._files()
        if seen != self._seen:
            self._presets, self.refused = {}, {}
            # By time of change, newest first: a user who saves again means the new one.
            for path in sorted(seen, key=lambda p: seen[p], reverse=True):
                try:
                    self._presets[path] = load(path)
                except BadPreset as error:
                    self.refused[path] = error
            self._seen = seen
        return self._presets

    def find_or_none(self, rig: str, mesh: str) -> Preset | None:
        """Return the preset for a rig: the one made on the same mesh, else the newest.

        Args:
            rig: `fingerprint` of the rig.
            mesh: Name of the object.
        """
        fitting = [preset for preset in self.presets().values() if preset.fingerprint == rig]
        same = [preset for preset in fitting if preset.mesh == mesh]
        # Copies of a character share the fingerprint; the object's name only chooses among them.
        return next(iter((*same, *fitting)), None)

    def named_or_none(self, file_name: str) -> Preset | None:
        """Return the preset in the file ``file_name``."""
        return self.presets().get(self.folder / file_name)

    def _files(self) -> dict[Path, tuple[int, int]]:
        try:
            with os.scandir(self.folder) as entries:
                stats = {
                    Path(entry.path): entry.stat()
                    for entry in entries
                    # Names with a dot are files that `write` has not finished.
                    if entry.name.endswith(".json") and not entry.name.startswith(".")
                }
        # No folder is the ordinary state before the first preset is saved.
        except OSError:
            return {}
        return {path: (stat.st_mtime_ns, stat.st_size) for path, stat in stats.items()}


def _preset(data: Any) -> Preset:
    if not isinstance(data, dict) or data.get("content") != CONTENT:
        raise ValueError(f'"content" is not {CONTENT!r}')
    if data.get("format") != FORMAT:
        raise ValueError(f"its format is {data.get('format')!r:.40}, not {FORMAT}")
    rig = data.get("fingerprint")
    if not isinstance(rig, str) or not re.fullmatch("[0-9a-f]{64}", rig):
        raise ValueError("its fingerprint is not 64 hexadecimal digits")
    routes = _list(data.get("routes"), "routes")
    bounds = _list(data.get("bounds", []), "bounds")
    return Preset(
        # Keyword arguments are evaluated in order: the name is checked before the line below quotes
        # it.
        name=_text(data.get("name"), "name", LONGEST_NAME),
        fingerprint=rig,
        mesh=_text(data.get("mesh"), "mesh", LONGEST_NAME),
        routing=Routing(
            tuple(_route(route) for route in routes),
            f'Preset "{data["name"]}"',
            dict(_bound(bound) for bound in bounds),
        ),
    )


def _route(data: Any) -> Route:
    goal = _goal(data)
    return Route(
        _text(data.get("channel"), "channel", LONGEST_NAME),
        goal.kind,
        goal.name,
        _number(data.get("gain", 1.0), "gain"),
        _number(data.get("offset", 0.0), "offset"),
    )


def _bound(data: Any) -> tuple[Target, tuple[float, float]]:
    goal = _goal(data)
    low, high = _number(data.get("low"), "low"), _number(data.get("high"), "high")
    if low > high:
        raise ValueError(f"the bounds {low:g} and {high:g} are not in order")
    return goal, (low, high)


def _goal(data: Any) -> Target:
    if not isinstance(data, dict):
        raise ValueError("an entry is not an object")
    kind = data.get("kind", "shape")
    if kind not in KINDS:
        raise ValueError(f"kind {kind!r:.40} is not one of {', '.join(KINDS)}")
    # The path of a bone's or property's channel contains names with quotes and brackets.
    longest = LONGEST_NAME if kind == "shape" else LONGEST_PATH
    return Target(cast(Kind, kind), _text(data.get("target"), "target", longest))


def _list(value: Any, name: str) -> Sequence[Any]:
    if not isinstance(value, list) or len(value) > MOST_ROUTES:
        raise ValueError(f"{name} is not a list of at most {MOST_ROUTES}")
    return value


def _text(value: Any, name: str, longest: int) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise ValueError(f"{name} is not a text of 1 to {longest} characters")
    value.encode("utf-8")  # half a surrogate pair raises ValueError
    # Control characters would break lines of the interface and of the file.
    if any(ord(letter) < 32 for letter in value):
        raise ValueError(f"{name} has characters that cannot be displayed")
    return value


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name} is not a number")
    if not abs(value) <= LARGEST_NUMBER:  # True for NaN too
        raise ValueError(f"{name} is beyond {LARGEST_NUMBER:g}")
    return float(value)
