"""Bake a performance: keyframes on everything that moves the face, complete or not at all.

One performance is one Action with a slot for each data block that it keys (shape keys of head,
teeth and tongue, the armature), or one Action each where Actions have no slots (4.2, 4.3). The
Actions are built unassigned and assigned when every curve is written: an error before that leaves
the scene as it was.
"""

from __future__ import annotations

import dataclasses
import enum
import math
import time
from collections.abc import Callable, Sequence

import bpy
import numpy as np

from ... import compat
from ...direct.splice import EarlierFit
from ...errors import SceneChanged, SessionError
from ...package import track
from ..drive.mouth import reference_gap
from ..drive.plan import owners_of
from . import edit_marks, hand_edits, memory, ownership
from .build import ActionBuilder, Fitting, Group
from .earlier import earlier_fits
from .fcurves import key_frames
from .hand_edits import KeptEdit
from .install import install, plan_faces, remember, remove_actions, uninstall
from .report import BakeReport, ClearReport, report_of
from .tracks import has_clips

# Stored with the Action, since the seal may be asked for after the track and the sound are gone.
REFERENCE_GAP = "cstalk_gap"
"""Custom property of our Actions: relative lip gap of the demo head at each keyframe, which the lip
seal compares with."""
SAMPLES = "cstalk_samples"
"""Custom property of our Actions: first and last scene frame of those gaps, evenly spaced."""
CLOSED_GAP = 0.02
"""Of jawOpen less mouthClose: lips of a closure meet under it on the three public ARKit heads."""
# A driver or an add-on that changes the face at every frame would keep the bake from ever ending.
MOST_STARTS = 20
"""Times that a bake starts over because the face was changed meanwhile, before it fails."""

FindFaces = Callable[[], Sequence[bpy.types.Object]]


class _Stage(enum.Enum):
    """Next piece of a bake."""

    # Planning is a piece of its own: it may solve the whole performance.
    PLAN = enum.auto()
    REFERENCE = enum.auto()
    WRITE = enum.auto()
    INSTALL = enum.auto()


