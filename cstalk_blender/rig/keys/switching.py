"""Let data blocks play one of several Actions of a face, and restore exactly what they played.

Switching only assigns: no key is written, so hand edits stay in the Action in which they were made.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable, Mapping, Sequence

import bpy

from ... import compat
from ..drive.values import read_value
from . import memory, ownership
from .tracks import has_clips


@dataclasses.dataclass(frozen=True)
class Player:
    """A data block and the Action that it plays."""

    owner: bpy.types.ID
    action: bpy.types.Action
    slot: str
    """Identifier of the slot; empty without slots."""
    ranges: Mapping[str, tuple[float, float]]
    """Slider range of each shape key that was widened."""


def players_of(owners: Iterable[bpy.types.ID], take: str) -> list[Player]:
    """Return those data blocks that play an Action of one take.

    Args:
        owners: Data blocks of a face, as `owners_of` returns them.
        take: Identity of the take, see `ownership.TAKE`.
    """
    found = ((owner, ownership.own_action_or_none(owner)) for owner in owners)
    return [
        Player(owner, action, compat.slot_name(owner), memory.widened_ranges(owner))
        for owner, action in found
        if action is not None and action.get(ownership.TAKE) == take
    ]


def keep(players: Sequence[Player]) -> None:
    """Mark the Actions of players: another performance must leave their curves as they are."""
    for player in players:
        player.action[ownership.KEPT] = True
        ownership.set_fake_user(player.action)


def play(player: Player) -> None:
    """Let a data block play an Action; an Action of the user is put aside, as by a bake.

    Args:
        player: The data block with the Action, its slot and its slider ranges.
    """
    owner, action = player.owner, player.action
    before = ownership.current_action_or_none(owner)
    if not ownership.is_ours(before):
        memory.put_aside(owner, before)
    compat.assign_action(owner, action, player.slot)
    # The present take is not a kept one: a bake that replaces it may move the user's curves on.
    action.pop(ownership.KEPT, None)
    # Nothing is evaluated before this call ends, so that the values are those of before.
    _note_values(owner)
    if owner.id_type == "KEY":
        if not has_clips(owner):  # strips may need a wider range than this take
            memory.restore_ranges(owner)
        for name, (low, high) in player.ranges.items():
            if name in owner.key_blocks:
                memory.widen_range(owner.key_blocks[name], low, high)


def release(owner: bpy.types.ID) -> None:
    """Restore what a data block had before the first bake; its Action stays complete.

    Args:
        owner: A data block that plays a take and that the next take does not key.
    """
    memory.restore_action(owner)
    memory.restore(owner, has_clips=has_clips(owner))


def copied(
    players: Sequence[Player], take: str, face: bpy.types.Object, owners: Sequence[bpy.types.ID]
) -> list[Player]:
    """Return players with Actions that nobody else uses, as another take.

    Args:
        players: Data blocks with Actions that other faces may play as well.
        take: Identity of the other take.
        face: The face that it is made for.
        owners: All data blocks of the face.
    """
    made: dict[bpy.types.Action, bpy.types.Action] = {}
    for action in dict.fromkeys(player.action for player in players):
        users = bpy.data.user_map(subset={action})[action]
        # Blender copies Actions with a duplicated face unless the preferences say otherwise.
        is_own = users <= {face, *owners}
        made[action] = own = action if is_own else action.copy()
        own[ownership.TAKE] = take
        own[ownership.FACE] = ownership.face_id(face.data.shape_keys)
        ownership.set_fake_user(own)
    return [dataclasses.replace(player, action=made[player.action]) for player in players]


def _note_values(owner: bpy.types.ID) -> None:
    if owner.id_type == "KEY":
        names = []
        for curve in compat.curves_of(owner):
            # Curves of removed shape keys stay in the Action.
            with contextlib.suppress(ValueError):
                names.append(owner.path_resolve(curve.data_path.removesuffix(".value")).name)
        memory.remember_values(owner, names)
        memory.reset_unkeyed(owner, names)
        return
    values = []
    for curve in compat.curves_of(owner):
        with contextlib.suppress(ValueError):
            index = curve.array_index if _has_components(owner, curve.data_path) else -1
            values.append((curve.data_path, index, read_value(owner, curve.data_path, index)))
    memory.remember_paths(owner, values)


def _has_components(owner: bpy.types.ID, path: str) -> bool:
    return hasattr(owner.path_resolve(path), "__len__")
