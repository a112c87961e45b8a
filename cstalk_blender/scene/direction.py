"""Keep the direction of a face's performance on its object: the layers of every region.

The settings can be keyed; `direction_of` samples the keys at the frames of a performance. Main
thread only.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from .. import compat
from ..direct import direction as directions
from ..rig.keys import ownership

REGIONS = ("brows", "eyes", "cheeks", "nose", "jaw", "mouth", "tongue", "head", "gaze")
"""Those of `direct.regions`, which is not read when the add-on is enabled."""
OVERALL = "overall"
NUMBERS = ("strength", "emotion", "speech", "offset", "smoothing_ms", "timing_ms")
SWITCHES = {"mute": "is_muted", "solo": "is_solo", "mirror": "is_mirrored"}
"""Properties of a region that are switches, and the fields of `RegionSettings`."""
CURVES = ("strength", "emotion", "speech", "offset")
"""Numbers of a region whose keys are sampled; smoothing and timing are constant in a clip."""
RANGE = ("range_start_s", "range_end_s", "range_border_ms")
"""Numbers of a region that say where its layers act."""
FACE_NUMBERS = ("lip_tightness", "jaw_range", "blink", "asymmetry")
FACE_CONSTANTS = ("blink_rate",)
"""Numbers of the whole face whose keys are not sampled."""

on_change: Callable[[bpy.types.Object], None] | None = None
"""Called when the user changes a setting of a face; set by `jobs.direct`."""
_held = 0
"""Above 0 changes are not reported."""


def _changed(group: Any, _context: bpy.types.Context) -> None:
    if on_change is not None and not _held:
        on_change(group.id_data)


@contextlib.contextmanager
def held_changes() -> Iterator[None]:
    """Report no changes of settings within the block."""
    global _held  # noqa: PLW0603  Blender calls `_changed` without any other state
    _held += 1
    try:
        yield
    finally:
        _held -= 1


def _number(name: str, text: str, **limits: Any) -> Any:
    default = limits.pop("default", 1.0)
    return bpy.props.FloatProperty(
        name=name,
        description=f"{text} (default: {default:g})",
        default=default,
        update=_changed,
        options={"ANIMATABLE"},
        **{"step": 5, "precision": 2, **limits},
    )


def _switch(name: str, text: str) -> Any:
    return bpy.props.BoolProperty(
        name=name, description=f"{text} (default: off)", update=_changed, options=set()
    )


class CSTALK_PG_layers(bpy.types.PropertyGroup):
    """Layers of one region, or over all of them."""

    strength: _number(
        "Strength",
        "Factor on the movement of the region: 0 is rest, 1 as generated",
        min=0.0,
        soft_max=2.0,
        max=3.0,
    )
    emotion: _number(
        "Emotion",
        "Share of the emotion on top of the speech: 0 speaks without it, 2 doubles it",
        soft_min=0.0,
        min=-1.0,
        soft_max=2.0,
        max=3.0,
    )
    speech: _number(
        "Speech",
        "Factor on the speech below the emotion: 0 leaves the emotion alone",
        min=0.0,
        soft_max=2.0,
        max=3.0,
    )
    offset: _number(
        "Offset",
        "Shift of the pose, -1 to 1: brows and mouth corners up, lids and jaw open, head and "
        "eyes up by 20 degrees",
        default=0.0,
        min=-1.0,
        max=1.0,
    )
    smoothing_ms: _number(
        "Smoothing",
        "Standard deviation of the smoothing in milliseconds; closed lips and lids stay closed",
        default=0.0,
        min=0.0,
        soft_max=200.0,
        max=500.0,
        step=500,
        precision=0,
    )
    timing_ms: _number(
        "Timing",
        "Delay of the region in milliseconds; negative values move it earlier",
        default=0.0,
        soft_min=-200.0,
        min=-500.0,
        soft_max=200.0,
        max=500.0,
        step=500,
        precision=0,
    )
    range_start_s: _number(
        "Range Start",
        "Second of the audio file at which the settings begin to act",
        default=0.0,
        min=-1e5,
        max=1e5,
        step=10,
    )
    range_end_s: _number(
        "Range End",
        "Second of the audio file after which the settings end to act; without a range they act "
        "everywhere",
        default=0.0,
        min=-1e5,
        max=1e5,
        step=10,
    )
    range_border_ms: _number(
        "Range Border",
        "Milliseconds outside of the range over which the settings fade",
        default=80.0,
        min=0.0,
        max=1000.0,
        step=1000,
        precision=0,
    )
    mute: _switch("Mute", "Hold the region at rest")
    solo: _switch("Solo", "Hold all other regions at rest")
    mirror: _switch("Mirror", "Exchange the left and the right half")


class CSTALK_PG_channel(bpy.types.PropertyGroup):
    """Correction of the channel ``name``, after all layers."""

    gain: _number("Gain", "Factor on the channel", min=-3.0, soft_min=0.0, soft_max=2.0, max=3.0)
    offset: _number(
        "Offset", "Value that is added to the channel, -1 to 1", default=0.0, min=-1.0, max=1.0
    )


class CSTALK_PG_direction(bpy.types.PropertyGroup):
    """Direction of a face's performance."""

    overall: bpy.props.PointerProperty(type=CSTALK_PG_layers)
    brows: bpy.props.PointerProperty(type=CSTALK_PG_layers)
    eyes: bpy.props.PointerProperty(type=CSTALK_PG_layers)
    cheeks: bpy.props.PointerProperty(type=CSTALK_PG_layers)
    nose: bpy.props.PointerProperty(type=CSTALK_PG_layers)
    jaw: bpy.props.PointerProperty(type=CSTALK_PG_layers)
    mouth: bpy.props.PointerProperty(type=CSTALK_PG_layers)
    tongue: bpy.props.PointerProperty(type=CSTALK_PG_layers)
    head: bpy.props.PointerProperty(type=CSTALK_PG_layers)
    gaze: bpy.props.PointerProperty(type=CSTALK_PG_layers)
    lip_tightness: _number(
        "Lip Tightness",
        "Pressure of the lips, -1 to 1: 1 doubles pressed and rolled lips, -1 removes them",
        default=0.0,
        min=-1.0,
        max=1.0,
    )
    jaw_range: _number(
        "Jaw Range",
        "Factor on the opening of the jaw, 0 to 2; closed lips stay closed",
        min=0.0,
        max=2.0,
    )
    blink: _number("Blinks", "Factor on the closing of the lids, 0 to 2", min=0.0, max=2.0)
    blink_rate: _number(
        "Blink Rate",
        "Factor on the number of blinks, 0 to 3; added blinks fill the longest gaps",
        min=0.0,
        soft_max=2.0,
        max=3.0,
    )
    asymmetry: _number(
        "Asymmetry",
        "Factor on the difference between the halves of the face: 0 is symmetric",
        soft_min=0.0,
        min=-1.0,
        soft_max=2.0,
        max=3.0,
    )
    channels: bpy.props.CollectionProperty(type=CSTALK_PG_channel)
    opened: bpy.props.EnumProperty(
        name="Region",
        description="Region whose settings are shown (default: Brows)",
        items=[(name, name.capitalize(), f"Show the settings of {name}") for name in REGIONS],
        options=set(),
    )


