"""Measure the lip gap of a face under a performance, and find the shape keys that close it."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Sequence
from pathlib import Path

import bpy
import numpy as np

from ...arrays import Array
from ...errors import BadTarget
from ...package import track
from ..binding import basis as solver_basis
from ..binding import geometry
from ..binding.targets import routing_of
from ..fitting import flame, landmarks, lips
from ..mapping.names import spelling
from .target_curves import TargetCurve, target_curves

CLOSING_CHANNEL, OPENING_CHANNEL = "mouthClose", "jawOpen"
# Between the two kinds: a key for m, b and p moves the chin little, an opening one most.
JAW_PART = 0.35
"""A shape key that lowers the chin by more than this part of its change of the gap is a jaw key."""
TOUCHING = 0.08
"""Of the mouth's width: lips closer than this at rest are assumed to touch."""
RATES_FILE = Path(__file__).with_name("reference_rates.json")
# A key below this would have to be driven far beyond its range to close the lips.
SMALLEST_RATE = 0.05
"""Of the mouth's width: a shape key that closes by less does not count as closing."""


@dataclasses.dataclass(frozen=True)
class Mouth:
    """Lips of a face."""

    face: bpy.types.Object
    marks: landmarks.Landmarks
    rest: float
    """Gap at rest, mesh units; 0 when the lips touch."""

    def gap(self, points: Array) -> float:
        """Return the gap of posed vertices (V or more, 3), mesh units."""
        marks = self.marks
        between = points[marks.lip_lower] - points[marks.lip_upper]
        # The difference to rest: lips that overlap at rest by design count as touching.
        at_rest = self._resting()
        return float((between - at_rest) @ marks.down) + self.rest

    def gaps(self, curves: Sequence[TargetCurve], frames: int) -> Array:
        """Return the gap in each frame of a performance, (frames,), mesh units.

        Args:
            curves: Curves of the face's shape keys and bones, whose motions are added.
            frames: Number of frames.
        """
        # Motions are added as Blender does with relative keys; modifiers are not known here.
        total = np.full(frames, self.rest)
        for name, values in _shape_values(curves).items():
            total += values * self.rate(name)
        for bone, angles in _bone_angles(curves, frames).items():
            moved = self._turned(bone, angles)
            total += (moved[:, 1] - moved[:, 0]) @ self.marks.down
        return total

    def rate(self, name: str) -> float:
        """Return the gap that value 1 of a shape key adds, mesh units; 0 for a muted one."""
        if self.face.data.shape_keys.key_blocks[name].mute:
            return 0.0
        upper, lower = (self._moved(name, v) for v in (self.marks.lip_upper, self.marks.lip_lower))
        return float((lower - upper) @ self.marks.down)

    def chin_rate(self, name: str) -> float:
        """Return how far value 1 of a shape key lowers the chin, mesh units."""
        return float(self._moved(name, self.marks.chin) @ self.marks.down)

    # Two vertices only: no need to read the whole key.
    def _moved(self, name: str, vertex: int) -> Array:
        block = self.face.data.shape_keys.key_blocks[name]
        return np.array(block.data[vertex].co) - np.array(block.relative_key.data[vertex].co)

    def _resting(self) -> Array:
        data = self.face.data.shape_keys.reference_key.data
        return np.array(data[self.marks.lip_lower].co) - np.array(data[self.marks.lip_upper].co)

    def _turned(self, name: str, angles: Array) -> Array:
        """Return the motion of the upper and the lower lip with a bone, (frames, 2, 3)."""
        armature = self.face.find_armature()
        bone = armature.data.bones[name]
        share, frame = geometry.bone_share(self.face, bone), geometry.bone_frame(self.face, bone)
        vertices = [self.marks.lip_upper, self.marks.lip_lower]
        points = geometry.rest_points(self.face)[vertices]
        # One rotation a frame: the product with two points is cheap, and the turns differ.
        turns = [tuple(float(angle) for angle in row) for row in angles]
        return np.stack([geometry.turned_by(points, share[vertices], frame, t) for t in turns])


def mouth_of(face: bpy.types.Object) -> Mouth:
    """Find the mouth of ``face``.

    Raises:
        BadTarget: Nothing opens it, or no lips were found.
    """
    return mouth_between(face, solver_basis.marked_lips_or_none(face))


def mouth_between(face: bpy.types.Object, marked: tuple[int, int] | None) -> Mouth:
    """Find the mouth of a face whose marked lips were looked up before.

    Args:
        face: A face mesh.
        marked: `basis.marked_lips_or_none` of the face, which takes long on a large mesh.

    Raises:
        BadTarget: Nothing opens it, or no lips were found.
    """
    opening = motion_of(face, OPENING_CHANNEL)
    points = geometry.rest_points(face)
    try:
        marks = landmarks.find_landmarks(points, geometry.edges_of(face), opening, lips=marked)
    except landmarks.NoLips as why:
        raise BadTarget(
            f"The lips of {face.name!r} were not found: {why}", hint=solver_basis.HINT
        ) from why
    between = points[marks.lip_lower] - points[marks.lip_upper]
    height = float(between @ marks.down)
    # Any distance that small is taken for zero, since modellers leave a slit.
    touching = float(np.linalg.norm(between)) < TOUCHING * marks.width
    return Mouth(face, marks, 0.0 if touching else height)


