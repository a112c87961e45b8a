"""What hides the keys of a face: settings that a person can change, one sentence each."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np
from numpy.typing import NDArray

from ... import compat
from ...text import listed
from ..drive import drivers
from ..drive.plan import driven_shapes, value_path
from ..fitting.expressions import NotInvertible

HIDING_MODIFIERS = {"MESH_CACHE": "Mesh Cache", "MESH_SEQUENCE_CACHE": "Mesh Sequence Cache"}
"""Modifiers that put stored vertices in the place of the shape keys' ones."""


def obstacles(face: bpy.types.Object, shape_names: Sequence[str]) -> list[str]:
    """Settings of ``face`` that hide keys on ``shape_names``, one sentence each."""
    key = face.data.shape_keys
    found = []
    if compat.lacks_slot(key):
        found.append(
            f"The Action of {face.name!r} has no slot assigned: choose one in the Action editor"
        )
    driven = sorted(driven_shapes(key) & set(shape_names))
    if driven:
        found.append(f"Drivers move {listed(driven)} on {face.name!r}, so keys there are not seen")
    muted = [name for name in shape_names if key.key_blocks[name].mute]
    if muted:
        found.append(f"Muted on {face.name!r}: {listed(muted)}")
    if face.show_only_shape_key:
        found.append(f"Shape keys of {face.name!r} are pinned: turn off the pin below their list")
    if not key.use_relative:
        found.append(f"Shape keys of {face.name!r} are absolute: turn Relative on")
    for modifier in face.modifiers:
        if modifier.type in HIDING_MODIFIERS and modifier.show_viewport:
            kind = HIDING_MODIFIERS[modifier.type]
            found.append(
                f"The {kind} modifier of {face.name!r} replaces what its shape keys do: turn it off"
            )
    return found + _nla_obstacles(face)


def locked_notes(face: bpy.types.Object, shape_names: Sequence[str]) -> list[str]:
    """Shape keys that are locked: no obstacle, as the lock is for sculpting, but worth a word."""
    blocks = face.data.shape_keys.key_blocks
    locked = [name for name in shape_names if name in blocks and blocks[name].lock_shape]
    if not locked:
        return []
    return [f"Locked on {face.name!r}, keyed all the same: {listed(locked)}"]


def _nla_obstacles(face: bpy.types.Object) -> list[str]:
    animation = face.data.shape_keys.animation_data
    if animation is None or not len(animation.nla_tracks):
        return []
    found = []
    if any(nla.is_solo for nla in animation.nla_tracks):
        found.append(f"An NLA track of {face.name!r} is solo, which hides the performance")
    if animation.action_influence < 1 or animation.action_blend_type != "REPLACE":
        found.append(f"NLA settings of {face.name!r} mix the performance with other strips")
    return found


def keyed_shapes(face: bpy.types.Object, shapes: dict[str, NDArray[np.float64]]) -> list[str]:
    """Those of ``shapes`` that are keyed themselves: a driver that is followed is no obstacle."""
    key = face.data.shape_keys
    driven = driven_shapes(key)
    source_keyed = {name for name in driven & set(shapes) if _has_source(key, name)}
    return [name for name in shapes if name in key.key_blocks and name not in source_keyed]


def _has_source(key: bpy.types.Key, name: str) -> bool:
    try:
        source = drivers.source_of(key, value_path(name))
    except NotInvertible:
        return False
    return source.owner != key
