"""Name settings of a face that hide its keyframes, one sentence for each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ... import compat
from ...text import listed
from ..drive import drivers
from ..drive.plan import driven_shapes, owners_of, value_path
from ..fitting.expressions import NotInvertible

# They come from caches of simulations, after the shape keys in the stack.
HIDING_MODIFIERS = {"MESH_CACHE": "Mesh Cache", "MESH_SEQUENCE_CACHE": "Mesh Sequence Cache"}
"""Modifiers that replace the vertices that shape keys make."""
CLAMPED = 0.01
"""A slider that ends this much below a curve's value hides a part of it."""

# As Blender writes the path of a bone's rotation.
_ROTATION = re.compile(r'^pose\.bones\["(.*)"\]\.(rotation_\w+)$')
_MODES = {"rotation_quaternion": "QUATERNION", "rotation_axis_angle": "AXIS_ANGLE"}
_MODE_NAMES = {"QUATERNION": "Quaternion", "AXIS_ANGLE": "Axis Angle"}


def obstacles(face: bpy.types.Object, keyed: Mapping[str, NDArray[np.float64]]) -> list[str]:
    """Return the settings of a face that hide its keyframes.

    Args:
        face: A baked face.
        keyed: Keyed shape keys and their values, each (frames,).
    """
    key = face.data.shape_keys
    found = []
    # Since Blender 4.4 an Action has slots, and without one assigned it plays nothing.
    if compat.lacks_slot(key):
        found.append(
            f"The Action of {face.name!r} has no slot assigned: choose one in the Action editor"
        )
    driven = sorted(driven_shapes(key) & set(keyed))
    if driven:
        found.append(
            f"Drivers set {listed(driven)} on {face.name!r}, so keyframes there have no effect"
        )
    muted = [name for name in keyed if key.key_blocks[name].mute]
    if muted:
        found.append(f"Muted on {face.name!r}: {listed(muted)}")
    # A muted key is named already.
    found += _clamped(face, {name: v for name, v in keyed.items() if name not in muted})
    if face.show_only_shape_key:
        found.append(f"Shape keys of {face.name!r} are pinned: turn off the pin below their list")
    if not key.use_relative:
        found.append(f"Shape keys of {face.name!r} are absolute: turn Relative on")
    for modifier in face.modifiers:
        # The viewport's switch decides, as the check evaluates for the viewport.
        if modifier.type in HIDING_MODIFIERS and modifier.show_viewport:
            kind = HIDING_MODIFIERS[modifier.type]
            found.append(
                f"The {kind} modifier of {face.name!r} replaces its shape keys: turn it off"
            )
    return found + _nla_obstacles(face) + list(_wrong_rotation_modes(face))


def locked_notes(face: bpy.types.Object, shape_names: Sequence[str]) -> list[str]:
    """Return a sentence on locked shape keys: the lock is for sculpting, so they are keyed.

    Args:
        face: A baked face.
        shape_names: Its keyed shape keys.
    """
    blocks = face.data.shape_keys.key_blocks
    locked = [name for name in shape_names if name in blocks and blocks[name].lock_shape]
    if not locked:
        return []
    return [f"Locked on {face.name!r}, keyed all the same: {listed(locked)}"]


def keyed_shapes(
    face: bpy.types.Object, shapes: Mapping[str, NDArray[np.float64]]
) -> dict[str, NDArray[np.float64]]:
    """Return the shape keys that are keyed directly, not through a property that a driver follows.

    Args:
        face: A baked face.
        shapes: Shape keys that the performance moves, and their values.
    """
    key = face.data.shape_keys
    driven = driven_shapes(key) & set(shapes)
    # A driver with a source that can be keyed hides nothing: that source has the keyframes.
    rerouted = {name for name in driven if _has_source(key, name)}
    return {n: v for n, v in shapes.items() if n in key.key_blocks and n not in rerouted}


def _clamped(face: bpy.types.Object, keyed: Mapping[str, NDArray[np.float64]]) -> list[str]:
    """Name sliders that end below their curve; Blender clamps animated values to them."""
    blocks = face.data.shape_keys.key_blocks
    clamped = {
        name: (blocks[name].slider_max, float(values.max(initial=0.0)))
        for name, values in keyed.items()
        if values.max(initial=0.0) > blocks[name].slider_max + CLAMPED
    }
    if not clamped:
        return []
    # The one with the largest loss stands for all.
    name, (end, wanted) = max(clamped.items(), key=lambda item: item[1][1] - item[1][0])
    more = f" and {len(clamped) - 1} more" if len(clamped) > 1 else ""
    return [
        f"The slider of {name}{more} on {face.name!r} ends at {end:.2f}, its curve reaches "
        f"{wanted:.2f}: raise Range Max below the list of shape keys"
    ]


def _nla_obstacles(face: bpy.types.Object) -> list[str]:
    animation = face.data.shape_keys.animation_data
    if animation is None or not len(animation.nla_tracks):
        return []
    found = []
    # Solo mutes the Action as well as all other tracks.
    if any(nla.is_solo for nla in animation.nla_tracks):
        found.append(f"An NLA track of {face.name!r} is solo, which hides the performance")
    if animation.action_influence < 1 or animation.action_blend_type != "REPLACE":
        found.append(f"NLA settings of {face.name!r} mix the performance with other strips")
    return found


def _wrong_rotation_modes(face: bpy.types.Object) -> Iterator[str]:
    """Name drivers that follow the face but set a rotation which their bone does not use."""
    armature = face.find_armature()
    if armature is None or armature.animation_data is None:
        return
    # The shape keys and everything that their drivers follow.
    followed = owners_of([face])
    named = set()
    for curve in armature.animation_data.drivers:
        match = _ROTATION.match(curve.data_path)
        if match is None or not _follows(curve, followed):
            continue
        name, prop = bpy.utils.unescape_identifier(match[1]), match[2]
        bone = armature.pose.bones.get(name)
        if bone is None or (name, prop) in named:
            continue
        # All Euler orders read the same property.
        mode = bone.rotation_mode if bone.rotation_mode in _MODE_NAMES else "EULER"
        if mode != _MODES.get(prop, "EULER"):
            named.add((name, prop))
            shown = _MODE_NAMES.get(mode, "Euler")
            wanted = _MODE_NAMES.get(_MODES.get(prop, ""), "XYZ Euler")
            yield (
                f"A driver sets {prop} of the bone {name!r}, which is in {shown} mode: set its "
                f"Rotation Mode to {wanted}"
            )


def _follows(curve: Any, owners: Sequence[bpy.types.ID]) -> bool:
    return any(
        target.id in owners
        for variable in curve.driver.variables
        for target in variable.targets
        if target.id is not None
    )


def _has_source(key: bpy.types.Key, name: str) -> bool:
    try:
        source = drivers.source_of(key, value_path(name))
    except NotInvertible:
        return False
    # A source on the same shape keys cannot be keyed, see `plan`.
    return source.owner != key