class BakeJob:
    """A bake in pieces (a `jobs.stepper.Stepper`); call ``step`` until it returns the report.

    The keyframes are written into Actions that nothing plays, and the last piece assigns them. If
    the face was changed in between, the bake starts over.
    """

    def __init__(
        self,
        find_faces: FindFaces,
        curves: track.CurveTrack,
        *,
        start_frame: float,
        frame_rate: float,
        line: str,
        take: str = "",
        tolerance: float | None = None,
        before_install: Callable[[Sequence[bpy.types.Object]], None] | None = None,
        blend_s: float = hand_edits.BLEND_S,
    ) -> None:
        """Prepare a bake; nothing is read or changed before the first step.

        Args:
            find_faces: Returns the faces as they are now, as `targets.face_objects` does, or
                raises a SessionError that ends the bake.
            curves: The performance.
            start_frame: Scene frame at time 0 of the audio file; may be fractional.
            frame_rate: Frames per second of the scene, ``fps / fps_base``.
            line: Name of the clip, for the names of Actions.
            take: Identity of the clip, such as the path of its audio file: a bake replaces the
                keyframes of an earlier one with the same identity. Empty for ``line``.
            tolerance: Largest deviation of few fitted Bezier keys, as a share of a curve's range;
                None writes a linear key for each frame of the track.
            before_install: Called with the faces right before the Actions are assigned.
            blend_s: Seconds over which an edit of the artist passes into the new curves.
        """
        self._find_faces, self._curves = find_faces, curves
        # A clip without a path is known by its name, as in version 0.1.
        self._line, self._take = line, take or line
        self._frame_rate, self._tolerance = frame_rate, tolerance
        self._before_install, self._blend_s = before_install, blend_s
        self._frames = key_frames(curves, start_frame=start_frame, frame_rate=frame_rate)
        fitting = None if tolerance is None else Fitting(tolerance, closed_frames(curves))
        self._builder = ActionBuilder(self._frames, fitting)
        self._gap: list[float] = []
        self._stage = _Stage.PLAN
        self._starts = 0

    def step(self, budget_s: float) -> BakeReport | None:
        """Plan, write curves or assign Actions for a while; at least one piece.

        Args:
            budget_s: Seconds to spend; ``math.inf`` runs to the end.

        Returns:
            The report after the last piece, None before.

        Raises:
            BadTarget: An Action cannot be assigned to one of the faces.
            BakeFailed: Blender refused, or no curve of the track fits the faces.
            SceneChanged: A data block to key was removed, or the face changed too often.
        """
        deadline = time.perf_counter() + budget_s
        try:
            faces = self._find_faces()
            # An undo between two pieces may have removed Actions or curves that were written.
            if self._stage is not _Stage.PLAN and not self._builder.is_intact():
                self._stage = _Stage.PLAN
            # At least one piece, whatever the budget, so that the bake ends on any machine.
            while True:
                report = self._advance(faces, deadline)
                if report is not None or time.perf_counter() >= deadline:
                    return report
        except SessionError:
            self.drop()
            raise

    @property
    def fraction(self) -> float:
        """Written part of the curves, 0 to 1."""
        return self._builder.fraction

    def drop(self) -> None:
        """Remove incomplete Actions; a finished bake stays."""
        self._builder.drop()

    def _advance(self, faces: Sequence[bpy.types.Object], deadline: float) -> BakeReport | None:
        if self._stage is _Stage.PLAN:
            self._plan(faces)
        elif self._stage is _Stage.REFERENCE:
            # Kept over a new start: it depends on the track alone.
            self._gap = self._gap or reference_gap(self._curves).tolist()
            self._stage = _Stage.WRITE
        elif self._stage is _Stage.WRITE:
            self._builder.write(deadline)
            if self._builder.is_complete:
                self._stage = _Stage.INSTALL
        else:
            return self._install(faces)
        return None

    def _plan(self, faces: Sequence[bpy.types.Object]) -> None:
        # Before the count, so that a failure leaves no incomplete Action behind.
        self._builder.drop()
        self._starts += 1
        if self._starts > MOST_STARTS:
            raise SceneChanged(
                f"The face changed {MOST_STARTS} times while its keyframes were written",
                hint="Generate again while nothing else changes it",
            )
        _plans, groups = plan_faces(faces, self._curves)
        # Edits are merged before writing, for the keyframes are written once.
        edited, _kept = self._with_edits(groups)
        self._builder.plan(edited, self._earlier(groups))
        self._stage = _Stage.REFERENCE

    def _install(self, faces: Sequence[bpy.types.Object]) -> BakeReport | None:
        # The plan is made again: the user may have renamed keys or edited the mapping meanwhile.
        plans, groups = plan_faces(faces, self._curves)
        edited, kept_edits = self._with_edits(groups)
        if not self._builder.is_current(edited):
            self._stage = _Stage.PLAN
            return None
        keys, error = self._builder.keys, self._builder.largest_error
        if self._before_install is not None:
            self._before_install(faces)
        # `take` ends the building: from here on Actions are only assigned.
        made = self._builder.take()
        self._mark(made, faces[0].data.shape_keys)
        # Sliders are widened before the Actions play, because Blender clamps values to them.
        widened = [name for owner, curves in edited for name in remember(owner, curves)]
        replaced = [
            install(owner, action) for (owner, _curves), action in zip(groups, made, strict=True)
        ]
        for (owner, curves), action in zip(groups, made, strict=True):
            # Without the edits: the next bake must find what the artist changed, not what we kept
            # of it.
            labels = hand_edits.kept_labels(curves, kept_edits)
            generated = hand_edits.Generated(
                self._frames, self._tolerance or 0.0, hand_edits.halved(curves), labels, error
            )
            hand_edits.remember_generated(action, owner, generated)
            _carry_pins(replaced, action)
        # Removed after the new ones play: an Action that is played has a user.
        kept = remove_actions(a for a in self._same_take(faces, replaced) if a not in made)
        names = {face.data.shape_keys: face.name for face in faces}
        for (owner, _curves), action in zip(groups, made, strict=True):
            # Where all data blocks share one Action it has the name of the face, else that of each
            # block.
            who = faces[0].name if compat.shares_actions() else names.get(owner, owner.name)
            ownership.set_name(action, ownership.clip_name(who, self._line))
        report = report_of(plans, self._curves, self._frames, made, widened=widened, kept=kept)
        return dataclasses.replace(report, keys=keys, fit_error=error, edits=kept_edits)

    def _earlier(self, groups: Sequence[Group]) -> dict[tuple[int, str], EarlierFit]:
        """Return the fitted keys of the same take that stay where its curves have not changed."""
        if self._tolerance is None:
            return {}
        return {
            (number, name): fit
            for number, (owner, curves) in enumerate(groups)
            for name, fit in earlier_fits(
                owner, curves, self._frames, take=self._take, tolerance=self._tolerance
            ).items()
        }

    def _with_edits(self, groups: Sequence[Group]) -> tuple[list[Group], tuple[KeptEdit, ...]]:
        """Return the curves with the artist's edits of the take that is played now."""
        out, kept = [], []
        for owner, curves in groups:
            edited, found = hand_edits.with_hand_edits(
                owner,
                curves,
                self._frames,
                take=self._take,
                frame_rate=self._frame_rate,
                blend_s=self._blend_s,
            )
            out.append((owner, edited))
            kept += found
        return out, tuple(kept)

    def _mark(self, made: Sequence[bpy.types.Action], key: bpy.types.Key) -> None:
        for action in dict.fromkeys(made):
            ownership.record(action)
            action[REFERENCE_GAP] = self._gap
            action[SAMPLES] = [float(self._frames[0]), float(self._frames[-1])]
            action[ownership.LINE], action[ownership.TAKE] = self._line, self._take
            action[ownership.FACE] = ownership.face_id(key)
            # Without a fake user a take that is not played is gone after saving and loading.
            ownership.set_fake_user(action)

    def _same_take(
        self, faces: Sequence[bpy.types.Object], replaced: Sequence[bpy.types.Action | None]
    ) -> list[bpy.types.Action]:
        """Return earlier Actions of the same take, played until now or not."""
        found = list(ownership.takes_of(faces[0].data.shape_keys))
        for action in replaced:
            if action is not None:
                ownership.set_fake_user(action)  # version 0.1 did not set it
                found.append(action)
        return [action for action in found if self._is_same_take(action)]

    def _is_same_take(self, action: bpy.types.Action) -> bool:
        take = action.get(ownership.TAKE)
        if take is None:  # version 0.1 knew a take by the name of its clip
            return bool(action.get(ownership.LINE) == self._line)
        return bool(take == self._take)


