"""Does the face move, and do its lips meet? Evaluates the baked mesh, and names obstacles.

Keys that nobody sees are the commonest complaint about lip-sync tools: the keys are there, and the
face is still. So the proof is the mesh itself, as Blender's dependency graph gives it: at rest, at
its widest, and where the lips should be closed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence

import bpy
import numpy as np
from numpy.typing import NDArray

from .. import compat
from ..errors import BadTarget
from ..installation import track
from . import drivers, lips
from .bake import key_frames
from .expressions import NotUnderstood
from .mouth import mouth_of, reference_gap
from .plan import Asked, asked_of, driven_shapes, value_path

STILL_PART = 1e-4
"""A face that moves by less than this part of its own size is still."""
STILL_VALUE = 1e-3
"""Curves that change by less than this are still themselves."""
VALUE_TOLERANCE = 0.01
"""A shape key may differ from its curve by this much: keys are linear between frames."""
HIDING_MODIFIERS = {"MESH_CACHE": "Mesh Cache", "MESH_SEQUENCE_CACHE": "Mesh Sequence Cache"}
"""Modifiers that put stored vertices in the place of the shape keys' ones."""
REORDERING = ("SUBSURF", "MULTIRES")
"""Modifiers that add vertices but keep the first ones: the lips can still be read."""
LISTED_NAMES = 3
"""Names given before "and n more"."""


@dataclasses.dataclass(frozen=True)
class CheckReport:
    """What `check_faces` saw."""

    moved: bool
    """True when every face moved as far as its curves ask, or the curves are still."""
    problems: tuple[str, ...]
    """What stands in the way, or will surprise: one sentence each."""
    measures: tuple[str, ...] = dataclasses.field(default=(), compare=False)
    """What was measured on the mesh: movement and lip gap in millimetres, closures."""
    lips_open: bool = dataclasses.field(default=False, compare=False)
    """True when lips that should meet do not on this rig; the lip seal helps."""


def check_faces(
    faces: Sequence[bpy.types.Object],
    curves: track.CurveTrack,
    scene: bpy.types.Scene,
    *,
    start_frame: float,
    frame_rate: float,
    left_out: Collection[str] = (),
) -> CheckReport:
    """Evaluate ``faces`` at the stillest and the widest frame of ``curves``.

    The scene's current frame is put back. The objects must have been baked with these numbers.

    Args:
        faces: The baked meshes.
        curves: What they were baked with.
        scene: The open scene.
        start_frame: As for the bake.
        frame_rate: As for the bake.
        left_out: Shape keys that the bake left to their drivers.
    """
    frames = key_frames(curves, start_frame=start_frame, frame_rate=frame_rate)
    frame_before, subframe_before = scene.frame_current, scene.frame_subframe
    moved, problems, measured = True, [], Measured((), False)
    notes: list[str] = []
    try:
        for face in faces:
            asked = [a for a in asked_of(face, curves) if a.channels and a.target not in left_out]
            face_moved, why = _check_face(face, curves, scene, frames, asked)
            notes += locked_notes(face, [one.target for one in asked if one.kind == "shape"])
            moved = moved and face_moved
            problems += [sentence for sentence in why if sentence not in problems]
        if moved and faces:
            measured = _measure(faces[0], curves, scene, frames)
    finally:
        scene.frame_set(frame_before, subframe=subframe_before)
    return CheckReport(moved, tuple(problems), (*measured.sentences, *notes), measured.lips_open)


@dataclasses.dataclass(frozen=True)
class Measured:
    """What the mesh of a face does under its performance."""

    sentences: tuple[str, ...]
    lips_open: bool