def motion_of(face: bpy.types.Object, channel: str) -> Array:
    """Return the motion of each vertex at value 1 of a channel, (V, 3).

    Args:
        face: A face mesh.
        channel: The channel, which may move several shape keys and bones.
    """
    # One frame with the channel at 1, through the same code as a bake: gains, fits and bones
    # included.
    one = track.CurveTrack(np.ones((1, 1), np.float32), (channel,), 24.0)
    curves = target_curves(face, one)
    points = geometry.rest_points(face)
    total = np.zeros_like(points)
    for name, values in _shape_values(curves).items():
        # A preset may name keys that this mesh does not have.
        if values[0] and name in face.data.shape_keys.key_blocks:
            total += float(values[0]) * geometry.shape_motion(face, name)
    armature = face.find_armature()
    for name, angles in _bone_angles(curves, 1).items():
        if armature is not None and name in armature.data.bones and angles.any():
            bone = armature.data.bones[name]
            share, frame = geometry.bone_share(face, bone), geometry.bone_frame(face, bone)
            total += geometry.turned_by(points, share, frame, tuple(map(float, angles[0])))
    return total


def reference_gap(curves: track.CurveTrack) -> Array:
    """Return the relative gap of the demo head, which the curves are made for, (frames,)."""
    rates = reference_rates()
    total = np.zeros(curves.frame_count)
    for channel in curves.channels:
        # Channels of the track without an effect on the lips have no rate.
        total += rates.get(channel, 0.0) * curves.column(channel).astype(np.float64)
    # Relative, since the demo head and this face differ in size.
    return lips.relative(total)


# Once a session; the file is shipped and does not change.
@functools.cache
def reference_rates() -> dict[str, float]:
    """Return the gap that value 1 of each channel adds on the demo head, metres.

    It is stored as data: building the head and finding its lips would block a timer callback.
    """
    return dict(json.loads(RATES_FILE.read_text(encoding="utf-8")))


def measured_rates() -> dict[str, float]:
    """Return `reference_rates` measured on the head, for the file and its test."""
    source = solver_basis.demo_source()
    marks = source.head.landmarks
    return {
        channel: float((motion[marks.lip_lower] - motion[marks.lip_upper]) @ marks.down)
        for channel, motion in source.motions.items()
    }


def closing_keys(mouth: Mouth) -> dict[str, float]:
    """Return the shape keys that close the lips without the jaw, and their gains, at most 1.

    They are those of mouthClose where they close the lips; else the key that closes best, with its
    partner of the other side. Empty when nothing closes.
    """
    key = mouth.face.data.shape_keys
    smallest = SMALLEST_RATE * mouth.marks.width
    routes = routing_of(mouth.face).of(CLOSING_CHANNEL)
    named = {r.target: r.gain for r in routes if r.kind == "shape" and r.gain > 0}
    if sum(gain * mouth.rate(name) for name, gain in named.items()) < -smallest:
        most = max(named.values())
        # The largest gain becomes 1, so that the seal's value is that of the strongest key.
        return {name: gain / most for name, gain in named.items()}
    best, best_rate = "", -smallest
    for block in key.key_blocks:
        # Identity keys of FLAME change the lips as well, but are another person's.
        if block == key.reference_key or flame.IDENTITY.match(block.name):
            continue
        rate = mouth.rate(block.name)
        # Negative rates close; the chin tells a lip key from a jaw that shuts.
        if rate < best_rate and abs(mouth.chin_rate(block.name)) < JAW_PART * abs(rate):
            best, best_rate = block.name, rate
    return dict.fromkeys(_both_sides(best, key), 1.0) if best else {}


def _both_sides(name: str, key: bpy.types.Key) -> list[str]:
    """Return ``name``, and the shape key of the same name for the other side."""
    side, _colon, rest = spelling(name).partition(":")
    other = {"left": "right", "right": "left"}.get(side)
    return [
        name,
        *(b.name for b in key.key_blocks if other and spelling(b.name) == f"{other}:{rest}"),
    ]


def _shape_values(curves: Sequence[TargetCurve]) -> dict[str, Array]:
    return {one.target: one.values for one in curves if one.kind == "shape"}


def _bone_angles(curves: Sequence[TargetCurve], frames: int) -> dict[str, Array]:
    """Return the angles of each bone, (frames, 3)."""
    found: dict[str, Array] = {}
    for one in curves:
        name, _colon, channel = one.target.rpartition(":")
        if one.kind == "bone" and channel.startswith("rotation_"):
            angles = found.setdefault(name, np.zeros((frames, 3)))
            angles[:, "xyz".index(channel[-1])] = one.values
    return found
