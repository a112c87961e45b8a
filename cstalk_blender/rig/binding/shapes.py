"""Find the shape keys of a mesh that move nothing.

Exporters write all 52 ARKit names where the artist shaped a few. A key that moves no vertex is only
useful when a driver follows its value.
"""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Iterator
from typing import Any

import bpy
import numpy as np

from . import geometry

STILL_SHARE = 1e-5
"""A shape key that moves no vertex by more than this part of the mesh's size moves nothing:
float32 coordinates are rounded to about 1e-7 of it, and the weakest shapes of the public heads in
the tests move 1e-3."""
# A lower limit, so that a small mesh is not measured at every redraw either.
SHORTEST_LIFE_S = 0.5
LIFE_PER_COST = 50.0
"""A result is used again for this many times the seconds that it took to find, because panels ask
at every redraw and the user may sculpt a key at any time."""

# As Blender writes the path of a driver on a shape key; names in it are escaped.
_BLOCK = re.compile(r'^key_blocks\["(.*)"\]\.value$')


@dataclasses.dataclass(frozen=True)
class _Found:
    """Still keys of one mesh."""

    names: tuple[str, ...]
    """All shape keys that the mesh had."""
    still: tuple[str, ...]
    expires: float
    """Time of ``time.monotonic``."""


# Session ids stay the same on renaming and undo, while Python's references become invalid.
_known: dict[int, _Found] = {}
"""By session id of the shape keys."""


def shape_names(target: bpy.types.Object | None) -> tuple[str, ...]:
    """Return the names of an object's shape keys, the reference key first; empty without keys."""
    key = getattr(getattr(target, "data", None), "shape_keys", None)
    return () if key is None else tuple(block.name for block in key.key_blocks)


def still_shapes(target: bpy.types.Object | None) -> tuple[str, ...]:
    """Return the names of shape keys that move no vertex and that no driver follows.

    The reference key is not among them. The result may be some seconds old, see `forget_shapes`.
    """
    names = shape_names(target)
    if target is None or target.type != "MESH" or len(names) < 2:
        return ()
    key = target.data.shape_keys
    found = _known.get(key.session_uid)
    # Names are compared as well: a key that was renamed or added needs no waiting.
    if found is None or found.names != names or time.monotonic() > found.expires:
        began = time.monotonic()
        still = _still(target, key)
        cost = time.monotonic() - began
        # Counted from the start, so that a mesh that takes long is at most two percent of the time.
        found = _Found(names, still, began + max(SHORTEST_LIFE_S, LIFE_PER_COST * cost))
        _known[key.session_uid] = found
    return found.still


def forget_shapes() -> None:
    """Look at the vertices again the next time: call it before keyframes are planned."""
    _known.clear()


def _still(face: bpy.types.Object, key: bpy.types.Key) -> tuple[str, ...]:
    # A mesh without vertices can keep shape keys, whose points Blender miscounts.
    if not len(face.data.vertices):
        return tuple(block.name for block in key.key_blocks if block != key.reference_key)
    smallest = STILL_SHARE * float(np.ptp(geometry.rest_points(face), axis=0).max())
    still = [
        block.name
        for block in key.key_blocks
        if block != key.reference_key and not geometry.moves(face, block, smallest)
    ]
    # Drivers are searched only when a key is still: the search visits every data block.
    followed = set(_followed(key)) if still else set()
    return tuple(name for name in still if name not in followed)


def _followed(key: bpy.types.Key) -> Iterator[str]:
    """Yield the names of shape keys whose value a driver somewhere follows."""
    for owner in _driven():
        for curve in owner.animation_data.drivers:
            for variable in curve.driver.variables:
                for target in variable.targets:
                    found = _BLOCK.match(target.data_path) if target.id == key else None
                    if found is not None:
                        # The path holds the name with quotes and backslashes escaped.
                        yield bpy.utils.unescape_identifier(found[1])


def _driven() -> Iterator[Any]:
    """Yield data blocks with drivers: of bones, other meshes, and wrinkle maps of materials."""
    trees = (material.node_tree for material in bpy.data.materials if material.node_tree)
    for some in (bpy.data.objects, bpy.data.armatures, bpy.data.shape_keys, trees):
        for owner in some:
            if owner.animation_data is not None and len(owner.animation_data.drivers):
                yield owner
