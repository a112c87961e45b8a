"""Compute the demo head as arrays, in metres, for Blender and for tests."""

from __future__ import annotations

import dataclasses
import functools
import json
from pathlib import Path

import numpy as np

from ..arrays import Array
from .anatomy import Anatomy, build_anatomy
from .shapes import (
    brow as shapes_brow,
)
from .shapes import (
    eyes as shapes_eyes,
)
from .shapes import (
    jaw as shapes_jaw,
)
from .shapes import (
    mouth as shapes_mouth,
)
from .topology import Face, IntArray

RIG_FILE = Path(__file__).resolve().parents[2] / "model_runtime" / "rigs" / "arkit52.json"
METRES = 0.01
# Height (cm) of the clean cut under the shoulders: the object's origin.
FLOOR = -22.5
SHAPES = {
    **shapes_brow.SHAPES,
    **shapes_eyes.SHAPES,
    **shapes_jaw.SHAPES,
    **shapes_mouth.SHAPES,
}


@dataclasses.dataclass(frozen=True)
class HeadGeometry:
    """A head in Blender's frame: metres, facing -Y, Z up, the head's left is +X."""

    neutral: Array
    """Vertices at rest (V, 3)."""
    faces: list[Face]
    """Vertex indices of each face, counterclockwise from outside; quads and a few triangles."""
    names: tuple[str, ...]
    """The 52 ARKit names in the order of `model_runtime/rigs/arkit52.json`."""
    deltas: Array
    """Movement of each vertex at full strength of each shape (52, V, 3)."""
    materials: list[str]
    """One material name per face."""
    landmarks: dict[str, list[int]]
    """Vertex indices of named places."""
    mirror: IntArray
    """Index of every vertex's mirror image (V,)."""
    parts: tuple[str, ...]
    """Name of the part each vertex belongs to (V)."""
    blush: Array
    """How rosy the skin is, 0 to 1 (V,)."""

    def posed(self, weights: dict[str, float]) -> Array:
        """Vertices (V, 3) with some shapes turned on; raises ValueError for an unknown name."""
        where = [self.names.index(name) for name in weights]
        amounts = np.array(list(weights.values()))
        # Keys add up linearly in Blender, and so do they here.
        return np.asarray(self.neutral + np.tensordot(amounts, self.deltas[where], axes=1))


def _names() -> tuple[tuple[str, str], ...]:
    """Name and mirror name of the 52 channels."""
    rig = json.loads(RIG_FILE.read_text(encoding="utf-8"))
    return tuple((channel["name"], channel["mirror"]) for channel in rig["channels"])


def shape_way(anatomy: Anatomy, name: str, mirror: str) -> Array:
    """Return the movement (V, 3) of a shape in centimetres; central ones are symmetrical.

    Args:
        anatomy: The head.
        name: Channel.
        mirror: Channel of the other side; the same for central ones.
    """
    if name == mirror:
        way = SHAPES[name](anatomy)
        # The half sum with the mirror image: rounding must not make a central shape lean.
        return np.asarray(0.5 * (way + anatomy.mirrored_way(way)))
    if name in SHAPES:
        return np.asarray(SHAPES[name](anatomy))
    # Shapes are written for the left; right ones are their mirror image.
    return anatomy.mirrored_way(SHAPES[mirror](anatomy))


def _blush(anatomy: Anatomy) -> Array:
    """Rosy cheeks, nose, chin and ears, (V,)."""
    cheek = anatomy.box((4.3, -7.3, -3.4), (2.7, 3.2, 2.0))
    cheek = np.maximum(cheek, cheek[anatomy.mirror])
    nose = 0.75 * anatomy.box((0.0, -10.6, -3.3), (1.5, 1.6, 1.2))
    chin = 0.3 * anatomy.box((0.0, -8.8, -9.6), (1.8, 2.0, 1.4))
    ears = 0.6 * (anatomy.part == "ears")
    return np.asarray(np.clip(cheek + nose + chin + ears, 0.0, 1.0))


@functools.cache
def demo_head_geometry() -> HeadGeometry:
    """Build the head without Blender; the same object is given each time, so do not change it."""
    anatomy = build_anatomy()
    pairs = _names()
    neutral = (anatomy.points - np.array([0.0, 0.0, FLOOR])) * METRES
    deltas = np.stack([shape_way(anatomy, name, mirror) for name, mirror in pairs]) * METRES
    # Cached and shared: a caller that wrote into it would change every later head.
    neutral.setflags(write=False)
    deltas.setflags(write=False)
    return HeadGeometry(
        neutral=neutral,
        faces=anatomy.faces,
        names=tuple(name for name, _ in pairs),
        deltas=deltas,
        materials=anatomy.materials,
        landmarks=anatomy.groups,
        mirror=anatomy.mirror,
        parts=tuple(str(part) for part in anatomy.part),
        blush=_blush(anatomy),
    )
