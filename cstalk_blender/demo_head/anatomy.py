"""Join the parts of the head and compute the coordinates that the shapes are defined in."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
from numpy.typing import NDArray

from ..arrays import Array
from . import skin
from .parts import brows, ears, eyes, hair, lips, oral, shirt
from .surface import gradient, skull_field
from .topology import FLIP, Face, IntArray, Part, mirrored

Bools = NDArray[np.bool_]


def smooth(values: Array, low: float, high: float) -> Array:
    """Return a cubic step from 0 at `low` to 1 at `high`, which may be below it.

    Args:
        values: Positions.
        low: Where the step is 0.
        high: Where it is 1.
    """
    # A cubic step has no slope at either end: two steps side by side leave no crease.
    t = np.clip((values - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t))


def bump(distance: Array, reach: float) -> Array:
    """Return a bell of height 1 at 0 that ends with zero slope at `reach`.

    Args:
        distance: Distances, any sign.
        reach: Radius of the bell.
    """
    t = np.clip(np.abs(distance) / reach, 0.0, 1.0)
    # (1 - t^2)^2 ends with slope 0, so a shape leaves no edge in the skin.
    return np.asarray((1.0 - t * t) ** 2)


@dataclasses.dataclass(frozen=True)
class Anatomy:
    """The head in centimetres and, for each of its V vertices, where it is on the face."""

    points: Array
    faces: list[Face]
    materials: list[str]
    mirror: IntArray
    groups: dict[str, list[int]]
    part: NDArray[np.str_]
    """Name of the part each vertex belongs to."""
    side: Array
    """1 left, -1 right, 0 middle."""
    soft: Bools
    """Skin and what grows on it: everything the skin shapes move."""
    lip_cos: Array
    """Place along the mouth: 1 left corner, 0 middle, -1 right corner."""
    lip_sin: Array
    """1 above the mouth, -1 below, 0 beside its corners."""
    lip_reach: Array
    """Rough distance (cm) outside the tinted lips; 0 on them and in the mouth."""
    lip_ring: Array
    """Number of the lip loop, 0 border, `lips.SEAL_RING` contact; NaN elsewhere."""
    lid_share: Array
    """How far a vertex follows its lid, 0 to 1; 0 away from the eyes."""
    lid_turn: Array
    """Angle round the eye's opening (radians); NaN away from the eyes."""
    tongue_out: Array
    """Way (V, 3) of the tongue when it is put out."""

    def box(self, center: tuple[float, float, float], radii: tuple[float, float, float]) -> Array:
        """Return a bell round a point of the skin, (V,); zero on rigid parts.

        Args:
            center: Centre in centimetres.
            radii: Radii along x, y and z.
        """
        away = np.linalg.norm((self.points - np.array(center)) / np.array(radii), axis=1)
        # Rigid parts (teeth, eyes, hair) have shapes of their own.
        return bump(away, 1.0) * self.soft

    def slide(self, way: Array) -> Array:
        """Return a movement (V, 3) bent so that soft vertices keep their height over the skull."""
        # Vertices that do not move need no field: it is the costly part.
        active = np.flatnonzero(self.soft & (np.abs(way).sum(axis=1) > 1e-6))
        moved = self.points[active] + way[active]
        rise = skull_field(moved) - skull_field(self.points[active])
        # The gradient where the vertex arrives: the skull curves on the way.
        slope = gradient(moved, skull_field)
        result = way.copy()
        # One Newton step back onto the old height; 0.1 bounds it where the field is flat.
        result[active] -= (rise / np.maximum((slope**2).sum(axis=1), 0.1))[:, None] * slope
        return result

    def mirrored_way(self, way: Array) -> Array:
        """Return the same movement (V, 3) for the other side of the face."""
        # FLIP negates x, the index exchanges left and right: both are needed.
        return np.asarray((way * FLIP)[self.mirror])