def direction_of(
    face: bpy.types.Object, frames: NDArray[np.float64] | None = None
) -> directions.Direction:
    """Return the direction that a face's settings describe.

    Args:
        face: The face.
        frames: Scene frame of each frame of the performance, shape (frames,): keyed settings are
            sampled there. None takes the present values.
    """
    group = face.cstalk_direction
    read = _Reader(face, frames)
    return directions.Direction(
        overall=_read_layers(read, group, OVERALL),
        regions={name: _read_layers(read, group, name) for name in REGIONS},
        channels={
            item.name: directions.ChannelSettings(float(item.gain), float(item.offset))
            for item in group.channels
            if item.gain != 1 or item.offset
        },
        **{name: read(group, name) for name in FACE_NUMBERS},
        **{name: round(float(getattr(group, name)), 6) for name in FACE_CONSTANTS},
    )


def keyed_settings(face: bpy.types.Object) -> list[str]:
    """Return the names of settings with keys over time, as "brows strength"."""
    start = face.cstalk_direction.path_from_id() + "."
    paths = [curve.data_path for curve in compat.curves_of(face)]
    return [path.removeprefix(start).replace(".", " ") for path in paths if path.startswith(start)]


def fingerprint(face: bpy.types.Object) -> str:
    """Return a digest of all settings that are not at rest, and of the keys of keyed ones."""
    curves = {curve.data_path: curve for curve in compat.curves_of(face)}
    parts: list[str] = []
    for owner, name in _settings(face):
        value, default = getattr(owner, name), owner.bl_rna.properties[name].default
        if not curves and value == default:
            continue  # most settings; their paths take half of the time
        path = f"{owner.path_from_id()}.{name}"
        if path in curves:
            parts.append(f"{path}={ownership.digest(curves[path])}")
        elif value != default:
            parts.append(f"{getattr(owner, 'name', '')}{path}={value:g}")
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=8).hexdigest()


