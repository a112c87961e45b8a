"""Whose Action is it: ours is replaced, the artist's is kept while ours plays, and given back.

An Action is ours while it carries our mark *and* the name we gave it: an artist who renames or
copies it has made it their own. What we put aside is remembered on the owner itself (shape keys,
or the armature whose bones and properties we key), so that it survives saving, undo and the
add-on's removal:

    owner["cstalk"] = {"previous": Action, "previous_slot": identifier, "previous_fake": 0 or 1,
                       "kept_track": NLA track that plays the artist's Action below ours,
                       "values": {shape key: value before},
                       "ranges": {shape key: [min, max] before},
                       "paths": JSON of [[data path, index, value before], ...]}
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from typing import Any

import bpy

from ... import compat
from ...errors import BadTarget

MEMORY = "cstalk"
"""Custom property of an owner (what was before) and of an Action (the name we gave it)."""
KEPT_TRACK = "CSTalk: below the performance"
"""Name of the NLA track on which a body's own Action goes on playing under ours."""


def current_action_or_none(owner: bpy.types.ID) -> bpy.types.Action | None:
    """The Action that ``owner`` plays."""
    return None if owner.animation_data is None else owner.animation_data.action


def is_ours(action: bpy.types.Action | None) -> bool:
    """True for an Action that we made and nobody renamed."""
    return action is not None and action.get(MEMORY) == action.name


def own_action_or_none(owner: bpy.types.ID) -> bpy.types.Action | None:
    """The Action that ``owner`` plays, when it is ours."""
    action = current_action_or_none(owner)
    return action if is_ours(action) else None


def has_memory(owner: bpy.types.ID) -> bool:
    """True while ``owner`` plays ours, or something of before has yet to be put back."""
    return owner.get(MEMORY) is not None or own_action_or_none(owner) is not None


def require_assignable(owner: bpy.types.ID, name: str) -> None:
    """Make sure that an Action can be assigned.

    Raises:
        BadTarget: The NLA editor holds the keys in tweak mode, where Blender refuses.
    """
    if owner.animation_data is not None and owner.animation_data.use_tweak_mode:
        keys = f"The shape keys of {name!r} are"
        body = f"The animation of {name!r} is"
        raise BadTarget(
            f"{keys if owner.id_type == 'KEY' else body} in NLA tweak mode",
            hint="Leave tweak mode in the NLA editor (Tab), then generate again",
        )


def install(owner: bpy.types.ID, action: bpy.types.Action, name: str) -> None:
    """Let ``owner`` play ``action`` under ``name``; ours goes, the artist's is put aside.

    An Action that moves a body, not shape keys, goes on playing on an NLA track below ours, which
    replaces only what it keys.
    """
    before = current_action_or_none(owner)
    memory = _memory(owner)
    if before == action:
        return
    if not is_ours(before):
        _put_aside(owner, memory, before)
        owner[MEMORY] = memory
    compat.assign_action(owner, action)
    if is_ours(before) and before.get("cstalk_line") == action.get("cstalk_line"):
        _remove_if_unused(before)
    elif is_ours(before):
        before.use_fake_user = True  # another line's performance is not ours to throw away
    action.name = name
    action[MEMORY] = action.name  # as Blender shortened or numbered it


def uninstall(owner: bpy.types.ID) -> bool:
    """Take our Action off ``owner`` and put everything back as it was before the first bake.

    Returns:
        False when there was nothing of ours.
    """
    own = own_action_or_none(owner)
    memory = _memory(owner)
    if own is None and not memory:
        return False
    if own is not None:
        compat.assign_action(owner, memory.get("previous"), memory.get("previous_slot", ""))
        _remove_if_unused(own)
    _drop_kept_track(owner, memory)
    previous = memory.get("previous")
    if previous is not None and not memory.get("previous_fake"):
        previous.use_fake_user = False
    _restore_values(owner, memory)
    owner.pop(MEMORY, None)
    return True


def remember_values(key: bpy.types.Key, names: Iterable[str]) -> None:
    """Note the values of shape keys that we are about to animate, once."""
    memory = _memory(key)
    values = memory.setdefault("values", {})
    for name in names:
        values.setdefault(name, key.key_blocks[name].value)
    key[MEMORY] = memory