def _elliptic(points: Array) -> tuple[Array, Array, Array]:
    """Cosine and sine round the mouth and the rough distance (cm) from the lips, (N,) each."""
    x, z = points[:, 0], points[:, 2] - lips.contact_height(points[:, 0])
    # Elliptic coordinates with the corners as foci: real part outwards, imaginary part around.
    # 1e-12 keeps the branch of arccosh on the middle plane.
    place = np.arccosh((x + 1j * z + 1e-12j) / lips.HALF_WIDTH)
    spread, angle = np.abs(place.real), np.angle(np.exp(1j * place.imag))
    # Below the mouth the angle is negative, whatever branch arccosh took.
    angle = np.where(z < 0.0, -np.abs(angle), np.abs(angle))
    border = float(np.arcsinh(0.75 / lips.HALF_WIDTH))
    reach = 0.5 * lips.HALF_WIDTH * (np.exp(spread) - np.exp(border))
    # The back of the head is as near to the mouth in x and z as the face: depth moves it away.
    reach = np.maximum(reach, 0.0) + 8.0 * smooth(points[:, 1], -5.0, 0.0)
    return np.cos(angle), np.sin(angle), reach


def _tag(parts: list[Part], name: str) -> Array:
    return np.concatenate(
        [part.tags.get(name, np.full(len(part.vertices), np.nan)) for part in parts]
    )


def all_parts() -> list[Part]:
    """Every part of the head, both sides."""
    halves = [
        skin.build_skin_half(),
        eyes.build_eyeball(),
        eyes.build_lashes(),
        brows.build_brow(),
        oral.build_teeth(upper=True),
        oral.build_teeth(upper=False),
        oral.build_tongue(),
        ears.build_ear(),
        hair.build_hair(),
        shirt.build_shirt(),
    ]
    return [mirrored(half) for half in halves]


@functools.cache
def build_anatomy() -> Anatomy:
    """Join all parts; the result is kept and must not be changed."""
    parts = all_parts()
    starts = np.cumsum([0, *(len(part.vertices) for part in parts)])
    points = np.concatenate([part.vertices for part in parts])
    # Indices of a part start at 0; in the joined mesh its vertices come after those of the parts
    # before.
    faces = [
        tuple(i + int(start) for i in face)
        for part, start in zip(parts, starts, strict=False)
        for face in part.faces
    ]
    groups = {
        name: [i + int(start) for i in where]
        for part, start in zip(parts, starts, strict=False)
        for name, where in part.groups.items()
    }
    cos, sin, reach = _elliptic(points)
    given_cos, given_sin, ring = (_tag(parts, n) for n in ("lip_cos", "lip_sin", "lip_ring"))
    on_lips = ~np.isnan(ring)
    side = np.concatenate([part.tags["side"] for part in parts])
    out = np.nan_to_num(np.stack([_tag(parts, f"out_{axis}") for axis in "xyz"], axis=1))
    # The tongue's tags are those of its left half: sideways motion turns over on the right.
    out[:, 0] *= np.where(side < 0.0, -1.0, 1.0)
    names = np.concatenate([np.full(len(part.vertices), part.name) for part in parts])
    return Anatomy(
        points=points,
        faces=faces,
        materials=[name for part in parts for name in part.materials],
        mirror=np.concatenate([p.mirror + s for p, s in zip(parts, starts, strict=False)]),
        groups=groups,
        part=names,
        side=side,
        soft=np.isin(names, ("skin", "brows", "lashes")),
        # Tags win on the lips: computed angles would be off where the lips have depth.
        lip_cos=np.where(on_lips, given_cos, cos),
        lip_sin=np.where(on_lips, given_sin, sin),
        lip_reach=np.where(on_lips, 0.0, reach),
        # NaN away from the mouth: 0 is the border of the tint.
        lip_ring=ring,
        # 0 away from the eyes: multiplied by it, lids move alone.
        lid_share=np.nan_to_num(_tag(parts, "lid_share")),
        lid_turn=_tag(parts, "lid_turn"),
        tongue_out=out,
    )