def _measure(
    face: bpy.types.Object,
    curves: track.CurveTrack,
    scene: bpy.types.Scene,
    frames: NDArray[np.float64],
) -> Measured:
    """Movement and lip gap at silence, at the widest vowel and at a closure, on the mesh."""
    reference = reference_gap(curves)
    if not face.visible_get() or np.ptp(reference) < STILL_VALUE:
        return Measured((), False)
    try:
        mouth = mouth_of(face)
    except BadTarget:
        return Measured((), False)  # a mesh without lips, such as teeth
    rest, widest = int(np.argmin(np.abs(reference))), int(np.argmax(reference))
    runs = lips.closure_runs(reference, curves.fps)
    closed = min(
        (a + int(np.argmin(reference[a:b])) for a, b in runs),
        key=reference.__getitem__,
        default=None,
    )
    wanted = [rest, widest] if closed is None else [rest, widest, closed]
    points = [_evaluate(face, scene, float(frames[index]))[0] for index in wanted]
    millimetre = 1000.0 * scene.unit_settings.scale_length * _scale(face)
    if len({len(some) for some in points}) > 1:
        return Measured((), False)
    movement = float(np.linalg.norm(points[1] - points[0], axis=1).max()) * millimetre
    sentences = [f"The face moves by up to {movement:.1f} mm"]
    gaps = mouth.gaps(asked_of(face, curves), curves.frame_count)
    if closed is not None and _keeps_vertices(face):
        opening = mouth.gap(points[1]) * millimetre
        gap = mouth.gap(points[2]) * millimetre
        sentences.append(
            f"Lip gap {opening:.1f} mm at the widest, {max(gap, 0.0):.1f} mm at a closure"
        )
    count = lips.closures(reference, lips.relative(gaps), curves.fps)
    if count.wanted:
        sentences.append(f"Lips meet in {count.met} of {count.wanted} closures")
    return Measured(tuple(sentences), not count.all_met)


def _keeps_vertices(face: bpy.types.Object) -> bool:
    """True when the first vertices of the evaluated mesh are those of the mesh."""
    shown = [modifier for modifier in face.modifiers if modifier.show_viewport]
    return all(m.type in (*REORDERING, "ARMATURE", "SMOOTH", "CORRECTIVE_SMOOTH") for m in shown)


def _scale(face: bpy.types.Object) -> float:
    return float(np.mean([abs(factor) for factor in face.matrix_world.to_scale()]))


def obstacles(face: bpy.types.Object, shape_names: Sequence[str]) -> list[str]:
    """Settings of ``face`` that hide keys on ``shape_names``, one sentence each."""
    key = face.data.shape_keys
    found = []
    if compat.lacks_slot(key):
        found.append(
            f"The Action of {face.name!r} has no slot assigned: choose one in the Action editor"
        )
    driven = sorted(driven_shapes(key) & set(shape_names))
    if driven:
        found.append(f"Drivers move {_listed(driven)} on {face.name!r}, so keys there are not seen")
    muted = [name for name in shape_names if key.key_blocks[name].mute]
    if muted:
        found.append(f"Muted on {face.name!r}: {_listed(muted)}")
    if face.show_only_shape_key:
        found.append(f"Shape keys of {face.name!r} are pinned: turn off the pin below their list")
    if not key.use_relative:
        found.append(f"Shape keys of {face.name!r} are absolute: turn Relative on")
    for modifier in face.modifiers:
        if modifier.type in HIDING_MODIFIERS and modifier.show_viewport:
            kind = HIDING_MODIFIERS[modifier.type]
            found.append(
                f"The {kind} modifier of {face.name!r} replaces what its shape keys do: turn it off"
            )
    return found + _nla_obstacles(face)


def locked_notes(face: bpy.types.Object, shape_names: Sequence[str]) -> list[str]:
    """Shape keys that are locked: no obstacle, as the lock is for sculpting, but worth a word."""
    blocks = face.data.shape_keys.key_blocks
    locked = [name for name in shape_names if name in blocks and blocks[name].lock_shape]
    if not locked:
        return []
    return [f"Locked on {face.name!r}, keyed all the same: {_listed(locked)}"]


