"""Find the meshes of a face: the head, and the teeth, tongue and lashes that belong to it."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Iterator

import bpy

from ...package import rigs
from ..mapping.names import Mapping, map_channels
from ..mapping.recognise import SPEECH_REGIONS, Recognition, part_of
from ..mapping.routing import Routing
from . import solved
from .eligibility import is_face, problem_or_none
from .shapes import shape_names
from .wiring import wiring_of

RIG_NAME = "arkit52"
HEADS = ("head", "other")
"""Parts that can be a face of their own. They belong to another one only by an armature or a
parent; in a collection they may be another character's."""

__all__ = [
    # Exported on purpose: callers of a face import from here, wherever the pieces live.
    "RIG_NAME",
    "FacePart",
    "default_target_or_none",
    "face_objects",
    "face_of_or_none",
    "find_parts",
    "is_face",
    "mapping_of",
    "problem_or_none",
    "routing_of",
    "shape_names",
]


@dataclasses.dataclass(frozen=True)
class FacePart:
    """One mesh with facial shape keys."""

    face: bpy.types.Object
    part: str
    """``head``, ``teeth``, ``tongue``, ``lashes``, ``brows``, ``eyes``, ``beard`` or ``other``."""
    recognition: Recognition


def routing_of(target: bpy.types.Object | None) -> Routing:
    """Return the routes from channels to targets that a bake of the object writes."""
    return wiring_of(target).usable


def mapping_of(target: bpy.types.Object | None) -> Mapping:
    """Return the object's shape keys that are named like channels, in any spelling."""
    return _mapping(shape_names(target))


@functools.lru_cache(maxsize=64)
def _mapping(names: tuple[str, ...]) -> Mapping:
    # Panels ask at every redraw.
    return map_channels(rigs.load_rig(RIG_NAME), names)


def find_parts(roots: Iterable[bpy.types.Object]) -> tuple[FacePart, ...]:
    """Return every mesh with facial shape keys in and below ``roots``, the head first.

    A root is a mesh, an armature (with its children and the meshes that it deforms) or the parent
    of meshes. Objects that share their shape keys count once.
    """
    # By session id: two objects may share one set of shape keys.
    parts: dict[int, FacePart] = {}
    for candidate in _expanded(roots):
        if candidate.type == "MESH" and candidate.data.shape_keys is not None:
            uid = candidate.data.shape_keys.session_uid
            recognition = wiring_of(candidate).recognition
            # A head that only the solver can map is a face as well, which the panel then offers to
            # fit.
            if uid not in parts and (is_face(candidate) or recognition.needs_solver):
                part = part_of(candidate.name, candidate.data.name)
                parts[uid] = FacePart(candidate, part, recognition)
    # Sorted is stable: among equals the first root's parts stay first.
    return tuple(sorted(parts.values(), key=_rank))


def default_target_or_none(context: bpy.types.Context) -> bpy.types.Object | None:
    """Return the face to use when the user picked none.

    It is the face of the active object's character; else the best face among the selected objects,
    or in the active collection.
    """
    active = context.active_object
    if active is None:
        # ``all_objects`` includes those of child collections.
        parts = find_parts(context.selected_objects) or find_parts(context.collection.all_objects)
        return parts[0].face if parts else None
    found = face_of_or_none(active)
    if found is not None:
        return found
    if active.type == "MESH":  # meant, but not a face: `problem_or_none` says why
        return active
    parts = find_parts(context.selected_objects)
    return parts[0].face if parts else None


def face_of_or_none(part: bpy.types.Object) -> bpy.types.Object | None:
    """Return the face of the character that an object belongs to.

    Args:
        part: A face, which is returned itself, or a body, eye, hair, or armature.
    """
    # A mesh that speaks and looks like a head needs no search.
    if _speaks(part) and part_of(part.name, part.data.name) in HEADS:
        return part
    best: bpy.types.Object | None = None
    for roots in _circles(part):
        for found in find_parts(roots):
            if found.part in HEADS and (_speaks(found.face) or found.recognition.needs_solver):
                return found.face
            # Teeth or lashes are better than nothing where no head is found.
            best = best or found.face
    return best


