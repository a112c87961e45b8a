"""Hold a face at rest below its clips, on an NLA track of its own.

Where no strip plays a property, it falls back to its default, and in Blender 5.0 and 5.1 the
default of a shape key's value is 1: between two clips every shape would be at full strength. A
strip below all others holds the values that were there, on every version.
"""

from __future__ import annotations

import contextlib
from typing import Any

import bpy

from ... import compat
from ..drive.values import read_value, write_value

TRACK = "CSTalk Rest"
RESTING = "cstalk_rest"
"""Custom property of the Action that holds the values."""
# Two keys, as Blender gives a strip no length of 0.
FRAMES = (0.0, 1.0)
"""Of the two equal keyframes: a strip needs a length."""


def hold(owner: bpy.types.ID, action: bpy.types.Action) -> None:
    """Hold what ``action`` animates at its value now; values held already stay.

    Call it before a strip of ``action`` plays.

    Args:
        owner: The data block.
        action: An Action with curves for it.
    """
    track = _track_or_none(owner)
    if track is None:
        resting = bpy.data.actions.new(f"{TRACK} {owner.name}")
        resting[RESTING] = True
    else:
        resting = track.strips[0].action
    holder = compat.curve_holder(resting, owner)
    held = {(curve.data_path, curve.array_index) for curve in holder.fcurves}
    # Values held already are older, and are those from before the first clip.
    for curve in compat.curve_holder(action, owner).fcurves:
        if (curve.data_path, curve.array_index) not in held:
            _add_curve(holder, owner, curve.data_path, curve.array_index)
    if track is None:
        animation = owner.animation_data or owner.animation_data_create()
        track = animation.nla_tracks.new(prev=None)
        track.name = TRACK
        compat.add_strip(track, resting, compat.slot_of_action(resting, owner))


def release(owner: bpy.types.ID) -> None:
    """Restore the values that were held, and remove the track and its Action."""
    track = _track_or_none(owner)
    if track is None:
        return
    resting = track.strips[0].action
    values = [
        (curve.data_path, curve.array_index, curve.evaluate(FRAMES[0]))
        for curve in compat.curve_holder(resting, owner).fcurves
    ]
    owner.animation_data.nla_tracks.remove(track)
    if not bpy.data.user_map(subset={resting})[resting]:  # a duplicated face shares it
        bpy.data.actions.remove(resting)
    for path, index, value in values:
        with contextlib.suppress(ValueError, KeyError):  # a shape key that was deleted since
            write_value(owner, path, _component(owner, path, index), value)


def _track_or_none(owner: bpy.types.ID) -> Any:
    tracks = owner.animation_data.nla_tracks if owner.animation_data is not None else ()
    for track in tracks:
        # By its Action, since the user may rename the track.
        action = track.strips[0].action if len(track.strips) else None
        if action is not None and (action.get(RESTING) or track.name.startswith(TRACK)):
            return track
    return None


def _add_curve(holder: Any, owner: bpy.types.ID, path: str, index: int) -> None:
    value = read_value(owner, path, _component(owner, path, index))
    curve = holder.fcurves.new(path, index=index)
    for frame in FRAMES:
        curve.keyframe_points.insert(frame, value)


def _component(owner: bpy.types.ID, path: str, index: int) -> int:
    """Return ``index``, or -1 for a property without components: its F-curve has index 0."""
    return -1 if isinstance(owner.path_resolve(path), float | int) else index
