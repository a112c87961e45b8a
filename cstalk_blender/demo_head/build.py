"""Build the demo head as a Blender object: mesh, materials, landmark groups and 52 shape keys."""

from __future__ import annotations

import bpy
import numpy as np

from .geometry import HeadGeometry, demo_head_geometry
from .materials import BLUSH, head_material


def _fill_mesh(mesh: bpy.types.Mesh, geometry: HeadGeometry) -> None:
    """Vertices, faces, smooth shading and materials."""
    # from_pydata takes lists: arrays would be walked element by element.
    mesh.from_pydata(geometry.neutral.tolist(), [], geometry.faces)
    # Slots in order of first use, each material once.
    names = list(dict.fromkeys(geometry.materials))
    for name in names:
        mesh.materials.append(head_material(name))
    slots = np.array([names.index(name) for name in geometry.materials], dtype=np.int32)
    mesh.polygons.foreach_set("material_index", slots)
    mesh.polygons.foreach_set("use_smooth", np.ones(len(slots), dtype=bool))
    blush = mesh.attributes.new(BLUSH, "FLOAT", "POINT")
    blush.data.foreach_set("value", geometry.blush.astype(np.float32))
    mesh.update()


def _add_shapes(head: bpy.types.Object, geometry: HeadGeometry) -> None:
    """Add the basis and one key per ARKit shape, all at 0 with a slider of 0 to 1."""
    # from_mix=False: from the basis, not from whatever is on.
    head.shape_key_add(name="Basis", from_mix=False)
    for name, delta in zip(geometry.names, geometry.deltas, strict=True):
        key = head.shape_key_add(name=name, from_mix=False)
        # Sliders of 0 to 1, as ARKit's values are.
        key.slider_min, key.slider_max, key.value = 0.0, 1.0, 0.0
        # A key stores positions, not displacements.
        key.data.foreach_set("co", (geometry.neutral + delta).astype(np.float32).ravel())


def build_demo_head(
    name: str = "CSTalk Demo Head", collection: bpy.types.Collection | None = None
) -> bpy.types.Object:
    """Make a new demo head.

    One mesh holds skin, eyes, teeth, tongue, brows and hair, so that one set of shape keys
    moves them all. Its origin lies under the shoulders; it is 0.35 m high (0.24 m from the
    chin to the crown), looks along -Y, and the head's left is +X.

    Args:
        name: Name of the object and of its mesh; Blender adds a number if it is taken.
        collection: Where it is linked; None: the context's collection.

    Returns:
        The object, neither selected nor active, with `cstalk_*` vertex groups that mark the
        lips' middles, the corners of the mouth and the middles of the lids.
    """
    geometry = demo_head_geometry()
    mesh = bpy.data.meshes.new(name)
    _fill_mesh(mesh, geometry)
    head = bpy.data.objects.new(name, mesh)
    (collection or bpy.context.collection).objects.link(head)
    _add_shapes(head, geometry)
    for group, where in geometry.landmarks.items():
        # Vertex groups survive edits of the mesh that would renumber vertices.
        head.vertex_groups.new(name=group).add(where, 1.0, "REPLACE")
    return head
