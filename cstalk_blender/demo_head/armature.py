"""Give the demo head a chest, a neck and a head bone, so that it can nod and turn."""

from __future__ import annotations

import bpy
import numpy as np
from numpy.typing import NDArray

from .geometry import HeadGeometry

Array = NDArray[np.float64]

BONES = {
    "chest": ((0.0, 0.02, 0.0), (0.0, 0.025, 0.06)),
    "neck": ((0.0, 0.025, 0.06), (0.0, 0.02, 0.125)),
    "head": ((0.0, 0.02, 0.125), (0.0, 0.02, 0.36)),
}
"""Head and tail of each bone in metres; the joints lie in the middle of the neck of the mesh."""
CHEST_TOP, NECK_BASE = 0.035, 0.065
"""Heights between which the neck takes over from the chest."""
SKULL_HEIGHT, SKULL_TILT, SKULL_BLEND = 0.105, 0.35, 0.025
"""Height of the border of neck and head at the throat, its rise a metre towards the nape, and half
the width of the blend: the border runs from below the chin to below the skull."""
THROAT_Y = -0.015
CHEST_MATERIALS = ("shirt",)
SKIN_MATERIALS = ("skin",)


def add_demo_armature(head: bpy.types.Object, geometry: HeadGeometry) -> bpy.types.Object:
    """Add an armature at the place of the head, and let it carry the head.

    Args:
        head: The demo head, linked to the scene of the context.
        geometry: What it was built from.

    Returns:
        The armature, parent of the head.
    """
    data = bpy.data.armatures.new(f"{head.name} Rig")
    armature = bpy.data.objects.new(data.name, data)
    head.users_collection[0].objects.link(armature)
    armature.location = head.location
    _add_bones(armature)
    for name, weights in _weights(geometry).items():
        group = head.vertex_groups.new(name=name)
        for vertex in np.flatnonzero(weights > 1e-4).tolist():
            group.add([vertex], float(weights[vertex]), "REPLACE")
    head.parent, head.location = armature, (0.0, 0.0, 0.0)
    head.modifiers.new("Armature", "ARMATURE").object = armature
    # Not in front: the bones would hide the face whose mouth the user wants to see.
    data.display_type = "STICK"
    return armature


def _add_bones(armature: bpy.types.Object) -> None:
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    below = None
    for name, (start, end) in BONES.items():
        bone = armature.data.edit_bones.new(name)
        bone.head, bone.tail, bone.parent = start, end, below
        below = bone
    bpy.ops.object.mode_set(mode="OBJECT")


def _weights(geometry: HeadGeometry) -> dict[str, Array]:
    """Return the weight of each vertex for each bone; they sum to 1."""
    points = np.asarray(geometry.neutral, float)
    border = SKULL_HEIGHT + SKULL_TILT * (points[:, 1] - THROAT_Y)
    head = _step((points[:, 2] - border) / SKULL_BLEND / 2 + 0.5)
    chest = 1 - _step((points[:, 2] - CHEST_TOP) / (NECK_BASE - CHEST_TOP))
    for face, material in zip(geometry.faces, geometry.materials, strict=True):
        if material in CHEST_MATERIALS:
            chest[list(face)], head[list(face)] = 1.0, 0.0
        elif material not in SKIN_MATERIALS:  # eyes, teeth and hair are rigid
            chest[list(face)], head[list(face)] = 0.0, 1.0
    head = np.minimum(head, 1 - chest)
    return {"chest": chest, "neck": 1 - chest - head, "head": head}


def _step(values: Array) -> Array:
    inside = np.clip(values, 0, 1)
    return np.asarray(inside * inside * (3 - 2 * inside))
