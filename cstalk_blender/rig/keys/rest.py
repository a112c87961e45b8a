"""The face at rest below its lines: a track that holds every curve where no line plays.

What no strip writes falls back to its default, and in Blender 5.0 and 5.1 the default of a shape
key's value is 1: between two lines every shape would be at full strength. Held by a strip of its
own below all others, the face rests where it rested, on every version.
"""

from __future__ import annotations

import contextlib
from typing import Any

import bpy

from ... import compat

TRACK = "CSTalk Rest"
FRAMES = (0.0, 1.0)
"""Of the two equal keys: a strip has a length."""


def hold(owner: bpy.types.ID, action: bpy.types.Action) -> None:
    """Hold what ``action`` animates at its value now; what is held already stays as it is.

    Call it before a strip of ``action`` plays.
    """
    track = _track_or_none(owner)
    if track is None:
        resting = bpy.data.actions.new(f"{TRACK} {owner.name}")
    else:
        resting = track.strips[0].action
    holder = compat.curve_holder(resting, owner)
    held = {(curve.data_path, curve.array_index) for curve in holder.fcurves}
    for curve in compat.curve_holder(action, owner).fcurves:
        if (curve.data_path, curve.array_index) not in held:
            _add_curve(holder, owner, curve.data_path, curve.array_index)
    if track is None:
        animation = owner.animation_data or owner.animation_data_create()
        track = animation.nla_tracks.new(prev=None)
        track.name = TRACK
        compat.add_strip(track, resting, compat.slot_of_action(resting, owner))


def let_go(owner: bpy.types.ID) -> None:
    """Put the values back that were held, and take the track and its Action away."""
    track = _track_or_none(owner)
    if track is None:
        return
    resting = track.strips[0].action
    values = [
        (curve.data_path, curve.array_index, curve.evaluate(FRAMES[0]))
        for curve in compat.curve_holder(resting, owner).fcurves
    ]
    owner.animation_data.nla_tracks.remove(track)
    bpy.data.actions.remove(resting)
    for path, index, value in values:
        with contextlib.suppress(ValueError):  # a shape key that was deleted since
            _write(owner, path, index, value)


def _track_or_none(owner: bpy.types.ID) -> Any:
    tracks = owner.animation_data.nla_tracks if owner.animation_data is not None else ()
    ours = (track for track in tracks if track.name.startswith(TRACK) and len(track.strips))
    return next((track for track in ours if track.strips[0].action is not None), None)


def _add_curve(holder: Any, owner: bpy.types.ID, path: str, index: int) -> None:
    value = owner.path_resolve(path)
    if not isinstance(value, float | int):
        value = value[index]
    curve = holder.fcurves.new(path, index=index)
    for frame in FRAMES:
        curve.keyframe_points.insert(frame, float(value))


def _write(owner: bpy.types.ID, path: str, index: int, value: float) -> None:
    found = owner.path_resolve(path)
    if not isinstance(found, float | int):
        found[index] = value
        return
    where, _dot, name = path.rpartition(".")
    setattr(owner.path_resolve(where) if where else owner, name, value)