def _carry_pins(replaced: Sequence[bpy.types.Action | None], action: bpy.types.Action) -> None:
    for before in replaced:
        if before is None or before.get(ownership.TAKE) != action[ownership.TAKE]:
            continue
        edit_marks.carry(before, action)


def closed_frames(curves: track.CurveTrack) -> tuple[int, ...]:
    """Return the frames in which the lips of a performance meet most, one for each closure.

    Args:
        curves: A performance with ARKit's jawOpen and mouthClose; empty for another.
    """
    if not {"jawOpen", "mouthClose"} <= set(curves.channels):
        return ()
    # Lips of closed jaws touch also in silence; only a mouthClose that is raised is a closure.
    gap = curves.column("jawOpen") - curves.column("mouthClose")
    is_closed = (gap < CLOSED_GAP) & (curves.column("mouthClose") > CLOSED_GAP)
    # Padded with 0 on both sides, so that runs at the ends have two edges as well.
    edges = np.flatnonzero(np.diff(np.concatenate([[0], is_closed.astype(int), [0]])))
    # One frame of each run, the tightest: keys on all of them would defeat the fitting.
    return tuple(int(a + gap[a:b].argmin()) for a, b in edges.reshape(-1, 2))


def bake_track(
    objects: Sequence[bpy.types.Object],
    curves: track.CurveTrack,
    *,
    start_frame: float,
    frame_rate: float,
    line: str,
    take: str = "",
    tolerance: float | None = None,
    before_install: Callable[[Sequence[bpy.types.Object]], None] | None = None,
    blend_s: float = hand_edits.BLEND_S,
) -> BakeReport:
    """Write a performance as keyframes at once.

    Args:
        objects: Face meshes, as `targets.face_objects` returns them; no two share a Key.
        curves: The performance.
        start_frame: Scene frame at time 0 of the audio file; may be fractional.
        frame_rate: Frames per second of the scene, ``fps / fps_base``.
        line: Name of the clip, for the names of Actions.
        take: Identity of the clip, as for `BakeJob`.
        tolerance: Deviation of fitted keys, as for `BakeJob`.
        before_install: Called before the Actions are assigned, as for `BakeJob`.
        blend_s: Seconds over which an edit of the artist passes into the new curves.

    Raises:
        BadTarget: An Action cannot be assigned to one of the objects.
        BakeFailed: Blender refused, or no curve of the track fits the objects. The scene is as it
            was in either case.
    """
    job = BakeJob(
        lambda: objects,
        curves,
        start_frame=start_frame,
        frame_rate=frame_rate,
        line=line,
        take=take,
        tolerance=tolerance,
        before_install=before_install,
        blend_s=blend_s,
    )
    while (report := job.step(math.inf)) is None:
        pass
    return report


def clear_bake(objects: Sequence[bpy.types.Object]) -> ClearReport:
    """Take our performance off faces and restore what was there before; CSTalk strips stay.

    Args:
        objects: Face meshes, as `targets.face_objects` returns them.

    Returns:
        The objects that had one, and Actions that were kept because the user changed them.
    """
    had = tuple(face.name for face in objects if has_bake(face))
    return ClearReport(had, tuple(remove_actions([uninstall(o) for o in owners_of(objects)])))


def has_bake(target: bpy.types.Object | None) -> bool:
    """Return True when the object, or what moves it, plays a CSTalk performance."""
    key = getattr(getattr(target, "data", None), "shape_keys", None)
    if key is None:
        return False
    return any(
        ownership.own_action_or_none(owner) is not None
        or (memory.has_memory(owner) and not has_clips(owner))
        # With clips on it a data block has a memory without a performance.
        for owner in (key, *owners_of([target]))
    )
