"""Naming families of facial rigs as data: which shape keys play which channel. No bpy.

One JSON file is one family (``families/*.json``, and those that a person puts beside them):

    {"format": 1, "name": "sranipal", "title": "SRanipal", "source": "where the names are from",
     "channels": {"jawOpen": "Jaw_Open",
                  "mouthLeft": {"Mouth_Upper_Left": 1, "Mouth_Lower_Left": 1},
                  "mouthSmileLeft": ["MouthSmileLeft", {"CornerPull_L": 1, "CornerSlant_L": 0.3}]},
     "doubtful": {"mouthLeft": "why a person should look"}}

A channel is one key, several keys with gains, or a list of such alternatives, the best first. One
key may stand under several channels: their motions add up.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import SessionError
from ...package import rigs

FAMILY_FOLDER = Path(__file__).resolve().parent / "families"
FORMAT = 1
CHANNEL_RIG = "arkit52"
"""The rig whose channels the tables speak of."""
LARGEST_FILE = 1_000_000
"""Bytes; our own largest table is a hundredth of it."""
LONGEST_NAME = 255
"""Letters of a name; Blender itself stops at 63 bytes, 255 from 5.0 on."""
LONGEST_TEXT = 1000
MOST_ENTRIES = 1000
LARGEST_GAIN = 100.0
KINDS = ("shapes", "visemes", "basis")

HINT = "Repair the table, or take it out of the folder; docs/user_guide.md shows its form"

Keys = tuple[tuple[str, float], ...]
"""Shape keys and their gains."""


class BadFamily(SessionError):
    """A table of names that cannot be read."""

    code = "bad-family"


@dataclasses.dataclass(frozen=True, eq=False)
class Family:
    """One way in which the shape keys of a face are named; itself alone is equal to it."""

    name: str
    title: str
    """For people."""
    kind: str
    """``shapes``: a key for each movement; ``visemes``: a key for each sound; ``basis``: keys of a
    statistical model, which no table of names can use."""
    channels: Mapping[str, tuple[Keys, ...]]
    """Channel to alternatives, the best first."""
    doubtful: Mapping[str, str]
    """Channel to the reason for which a person should look."""
    endings: tuple[str, ...] = ()
    """Endings of keys that count for nothing."""
    bounds: tuple[float, float] | None = None
    """Bounds of every key; None where sliders say enough."""
    marks: tuple[str, ...] = ()
    """Keys that tell the family though they play no channel."""
    advice: str = ""
    """What to do with a face of this family that its names alone cannot move."""
    is_own: bool = False
    """True for a table that a person added."""

    def key_names(self) -> tuple[str, ...]:
        """Every key of the table, once."""
        of_channels = (
            key for options in self.channels.values() for option in options for key, _ in option
        )
        return tuple(dict.fromkeys((*of_channels, *self.marks)))


@functools.cache
def shipped_families() -> tuple[Family, ...]:
    """Our own tables, in the order of their file names: the earlier wins where two fit as well."""
    return tuple(read_family(path) for path in sorted(FAMILY_FOLDER.glob("*.json")))


def own_families(folder: Path) -> tuple[tuple[Family, ...], tuple[BadFamily, ...]]:
    """The tables in ``folder`` that can be read, and why the others cannot."""
    families, refused = [], []
    for path in sorted(folder.glob("*.json")):
        try:
            families.append(dataclasses.replace(read_family(path), is_own=True))
        except BadFamily as error:
            refused.append(error)
    return tuple(families), tuple(refused)


def read_family(path: Path) -> Family:
    """Read and check one table.

    Raises:
        BadFamily: Missing, too large, no JSON, or not of the form above.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise BadFamily(f"{path.name} has more than {LARGEST_FILE} bytes", hint=HINT)
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise BadFamily(f"{path.name} is no table of names: {error}", hint=HINT) from error
    try:
        return _family(data)
    except ValueError as error:
        raise BadFamily(f"{path.name}: {error}", hint=HINT) from error


def _family(data: Any) -> Family:
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ValueError(f'it does not begin with "format": {FORMAT}')
    kind = data.get("kind", KINDS[0])
    if kind not in KINDS:
        raise ValueError(f"kind {kind!r} is none of {', '.join(KINDS)}")
    known = set(rigs.load_rig(CHANNEL_RIG).channel_names)
    channels = _object(data.get("channels", {}), "channels")
    doubtful = _object(data.get("doubtful", {}), "doubtful")
    for channel in (*channels, *doubtful):
        if channel not in known:
            raise ValueError(f"{channel!r} is no channel of {CHANNEL_RIG}")
    family = Family(
        name=_text(data.get("name"), "name", LONGEST_NAME),
        title=_text(data.get("title"), "title", LONGEST_NAME),
        kind=kind,
        channels={channel: _options(value, channel) for channel, value in channels.items()},
        doubtful={c: _text(why, c, LONGEST_TEXT) for c, why in doubtful.items()},
        endings=_names(data.get("endings", []), "endings"),
        bounds=_bounds(data["bounds"]) if "bounds" in data else None,
        marks=_names(data.get("marks", []), "marks"),
        advice=_text(data["advice"], "advice", LONGEST_TEXT) if "advice" in data else "",
    )
    if not family.channels and not family.marks:
        raise ValueError("it names no shape key")
    return family


def _options(value: Any, channel: str) -> tuple[Keys, ...]:
    options = value if isinstance(value, list) else [value]
    if not options or len(options) > MOST_ENTRIES:
        raise ValueError(f"{channel} has {len(options)} alternatives")
    return tuple(_keys(option, channel) for option in options)


def _keys(option: Any, channel: str) -> Keys:
    if isinstance(option, str):
        option = {option: 1.0}
    gains = _object(option, channel)
    if not gains:
        raise ValueError(f"{channel} has an alternative without keys")
    return tuple((_text(key, channel, LONGEST_NAME), _gain(g, key)) for key, g in gains.items())


def _gain(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"the gain of {name!r} is no number")
    if not abs(value) <= LARGEST_GAIN:  # nor is NaN
        raise ValueError(f"the gain of {name!r} is beyond {LARGEST_GAIN:g}")
    return float(value)


def _bounds(value: Any) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError("bounds are no two numbers")
    low, high = (_gain(number, "bounds") for number in value)
    if low >= high:
        raise ValueError(f"bounds {low:g} and {high:g} are not in order")
    return low, high


def _object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict) or len(value) > MOST_ENTRIES:
        raise ValueError(f"{name} is no object of at most {MOST_ENTRIES} entries")
    return value


def _names(value: Any, name: str) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MOST_ENTRIES:
        raise ValueError(f"{name} is no list of at most {MOST_ENTRIES} names")
    return tuple(_text(entry, name, LONGEST_NAME) for entry in value)


def _text(value: Any, name: str, longest: int) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= longest or not value.isprintable():
        raise ValueError(f"{name} is no text of 1 to {longest} letters")
    return value
