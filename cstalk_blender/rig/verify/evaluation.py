"""Evaluate a face in the scene: its deformed vertices and shape-key values at one frame."""

from __future__ import annotations

import bpy
import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32]

VERTICES_ADDED = ("SUBSURF", "MULTIRES")
"""Modifiers that add vertices but keep the first ones: the lips can still be read."""
VERTICES_KEPT = ("ARMATURE", "SMOOTH", "CORRECTIVE_SMOOTH")


def evaluate_mesh(
    face: bpy.types.Object, scene: bpy.types.Scene, frame: float
) -> tuple[Points, dict[str, float]]:
    """Return what Blender shows of a face; the current frame is restored.

    Args:
        face: A mesh with shape keys.
        scene: The open scene.
        frame: Scene frame, may be fractional.

    Returns:
        Vertices (vertices, 3) of the evaluated mesh in its own space, and values of shape keys.
    """
    # ``frame_current`` is whole; the fraction is kept apart.
    before, subframe = scene.frame_current, scene.frame_subframe
    # Floor, as the subframe must lie between 0 and 1 for negative frames too.
    whole = int(np.floor(frame))
    try:
        scene.frame_set(whole, subframe=frame - whole)
        # After the change of frame: the graph would be evaluated for the old one.
        graph = bpy.context.evaluated_depsgraph_get()
        evaluated = face.evaluated_get(graph)
        mesh = evaluated.to_mesh()
        coordinates = np.empty(3 * len(mesh.vertices), np.float32)
        mesh.vertices.foreach_get("co", coordinates)
        # Blender owns the temporary mesh, which must be released before the next one.
        evaluated.to_mesh_clear()
        # The evaluated values are those after drivers and NLA.
        blocks = face.data.shape_keys.evaluated_get(graph).key_blocks
        values = {block.name: block.value for block in blocks}
    finally:
        scene.frame_set(before, subframe=subframe)
    return coordinates.reshape(-1, 3), values


def keeps_vertices(face: bpy.types.Object) -> bool:
    """Return True when the first vertices of the evaluated mesh are those of the mesh."""
    # Only what the viewport shows counts, as the evaluation above uses it.
    shown = [modifier for modifier in face.modifiers if modifier.show_viewport]
    return all(modifier.type in (*VERTICES_ADDED, *VERTICES_KEPT) for modifier in shown)


def millimetres(face: bpy.types.Object, scene: bpy.types.Scene) -> float:
    """Return how many millimetres one unit of the face's mesh is in a scene.

    Args:
        face: A mesh, whose object scale counts.
        scene: The scene, whose unit scale counts.
    """
    # The mean of three, as faces are scaled evenly save by mistake.
    scale = float(np.mean([abs(factor) for factor in face.matrix_world.to_scale()]))
    return 1000.0 * float(scene.unit_settings.scale_length) * scale
