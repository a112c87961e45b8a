"""Which meshes are the face: the chosen one, and the teeth, tongue and lashes that go with it."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import bpy

from ..errors import BadTarget
from ..installation import rigs
from .mapping import Mapping, map_channels
from .routing import Routing, from_pairs

RIG_NAME = "arkit52"


def shape_names(target: bpy.types.Object | None) -> tuple[str, ...]:
    """Names of the object's shape keys; empty when it has none or cannot have any."""
    key = getattr(getattr(target, "data", None), "shape_keys", None)
    return () if key is None else tuple(block.name for block in key.key_blocks)


def mapping_of(target: bpy.types.Object | None) -> Mapping:
    """Which of the object's shape keys play which channels."""
    return _mapping(shape_names(target))


def routing_of(target: bpy.types.Object | None) -> Routing:
    """What moves what on the object: what a bake writes."""
    return from_pairs(mapping_of(target).pairs, source="Names")


@functools.lru_cache(maxsize=64)
def _mapping(names: tuple[str, ...]) -> Mapping:
    # Panels ask at every redraw.
    return map_channels(rigs.load_rig(RIG_NAME), names)


def is_face(target: bpy.types.Object) -> bool:
    """True for a mesh with at least one shape key that plays a channel."""
    return target.type == "MESH" and mapping_of(target).found > 0


def default_target_or_none(context: bpy.types.Context) -> bpy.types.Object | None:
    """The active mesh, or the best face among what hangs on the active object."""
    active = context.active_object
    if active is None or is_face(active):
        return active
    faces = [child for child in active.children_recursive if is_face(child)]
    if not faces:
        return active if active.type == "MESH" else None
    return max(faces, key=lambda face: mapping_of(face).found)


def face_objects(
    target: bpy.types.Object, *, with_companions: bool = True
) -> list[bpy.types.Object]:
    """The meshes to bake: ``target`` first, then its companions in the scene.

    A companion has shape keys of its own that play channels, and hangs on the target or on the same
    armature. Objects that share one Key count once.

    Raises:
        BadTarget: ``target`` is no face, or its keys cannot be written.
    """
    if (problem := problem_or_none(target)) is not None:
        raise problem
    faces: list[bpy.types.Object] = []
    keys = set()
    for face in (target, *(_relatives(target) if with_companions else ())):
        key = getattr(face.data, "shape_keys", None)
        usable = face == target or (is_face(face) and key.is_editable)
        if key is not None and usable and key.session_uid not in keys:
            keys.add(key.session_uid)
            faces.append(face)
    return faces


def _relatives(target: bpy.types.Object) -> Iterator[bpy.types.Object]:
    yield from target.children_recursive
    armature = target.find_armature()
    if armature is not None:
        yield from (child for child in armature.children_recursive if child != target)


def problem_or_none(target: bpy.types.Object) -> BadTarget | None:
    """Why ``target`` is no face that can be baked; None when it is one."""
    if target.type != "MESH":
        return BadTarget(
            f"{target.name!r} is a {target.type.lower()}, not a mesh",
            hint="Choose the mesh that has the face's shape keys",
        )
    if target.data.shape_keys is None:
        return BadTarget(
            f"{target.name!r} has no shape keys",
            hint="Choose a mesh with ARKit shape keys, or add a CSTalk Demo Head",
        )
    if not mapping_of(target).found:
        return BadTarget(
            f"None of the {len(shape_names(target))} shape keys of {target.name!r} is an ARKit one",
            hint="Name them as ARKit does: jawOpen, mouthSmileLeft, ...",
        )
    if not target.data.shape_keys.is_editable:
        return BadTarget(
            f"The shape keys of {target.name!r} are linked from another file",
            hint="Make the mesh local, or work in the file it comes from",
        )
    return None
