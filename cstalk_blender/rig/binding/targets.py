"""Which meshes are the face: the chosen one, and the teeth, tongue and lashes that go with it."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Iterator

import bpy

from ...errors import BadTarget
from ...package import rigs
from ..mapping.names import Mapping, map_channels
from ..mapping.recognise import Recognition, part_of
from ..mapping.routing import Routing
from . import solved
from .wiring import shape_names, wiring_of

RIG_NAME = "arkit52"
LISTED_NAMES = 3
"""Shape keys that are named when none of them is known."""
MAKE_LOCAL = "Select it, then Object > Relations > Make Local > Selected Objects and Data"
MAKE_SINGLE = "Select it, then Object > Relations > Make Single User > Object & Data"
"""What gives an override a mesh of this file; Make Local leaves it the linked one."""
ASIDE = ("head", "other")
"""Parts that go with a face only where an armature or a parent says so: they may be another's."""

__all__ = [
    "RIG_NAME",
    "FacePart",
    "default_target_or_none",
    "face_objects",
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
    """What moves what on the object: what a bake writes."""
    return wiring_of(target).usable


def mapping_of(target: bpy.types.Object | None) -> Mapping:
    """Which of the object's shape keys bear the names of which channels, in any spelling."""
    return _mapping(shape_names(target))


@functools.lru_cache(maxsize=64)
def _mapping(names: tuple[str, ...]) -> Mapping:
    # Panels ask at every redraw.
    return map_channels(rigs.load_rig(RIG_NAME), names)


def is_face(target: bpy.types.Object) -> bool:
    """True for a mesh with at least one shape key that plays a channel, or that was solved."""
    return target.type == "MESH" and (
        bool(routing_of(target)) or solved.fit_or_none(target) is not None
    )


def find_parts(roots: Iterable[bpy.types.Object]) -> tuple[FacePart, ...]:
    """Every mesh with facial shape keys in and below ``roots``, the head first.

    A root is a mesh, an armature (with all that hangs on it or is bent by it) or the parent of
    meshes. Objects that share one Key count once.
    """
    parts: dict[int, FacePart] = {}
    for candidate in _expanded(roots):
        if candidate.type == "MESH" and candidate.data.shape_keys is not None:
            uid = candidate.data.shape_keys.session_uid
            recognition = wiring_of(candidate).recognition
            if uid not in parts and (is_face(candidate) or recognition.needs_solver):
                part = part_of(candidate.name, candidate.data.name)
                parts[uid] = FacePart(candidate, part, recognition)
    return tuple(sorted(parts.values(), key=_rank))


def default_target_or_none(context: bpy.types.Context) -> bpy.types.Object | None:
    """The face that is meant when none was picked.

    The active mesh; else the best face below the active object, among the selected ones, or in
    the active collection.
    """
    active = context.active_object
    if active is None or not is_face(active):
        for roots in _places(context, active):
            if parts := find_parts(roots):
                return parts[0].face
    return active if active is None or active.type == "MESH" else None


def face_objects(
    target: bpy.types.Object, *, with_companions: bool = True
) -> list[bpy.types.Object]:
    """The meshes to bake: ``target`` first, then its companions in the scene.

    A companion has facial shape keys of its own and hangs on the target, on the same armature or
    on the same parent; without either, teeth, tongue, lashes and the like of the same collection.
    Objects that share one Key count once.

    Raises:
        BadTarget: ``target`` is no face, or its keys cannot be written.
    """
    if (problem := problem_or_none(target)) is not None:
        raise problem
    faces = [target]
    keys = {target.data.shape_keys.session_uid}
    for face in _relatives(target) if with_companions else ():
        key = getattr(face.data, "shape_keys", None)
        if key is None or key.session_uid in keys or not key.is_editable or not is_face(face):
            continue
        keys.add(key.session_uid)
        faces.append(face)
    return faces


def problem_or_none(target: bpy.types.Object) -> BadTarget | None:
    """Why ``target`` is no face that can be baked; None when it is one."""
    if target.type != "MESH":
        kind = target.type.lower()
        return BadTarget(
            f"{target.name!r} is {'an' if kind[0] in 'aeiou' else 'a'} {kind}, not a mesh",
            hint="Choose the mesh that has the face's shape keys",
        )
    if target.data.shape_keys is None:
        return BadTarget(
            f"{target.name!r} has no shape keys",
            hint="Choose a mesh with facial shape keys, or add a CSTalk Demo Head",
        )
    if not is_face(target):
        return _unknown(target)
    if not target.data.shape_keys.is_editable:
        return BadTarget(
            f"The shape keys of {target.name!r} are linked from another file",
            hint=f"{MAKE_LOCAL}; a library override alone is not enough"
            if target.override_library is None
            else f"The library override has no mesh of its own. {MAKE_SINGLE}",
        )
    if target.data.override_library is not None:
        return BadTarget(
            f"The mesh of {target.name!r} is a library override: Blender would lose the keys of "
            "its shape keys with the next saving",
            hint=MAKE_SINGLE,
        )
    return None


def _unknown(target: bpy.types.Object) -> BadTarget:
    """Why no shape key of ``target`` can be used, and what helps."""
    wiring = wiring_of(target)
    if not wiring.shape_names:
        return BadTarget(
            f"{target.name!r} has only its reference shape key, and nothing that could move",
            hint="Choose the mesh that has the face's shape keys, or add a CSTalk Demo Head",
        )
    family = wiring.recognition.family
    if family is not None and wiring.recognition.needs_solver:
        return BadTarget(f"{target.name!r} is a {family.title} head", hint=family.advice)
    names = ", ".join(f'"{name}"' for name in wiring.shape_names[:LISTED_NAMES])
    more = ", ..." if len(wiring.shape_names) > LISTED_NAMES else ""
    return BadTarget(
        f"None of the {len(wiring.shape_names)} shape keys of {target.name!r} bears a name of a "
        f"face that we know ({names}{more})",
        hint="Under Rig let Fit This Face find what they do, or pick keys by hand or load a preset "
        "under Mapping, or choose another mesh",
    )


def _places(
    context: bpy.types.Context, active: bpy.types.Object | None
) -> Iterator[Iterable[bpy.types.Object]]:
    if active is not None:
        yield [active]
        if active.type == "MESH":  # a mesh without a face was meant; it is told why it is none
            return
    yield context.selected_objects
    if active is None:
        yield context.collection.all_objects


def _expanded(roots: Iterable[bpy.types.Object]) -> Iterator[bpy.types.Object]:
    for root in roots:
        yield root
        yield from root.children_recursive
        if root.type == "ARMATURE":
            yield from _bent_by(root)


def _bent_by(armature: bpy.types.Object) -> Iterator[bpy.types.Object]:
    """Meshes that ``armature`` bends without being their parent."""
    for scene in armature.users_scene:
        for candidate in scene.objects:
            if candidate.type == "MESH" and candidate.find_armature() == armature:
                yield candidate


def _relatives(target: bpy.types.Object) -> Iterator[bpy.types.Object]:
    yield from target.children_recursive
    armature = target.find_armature()
    if armature is not None:
        yield from armature.children_recursive
        yield from _bent_by(armature)
    elif target.parent is not None:
        yield from target.parent.children_recursive
    else:
        for collection in target.users_collection:
            for candidate in collection.objects:
                if part_of(candidate.name, candidate.data.name if candidate.data else "") in ASIDE:
                    continue
                if candidate.parent is None and getattr(candidate, "type", "") == "MESH":
                    yield candidate


def _rank(part: FacePart) -> tuple[int, bool]:
    return -part.recognition.found, part.part != "head"
