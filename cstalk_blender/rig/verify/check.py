"""Check after a bake that the faces move, that the mouth opens and that the lips meet.

Keyframes without a visible effect are the commonest complaint about lip-sync tools. The evidence is
therefore the mesh itself, as Blender's dependency graph evaluates it.

The check is done in pieces, so that the window stays responsive: a piece evaluates one mesh at one
frame at most. One frame of a heavy scene cannot be split.
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
from ..binding import basis
from ..binding.targets import find_parts
from ..drive.mouth import Mouth, mouth_between, reference_gap
from ..drive.target_curves import TargetCurve, target_curves
from ..fitting import lips
from ..keys.fcurves import key_frames
from .evaluation import Points, evaluate_mesh, keeps_vertices, millimetres
from .mouth_check import MouthFindings, judge_mouth, mouth_frames, opening_problem_or_none
from .obstacles import keyed_shapes, locked_notes, obstacles

# Well above the rounding of float32 vertices, about 1e-7 of the size.
STILL_PART = 1e-4
"""A face that moves by less than this part of its own size is still."""
STILL_VALUE = 1e-3
"""Curves that change by less than this are still themselves."""
VALUE_TOLERANCE = 0.01
"""Allowed difference of a shape key from its curve: keyframes are linear between frames."""

FindFaces = Callable[[], tuple[Sequence[bpy.types.Object], bpy.types.Scene]]


@dataclasses.dataclass(frozen=True)
class CheckReport:
    """Result of a check."""

    moved: bool
    """True when the head moved as far as its curves ask, or the curves are still."""
    problems: tuple[str, ...]
    """What hides the performance, or will surprise: one sentence each."""
    # Reports are equal when they found the same; measures are for reading.
    measures: tuple[str, ...] = dataclasses.field(default=(), compare=False)
    """Measurements on the mesh: movement and lip gap in millimetres, closures."""
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
    """Check baked faces at once; the scene's current frame is restored.

    Args:
        faces: The baked meshes.
        curves: The performance that they were baked with.
        scene: The open scene.
        start_frame: As for the bake.
        frame_rate: As for the bake.
        left_out: Shape keys that the bake left to their drivers.
    """
    # The same generator as in a job, run to its end, so that both find the same.
    job = CheckJob(
        lambda: (faces, scene),
        curves,
        start_frame=start_frame,
        frame_rate=frame_rate,
        left_out=left_out,
    )
    while (report := job.step(math.inf)) is None:
        pass
    return report


@dataclasses.dataclass(frozen=True)
class _Motion:
    """Movement of one face."""

    moved: bool
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    obstacles: tuple[str, ...] = ()
    """Those of ``problems`` that name a cause."""
    is_mapped: bool = True
    """False when no channel of the track moves the face."""


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
        self._find_faces, self._curves, self._left_out = find_faces, curves, tuple(left_out)
        self._frames = key_frames(curves, start_frame=start_frame, frame_rate=frame_rate)
        self._faces: Sequence[bpy.types.Object] = ()
        self._scene: bpy.types.Scene | None = None
        self._pieces: Generator[None, None, CheckReport] | None = None
        # Rest and widest of the head serve both the motion and the mouth.
        self._seen: dict[tuple[int, int], tuple[Points, dict[str, float]]] = {}
        """Evaluated meshes, by session id of the face and index of the frame."""

    def step(self, budget_s: float) -> CheckReport | None:
        """Evaluate one mesh at one frame, or more until the budget is used up.

        Args:
            budget_s: Seconds to spend; ``math.inf`` runs to the end.

        Returns:
            The report after the last piece, None before. A face that is gone or cannot be checked
            ends the check with a report that says so.
        """
        # At least one piece is done, whatever the budget; else a slow machine would never end.
        deadline = time.perf_counter() + budget_s
        try:
            # Looked up again at every step: undo and file changes invalidate references to objects.
            self._faces, self._scene = self._find_faces()
            # Ids are kept between steps, not objects.
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
        # No reference survives the step, so that Blender may free the objects between two.
        finally:
            self._faces, self._scene = (), None

    def drop(self) -> None:
        """Do nothing: a check writes nothing."""

    # A generator holds its place between timer calls, without a state machine by hand.
    def _check(self, uids: Sequence[int]) -> Generator[None, None, CheckReport]:
        motions = {}
        for uid in uids:
            motions[uid] = yield from self._motion(uid)
        head = self._head_uid_or_none(uids)
        mouth = MouthFindings()
        problems = [sentence for one in motions.values() for sentence in one.problems]
        # A still companion is a problem of its own and no reason to call the face still.
        moved = head is None or motions[head].moved
        if head is not None and not motions[head].is_mapped and not self._left_out:
            moved = False
            problems.append(f"No shape key of {self._face(head).name!r} follows the performance")
        if head is not None and moved:
            mouth = yield from self._mouth(head, motions[head].obstacles)
        # Notes are no problems: the performance shows all the same.
        notes = [note for one in motions.values() for note in one.notes]
        return CheckReport(
            moved,
            # A cause that several faces share is told once.
            tuple(dict.fromkeys((*problems, *mouth.problems))),
            (*mouth.sentences, *notes),
            mouth.lips_open,
        )

    def _head_uid_or_none(self, uids: Sequence[int]) -> int | None:
        """Return the face whose lips are measured, whatever part of it was baked first."""
        # The first in the list may be a companion that the user selected.
        parts = find_parts([self._face(uid) for uid in uids])
        heads = [part.face.session_uid for part in parts if part.part == "head"]
        known = [uid for uid in heads if uid in uids]
        if uids and uids[0] in known:
            return uids[0]
        return next(iter((*known, *uids)), None)

    def _motion(self, uid: int) -> Generator[None, None, _Motion]:
        """Find out whether a face moves as far as its curves ask, and what hides it."""
        curves = [
            curve
            for curve in target_curves(self._face(uid), self._curves)
            if curve.channels and curve.target not in self._left_out
        ]
        if not curves:
            return _Motion(True, is_mapped=False)
        shapes = {curve.target: curve.values for curve in curves if curve.kind == "shape"}
        face = self._face(uid)
        causes = tuple(obstacles(face, keyed_shapes(face, shapes)))
        notes = tuple(locked_notes(face, list(shapes)))
        del face  # the user may delete it before the next piece
        ends = _rest_and_widest(self._curves, curves)
        # Curves that are still need no motion of the mesh.
        if max(float(np.ptp(curve.values[[*ends]])) for curve in curves) < STILL_VALUE:
            return _Motion(True, causes, notes, causes)
        # A hidden object is not evaluated, and would look still.
        if not self._face(uid).visible_get():
            hidden = f"{self._face(uid).name!r} is hidden, so its movement was not checked"
            return _Motion(True, (*causes, hidden), notes, causes)
        seen = []
        for index in ends:
            # Before each evaluation, which is the expensive part of a piece.
            yield
            seen.append(self._evaluated(uid, index))
        wanted = {name: float(values[ends[1]]) for name, values in shapes.items()}
        moved, problems = _compare(self._face(uid).name, seen[0], seen[1], wanted, causes)
        return _Motion(moved, problems, notes, causes)

    def _mouth(self, uid: int, causes: Sequence[str]) -> Generator[None, None, MouthFindings]:
        """Measure the mouth at silence, the widest vowel, a closure and the deepest overlap."""
        yield
        curves = self._curves
        reference = reference_gap(curves)
        # A performance without opening says nothing about the lips.
        if not self._face(uid).visible_get() or np.ptp(reference) < STILL_VALUE:
            return MouthFindings()
        if (problem := opening_problem_or_none(self._face(uid), curves)) is not None:
            return MouthFindings(problems=(problem,))
        marked = basis.marked_lips_or_none(self._face(uid))
        # Marked lips read all vertex groups, which takes long on a large mesh: a piece of its own.
        yield
        try:
            mouth = mouth_between(self._face(uid), marked)
        except BadTarget:
            return MouthFindings()  # a mesh without lips, such as teeth
        gaps = mouth.gaps(target_curves(mouth.face, curves), curves.frame_count)
        marks, gap_at_rest = mouth.marks, mouth.rest
        del mouth  # it refers to the object
        frames = mouth_frames(reference, gaps, curves.fps)
        points: dict[int, Points] = {}
        for index in frames.needed():
            # One evaluation a step, as in `_motion`.
            yield
            points[index] = self._evaluated(uid, index)[0]
        face = self._face(uid)
        assert self._scene is not None
        unit = millimetres(face, self._scene)
        # A modifier with a changing number of vertices: they cannot be followed from frame to
        # frame.
        if len({len(some) for some in points.values()}) > 1:
            return MouthFindings()
        movement = np.linalg.norm(points[frames.widest] - points[frames.silent], axis=1).max()
        found = judge_mouth(
            Mouth(face, marks, gap_at_rest),
            frames,
            # Vertices whose order is unknown give no gap; the sums of the keyframes stand in.
            points if keeps_vertices(face) else {},
            gaps,
            millimetre=unit,
            obstacles=causes,
        )
        count = lips.closures(reference, lips.relative(gaps), curves.fps)
        closures = [f"Lips meet in {count.met} of {count.wanted} closures"] if count.wanted else []
        sentences = (f"The face moves by up to {movement * unit:.1f} mm", *found.sentences)
        return MouthFindings((*sentences, *closures), found.problems, not count.all_met)

    def _evaluated(self, uid: int, index: int) -> tuple[Points, dict[str, float]]:
        """Return the mesh at a keyframe, evaluated once."""
        if (uid, index) not in self._seen:
            assert self._scene is not None
            frame = float(self._frames[index])
            # The frame of a key may be fractional where the scene's rate differs from the track's.
            self._seen[uid, index] = evaluate_mesh(self._face(uid), self._scene, frame)
        return self._seen[uid, index]

    def _face(self, uid: int) -> bpy.types.Object:
        found = next((face for face in self._faces if face.session_uid == uid), None)
        # Gone means deleted, or replaced by undo.
        if found is None:
            raise _FaceGone("the faces changed meanwhile")
        return found


class _FaceGone(LookupError):
    """Raised when a face was removed during its check."""


def _rest_and_widest(
    track_curves: track.CurveTrack, curves: Sequence[TargetCurve]
) -> tuple[int, int]:
    """Return the frames where the mouth, or without a jaw everything, is least and most open."""
    channels = list({channel for curve in curves for channel in curve.channels})
    opening: NDArray[np.floating]
    # A constant jaw has no widest frame; all channels together then tell rest from motion.
    if "jawOpen" in channels and np.ptp(track_curves.column("jawOpen")) > STILL_VALUE:
        opening = track_curves.column("jawOpen")
    else:
        opening = np.sum([np.abs(track_curves.column(c)) for c in channels], axis=0)
    return int(np.argmin(opening)), int(np.argmax(opening))


def _compare(
    name: str,
    at_rest: tuple[Points, dict[str, float]],
    at_widest: tuple[Points, dict[str, float]],
    wanted: dict[str, float],
    causes: Sequence[str],
) -> tuple[bool, tuple[str, ...]]:
    """Return whether a face moved as keyed, and what hides the movement.

    Args:
        name: Name of the object.
        at_rest: Evaluated vertices and values at the least opening.
        at_widest: The same at the widest.
        wanted: Values that the shape keys should have at the widest.
        causes: Known obstacles.
    """
    (rest, _values), (widest, values) = at_rest, at_widest
    # A modifier changed the number of vertices, so that nothing can be compared.
    if rest.shape != widest.shape:
        return True, tuple(causes)
    off = [n for n, v in wanted.items() if n in values and abs(values[n] - v) > VALUE_TOLERANCE]
    size = float(np.ptp(rest, axis=0).max())
    # ``not >`` instead of ``<=``: NaN vertices count as still.
    is_still = not float(np.abs(widest - rest).max()) > STILL_PART * size
    # A known obstacle explains the difference; a second sentence about it would be noise.
    if causes or not (is_still or off):
        return not (is_still or off), tuple(causes)
    if is_still:
        return False, (f"{name!r} does not move: do its shape keys hold any shape?",)
    return False, (f"Not as keyed on {name!r}: {listed(off)}; something else sets them",)
