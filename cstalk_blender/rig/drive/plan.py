"""Plan what to key on a face: its shape keys, or the properties their drivers follow, and bones."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Sequence

import bpy

from ...package import rigs, track
from ..binding.targets import RIG_NAME
from ..fitting.expressions import NotInvertible
from ..mapping.routing import Routing
from . import drivers, eyes
from .properties import PropertyTarget
from .target_curves import AXES, TargetCurve, target_curves
from .values import read_value

# Rotations of other modes are converted when the curves are merged.
BONE_PROPERTIES = {"rotation": "rotation_euler", "location": "location"}
OTHER_GROUP = "Face"
"""Group of F-curves that no single channel of the rig owns."""


@dataclasses.dataclass
class Plan:
    """Properties to key on one face, and shape keys that cannot be keyed."""

    face: bpy.types.Object
    known: set[str]
    """Channels of the track that the face has, driven ones included."""
    keyed: set[str]
    """Channels of the track that will be keyed."""
    targets: list[PropertyTarget]
    driven: dict[str, str]
    """Shape keys left to their drivers, and the reasons."""
    rerouted: list[str]
    """Shape keys whose drivers' sources are keyed instead."""


def plan_face(
    face: bpy.types.Object, curves: track.CurveTrack, routing: Routing | None = None
) -> Plan:
    """Return what has to be keyed so that ``face`` performs ``curves``.

    Args:
        face: A face mesh.
        curves: The performance.
        routing: Channels to shape keys and bones; None for the routing of the face.
    """
    plan = Plan(face, set(), set(), [], {}, [])
    groups = _groups()
    key = face.data.shape_keys
    # In the routing's order, which becomes the order of F-curves.
    for curve in target_curves(face, curves, routing):
        group = groups.get(curve.channels[0], OTHER_GROUP) if curve.channels else OTHER_GROUP
        plan.known.update(curve.channels)
        try:
            target = _property_target(face, curve, group)
        # A shape key that cannot be reached is reported, while the rest of the face performs.
        except NotInvertible as why:
            plan.driven[curve.target] = str(why)
            continue
        if target.owner != key and curve.kind == "shape":
            plan.rerouted.append(curve.target)
        plan.targets.append(target)
        plan.keyed.update(curve.channels)
    return plan


def body_property(face: bpy.types.Object, kind: str, target: str) -> tuple[bpy.types.ID, str, int]:
    """Return owner, animation path and component of a bone's channel or a property.

    Args:
        face: The face mesh; bones are those of its armature.
        kind: ``bone`` or ``property``.
        target: For a bone ``name:rotation_x`` (or ``_y``, ``_z``, or ``location_``); for a property
            its animation path on the armature, else on the face.

    Raises:
        NotInvertible: There is no such bone or property.
    """
    # Bones belong to the armature object's pose, not to its data.
    armature = face.find_armature()
    if kind == "bone":
        name, _colon, channel = target.rpartition(":")
        what, _line, axis = channel.rpartition("_")
        if armature is None or name not in armature.pose.bones:
            raise NotInvertible(f"the armature has no bone {name!r}")
        if what not in BONE_PROPERTIES or axis not in AXES:
            raise NotInvertible(f"{channel!r} is not a channel of a bone")
        # Quotes and backslashes in a bone's name would end the path.
        start = f'pose.bones["{bpy.utils.escape_identifier(name)}"].'
        return armature, start + BONE_PROPERTIES[what], AXES.index(axis)
    path, index = drivers.split_index(target)
    if path == eyes.OBJECT_ROTATION:
        goal = eyes.head_target_or_none(face)
        if goal is None:
            raise NotInvertible("the object that head motion turns was removed")
        return goal, path.rpartition(":")[2], index
    # The armature first: rigs keep their sliders there.
    for owner in (armature, face):
        if owner is not None:
            # Reading proves that the property exists and is a number.
            with contextlib.suppress(ValueError):
                read_value(owner, path, index)
                return owner, path, index
    raise NotInvertible(f"neither the armature nor the face has the property {target!r}")


def value_path(shape_name: str) -> str:
    """Return the animation path of a shape key's value."""
    return f'key_blocks["{bpy.utils.escape_identifier(shape_name)}"].value'


def driven_shapes(key: bpy.types.Key) -> set[str]:
    """Return the names of shape keys whose value a driver sets: it overrides keyframes."""
    if key.animation_data is None:
        return set()
    # Animation paths are compared, since drivers know paths and not shape keys.
    paths = {driver.data_path for driver in key.animation_data.drivers}
    return {block.name for block in key.key_blocks if value_path(block.name) in paths}


def owners_of(faces: Sequence[bpy.types.Object]) -> list[bpy.types.ID]:
    """Return all data blocks that a performance of ``faces`` may key, shape keys first."""
    found: list[bpy.types.ID] = [face.data.shape_keys for face in faces]
    for face in faces:
        armature = face.find_armature()
        found += [] if armature is None else [armature, armature.data]
        goal = eyes.head_target_or_none(face)
        found += [] if goal is None else [goal]
        level = [face.data.shape_keys]
        # As far as `drivers.source_of` follows a chain.
        for _depth in range(drivers.DEEPEST):
            level = [owner for start in level for owner in _followed(start)]
            found += level
    unique: dict[tuple[str, str], bpy.types.ID] = {}
    # By type and full name: libraries may hold blocks of the same name.
    for owner in found:
        unique.setdefault((owner.id_type, owner.name_full), owner)
    return list(unique.values())


def _followed(owner: bpy.types.ID) -> list[bpy.types.ID]:
    """Return the other data blocks that drivers of ``owner`` follow."""
    if owner.animation_data is None:
        return []
    followed = {
        target.id
        for curve in owner.animation_data.drivers
        for variable in curve.driver.variables
        for target in variable.targets
    }
    # Sorted: a set of data blocks has no order of its own.
    return sorted(followed - {None, owner}, key=lambda found: found.name_full)


def _property_target(face: bpy.types.Object, curve: TargetCurve, group: str) -> PropertyTarget:
    if curve.kind == "shape":
        key, path = face.data.shape_keys, value_path(curve.target)
        if drivers.driver_of_or_none(key, path) is None:
            # Keyed directly ranks above keyed for a driver's sake, see `PropertyTarget.rank`.
            return PropertyTarget(key, path, -1, curve.values, group, rank=1)
        return _driver_source_target(key, path, curve, group)
    owner, path, index = body_property(face, curve.kind, curve.target)
    return PropertyTarget(owner, path, index, curve.values, group, rank=1)


def _driver_source_target(
    key: bpy.types.Key, path: str, curve: TargetCurve, group: str
) -> PropertyTarget:
    source = drivers.source_of(key, path)
    # Keying it would move two shapes at once.
    if source.owner == key:
        raise NotInvertible("it follows another shape key of the same mesh")
    try:
        # Proves that the source is a number, before anything is written.
        read_value(source.owner, source.path, source.index)
    except ValueError as error:
        raise NotInvertible(str(error)) from error
    return PropertyTarget(
        source.owner,
        source.path,
        source.index,
        # Rest and side let the merge tell requests of the two halves of one slider.
        source.values_for(curve.values),
        group,
        rest=source.rest,
        side=source.side,
    )


def _groups() -> dict[str, str]:
    return {
        channel.name: channel.region.capitalize() for channel in rigs.load_rig(RIG_NAME).channels
    }