def _settings(face: bpy.types.Object) -> Iterator[tuple[Any, str]]:
    """Yield owner and name of every setting of a face."""
    group = face.cstalk_direction
    for region in (OVERALL, *REGIONS):
        yield from ((getattr(group, region), name) for name in (*NUMBERS, *RANGE, *SWITCHES))
    yield from ((group, name) for name in (*FACE_NUMBERS, *FACE_CONSTANTS))
    yield from ((item, name) for item in group.channels for name in ("gain", "offset"))


def write(face: bpy.types.Object, direction: directions.Direction) -> None:
    """Set the settings of a face; the change is not reported.

    Args:
        face: The face.
        direction: The new settings; a curve is set as its mean, keys stay.
    """
    group = face.cstalk_direction
    with held_changes():
        for name in (OVERALL, *REGIONS):
            settings = direction.overall if name == OVERALL else direction.region(name)
            _write_layers(getattr(group, name), settings)
        for name in (*FACE_NUMBERS, *FACE_CONSTANTS):
            setattr(group, name, float(np.mean(getattr(direction, name))))
        group.channels.clear()
        for name, settings in direction.channels.items():
            item = group.channels.add()
            item.name, item.gain, item.offset = name, settings.gain, settings.offset


def reset_region(face: bpy.types.Object, region: str) -> None:
    """Reset the settings of one region; the change is not reported.

    Args:
        face: The face.
        region: A name of `REGIONS`.
    """
    with held_changes():
        _write_layers(getattr(face.cstalk_direction, region), directions.RegionSettings())


def set_range(face: bpy.types.Object, region: str, start_s: float, end_s: float) -> None:
    """Limit the layers of one region to a range; the change is not reported.

    Args:
        face: The face.
        region: A name of `REGIONS`, or `OVERALL`.
        start_s: Second of the audio file.
        end_s: Second of the audio file; not above ``start_s`` removes the range.
    """
    part = getattr(face.cstalk_direction, region)
    with held_changes():
        part.range_start_s = start_s if end_s > start_s else 0.0
        part.range_end_s = end_s if end_s > start_s else 0.0


def is_neutral(face: bpy.types.Object) -> bool:
    """Return whether the settings of a face change nothing; settings with keys may."""
    return not keyed_settings(face) and not directions.as_json(direction_of(face))


def attach() -> None:
    """Add the direction to objects."""
    bpy.types.Object.cstalk_direction = bpy.props.PointerProperty(type=CSTALK_PG_direction)  # type: ignore[func-returns-value]


def detach() -> None:
    """Undo `attach`."""
    del bpy.types.Object.cstalk_direction


class _Reader:
    """Reads settings, and samples those that are keyed."""

    def __init__(self, face: bpy.types.Object, frames: NDArray[np.float64] | None) -> None:
        self._frames = frames
        curves = () if frames is None else compat.curves_of(face)
        self._curves = {curve.data_path: curve for curve in curves}

    def __call__(self, group: Any, name: str) -> Any:
        """Return a number, or an array of one number a frame."""
        path = f"{group.path_from_id()}.{name}" if self._curves else ""
        if path not in self._curves or self._frames is None:
            return round(float(getattr(group, name)), 6)  # float32 of the panel: 0.3 is 0.3
        curve, limits = self._curves[path], group.bl_rna.properties[name]
        values = np.array([curve.evaluate(frame) for frame in self._frames], np.float32)
        return np.clip(values, limits.hard_min, limits.hard_max)


def _read_layers(read: _Reader, group: Any, name: str) -> directions.RegionSettings:
    part = getattr(group, name)
    numbers: dict[str, Any] = {
        number: read(part, number) if number in CURVES else round(float(getattr(part, number)), 3)
        for number in NUMBERS
    }
    switches = {field: bool(getattr(part, switch)) for switch, field in SWITCHES.items()}
    places = {name: round(float(getattr(part, name)), 4) for name in RANGE}
    return directions.RegionSettings(**numbers, **places, **switches)


def _write_layers(part: CSTALK_PG_layers, settings: directions.RegionSettings) -> None:
    for number in NUMBERS:
        setattr(part, number, float(np.mean(getattr(settings, number))))
    for name in RANGE:
        setattr(part, name, getattr(settings, name))
    for switch, field in SWITCHES.items():
        setattr(part, switch, getattr(settings, field))


CLASSES = (CSTALK_PG_layers, CSTALK_PG_channel, CSTALK_PG_direction)
