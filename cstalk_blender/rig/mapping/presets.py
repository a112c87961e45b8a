"""Mappings as files: saved, loaded, shared, and found again by the names of a rig's keys. No bpy.

A preset is numbers and names and is checked as a stranger's: what is not plainly that is refused.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

from ...errors import SessionError
from .routing import KINDS, Kind, Route, Routing, Target

FORMAT = 1
CONTENT = "cstalk-mapping"
LARGEST_FILE = 16_000_000
"""Bytes: a solved matrix of 60 channels and 400 keys has some 24,000 routes of 100 bytes each."""
MOST_ROUTES = 60_000
LONGEST_NAME = 255
LONGEST_PATH = 1023
"""Letters of a target: a property's animation path is longer than a name."""
LARGEST_NUMBER = 1000.0

HINT = "Ask for the file again, or save the mapping anew from the Mapping panel"


class BadPreset(SessionError):
    """A file that is no mapping, or a mapping that cannot be written."""

    code = "bad-preset"


@dataclasses.dataclass(frozen=True)
class Preset:
    """A routing with a name."""

    name: str
    fingerprint: str
    """Of the rig that it was made for."""
    mesh: str
    """Name of the object that it was made on, which decides between two of one fingerprint."""
    routing: Routing


def fingerprint(shape_names: Iterable[str]) -> str:
    """Which rig it is: 64 hexadecimal digits of its shape keys' names, whatever their order.

    Args:
        shape_names: Names without the reference key, whose name depends on Blender's language.
    """
    names = "\0".join(sorted(shape_names))
    return hashlib.sha256(names.encode("utf-8", "surrogateescape")).hexdigest()


def encode(preset: Preset) -> bytes:
    """The preset as UTF-8 JSON, one route a line."""
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
        where: Its name, for messages.

    Raises:
        BadPreset: Anything in it is not as `encode` writes it.
    """
    if len(data) > LARGEST_FILE:
        raise BadPreset(f"{where} has more than {LARGEST_FILE} bytes", hint=HINT)
    try:
        return _preset(json.loads(data.decode("utf-8")))
    except (ValueError, RecursionError) as error:
        raise BadPreset(f"{where} is no mapping of ours: {error}", hint=HINT) from error


def load(path: Path) -> Preset:
    """Read and check the preset at ``path``. Raises BadPreset."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise BadPreset(f"{path.name} has more than {LARGEST_FILE} bytes", hint=HINT)
        return decode(path.read_bytes(), path.name)
    except OSError as error:
        raise BadPreset(f"Cannot read {path}: {error.strerror or error}", hint=HINT) from error


def save(folder: Path, preset: Preset) -> Path:
    """Put ``preset`` into ``folder``, over one of the same name and rig. Raises BadPreset."""
    slug = re.sub(r"[^\w-]+", "_", preset.name)[:40]
    path = folder / f"{slug}-{preset.fingerprint[:8]}.json"
    write(path, preset)
    return path


def write(path: Path, preset: Preset) -> None:
    """Put ``preset`` at ``path``, whole or not at all. Raises BadPreset."""
    data = encode(preset)
    decode(data, path.name)  # what we could not read again is not written
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".cstalk-", suffix=".json", dir=path.parent)
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        raise BadPreset(
            f"Cannot write {path}: {error.strerror or error}",
            hint="Choose an existing, writable folder",
        ) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


class Shelf:
    """The presets of one folder, read again only when a file there has changed."""

    def __init__(self, folder: Path) -> None:
        """Look at nothing yet."""
        self.folder = folder
        self._seen: dict[Path, tuple[int, int]] = {}
        self._presets: dict[Path, Preset] = {}
        self.refused: dict[Path, BadPreset] = {}
        """Files that are no presets, and why."""

    def presets(self) -> dict[Path, Preset]:
        """File to preset, the newest first."""
        seen = self._files()
        if seen != self._seen:
            self._presets, self.refused = {}, {}
            for path in sorted(seen, key=lambda p: seen[p], reverse=True):
                try:
                    self._presets[path] = load(path)
                except BadPreset as error:
                    self.refused[path] = error
            self._seen = seen
        return self._presets

    def find_or_none(self, rig: str, mesh: str) -> Preset | None:
        """The preset for the fingerprint ``rig``: that of the same mesh, else the newest."""
        fitting = [preset for preset in self.presets().values() if preset.fingerprint == rig]
        same = [preset for preset in fitting if preset.mesh == mesh]
        return next(iter((*same, *fitting)), None)

    def named_or_none(self, file_name: str) -> Preset | None:
        """The preset in the file ``file_name``."""
        return self.presets().get(self.folder / file_name)

    def _files(self) -> dict[Path, tuple[int, int]]:
        try:
            with os.scandir(self.folder) as entries:
                stats = {
                    Path(entry.path): entry.stat()
                    for entry in entries
                    if entry.name.endswith(".json") and not entry.name.startswith(".")
                }
        except OSError:
            return {}
        return {path: (stat.st_mtime_ns, stat.st_size) for path, stat in stats.items()}


def _preset(data: Any) -> Preset:
    if not isinstance(data, dict) or data.get("content") != CONTENT:
        raise ValueError(f'"content" is not {CONTENT!r}')
    if data.get("format") != FORMAT:
        raise ValueError(f"it has format {data.get('format')!r:.40}, we read {FORMAT}")
    rig = data.get("fingerprint")
    if not isinstance(rig, str) or not re.fullmatch("[0-9a-f]{64}", rig):
        raise ValueError("its fingerprint is no 64 hexadecimal digits")
    routes = _list(data.get("routes"), "routes")
    bounds = _list(data.get("bounds", []), "bounds")
    return Preset(
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
        raise ValueError("an entry is no object")
    kind = data.get("kind", "shape")
    if kind not in KINDS:
        raise ValueError(f"kind {kind!r:.40} is none of {', '.join(KINDS)}")
    longest = LONGEST_NAME if kind == "shape" else LONGEST_PATH
    return Target(cast(Kind, kind), _text(data.get("target"), "target", longest))


def _list(value: Any, name: str) -> Sequence[Any]:
    if not isinstance(value, list) or len(value) > MOST_ROUTES:
        raise ValueError(f"{name} is no list of at most {MOST_ROUTES}")
    return value


def _text(value: Any, name: str, longest: int) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise ValueError(f"{name} is no text of 1 to {longest} letters")
    value.encode("utf-8")  # half a surrogate pair is a ValueError here, and of use to nobody
    if any(ord(letter) < 32 for letter in value):
        raise ValueError(f"{name} holds letters that cannot be written")
    return value


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name} is no number")
    if not abs(value) <= LARGEST_NUMBER:  # nor is NaN
        raise ValueError(f"{name} is beyond {LARGEST_NUMBER:g}")
    return float(value)
