"""Assign the channels of a prediction to the regions that an animator directs. No bpy.

Regions, sides and bounds come from the rig definition. Two things differ from it: the four looks
of an eye are its gaze, apart from its lids, and mouthClose belongs to the jaw, since it closes the
lips over the opening of the jaw: scaled together, closed lips stay closed.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..package import rigs

REGIONS = ("brows", "eyes", "cheeks", "nose", "jaw", "mouth", "tongue", "head", "gaze")
LIPS = ("jaw", "mouth")
"""Regions whose closures are kept."""
JAW_OPEN, MOUTH_CLOSE = "jawOpen", "mouthClose"
OF_RIG = {
    # A region for each name that a rig definition uses.
    "brow": "brows",
    "eye": "eyes",
    "eyelashes": "eyes",
    "cheek": "cheeks",
    "nose": "nose",
    "jaw": "jaw",
    "teeth": "jaw",
    "mouth": "mouth",
    "tongue": "tongue",
    "head": "head",
    "neck": "head",
    "gaze": "gaze",
}
"""Region of a rig definition to region here; channels of others obey what acts over all alone."""
GAZE_PREFIX = "eyeLook"
BLINK_PREFIX = "eyeBlink"
OFFSETS: Mapping[str, Mapping[str, float]] = {
    "brows": {"browInnerUp": 1, "browOuterUp": 1, "browDown": -1},
    "eyes": {"eyeWide": 1, "eyeSquint": -1},
    "cheeks": {"cheekSquint": 1},
    "nose": {"noseSneer": 1},
    "jaw": {"jawOpen": 1},
    "mouth": {"mouthSmile": 1, "mouthFrown": -1},
    "tongue": {"tongueOut": 1},
    "head": {"headPitch": -0.35},
    "gaze": {"eyeLookUp": 1, "eyeLookDown": -1, "leftEyePitch": -0.35, "rightEyePitch": -0.35},
}
"""What an offset of 1 adds, by the start of a channel's name: brows and corners rise, lids and jaw
open, head and eyes look up by 20 degrees (0.35 radians). A rig of other names is offset in all
channels of the region."""
TIGHT: Mapping[str, float] = {
    "mouthPress": 1.0,
    "mouthRoll": 1.0,
    "mouthLowerDown": -0.5,
    "mouthUpperUp": -0.5,
    "mouthFunnel": -0.5,
}
"""Gain that a lip tightness of 1 adds, by the start of a channel's name: pressed and rolled lips
double, what parts them halves."""


@dataclasses.dataclass(frozen=True, eq=False)
class ChannelTable:
    """The channels of a prediction, by column."""

    region_of: tuple[str, ...]
    """Region of each column; empty for none."""
    columns: Mapping[str, NDArray[np.intp]]
    """Columns of each region of `REGIONS`, ascending."""
    mirrors: NDArray[np.intp]
    """Column of the same control on the other side; its own for a central one."""
    signs: NDArray[np.float32]
    """-1 where mirroring a face negates a value, else 1."""
    low: NDArray[np.float32]
    high: NDArray[np.float32]
    """Bounds of each column; infinite for channels that no rig defines."""
    offsets: NDArray[np.float32]
    """What an offset of 1 adds to each column."""
    tightness: NDArray[np.float32]
    """Gain that a lip tightness of 1 adds to each column."""
    blinks: NDArray[np.intp]
    """Columns of the lids."""

    @property
    def present(self) -> tuple[str, ...]:
        """Return the regions that have channels."""
        return tuple(region for region in REGIONS if len(self.columns[region]))


@functools.lru_cache(maxsize=16)
def table_of(rig: str, channels: tuple[str, ...]) -> ChannelTable:
    """Return the table of some channels.

    Args:
        rig: Name of a rig definition, which is asked first; may be empty or unknown.
        channels: Names in column order.
    """
    known = _known_channels(rig)
    found = [known.get(name) for name in channels]
    region_of = tuple(_region_of(name, known) for name in channels)
    columns = {
        region: np.array([i for i, r in enumerate(region_of) if r == region], np.intp)
        for region in REGIONS
    }
    place = {name: column for column, name in enumerate(channels)}
    own = range(len(channels))
    mirrors = [i if c is None else place.get(c.mirror, i) for i, c in zip(own, found, strict=True)]
    return ChannelTable(
        region_of=region_of,
        columns=columns,
        mirrors=np.array(mirrors, np.intp),
        signs=_floats(1.0 if c is None else c.mirror_sign for c in found),
        low=_floats(-np.inf if c is None else c.minimum for c in found),
        high=_floats(np.inf if c is None else c.maximum for c in found),
        offsets=_offsets(channels, region_of),
        tightness=_floats(_by_prefix(TIGHT, name) for name in channels),
        blinks=np.array([i for i in own if channels[i].startswith(BLINK_PREFIX)], np.intp),
    )


def _known_channels(rig: str) -> dict[str, rigs.Channel]:
    """Return channels by name: those of ``rig`` before those of all other definitions."""
    names = [name for name in rigs.rig_names() if name != rig]
    if rig in rigs.rig_names():
        names.append(rig)  # the last one wins
    return {channel.name: channel for name in names for channel in rigs.load_rig(name).channels}


def _region_of(name: str, known: Mapping[str, rigs.Channel]) -> str:
    if name.startswith(GAZE_PREFIX):
        return "gaze"
    if name == MOUTH_CLOSE:
        return "jaw"
    return OF_RIG.get(known[name].region, "") if name in known else ""


def _offsets(channels: tuple[str, ...], region_of: tuple[str, ...]) -> NDArray[np.float32]:
    given = [
        _by_prefix(OFFSETS.get(region, {}), name)
        for name, region in zip(channels, region_of, strict=True)
    ]
    named = {region for region, value in zip(region_of, given, strict=True) if value}
    return _floats(
        value if region in named else float(bool(region))
        for value, region in zip(given, region_of, strict=True)
    )


def _by_prefix(values: Mapping[str, float], name: str) -> float:
    return next((value for start, value in values.items() if name.startswith(start)), 0.0)


def _floats(values: object) -> NDArray[np.float32]:
    return np.array(list(values), np.float32)  # type: ignore[call-overload]
