"""Does the face move, and do its lips meet? Evaluates the baked mesh, and names obstacles.

Keys that nobody sees are the commonest complaint about lip-sync tools: the keys are there, and the
face is still. So the proof is the mesh itself, as Blender's dependency graph gives it: at rest, at
its widest, and where the lips should be closed.

The check comes in pieces, so that the window never stands still: a piece evaluates one mesh at one
frame at most. One frame of a heavy scene cannot be split. Nothing of bpy is kept in between.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Collection, Generator, Sequence

import bpy
import numpy as np
from numpy.typing import NDArray

from ...errors import BadTarget, SessionError
from ...package import track
from ...text import listed
from ..binding import basis as solver_basis
from ..drive.mouth import Mouth, mouth_between, reference_gap
from ..drive.target_curves import target_curves
from ..fitting import lips
from ..keys.fcurves import key_frames
from .obstacles import keyed_shapes, locked_notes, obstacles

STILL_PART = 1e-4
"""A face that moves by less than this part of its own size is still."""
STILL_VALUE = 1e-3
"""Curves that change by less than this are still themselves."""
VALUE_TOLERANCE = 0.01
"""A shape key may differ from its curve by this much: keys are linear between frames."""
REORDERING = ("SUBSURF", "MULTIRES")
"""Modifiers that add vertices but keep the first ones: the lips can still be read."""

Points = NDArray[np.float32]


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
    """Evaluate ``faces`` at the stillest and the widest frame of ``curves``, all at once.

    The scene's current frame is put back. The objects must have been baked with these numbers.

    Args:
        faces: The baked meshes.
        curves: What they were baked with.
        scene: The open scene.
        start_frame: As for the bake.
        frame_rate: As for the bake.
        left_out: Shape keys that the bake left to their drivers.
    """
    job = CheckJob(
        lambda: (faces, scene),
        curves,
        start_frame=start_frame,
        frame_rate=frame_rate,
        left_out=tuple(left_out),
    )
    while (report := job.step(math.inf)) is None:
        pass
    return report


@dataclasses.dataclass(frozen=True)
class Measured:
    """What the mesh of a face does under its performance."""

    sentences: tuple[str, ...] = ()
    lips_open: bool = False


@dataclasses.dataclass(frozen=True)
class Motion:
    """Whether a face moves."""

    moved: bool
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


FindFaces = Callable[[], tuple[Sequence[bpy.types.Object], bpy.types.Scene]]


class CheckJob:
    """A check in pieces (a `jobs.stepper.Stepper`); call ``step`` until it returns the report."""

    def __init__(
        self,
        find_faces: FindFaces,
        curves: track.CurveTrack,
        *,
        start_frame: float,
        frame_rate: float,
        left_out: Collection[str] = (),
    ) -> None:
        """Prepare a check; nothing is evaluated before the first step.

        Args:
            find_faces: Returns the faces and the scene as they are now, or raises a SessionError
                that ends the check.
            curves: The performance that the faces were baked with.
            start_frame: As for the bake.
            frame_rate: As for the bake.
            left_out: Shape keys that the bake left to their drivers.
        """
        self._find_faces, self._curves, self._left_out = find_faces, curves, left_out
        self._frames = key_frames(curves, start_frame=start_frame, frame_rate=frame_rate)
        self._faces: Sequence[bpy.types.Object] = ()
        self._scene: bpy.types.Scene | None = None
        self._pieces: Generator[None, None, CheckReport] | None = None
        self._seen: dict[tuple[int, int], tuple[Points, dict[str, float]]] = {}
        """What was evaluated, by session id of the face and index of the frame."""

    def step(self, budget_s: float) -> CheckReport | None:
        """Evaluate one mesh at one frame, or more until the budget is used up.

        Args:
            budget_s: Seconds to spend; ``math.inf`` runs to the end.

        Returns:
            The report after the last piece, None before. A face that is gone or cannot be checked
            ends the check with a report that says so.
        """
        deadline = time.perf_counter() + budget_s
        try:
            self._faces, self._scene = self._find_faces()
            if self._pieces is None:
                self._pieces = self._check([face.session_uid for face in self._faces])
            while True:
                next(self._pieces)
                if time.perf_counter() >= deadline:
                    return None
        except StopIteration as end:
            report: CheckReport = end.value
            return report
        except (_FaceGone, SessionError) as gone:
            return CheckReport(True, (f"Not checked: {gone}",))
        finally:
            self._faces, self._scene = (), None

    def drop(self) -> None:
        """Do nothing: a check writes nothing."""

    def _check(self, uids: Sequence[int]) -> Generator[None, None, CheckReport]:
        motions, measured = [], Measured()
        for uid in uids:
            motions.append((yield from self._motion(uid)))
        moved = all(motion.moved for motion in motions)
        if moved and uids:
            measured = yield from self._measured(uids[0])
        problems = dict.fromkeys(sentence for one in motions for sentence in one.problems)
        notes = [note for one in motions for note in one.notes]
        measures = (*measured.sentences, *notes)
        return CheckReport(moved, tuple(problems), measures, measured.lips_open)

    def _motion(self, uid: int) -> Generator[None, None, Motion]:
        """Whether a face moves as far as it is asked to, and what stands in the way."""
        asked = [
            one
            for one in target_curves(self._face(uid), self._curves)
            if one.channels and one.target not in self._left_out
        ]
        if not asked:
            return Motion(True)
        shapes = {one.target: one.values for one in asked if one.kind == "shape"}
        why = obstacles(self._face(uid), keyed_shapes(self._face(uid), shapes))
        notes = tuple(locked_notes(self._face(uid), list(shapes)))
        ends = _rest_and_widest(self._curves, list({c for one in asked for c in one.channels}))
        if max(float(np.ptp(one.values[[*ends]])) for one in asked) < STILL_VALUE:
            return Motion(True, tuple(why), notes)
        if not self._face(uid).visible_get():
            name = self._face(uid).name
            why.append(f"{name!r} is hidden, so whether it moves was not checked")
            return Motion(True, tuple(why), notes)
        seen = []
        for index in ends:
            yield
            seen.append(self._evaluated(uid, index))
        return self._judged(uid, seen, {n: v[ends[1]] for n, v in shapes.items()}, why, notes)

    def _judged(
        self,
        uid: int,
        seen: Sequence[tuple[Points, dict[str, float]]],
        wanted: dict[str, float],
        why: list[str],
        notes: tuple[str, ...],
    ) -> Motion:
        (rest, _values), (widest, values) = seen
        if rest.shape != widest.shape:
            return Motion(True, tuple(why), notes)
        name = self._face(uid).name
        off = [n for n, value in wanted.items() if n in values and _differs(values[n], value)]
        moved = float(np.abs(widest - rest).max()) > STILL_PART * float(np.ptp(rest, axis=0).max())
        if not moved and not why:
            why.append(f"{name!r} does not move: do its shape keys hold any shape?")
        if off and not why:
            why.append(f"Not as keyed on {name!r}: {listed(off)}; something else sets them")
        return Motion(moved and not off, tuple(why), notes)

    def _measured(self, uid: int) -> Generator[None, None, Measured]:
        """Movement and lip gap at silence, at the widest vowel and at a closure, on the mesh."""
        yield
        reference = reference_gap(self._curves)
        if not self._face(uid).visible_get() or np.ptp(reference) < STILL_VALUE:
            return Measured()
        lips_said = solver_basis.marked_lips_or_none(self._face(uid))
        yield
        try:
            mouth = mouth_between(self._face(uid), lips_said)
        except BadTarget:
            return Measured()  # a mesh without lips, such as teeth
        marks, gap_at_rest = mouth.marks, mouth.rest
        del mouth  # it holds the object
        wanted = _silent_wide_closed(reference, self._curves.fps)
        points = []
        for index in wanted:
            yield
            points.append(self._evaluated(uid, index)[0])
        if len({len(some) for some in points}) > 1:
            return Measured()
        yield
        return self._told(Mouth(self._face(uid), marks, gap_at_rest), reference, points)

    def _told(self, mouth: Mouth, reference: NDArray[np.float64], points: list[Points]) -> Measured:
        face = mouth.face
        assert self._scene is not None
        millimetre = 1000.0 * self._scene.unit_settings.scale_length * _scale(face)
        movement = float(np.linalg.norm(points[1] - points[0], axis=1).max()) * millimetre
        sentences = [f"The face moves by up to {movement:.1f} mm"]
        gaps = mouth.gaps(target_curves(face, self._curves), self._curves.frame_count)
        if len(points) > 2 and _keeps_vertices(face):
            opening, gap = (mouth.gap(some) * millimetre for some in points[1:])
            sentences.append(
                f"Lip gap {opening:.1f} mm at the widest, {max(gap, 0.0):.1f} mm at a closure"
            )
        count = lips.closures(reference, lips.relative(gaps), self._curves.fps)
        if count.wanted:
            sentences.append(f"Lips meet in {count.met} of {count.wanted} closures")
        return Measured(tuple(sentences), not count.all_met)

    def _evaluated(self, uid: int, index: int) -> tuple[Points, dict[str, float]]:
        """As `_evaluate`, at the frame of a key; once for each."""
        if (uid, index) not in self._seen:
            scene = self._scene
            assert scene is not None
            before, subframe = scene.frame_current, scene.frame_subframe
            try:
                seen = _evaluate(self._face(uid), scene, float(self._frames[index]))
            finally:
                scene.frame_set(before, subframe=subframe)
            self._seen[uid, index] = seen
        return self._seen[uid, index]

    def _face(self, uid: int) -> bpy.types.Object:
        found = next((face for face in self._faces if face.session_uid == uid), None)
        if found is None:
            raise _FaceGone("the faces changed meanwhile")
        return found


class _FaceGone(LookupError):
    """A face that is checked is not there any more."""


def _silent_wide_closed(reference: NDArray[np.float64], fps: float) -> list[int]:
    """Frames of the least and the widest gap, and of the tightest closure where there is one."""
    chosen = [int(np.argmin(np.abs(reference))), int(np.argmax(reference))]
    runs = lips.closure_runs(reference, fps)
    closed = [a + int(np.argmin(reference[a:b])) for a, b in runs]
    return [*chosen, min(closed, key=reference.__getitem__)] if closed else chosen


def _keeps_vertices(face: bpy.types.Object) -> bool:
    """True when the first vertices of the evaluated mesh are those of the mesh."""
    shown = [modifier for modifier in face.modifiers if modifier.show_viewport]
    return all(m.type in (*REORDERING, "ARMATURE", "SMOOTH", "CORRECTIVE_SMOOTH") for m in shown)


def _scale(face: bpy.types.Object) -> float:
    return float(np.mean([abs(factor) for factor in face.matrix_world.to_scale()]))


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
