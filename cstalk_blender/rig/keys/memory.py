"""Remember on each data block what was there before the first bake, and restore it.

The memory is a custom property, so it survives saving, undo and the removal of the add-on:

    owner["cstalk"] = {"previous": Action, "previous_slot": identifier, "previous_fake": 0 or 1,
                       "kept_track": NLA track that plays the user's Action below the CSTalk Action,
                       "blend_type": how the owner's Action was blended with its NLA tracks,
                       "extrapolation": how the owner's Action acted beyond its keys,
                       "values": {shape key: value before},
                       "ranges": {shape key: [min, max] before},
                       "paths": JSON of [[data path, index, value before], ...]}
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Iterable
from typing import Any

import bpy

from ... import compat
from ..drive.values import write_value

MEMORY = "cstalk"
"""Custom property of an owner: what was there before."""
KEPT_TRACK = "CSTalk: below the performance"
"""Name of the NLA track on which an armature's own Action continues below the CSTalk Action."""


def has_memory(owner: bpy.types.ID) -> bool:
    """Return True while something of before has to be restored on ``owner``."""
    return owner.get(MEMORY) is not None


def previous_action_or_none(owner: bpy.types.ID) -> bpy.types.Action | None:
    """Return the user's Action that ``owner`` played before the first bake."""
    return _memory(owner).get("previous")


def remember_values(key: bpy.types.Key, names: Iterable[str]) -> None:
    """Note the values of shape keys that will be animated; the first note counts.

    Args:
        key: The shape keys.
        names: Names of shape keys.
    """
    memory = _memory(key)
    values = memory.setdefault("values", {})
    for name in names:
        values.setdefault(name, key.key_blocks[name].value)
    key[MEMORY] = memory


def reset_unkeyed(key: bpy.types.Key, keyed: Collection[str]) -> None:
    """Restore the values of shape keys that an earlier bake keyed and the new one does not.

    Args:
        key: The shape keys.
        keyed: Names of the shape keys that are keyed now.
    """
    for name, value in _memory(key).get("values", {}).items():
        if name in key.key_blocks and name not in keyed:
            key.key_blocks[name].value = value


def remember_paths(owner: bpy.types.ID, paths: Iterable[tuple[str, int, float]]) -> None:
    """Note the values of properties that will be animated; the first note counts.

    Args:
        owner: Data block that has the properties.
        paths: Animation path, component and value of each property.
    """
    memory = _memory(owner)
    # JSON, because custom properties cannot hold lists of mixed types.
    known = json.loads(memory.get("paths", "[]"))
    have = {(path, index) for path, index, _value in known}
    known += [list(entry) for entry in paths if entry[:2] not in have]
    memory["paths"] = json.dumps(known)
    owner[MEMORY] = memory


def widen_range(block: bpy.types.ShapeKey, low: float, high: float) -> bool:
    """Widen the slider of a shape key, because Blender clamps animation to it.

    Args:
        block: The shape key.
        low: Value that the slider must reach downwards.
        high: Value that the slider must reach upwards.

    Returns:
        True when it had to be changed; `restore_ranges` changes it back.
    """
    # Never narrowed: a slider that the user widened stays.
    if low >= block.slider_min and high <= block.slider_max:
        return False
    memory = _memory(block.id_data)
    ranges = memory.setdefault("ranges", {})
    ranges.setdefault(block.name, [block.slider_min, block.slider_max])
    block.id_data[MEMORY] = memory
    block.slider_min = min(block.slider_min, low)
    block.slider_max = max(block.slider_max, high)
    return True


def widened_ranges(owner: bpy.types.ID) -> dict[str, tuple[float, float]]:
    """Return the present slider ranges of those shape keys that `widen_range` changed."""
    if owner.id_type != "KEY":
        return {}
    blocks = (owner.key_blocks.get(name) for name in _memory(owner).get("ranges", {}))
    return {b.name: (b.slider_min, b.slider_max) for b in blocks if b is not None}


def restore_ranges(key: bpy.types.ID) -> None:
    """Undo every `widen_range` on ``key``."""
    memory = _memory(key)
    for name, (low, high) in memory.pop("ranges", {}).items():
        if name in key.key_blocks:
            key.key_blocks[name].slider_min = low
            key.key_blocks[name].slider_max = high
    # Writing an empty memory would make `has_memory` true.
    if memory:
        key[MEMORY] = memory


