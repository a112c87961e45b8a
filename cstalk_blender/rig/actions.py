"""Whose Action is it: ours is replaced, the artist's is kept while ours plays, and given back.

An Action is ours while it carries our mark *and* the name we gave it: an artist who renames or
copies it has made it their own. What we put aside is remembered on the Key itself, so that it
survives saving, undo and the add-on's removal:

    key["cstalk"] = {"previous": Action, "previous_slot": identifier, "previous_fake": 0 or 1,
                     "values": {shape key: value before}, "ranges": {shape key: [min, max] before}}
"""

from __future__ import annotations

from typing import Any

import bpy

from .. import compat
from ..errors import BadTarget

MEMORY = "cstalk"
"""Custom property of a Key (what was before) and of an Action (the name we gave it)."""


def current_action_or_none(key: bpy.types.Key) -> bpy.types.Action | None:
    """The Action that ``key`` plays."""
    return None if key.animation_data is None else key.animation_data.action


def is_ours(action: bpy.types.Action | None) -> bool:
    """True for an Action that we made and nobody renamed."""
    return action is not None and action.get(MEMORY) == action.name


def own_action_or_none(key: bpy.types.Key) -> bpy.types.Action | None:
    """The Action that ``key`` plays, when it is ours."""
    action = current_action_or_none(key)
    return action if is_ours(action) else None


def require_assignable(key: bpy.types.Key, owner: str) -> None:
    """Make sure that an Action can be assigned.

    Raises:
        BadTarget: The NLA editor holds the keys in tweak mode, where Blender refuses.
    """
    if key.animation_data is not None and key.animation_data.use_tweak_mode:
        raise BadTarget(
            f"The shape keys of {owner!r} are in NLA tweak mode",
            hint="Leave tweak mode in the NLA editor (Tab), then generate again",
        )


def install(key: bpy.types.Key, action: bpy.types.Action, name: str) -> None:
    """Let ``key`` play ``action`` under ``name``; ours goes, the artist's is put aside."""
    before = current_action_or_none(key)
    memory = _memory(key)
    if not is_ours(before):
        _put_aside(key, memory, before)
        key[MEMORY] = memory
    compat.assign_action(key, action)
    if is_ours(before) and before.get("cstalk_line") == action.get("cstalk_line"):
        _remove_if_unused(before)
    elif is_ours(before):
        before.use_fake_user = True  # another line's performance is not ours to throw away
    action.name = name
    action[MEMORY] = action.name  # as Blender shortened or numbered it


def uninstall(key: bpy.types.Key) -> bool:
    """Take our Action off ``key`` and put everything back as it was before the first bake.

    Returns:
        False when there was nothing of ours.
    """
    own = own_action_or_none(key)
    memory = _memory(key)
    if own is None and not memory:
        return False
    if own is not None:
        compat.assign_action(key, memory.get("previous"), memory.get("previous_slot", ""))
        _remove_if_unused(own)
    previous = memory.get("previous")
    if previous is not None and not memory.get("previous_fake"):
        previous.use_fake_user = False
    restore_ranges(key)
    for name, value in memory.get("values", {}).items():
        if name in key.key_blocks:
            key.key_blocks[name].value = value
    key.pop(MEMORY, None)
    return True


def remember_values(key: bpy.types.Key, names: list[str]) -> None:
    """Note the values of shape keys that we are about to animate, once."""
    memory = _memory(key)
    values = memory.setdefault("values", {})
    for name in names:
        values.setdefault(name, key.key_blocks[name].value)
    key[MEMORY] = memory


def widen_range(block: bpy.types.ShapeKey, low: float, high: float) -> bool:
    """Let the slider of ``block`` reach ``low`` and ``high``, for Blender clamps animation to it.

    Returns:
        True when it had to be changed; ``restore_ranges`` changes it back.
    """
    if low >= block.slider_min and high <= block.slider_max:
        return False
    memory = _memory(block.id_data)
    memory.setdefault("ranges", {})[block.name] = [block.slider_min, block.slider_max]
    block.id_data[MEMORY] = memory
    block.slider_min = min(block.slider_min, low)
    block.slider_max = max(block.slider_max, high)
    return True


def restore_ranges(key: bpy.types.Key) -> None:
    """Undo every ``widen_range`` on ``key``."""
    memory = _memory(key)
    for name, (low, high) in memory.pop("ranges", {}).items():
        if name in key.key_blocks:
            key.key_blocks[name].slider_min = low
            key.key_blocks[name].slider_max = high
    if memory:
        key[MEMORY] = memory


def _memory(key: bpy.types.Key) -> dict[str, Any]:
    memory = key.get(MEMORY)
    return {} if memory is None else memory.to_dict()


def _put_aside(key: bpy.types.Key, memory: dict[str, Any], action: bpy.types.Action | None) -> None:
    for name in ("previous", "previous_slot", "previous_fake"):
        memory.pop(name, None)
    if action is not None:
        memory["previous"] = action
        memory["previous_slot"] = compat.slot_name(key)
        memory["previous_fake"] = int(action.use_fake_user)
        action.use_fake_user = True


def _remove_if_unused(action: bpy.types.Action) -> None:
    if action.users == int(action.use_fake_user):
        bpy.data.actions.remove(action)
