"""Read naming families of facial rigs, which map channels to shape keys by name. No bpy.

One JSON file is one family (``families/*.json``, and files that the user adds):

    {"format": 1, "name": "sranipal", "title": "SRanipal", "source": "where the names are from",
     "channels": {"jawOpen": "Jaw_Open",
                  "mouthLeft": {"Mouth_Upper_Left": 1, "Mouth_Lower_Left": 1},
                  "mouthSmileLeft": ["MouthSmileLeft", {"CornerPull_L": 1, "CornerSlant_L": 0.3}]},
     "doubtful": {"mouthLeft": "why the user should check it"}}

A channel is one key, several keys with gains, or a list of such alternatives, the best first. One
key may serve several channels: their motions are added.
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
"""The rig whose channels the tables name."""
LARGEST_FILE = 1_000_000
"""Bytes; the largest shipped table has a hundredth of it."""
LONGEST_NAME = 255
"""Characters of a name; Blender allows 63 bytes, 255 from 5.0 on."""
# The limits below keep a file of a stranger from filling the panel or the memory: a family can be
# downloaded and dropped into the folder.
LONGEST_TEXT = 1000
MOST_ENTRIES = 1000
LARGEST_GAIN = 100.0
# The first one is the kind of a table that names none.
KINDS = ("shapes", "visemes", "basis")

HINT = "Correct the file, or remove it from the folder; docs/user_guide.md describes the format"

Keys = tuple[tuple[str, float], ...]
"""Shape keys and their gains."""


class BadFamily(SessionError):
    """A naming family that cannot be read."""

    code = "bad-family"


# ``eq=False``: compared by value it would be hashed by its fields, and dicts have no hash; the
# cache of `recognise` needs one.
@dataclasses.dataclass(frozen=True, eq=False)
class Family:
    """One convention of naming the shape keys of a face; compared by identity."""

    name: str
    title: str
    """Display name."""
    kind: str
    """``shapes``: a key for each movement; ``visemes``: a key for each viseme; ``basis``: a key for
    each component of a statistical model, which cannot be mapped by name."""
    channels: Mapping[str, tuple[Keys, ...]]
    """Channel to alternatives, the best first."""
    doubtful: Mapping[str, str]
    """Channel to the reason why the user should check it."""
    endings: tuple[str, ...] = ()
    """Endings of shape keys to ignore."""
    bounds: tuple[float, float] | None = None
    """Bounds of every key; None where the sliders are enough."""
    marks: tuple[str, ...] = ()
    """Keys that identify the family without serving a channel."""
    advice: str = ""
    """Instruction for a face of this family that cannot be mapped by names."""
    is_own: bool = False
    """True for a family that the user added."""

    def key_names(self) -> tuple[str, ...]:
        """Return every shape key of the table once."""
        # A dict drops repetitions and keeps the order; the order of a set of texts changes between
        # runs.
        of_channels = (
            key for options in self.channels.values() for option in options for key, _ in option
        )
        return tuple(dict.fromkeys((*of_channels, *self.marks)))


@functools.cache
def shipped_families() -> tuple[Family, ...]:
    """Return the shipped families in the order of their file names: the earlier wins a tie."""
    # Sorted: the order of ``glob`` depends on the file system, and with it which family wins a tie.
    return tuple(read_family(path) for path in sorted(FAMILY_FOLDER.glob("*.json")))


def own_families(folder: Path) -> tuple[tuple[Family, ...], tuple[BadFamily, ...]]:
    """Return the families in ``folder`` that can be read, and the errors of the others."""
    # One bad file must not hide the others, nor stop the recognition of every face in the scene.
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
        BadFamily: The file is missing, too large, not JSON, or not in the format above.
    """
    try:
        # The size is asked before reading: JSON of a gigabyte would freeze Blender's interface.
        if path.stat().st_size > LARGEST_FILE:
            raise BadFamily(f"{path.name} has more than {LARGEST_FILE} bytes", hint=HINT)
        data = json.loads(path.read_text(encoding="utf-8"))
    # RecursionError: deeply nested brackets exhaust Python's stack inside the JSON reader.
    except (OSError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise BadFamily(f"Not a naming family: {path.name}: {error}", hint=HINT) from error
    try:
        return _family(data)
    except ValueError as error:
        raise BadFamily(f"{path.name}: {error}", hint=HINT) from error


def _family(data: Any) -> Family:
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ValueError(f'it has no "format": {FORMAT}')
    kind = data.get("kind", KINDS[0])
    if kind not in KINDS:
        raise ValueError(f"kind {kind!r} is not one of {', '.join(KINDS)}")
    known = set(rigs.load_rig(CHANNEL_RIG).channel_names)
    channels = _object(data.get("channels", {}), "channels")
    doubtful = _object(data.get("doubtful", {}), "doubtful")
    # A misspelled channel would otherwise be ignored in silence and reported as missing on the
    # mesh.
    for channel in (*channels, *doubtful):
        if channel not in known:
            raise ValueError(f"{channel!r} is not a channel of {CHANNEL_RIG}")
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
    # A family without keys matches every mesh with zero claims.
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
    # bool is an int in Python: ``true`` would pass as a gain of 1.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"the gain of {name!r} is not a number")
    if not abs(value) <= LARGEST_GAIN:  # True for NaN too
        raise ValueError(f"the gain of {name!r} is beyond {LARGEST_GAIN:g}")
    return float(value)


def _bounds(value: Any) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError("bounds are not two numbers")
    low, high = (_gain(number, "bounds") for number in value)
    if low >= high:
        raise ValueError(f"bounds {low:g} and {high:g} are not in order")
    return low, high


def _object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict) or len(value) > MOST_ENTRIES:
        raise ValueError(f"{name} is not an object of at most {MOST_ENTRIES} entries")
    return value


def _names(value: Any, name: str) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MOST_ENTRIES:
        raise ValueError(f"{name} is not a list of at most {MOST_ENTRIES} names")
    return tuple(_text(entry, name, LONGEST_NAME) for entry in value)


def _text(value: Any, name: str, longest: int) -> str:
    # Unprintable characters would break the line of a list in the interface.
    if not isinstance(value, str) or not 0 < len(value) <= longest or not value.isprintable():
        raise ValueError(f"{name} is not a text of 1 to {longest} characters")
    return value