def remember_paths(owner: bpy.types.ID, paths: Iterable[tuple[str, int, float]]) -> None:
    """Note (data path, index, value now) of properties that we are about to animate, once."""
    memory = _memory(owner)
    known = json.loads(memory.get("paths", "[]"))
    have = {(path, index) for path, index, _value in known}
    known += [list(entry) for entry in paths if entry[:2] not in have]
    memory["paths"] = json.dumps(known)
    owner[MEMORY] = memory


def widen_range(block: bpy.types.ShapeKey, low: float, high: float) -> bool:
    """Let the slider of ``block`` reach ``low`` and ``high``, for Blender clamps animation to it.

    Returns:
        True when it had to be changed; ``restore_ranges`` changes it back.
    """
    if low >= block.slider_min and high <= block.slider_max:
        return False
    memory = _memory(block.id_data)
    ranges = memory.setdefault("ranges", {})
    ranges.setdefault(block.name, [block.slider_min, block.slider_max])
    block.id_data[MEMORY] = memory
    block.slider_min = min(block.slider_min, low)
    block.slider_max = max(block.slider_max, high)
    return True


def restore_ranges(key: bpy.types.ID) -> None:
    """Undo every ``widen_range`` on ``key``."""
    memory = _memory(key)
    for name, (low, high) in memory.pop("ranges", {}).items():
        if name in key.key_blocks:
            key.key_blocks[name].slider_min = low
            key.key_blocks[name].slider_max = high
    if memory:
        key[MEMORY] = memory


def write_value(owner: bpy.types.ID, path: str, index: int, value: float) -> None:
    """Set the property at ``path`` of ``owner``; ``index`` -1 is a property without components.

    Raises:
        ValueError: There is no such property (any more).
    """
    target, _dot, name = path.rpartition(".")
    if path.endswith("]"):  # a custom property: ["name"] of the owner, or of what stands before it
        opening = _last_bracket(path)
        holder = owner.path_resolve(path[:opening]) if opening else owner
        holder[path[opening + 2 : -2]] = type(holder[path[opening + 2 : -2]])(value)
        return
    holder = owner.path_resolve(target) if target else owner
    if index < 0:
        setattr(holder, name, value)
    else:
        getattr(holder, name)[index] = value


def read_value(owner: bpy.types.ID, path: str, index: int) -> float:
    """Value of the property at ``path`` of ``owner``; ``index`` as for ``write_value``.

    Raises:
        ValueError: There is no such property, or it is no number.
    """
    value = owner.path_resolve(path)
    try:
        return float(value if index < 0 else value[index])
    except (TypeError, IndexError) as error:
        raise ValueError(f"{path} is no number") from error


def _last_bracket(path: str) -> int:
    return max(path.rfind('["'), path.rfind("['"))


def _memory(owner: bpy.types.ID) -> dict[str, Any]:
    memory = owner.get(MEMORY)
    return {} if memory is None else memory.to_dict()


def _restore_values(owner: bpy.types.ID, memory: dict[str, Any]) -> None:
    if owner.id_type == "KEY":
        restore_ranges(owner)
        for name, value in memory.get("values", {}).items():
            if name in owner.key_blocks:
                owner.key_blocks[name].value = value
    for path, index, value in json.loads(memory.get("paths", "[]")):
        with contextlib.suppress(ValueError, KeyError):  # gone since; nothing to put back
            write_value(owner, path, index, value)


def _put_aside(owner: bpy.types.ID, memory: dict[str, Any], action: Any) -> None:
    for name in ("previous", "previous_slot", "previous_fake"):
        memory.pop(name, None)
    if action is None:
        return
    memory["previous"] = action
    memory["previous_slot"] = compat.slot_name(owner)
    memory["previous_fake"] = int(action.use_fake_user)
    action.use_fake_user = True
    if owner.id_type != "KEY":
        track = owner.animation_data.nla_tracks.new()
        track.name = KEPT_TRACK
        compat.add_strip(track, action, memory["previous_slot"])
        memory["kept_track"] = track.name


def _drop_kept_track(owner: bpy.types.ID, memory: dict[str, Any]) -> None:
    name = memory.get("kept_track")
    if name is None or owner.animation_data is None:
        return
    track = owner.animation_data.nla_tracks.get(name)
    if track is not None:
        owner.animation_data.nla_tracks.remove(track)


def _remove_if_unused(action: bpy.types.Action) -> None:
    if action.users == int(action.use_fake_user):
        bpy.data.actions.remove(action)
