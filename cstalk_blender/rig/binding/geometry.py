"""A face mesh as arrays: vertices at rest, what each shape key and each bone does to them.

All in the object's own space, from the data as it is stored: no modifier, pose or animation is
evaluated, so nothing in the scene is touched.
"""

from __future__ import annotations

from collections.abc import Iterable

import bpy
import numpy as np
from mathutils import Matrix
from numpy.typing import NDArray

from ..fitting import bones

Array = NDArray[np.float64]


def rest_points(face: bpy.types.Object) -> Array:
    """Vertices of the reference key, or of a mesh without keys, (V, 3)."""
    key = face.data.shape_keys
    return _coordinates(face.data.vertices if key is None else key.reference_key.data)


def edges_of(face: bpy.types.Object) -> NDArray[np.int64]:
    """Vertex pairs, (E, 2)."""
    pairs = np.empty(2 * len(face.data.edges), np.int32)
    face.data.edges.foreach_get("vertices", pairs)
    return pairs.reshape(-1, 2).astype(np.int64)


def shape_motion(face: bpy.types.Object, name: str) -> Array:
    """Motion of each vertex at value 1 of a shape key, (V, 3)."""
    block = face.data.shape_keys.key_blocks[name]
    motion = _coordinates(block.data) - _coordinates(block.relative_key.data)
    if block.vertex_group and block.vertex_group in face.vertex_groups:
        motion *= group_weights(face, [block.vertex_group])[:, None]
    return motion


def shape_motions(face: bpy.types.Object, names: Iterable[str]) -> dict[str, Array]:
    """`shape_motion` of each of ``names``."""
    return {name: shape_motion(face, name) for name in names}


def group_weights(face: bpy.types.Object, names: Iterable[str]) -> Array:
    """Sum of each vertex's weights in the vertex groups ``names``, (V,)."""
    wanted = {face.vertex_groups[name].index for name in names if name in face.vertex_groups}
    weights = np.zeros(len(face.data.vertices))
    for vertex in face.data.vertices:
        for member in vertex.groups:
            if member.group in wanted:
                weights[vertex.index] += member.weight
    return weights


def heaviest_vertices(face: bpy.types.Object, names: Iterable[str]) -> list[int]:
    """The vertex with the greatest weight in each of the vertex groups ``names``, in one pass."""
    indices = [face.vertex_groups[name].index for name in names]
    heaviest = dict.fromkeys(indices, (0.0, 0))
    for number, vertex in enumerate(face.data.vertices):
        for member in vertex.groups:
            group = member.group
            if group in heaviest and member.weight > heaviest[group][0]:
                heaviest[group] = (member.weight, number)
    return [heaviest[index][1] for index in indices]


def bone_share(face: bpy.types.Object, bone: bpy.types.Bone) -> Array:
    """How far each vertex follows ``bone`` and the bones below it, 0 to 1, (V,)."""
    armature = bone.id_data
    deforming = [other.name for other in armature.bones if other.use_deform]
    below = [bone.name, *(child.name for child in bone.children_recursive)]
    own = group_weights(face, [name for name in below if name in deforming])
    total = group_weights(face, deforming)
    return np.asarray(np.where(total > 1e-6, own / np.maximum(total, 1e-6), 0.0))


def bone_frame(face: bpy.types.Object, bone: bpy.types.Bone) -> tuple[Array, Array]:
    """Axes of the bone at rest as columns (3, 3), and its head, in the space of the face."""
    armature = face.find_armature()
    to_face = face.matrix_world.inverted() @ armature.matrix_world
    matrix = np.array(Matrix(to_face @ bone.matrix_local))
    axes = matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0)
    return axes, matrix[:3, 3]


def turned_by(
    points: Array, share: Array, frame: tuple[Array, Array], angles: tuple[float, float, float]
) -> Array:
    """Motion of each vertex when a bone turns, by linear blend skinning, (V, 3).

    Args:
        points: Vertices at rest, (V, 3).
        share: How far each follows the bone, (V,).
        frame: As `bone_frame` gives it.
        angles: Turns about X, then Y, then Z of the bone, radians.
    """
    axes, head = frame
    turn = axes @ bones.matrices(np.array([angles]))[0] @ axes.T
    return np.asarray(share[:, None] * ((points - head) @ (turn - np.eye(3)).T))


def _coordinates(points: bpy.types.bpy_prop_collection) -> Array:
    coordinates = np.empty(3 * len(points), np.float32)
    points.foreach_get("co", coordinates)
    return coordinates.reshape(-1, 3).astype(np.float64)