def _nla_obstacles(face: bpy.types.Object) -> list[str]:
    animation = face.data.shape_keys.animation_data
    if animation is None or not len(animation.nla_tracks):
        return []
    found = []
    if any(nla.is_solo for nla in animation.nla_tracks):
        found.append(f"An NLA track of {face.name!r} is solo, which hides the performance")
    if animation.action_influence < 1 or animation.action_blend_type != "REPLACE":
        found.append(f"NLA settings of {face.name!r} mix the performance with other strips")
    return found


def _check_face(
    face: bpy.types.Object,
    curves: track.CurveTrack,
    scene: bpy.types.Scene,
    frames: NDArray[np.float64],
    asked: list[Asked],
) -> tuple[bool, list[str]]:
    if not asked:
        return True, []
    shapes = {one.target: one.values for one in asked if one.kind == "shape"}
    why = obstacles(face, _keyed(face, shapes))
    rest, widest = _rest_and_widest(curves, list({c for one in asked for c in one.channels}))
    if max(float(np.ptp(one.values[[rest, widest]])) for one in asked) < STILL_VALUE:
        return True, why
    if not face.visible_get():
        return True, [*why, f"{face.name!r} is hidden, so whether it moves was not checked"]
    points = []
    for index in (rest, widest):
        coordinates, values = _evaluate(face, scene, float(frames[index]))
        points.append(coordinates)
        off = [n for n, v in shapes.items() if n in values and _differs(values[n], v[index])]
    if points[0].shape != points[1].shape:
        return True, why
    size = float(np.ptp(points[0], axis=0).max())
    moved = float(np.abs(points[1] - points[0]).max()) > STILL_PART * size
    if not moved and not why:
        why.append(f"{face.name!r} does not move: do its shape keys hold any shape?")
    if off and not why:
        why.append(f"Not as keyed on {face.name!r}: {_listed(off)}; something else sets them")
    return moved and not off, why


def _keyed(face: bpy.types.Object, shapes: dict[str, NDArray[np.float64]]) -> list[str]:
    """Those of ``shapes`` that are keyed themselves: a driver that is followed is no obstacle."""
    key = face.data.shape_keys
    driven = driven_shapes(key)
    source_keyed = {name for name in driven & set(shapes) if _has_source(key, name)}
    return [name for name in shapes if name in key.key_blocks and name not in source_keyed]


def _has_source(key: bpy.types.Key, name: str) -> bool:
    try:
        source = drivers.source_of(key, value_path(name))
    except NotUnderstood:
        return False
    return source.owner != key


def _rest_and_widest(curves: track.CurveTrack, channels: list[str]) -> tuple[int, int]:
    """Frames where the mouth is least and most open; where all is least and most, without a jaw."""
    if "jawOpen" in channels and np.ptp(curves.column("jawOpen")) > STILL_VALUE:
        opening = curves.column("jawOpen")
    else:
        opening = np.sum([np.abs(curves.column(c)) for c in channels], axis=0)
    return int(np.argmin(opening)), int(np.argmax(opening))


def _evaluate(
    face: bpy.types.Object, scene: bpy.types.Scene, frame: float
) -> tuple[NDArray[np.float32], dict[str, float]]:
    """Vertices (vertices, 3) of the evaluated mesh, and values of its shape keys, at ``frame``."""
    whole = int(np.floor(frame))
    scene.frame_set(whole, subframe=frame - whole)
    graph = bpy.context.evaluated_depsgraph_get()
    evaluated = face.evaluated_get(graph)
    mesh = evaluated.to_mesh()
    coordinates = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", coordinates)
    evaluated.to_mesh_clear()
    blocks = face.data.shape_keys.evaluated_get(graph).key_blocks
    return coordinates.reshape(-1, 3), {block.name: block.value for block in blocks}


def _differs(value: float, wanted: float) -> bool:
    return abs(value - float(wanted)) > VALUE_TOLERANCE


def _listed(names: Sequence[str]) -> str:
    head = ", ".join(names[:LISTED_NAMES])
    more = len(names) - LISTED_NAMES
    return f"{head} and {more} more" if more > 0 else head