def face_objects(
    target: bpy.types.Object, *, with_companions: bool = True
) -> list[bpy.types.Object]:
    """Return the meshes to bake: ``target`` first, then its companions in the scene.

    A companion has facial shape keys of its own and is a child of the target, or belongs to the
    same armature or parent; without either, teeth, tongue, lashes and the like of the same
    collection. Objects that share their shape keys count once.

    Args:
        target: The face.
        with_companions: False for the target alone.

    Raises:
        BadTarget: ``target`` is not a face, or its shape keys cannot be written.
    """
    if (problem := problem_or_none(target)) is not None:
        raise problem
    faces = [target]
    keys = {target.data.shape_keys.session_uid}
    for face in _relatives(target) if with_companions else ():
        key = getattr(face.data, "shape_keys", None)
        # A companion that cannot be written is left out: only the target itself is worth an error.
        if key is None or key.session_uid in keys or not key.is_editable or not is_face(face):
            continue
        keys.add(key.session_uid)
        faces.append(face)
    return faces


def _speaks(target: bpy.types.Object) -> bool:
    """Return True for a mesh that moves its jaw or mouth, or was fitted."""
    if target.type != "MESH":
        return False
    if solved.fit_or_none(target) is not None:
        return True
    return bool(_speech_channels() & set(routing_of(target).channels))


@functools.cache
def _speech_channels() -> frozenset[str]:
    channels = rigs.load_rig(RIG_NAME).channels
    return frozenset(c.name for c in channels if c.region in SPEECH_REGIONS)


def _circles(part: bpy.types.Object) -> Iterator[Iterable[bpy.types.Object]]:
    """Yield where to look for the face of a part, the nearest first."""
    # Nearest first: another character may share a collection or a distant parent.
    yield [part]
    armature = part if part.type == "ARMATURE" else part.find_armature()
    if armature is not None:
        yield [armature]
    parent = part.parent
    while parent is not None:
        yield [parent]
        parent = parent.parent
    is_piece = part.type == "MESH" and part_of(part.name, part.data.name) not in HEADS
    if is_piece and armature is None and part.parent is None:
        for collection in part.users_collection:
            heads = [o for o in collection.objects if o != part and _speaks(o)]
            if len(heads) == 1:  # with two heads it is unknown whose piece this is
                yield heads


def _expanded(roots: Iterable[bpy.types.Object]) -> Iterator[bpy.types.Object]:
    for root in roots:
        yield root
        yield from root.children_recursive
        if root.type == "ARMATURE":
            yield from _deformed_by(root)


def _deformed_by(armature: bpy.types.Object) -> Iterator[bpy.types.Object]:
    """Yield the meshes that ``armature`` deforms, children or not."""
    # Blender keeps no list of the meshes that an armature deforms; scenes are searched.
    for scene in armature.users_scene:
        for candidate in scene.objects:
            if candidate.type == "MESH" and candidate.find_armature() == armature:
                yield candidate


def _relatives(target: bpy.types.Object) -> Iterator[bpy.types.Object]:
    yield from target.children_recursive
    armature = target.find_armature()
    if armature is not None:
        yield from armature.children_recursive
        yield from _deformed_by(armature)
    # Only without an armature: below a common parent may stand other characters.
    elif target.parent is not None:
        yield from _expanded([target.parent])
    else:
        for collection in target.users_collection:
            for candidate in collection.objects:
                # An empty has no data.
                if part_of(candidate.name, candidate.data.name if candidate.data else "") in HEADS:
                    continue
                # Objects with a parent belong to that parent's character.
                if candidate.parent is None and getattr(candidate, "type", "") == "MESH":
                    yield candidate


def _rank(part: FacePart) -> tuple[int, bool]:
    # The most channels first; of equals, one that is named as a head.
    return -part.recognition.found, part.part != "head"
