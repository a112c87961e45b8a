"""Build the three public heads of ``../shared/data/rigs`` as Blender meshes with shape keys.

Tests that use them are marked ``data`` and are skipped, with the reason, where they are absent.
"""

from __future__ import annotations

import dataclasses

import bpy
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.conftest import DATA

FILES = {
    "Face Cap": "facecap_head_arkit52.npz",
    "MakeHuman": "makehuman_head_arkit52_visemes14.npz",
    "ICT": "ict_arkit51.npz",
}
"""File of each head; SOURCE.txt in their folder has authors and licences."""
CHANNELS = {"Face Cap": 51, "MakeHuman": 52, "ICT": 51}
"""ARKit channels of each head: ICT has no tongue, tongueOut of Face Cap moves nothing."""
UNITS = {"Face Cap": 0.01, "MakeHuman": 0.1, "ICT": 0.01}
"""Metres per unit of the file."""


@dataclasses.dataclass(frozen=True)
class PublicRig:
    """A head as arrays: metres, Z up, looking along -Y."""

    names: tuple[str, ...]
    own_names: tuple[str, ...]
    """Names that the author gave the shapes, if known; else ``names``."""
    neutral: NDArray[np.float32]
    """Shape (vertices, 3)."""
    faces: NDArray[np.int32]
    """Shape (faces, 4); a triangle repeats its last corner or has -1 there."""
    deltas: NDArray[np.float32]
    """Shape (shapes, vertices, 3)."""


def read_or_skip(head: str) -> PublicRig:
    """Return a head of `FILES`; skip the test where its file does not exist."""
    path = DATA / "rigs" / FILES[head]
    if not path.is_file():
        pytest.skip(f"no public rig at {path}")
    with np.load(path, allow_pickle=False) as data:
        names = tuple(str(name) for name in data["names"])
        own = tuple(str(name) for name in data["orig_names"]) if "orig_names" in data else names
        neutral, deltas = data["neutral"], data["deltas"]
        faces = data["faces"]
    scale = UNITS[head]
    return PublicRig(names, own, _upright(neutral, scale), faces, _upright(deltas, scale))


def build_or_skip(head: str, *, own_names: bool = False) -> bpy.types.Object:
    """Return the head as a linked and active object with its shape keys."""
    rig = read_or_skip(head)
    mesh = bpy.data.meshes.new(head)
    mesh.from_pydata(rig.neutral.tolist(), [], [_corners(face) for face in rig.faces.tolist()])
    face = bpy.data.objects.new(head, mesh)
    bpy.context.scene.collection.objects.link(face)
    bpy.context.view_layer.objects.active = face
    face.shape_key_add(name="Basis", from_mix=False)
    for name, delta in zip(rig.own_names if own_names else rig.names, rig.deltas, strict=True):
        block = face.shape_key_add(name=name, from_mix=False)
        block.data.foreach_set("co", (rig.neutral + delta).ravel())
        block.value = 0.0  # Blender 5.0 makes new shapes at full strength
    mesh.update()
    return face


def _corners(face: list[int]) -> list[int]:
    return list(dict.fromkeys(corner for corner in face if corner >= 0))


def _upright(points: NDArray[np.float32], scale: float) -> NDArray[np.float32]:
    """Turn Y up, looking along +Z, into Z up, looking along -Y."""
    x, y, z = np.moveaxis(points, -1, 0)
    return np.stack([x, -z, y], axis=-1).astype(np.float32) * np.float32(scale)
