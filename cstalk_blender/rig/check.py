"""Does the face move? Evaluates the baked mesh at rest and at its widest, and names obstacles.

Keys that nobody sees are the commonest complaint about lip-sync tools: the keys are there, and the
face is still. So the proof is the mesh itself, as Blender's dependency graph gives it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence

import bpy
import numpy as np
from numpy.typing import NDArray

from .. import compat
from ..installation import track
from .bake import key_frames
from .plan import driven_shapes
from .targets import mapping_of

STILL_PART = 1e-4
"""A face that moves by less than this part of its own size is still."""
STILL_VALUE = 1e-3
"""Curves that change by less than this are still themselves."""
VALUE_TOLERANCE = 0.01
"""A shape key may differ from its curve by this much: keys are linear between frames."""
LISTED_NAMES = 3
"""Names given before "and n more"."""


@dataclasses.dataclass(frozen=True)
class CheckReport:
    """What `check_faces` saw."""

    moved: bool
    """True when every face moved as far as its curves ask, or the curves are still."""
    problems: tuple[str, ...]
    """What stands in the way, or will surprise: one sentence each."""


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
    moved, problems = True, []
    try:
        for face in faces:
            wanted = set(curves.channels)
            pairs = {
                channel: name
                for channel, name in mapping_of(face).pairs.items()
                if channel in wanted and name not in left_out
            }
            face_moved, why = _check_face(face, curves, scene, frames, pairs)
            moved = moved and face_moved
            problems += [sentence for sentence in why if sentence not in problems]
    finally:
        scene.frame_set(frame_before, subframe=subframe_before)
    return CheckReport(moved, tuple(problems))


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
    return found + _nla_obstacles(face)


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
    pairs: dict[str, str],
) -> tuple[bool, list[str]]:
    if not pairs:
        return True, []
    why = obstacles(face, list(pairs.values()))
    rest, widest = _rest_and_widest(curves, list(pairs))
    if (
        np.ptp(np.stack([curves.column(c)[[rest, widest]] for c in pairs]), axis=1).max()
        < STILL_VALUE
    ):
        return True, why
    if not face.visible_get():
        return True, [*why, f"{face.name!r} is hidden, so whether it moves was not checked"]
    points = []
    for index in (rest, widest):
        coordinates, values = _evaluate(face, scene, float(frames[index]))
        points.append(coordinates)
        off = [name for c, name in pairs.items() if _differs(values[name], curves.column(c)[index])]
    if points[0].shape != points[1].shape:
        return True, why
    size = float(np.ptp(points[0], axis=0).max())
    moved = float(np.abs(points[1] - points[0]).max()) > STILL_PART * size
    if not moved and not why:
        why.append(f"{face.name!r} does not move: do its shape keys hold any shape?")
    if off and not why:
        why.append(f"Not as keyed on {face.name!r}: {_listed(off)}; something else sets them")
    return moved and not off, why


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
