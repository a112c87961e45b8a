"""Explain why a performance cannot be baked onto an object, and what to do about it."""

from __future__ import annotations

import bpy

from ...errors import BadTarget
from ...text import quoted
from . import solved
from .wiring import Wiring, wiring_of

LISTED_NAMES = 3
"""Shape keys that are named when none of them is known."""
# Menus as Blender writes them; a user can only follow what is on the screen.
MAKE_LOCAL = "Select it, then Object > Relations > Make Local > Selected Objects and Data"
MAKE_SINGLE = "Select it, then Object > Relations > Make Single User > Object & Data"
"""For a library override, this makes a mesh of this file; Make Local leaves the linked one."""


def is_face(target: bpy.types.Object) -> bool:
    """Return True for a mesh with a shape key that serves a channel, or with a fit."""
    return target.type == "MESH" and (
        bool(wiring_of(target).usable) or solved.fit_or_none(target) is not None
    )


def problem_or_none(target: bpy.types.Object) -> BadTarget | None:
    """Return the reason why ``target`` is not a face that can be baked; None when it is one."""
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
    return _not_writable_or_none(target) or _shared_or_none(target)


def sharing_objects(target: bpy.types.Object) -> list[bpy.types.Object]:
    """Return other objects in scenes that have the same mesh, and so the same shape keys."""
    # ``users`` counts all data blocks that refer to the mesh, so that most meshes skip the search.
    if target.data is None or target.data.users < 2:
        return []
    return [
        other
        for other in bpy.data.objects
        if other != target and other.data == target.data and len(other.users_scene)
    ]


def _not_writable_or_none(target: bpy.types.Object) -> BadTarget | None:
    # Keyframes are stored on the shape keys, not on the object: that data block must be local.
    if not target.data.shape_keys.is_editable:
        return BadTarget(
            f"The shape keys of {target.name!r} are linked from another file",
            hint=f"{MAKE_LOCAL}; a library override alone is not enough"
            if target.override_library is None
            else f"The library override has no mesh of its own. {MAKE_SINGLE}",
        )
    if target.data.override_library is not None:
        return BadTarget(
            f"The mesh of {target.name!r} is a library override: Blender would lose the keyframes "
            "of its shape keys with the next saving",
            hint=MAKE_SINGLE,
        )
    return None


def _shared_or_none(target: bpy.types.Object) -> BadTarget | None:
    others = sharing_objects(target)
    if not others:
        return None
    return BadTarget(
        f"{target.name!r} shares its shape keys with {others[0].name!r}, so both would speak",
        hint=MAKE_SINGLE,
    )


def _unknown(target: bpy.types.Object) -> BadTarget:
    """Return why no shape key of ``target`` can be used, and what helps."""
    # Most specific first: no keys at all, then keys without shape, then keys without a known name.
    wiring = wiring_of(target)
    if not wiring.shape_names:
        return BadTarget(
            f"{target.name!r} has only its reference shape key, and nothing that could move",
            hint="Choose the mesh that has the face's shape keys, or add a CSTalk Demo Head",
        )
    if len(wiring.still) == len(wiring.shape_names):
        return BadTarget(
            f"None of the {len(wiring.still)} shape keys of {target.name!r} moves a vertex",
            hint="Choose the mesh whose shape keys hold shapes",
        )
    family = wiring.recognition.family
    if family is not None and wiring.recognition.needs_solver:
        return BadTarget(f"{target.name!r} is a {family.title} head", hint=family.advice)
    return _unnamed(target, wiring)


def _unnamed(target: bpy.types.Object, wiring: Wiring) -> BadTarget:
    names = quoted(wiring.shape_names, LISTED_NAMES)
    return BadTarget(
        f"None of the {len(wiring.shape_names)} shape keys of {target.name!r} has the name of a "
        f"known facial shape ({names})",
        hint="Under Rig let Fit This Face find what they do, or pick keys by hand or load a preset "
        "under Mapping, or choose another mesh",
    )
