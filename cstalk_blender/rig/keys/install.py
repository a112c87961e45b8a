"""Assign the Actions of a performance to its data blocks, and take them off again.

F-curves that the user added to a CSTalk Action are never lost: a new performance carries them
on, and clearing returns them to the user's own Action.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import bpy
import numpy as np

from ... import compat
from ...errors import BadTarget, BakeFailed
from ...package import track
from ..binding.shapes import forget_shapes
from ..drive.plan import Plan, plan_face
from ..drive.properties import PropertyCurve, merge_targets
from ..drive.values import read_value
from . import memory, ownership
from .build import Group
from .tracks import has_clips
from .transfer import copy_curves

SLIDER_STEP = 0.1
"""Slider ranges are widened to the next multiple of this."""
SLIDER_TOLERANCE = 1e-4
"""A smaller overshoot is rounding and widens nothing."""


def plan_faces(
    faces: Sequence[bpy.types.Object], curves: track.CurveTrack
) -> tuple[list[Plan], list[Group]]:
    """Plan what to key on which data block; nothing is changed.

    Args:
        faces: Face meshes, the target first.
        curves: The performance.

    Returns:
        The plan of each face, and the curves of each data block.

    Raises:
        BadTarget: An Action cannot be assigned to one of the faces.
        BakeFailed: No curve of the track fits the faces.
    """
    forget_shapes()  # the user may have sculpted a key since
    for face in faces:
        require_assignable(face.data.shape_keys, face.name)
    plans = [plan_face(face, curves) for face in faces]
    # Nothing is changed before everything is known to be possible.
    if not any(plan.targets for plan in plans):
        raise _nothing_to_key(plans)
    # Over all faces, as teeth and head may follow one bone.
    groups = _by_owner(merge_targets([target for plan in plans for target in plan.targets]))
    for owner, _curves in groups:
        require_assignable(owner, owner.name)
    return plans, groups


def require_assignable(owner: bpy.types.ID, name: str) -> None:
    """Make sure that an Action can be assigned.

    Args:
        owner: The data block to assign it to.
        name: Name of the object, for the message.

    Raises:
        BadTarget: The NLA editor is in tweak mode, in which Blender refuses.
    """
    # In tweak mode Blender refuses to assign an Action.
    if owner.animation_data is not None and owner.animation_data.use_tweak_mode:
        keys = f"The shape keys of {name!r} are"
        body = f"The animation of {name!r} is"
        raise BadTarget(
            f"{keys if owner.id_type == 'KEY' else body} in NLA tweak mode",
            hint="Leave tweak mode in the NLA editor (Tab), then generate again",
        )


def install(owner: bpy.types.ID, action: bpy.types.Action) -> bpy.types.Action | None:
    """Let ``owner`` play ``action``; an Action of the user is put aside.

    Args:
        owner: The data block.
        action: A new CSTalk Action with curves for ``owner``.

    Returns:
        The CSTalk Action that was played before, if there was one.
    """
    # A renamed Action is the user's: it is put aside, not replaced.
    before = ownership.current_action_or_none(owner)
    if before is None or not ownership.is_ours(before) or ownership.is_renamed(before):
        memory.put_aside(owner, before)
        compat.assign_action(owner, action)
        if has_clips(owner):
            memory.end_with_keys(owner)
        return None
    handle = compat.slot_handle(owner)
    # Read before the new Action is assigned: afterwards the owner has another slot.
    foreign = ownership.foreign_curves(before, handle)
    # The curves of a take that is kept stay complete.
    is_shared = has_other_player(owner, before, handle) or bool(before.get(ownership.KEPT))
    compat.assign_action(owner, action)
    # ``merge=False``: where the performance has a curve, it wins.
    copied = copy_curves(foreign, compat.curve_holder(action, owner), merge=False)
    # A duplicated face still plays the old Action with the curves of the user.
    if not is_shared:
        _remove_curves(before, handle, copied)
    return before


def uninstall(owner: bpy.types.ID) -> bpy.types.Action | None:
    """Take our Action off ``owner`` and restore what was there before the first bake.

    Returns:
        The CSTalk Action that was played, for `remove_actions`; None without one.
    """
    own = ownership.own_action_or_none(owner)
    if own is None and (has_clips(owner) or not memory.has_memory(owner)):
        return None
    if own is None:
        # A batch line took our performance off: the user's Action is still put aside.
        if memory.previous_action_or_none(owner) and owner.animation_data.action is None:
            memory.restore_action(owner)
    else:
        handle = compat.slot_handle(owner)
        foreign = ownership.foreign_curves(own, handle)
        is_shared = has_other_player(owner, own, handle)
        memory.restore_action(owner)
        _return_curves(owner, foreign)
        if not is_shared:
            _remove_curves(own, handle, foreign)
    memory.restore(owner, has_clips=has_clips(owner))
    return own


def remove_actions(actions: Iterable[bpy.types.Action | None]) -> list[str]:
    """Delete CSTalk Actions that were taken off, as far as they are unchanged and unused.

    Args:
        actions: Actions; None and repeated ones are skipped.

    Returns:
        A sentence for each Action that was kept.
    """
    kept = []
    for action in dict.fromkeys(action for action in actions if action is not None):
        # A slot that only the user animates would keep the Action in use for ever.
        _release_users(action)
        kept.append(ownership.remove_or_keep(action))
    return [sentence for sentence in kept if sentence]


def widen_sliders(key: bpy.types.Key, curves: Sequence[PropertyCurve]) -> list[str]:
    """Note the values of shape keys that will be keyed, and widen sliders that are too small.

    Args:
        key: The shape keys.
        curves: Curves of values of its shape keys.

    Returns:
        Names of the shape keys whose sliders were widened.
    """
    blocks = [key.path_resolve(curve.path.removesuffix(".value")) for curve in curves]
    names = [block.name for block in blocks]
    # Noted before anything plays: afterwards the values are those of the performance.
    memory.remember_values(key, names)
    widened = []
    for block, curve in zip(blocks, curves, strict=True):
        values = curve.values
        # The tolerance inside of the rounding: a value of 1.00001 must not widen a slider to 1.1.
        low = np.floor((float(values.min()) + SLIDER_TOLERANCE) / SLIDER_STEP) * SLIDER_STEP
        high = np.ceil((float(values.max()) - SLIDER_TOLERANCE) / SLIDER_STEP) * SLIDER_STEP
        if memory.widen_range(block, low, high):
            widened.append(block.name)
    return widened


def remember(owner: bpy.types.ID, curves: Sequence[PropertyCurve]) -> list[str]:
    """Note what a performance changes on a data block.

    Args:
        owner: The data block.
        curves: Curves that will be keyed on it.

    Returns:
        Names of the shape keys whose sliders were widened.
    """
    if owner.id_type == "KEY":
        # A bake that needs less gives back what an earlier one took.
        if not has_clips(owner):  # strips may need a wider range than this performance
            memory.restore_ranges(owner)
        widened = widen_sliders(owner, curves)
        keyed = [owner.path_resolve(curve.path.removesuffix(".value")).name for curve in curves]
        memory.reset_unkeyed(owner, keyed)
        return widened
    before = [(c.path, c.index, read_value(c.owner, c.path, c.index)) for c in curves]
    memory.remember_paths(owner, before)
    return []


def _release_users(action: bpy.types.Action) -> None:
    """Give data blocks that only the user animates in a CSTalk Action an Action of their own.

    Since 4.4 Blender keys a data block into the Action of a related one: keying the location of a
    face object adds a slot to the Action that its shape keys play.
    """
    written = ownership.written_slots(action)
    # Blender's own index of users, which includes those that Python cannot list by type.
    for owner in bpy.data.user_map(subset={action})[action]:
        animation = getattr(owner, "animation_data", None)
        if animation is None or animation.action != action:
            continue
        handle = compat.slot_handle(owner)
        if handle and handle not in written:
            curves = ownership.foreign_curves(action, handle)
            compat.assign_action(owner, None)
            _return_curves(owner, curves)
            _remove_curves(action, handle, curves)


def _return_curves(owner: bpy.types.ID, curves: Sequence[Any]) -> None:
    """Copy F-curves of the user into the Action that ``owner`` plays, made when there is none."""
    if not curves:
        return
    action = ownership.current_action_or_none(owner)
    if action is None:
        action = bpy.data.actions.new(f"{owner.name}Action")  # as Blender names new Actions
        copy_curves(curves, compat.curve_holder(action, owner), merge=True)
        compat.assign_action(owner, action)
    else:
        copy_curves(curves, compat.curve_holder(action, owner), merge=True)


def has_other_player(owner: bpy.types.ID, action: bpy.types.Action, handle: int) -> bool:
    """Return True when another data block plays the same slot, as that of a duplicated face."""
    return any(
        user != owner
        and getattr(user, "animation_data", None) is not None
        and user.animation_data.action == action
        and compat.slot_handle(user) == handle
        for user in bpy.data.user_map(subset={action})[action]
    )


def _remove_curves(action: bpy.types.Action, handle: int, curves: Sequence[Any]) -> None:
    for found, bag in compat.curve_bags(action):
        if found == handle:
            # Curves can only be removed from the holder that they are in.
            for curve in curves:
                bag.remove(curve)


def _by_owner(curves: Sequence[PropertyCurve]) -> list[Group]:
    groups: dict[tuple[str, str], Group] = {}
    for curve in curves:
        place = (curve.owner.id_type, curve.owner.name_full)
        groups.setdefault(place, (curve.owner, []))[1].append(curve)
    return list(groups.values())


def _nothing_to_key(plans: list[Plan]) -> BakeFailed:
    driven = {name: why for plan in plans for name, why in plan.driven.items()}
    if driven:
        name, why = next(iter(driven.items()))
        return BakeFailed(
            f"All {len(driven)} fitting shape keys have drivers that CSTalk cannot invert, "
            f"so keyframes on them would have no effect ({name}: {why})",
            hint="Remove the drivers, or choose the mesh whose shape keys are free",
        )
    return BakeFailed(
        "No shape key fits a channel of the performance", hint="Check the names of the shape keys"
    )