def put_aside(owner: bpy.types.ID, action: bpy.types.Action | None) -> None:
    """Note the user's Action, which a CSTalk Action replaces.

    That of an armature continues on an NLA track below the CSTalk Action, which adds to it.

    Args:
        owner: Data block that plays the Action.
        action: The Action, None when nothing was played.
    """
    memory = _memory(owner)
    for name in ("previous", "previous_slot", "previous_fake"):
        memory.pop(name, None)
    _restore_blend_type(owner, memory)
    if action is not None:
        memory["previous"] = action
        memory["previous_slot"] = compat.slot_name(owner)
        memory["previous_fake"] = int(action.use_fake_user)
        # Its last user may be the slot that is given up here; without a fake user it is lost on
        # saving.
        action.use_fake_user = True
        # Shape keys are left alone below: the performance replaces them, while a body goes on
        # moving.
        if owner.id_type != "KEY":
            track = owner.animation_data.nla_tracks.new()
            track.name = KEPT_TRACK
            compat.add_strip(track, action, memory["previous_slot"])
            memory["kept_track"] = track.name
            # A replacing Action would freeze the neck of a body animation.
            memory["blend_type"] = owner.animation_data.action_blend_type
            owner.animation_data.action_blend_type = "COMBINE"
    owner[MEMORY] = memory


def end_with_keys(owner: bpy.types.ID) -> None:
    """Let the Action of ``owner`` act between its first and last key alone.

    Beyond them NLA strips play, which an Action that holds its last pose would hide.
    """
    memory = _memory(owner)
    memory.setdefault("extrapolation", owner.animation_data.action_extrapolation)
    owner.animation_data.action_extrapolation = "NOTHING"
    owner[MEMORY] = memory


def restore_action(owner: bpy.types.ID) -> None:
    """Let ``owner`` play the user's Action again, or nothing."""
    memory = _memory(owner)
    # Nothing put aside means that nothing played.
    compat.assign_action(owner, memory.get("previous"), memory.get("previous_slot", ""))


def restore(owner: bpy.types.ID, *, has_clips: bool) -> None:
    """Restore values, slider ranges and NLA tracks, and forget them.

    Args:
        owner: The data block.
        has_clips: True while CSTalk strips play on it: they still need the widened sliders, and
            the values are restored when they go.
    """
    memory = _memory(owner)
    previous = memory.get("previous")
    _remove_kept_track(owner, memory)
    _restore_blend_type(owner, memory)
    # Only a fake user that was set by `put_aside` is taken away.
    if previous is not None and not memory.get("previous_fake"):
        previous.use_fake_user = False
    if has_clips:
        for name in ("previous", "previous_slot", "previous_fake", "kept_track"):
            memory.pop(name, None)
        owner[MEMORY] = memory
        return
    if owner.id_type == "KEY":
        restore_ranges(owner)
        for name, value in memory.get("values", {}).items():
            if name in owner.key_blocks:
                owner.key_blocks[name].value = value
    for path, index, value in json.loads(memory.get("paths", "[]")):
        with contextlib.suppress(ValueError, KeyError):  # the property was removed meanwhile
            write_value(owner, path, index, value)
    # The property goes when everything is back, so that a face has no trace of us.
    owner.pop(MEMORY, None)


def _memory(owner: bpy.types.ID) -> dict[str, Any]:
    memory = owner.get(MEMORY)
    # ``to_dict`` copies: changes of an ID property's group are written back explicitly.
    return {} if memory is None else memory.to_dict()


def _restore_blend_type(owner: bpy.types.ID, memory: dict[str, Any]) -> None:
    before, beyond = memory.pop("blend_type", None), memory.pop("extrapolation", None)
    if before is not None and owner.animation_data is not None:
        owner.animation_data.action_blend_type = before
    if beyond is not None and owner.animation_data is not None:
        owner.animation_data.action_extrapolation = beyond


def _remove_kept_track(owner: bpy.types.ID, memory: dict[str, Any]) -> None:
    if memory.get("kept_track") is None or owner.animation_data is None:
        return
    tracks = owner.animation_data.nla_tracks
    track = tracks.get(memory["kept_track"])
    if track is None:  # the user renamed it: a track cannot carry an identity, its strip can
        plays = (t for t in tracks if [s.action for s in t.strips] == [memory.get("previous")])
        track = next(plays, None)
    if track is not None:
        tracks.remove(track)
