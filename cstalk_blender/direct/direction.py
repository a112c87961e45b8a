"""Define the settings of the layers, and read and write them as plain data. No bpy.

A setting whose value is a curve is animated: one number for each frame of the prediction.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import SessionError
from .regions import REGIONS

Value: TypeAlias = float | NDArray[np.float32]
"""A constant, or one value for each frame, shape (frames,)."""

HINT = "Get the file again, or save the preset from the Direct panel"
# The panel uses them as well, so that a file cannot hold what the panel cannot show.
RANGES: Mapping[str, tuple[float, float]] = {
    "strength": (0.0, 3.0),
    "emotion": (-1.0, 3.0),
    "speech": (0.0, 3.0),
    "offset": (-1.0, 1.0),
    "smoothing_ms": (0.0, 500.0),
    "timing_ms": (-500.0, 500.0),
    "lip_tightness": (-1.0, 1.0),
    "jaw_range": (0.0, 2.0),
    "blink": (0.0, 2.0),
    "blink_rate": (0.0, 3.0),
    "asymmetry": (-1.0, 3.0),
    "gain": (-3.0, 3.0),
    "range_start_s": (-1e5, 1e5),
    "range_end_s": (-1e5, 1e5),
    "range_border_ms": (0.0, 1000.0),
}
"""Limits of every number, those of the panel too."""
# Limits for files of other people.
LONGEST_NAME = 255
MOST_CHANNELS = 2048


class BadDirection(SessionError):
    """Settings of layers that are out of range, or no settings at all."""

    code = "bad-direction"


@dataclasses.dataclass(frozen=True)
class RegionSettings:
    """Layers of one region, or over all regions; as made they change nothing."""

    strength: Value = 1.0
    """Multiplies the deviation from rest."""
    emotion: Value = 1.0
    """Share of what the emotion adds to the speech: 0 speaks without it, 2 doubles it."""
    speech: Value = 1.0
    """Multiplies the speech below the emotion."""
    offset: Value = 0.0
    """Added to the pose of the region, see `regions.OFFSETS`."""
    smoothing_ms: float = 0.0
    """Standard deviation of a Gaussian without delay."""
    timing_ms: float = 0.0
    """Positive values delay."""
    is_muted: bool = False
    """Hold the region at rest."""
    is_solo: bool = False
    """Hold all regions at rest that are not solo."""
    is_mirrored: bool = False
    """Exchange left and right."""
    range_start_s: float = 0.0
    """Second of the audio file at which the layers begin to act, see `has_range`."""
    range_end_s: float = 0.0
    """Second of the audio file after which they end."""
    range_border_ms: float = 80.0
    """Milliseconds outside of the range over which the layers fade: about a phone."""

    @property
    def has_range(self) -> bool:
        """Return whether the layers act in a part of the clip alone."""
        return self.range_end_s > self.range_start_s

    def with_range(self, other: RegionSettings) -> RegionSettings:
        """Return these settings with the range of others."""
        return dataclasses.replace(self, **{name: getattr(other, name) for name in RANGE})


RANGE = ("range_start_s", "range_end_s", "range_border_ms")
"""Fields of `RegionSettings` that say where the layers act."""


@dataclasses.dataclass(frozen=True)
class ChannelSettings:
    """Correction of one channel, after all layers."""

    gain: float = 1.0
    offset: float = 0.0


NEUTRAL_REGION = RegionSettings()
NEUTRAL_CHANNEL = ChannelSettings()


@dataclasses.dataclass(frozen=True)
class Direction:
    """All layers of a face; as made they change nothing."""

    overall: RegionSettings = NEUTRAL_REGION
    regions: Mapping[str, RegionSettings] = dataclasses.field(default_factory=dict)
    """By the names of `regions.REGIONS`; others are neutral."""
    channels: Mapping[str, ChannelSettings] = dataclasses.field(default_factory=dict)
    """By name; others are neutral."""
    lip_tightness: Value = 0.0
    """1 doubles pressed and rolled lips and halves what parts them; -1 loosens them."""
    jaw_range: Value = 1.0
    """Multiplies the opening of the jaw; closed lips stay closed."""
    blink: Value = 1.0
    """Multiplies the closing of the lids."""
    blink_rate: float = 1.0
    """Multiplies the number of blinks."""
    asymmetry: Value = 1.0
    """Multiplies the difference between the halves of the face; 0 is symmetric."""

    def region(self, name: str) -> RegionSettings:
        """Return the settings of one region."""
        return self.regions.get(name, NEUTRAL_REGION)

    def with_ranges(self, other: Direction) -> Direction:
        """Return this direction with the ranges of another."""
        regions = {name: self.region(name).with_range(other.region(name)) for name in REGIONS}
        overall = self.overall.with_range(other.overall)
        return dataclasses.replace(self, overall=overall, regions=regions)

    @property
    def has_solo(self) -> bool:
        """Return whether a region is solo."""
        return any(settings.is_solo for settings in self.regions.values())


def is_neutral(value: Value, neutral: float) -> bool:
    """Return whether a setting changes nothing at any frame.

    Args:
        value: The setting.
        neutral: The value that changes nothing.
    """
    if isinstance(value, np.ndarray):
        # Exactly: neutral layers must return the prediction bit by bit.
        return bool((value == neutral).all())
    return value == neutral


def as_json(direction: Direction) -> dict[str, Any]:
    """Return what differs from neutral as plain data; a curve becomes its mean."""
    made: dict[str, Any] = _differences(direction, Direction())
    overall = _differences(direction.overall, NEUTRAL_REGION)
    regions = {
        name: found
        for name in REGIONS
        if (found := _differences(direction.region(name), NEUTRAL_REGION))
    }
    # Sorted, so that equal settings are equal texts.
    channels = {
        name: found
        for name, settings in sorted(direction.channels.items())
        if (found := _differences(settings, NEUTRAL_CHANNEL))
    }
    parts = {"overall": overall, "regions": regions, "channels": channels}
    return {**made, **{name: part for name, part in parts.items() if part}}


def from_json(data: Any) -> Direction:
    """Read plain data; what is missing is neutral.

    Raises:
        BadDirection: A name is unknown, or a value is of another type or out of range.
    """
    try:
        values = _object(data, "the settings")
        parts = {name: values.get(name, {}) for name in ("overall", "regions", "channels")}
        own = {name: value for name, value in values.items() if name not in parts}
        regions = _object(parts["regions"], "regions")
        channels = _object(parts["channels"], "channels")
        # The first in the alphabet, as a set has no order.
        if unknown := set(regions) - set(REGIONS):
            raise ValueError(f"unknown region {min(unknown)!r:.40}")
        if len(channels) > MOST_CHANNELS or any(len(name) > LONGEST_NAME for name in channels):
            raise ValueError("too many channels, or names that are too long")
        return Direction(
            overall=_read(RegionSettings, parts["overall"], "overall"),
            regions={name: _read(RegionSettings, part, name) for name, part in regions.items()},
            channels={name: _read(ChannelSettings, part, name) for name, part in channels.items()},
            **dataclasses.asdict(_read(_Own, own, "the settings")),
        )
    except ValueError as error:
        raise BadDirection(f"Not settings of CSTalk's layers: {error}", hint=HINT) from error


@dataclasses.dataclass(frozen=True)
class _Own:
    """Settings of a direction that are plain numbers."""

    lip_tightness: float = 0.0
    jaw_range: float = 1.0
    blink: float = 1.0
    blink_rate: float = 1.0
    asymmetry: float = 1.0


def _read(kind: Any, data: Any, where: str) -> Any:
    """Return an instance of a dataclass of numbers and switches.

    Raises:
        ValueError: A field is unknown, of another type or out of range.
    """
    values = _object(data, where)
    defaults = {field.name: field.default for field in dataclasses.fields(kind)}
    for name, value in values.items():
        if name not in defaults:
            raise ValueError(f"unknown setting {name!r:.40} of {where}")
        # Switches before numbers, since bool is an int in Python.
        if isinstance(defaults[name], bool):
            if not isinstance(value, bool):
                raise ValueError(f"{name} of {where} is not true or false")
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{name} of {where} is not a number")
        low, high = RANGES[name]
        if not low <= value <= high:  # False for NaN too
            raise ValueError(f"{name} of {where} is {value:g}, not {low:g} to {high:g}")
    return kind(**{n: v if isinstance(v, bool) else float(v) for n, v in values.items()})


def _differences(settings: Any, neutral: Any) -> dict[str, Any]:
    """Return the numbers and switches of a dataclass that are not neutral."""
    found: dict[str, Any] = {}
    for field in dataclasses.fields(settings):
        value, default = getattr(settings, field.name), getattr(neutral, field.name)
        if isinstance(value, np.ndarray):
            # A preset is for any clip: a curve has no meaning there but its mean.
            value = float(value.mean())
        if isinstance(value, bool | int | float) and value != default:
            # Six digits hide the rounding of float32 sliders: 0.1 stays 0.1.
            found[field.name] = value if isinstance(value, bool) else round(float(value), 6)
    return found


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{where} is no object")
    return value
