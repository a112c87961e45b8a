"""Deliver finished curves to a face in short pieces, so that the window stays responsive.

The stages are: write keyframes, make the result one undo step, check that the face moves. Every
piece looks scene and face up again. The undo step of a large file and one frame of a heavy scene
cannot be split: they are Blender's own. Main thread only.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence

import bpy

from ..direct import prediction
from ..errors import SceneChanged, SessionError
from ..package import layered
from ..rig.keys import bake
from ..rig.verify import check
from ..scene import audio as sound
from ..scene import result, takes, words
from . import direct
from . import takes as face_takes
from .request import Found, GenerateRequest, find

# Less than half a frame at 60 Hz.
KEYS_BUDGET_S = 0.006
"""Seconds that a timer callback may spend on keyframes."""
# No budget still does one piece, see `Stepper.step`.
CHECK_BUDGET_S = 0.0
"""Seconds that a timer callback may spend on the check: one evaluation, which may take long."""


class Stage(enum.Enum):
    """Next piece of a delivery."""

    BAKE = enum.auto()
    UNDO = enum.auto()
    CHECK = enum.auto()


class Delivery:
    """A performance on its way to its face (a `stepper.Stepper`)."""

    def __init__(self, request: GenerateRequest, curves: layered.LayeredCurves) -> None:
        """Prepare a delivery; nothing is read or changed before the first step.

        Args:
            request: The request that the curves answer.
            curves: The performance with and without its emotion.

        Raises:
            BadPrediction: The curves cannot be stored.
        """
        self._request = request
        # Rounded as it will be stored, so that keyframes now and after loading are equal.
        self._prediction = prediction.Prediction.of(curves)
        self._curves = self._prediction.curves()
        self._stage = Stage.BAKE
        self._frame_rate = 0.0
        self._fingerprint = ""
        self._bake: bake.BakeJob | None = None
        self._report: bake.BakeReport | None = None
        self._check: check.CheckJob | None = None

    @property
    def is_given(self) -> bool:
        """True when the face has the keyframes, and there is nothing left to cancel."""
        return self._report is not None

    @property
    def fraction(self) -> float:
        """Completed part of the delivery, 0 to 1."""
        # Shares of the bar are a convention, as INFERENCE_SHARE is.
        if self._stage is Stage.BAKE:
            return 0.0 if self._bake is None else 0.6 * self._bake.fraction
        return 0.6 if self._stage is Stage.UNDO else 0.8

    def step(self, budget_s: float) -> tuple[bake.BakeReport, check.CheckReport] | None:
        """Do the next piece.

        Args:
            budget_s: Seconds to spend on keyframes.

        Returns:
            The reports of bake and check after the last piece, None before.

        Raises:
            SceneChanged: Scene or target were removed.
            SessionError: The bake was refused; the scene is as it was.
        """
        if self._stage is Stage.BAKE:
            self._advance_bake(budget_s)
        elif self._stage is Stage.UNDO:
            # One step for keyframes, result and stored prediction together.
            bpy.ops.ed.undo_push(message="CSTalk Generate")
            self._stage = Stage.CHECK
        else:
            assert self._report is not None
            checked = self._advance_check(self._report)
            if checked is None:
                return None
            self._store_check(checked)
            return self._report, checked
        return None

    def drop(self) -> None:
        """Leave the scene as it was, unless the face has its keyframes already."""
        if self._bake is not None:
            self._bake.drop()

    def _advance_bake(self, budget_s: float) -> None:
        if self._bake is None:
            self._direct(find(self._request))
            self._bake = bake.BakeJob(
                lambda: find(self._request).faces,
                self._curves,
                start_frame=self._request.start_frame,
                frame_rate=self._frame_rate,
                line=self._request.line,
                take=self._request.take,
                tolerance=self._request.tolerance,
                before_install=self._keep_take,
                blend_s=direct.edit_blend_s(find(self._request).scene),
            )
        self._report = self._bake.step(budget_s)
        if self._report is not None:
            self._tell_scene(find(self._request), self._report)
            self._stage = Stage.UNDO

    def _direct(self, found: Found) -> None:
        """Apply the layers that the face has now."""
        # Read once: a rate that changes during the bake would move later keys against earlier ones.
        self._frame_rate = sound.frame_rate(found.scene)
        if not hasattr(found.scene, "cstalk"):
            return
        made = direct.apply_settings(
            found.faces[0],
            self._prediction,
            start_frame=self._request.start_frame,
            frame_rate=self._frame_rate,
        )
        self._curves, self._fingerprint = made.curves, made.fingerprint

    def _keep_take(self, faces: Sequence[bpy.types.Object]) -> None:
        """Keep the take that plays, where a new one was asked for."""
        if self._request.is_new_take and hasattr(faces[0], "cstalk_takes"):
            face_takes.keep_playing(faces[0])

    def _tell_scene(self, found: Found, report: bake.BakeReport) -> None:
        scene = found.scene
        sound.extend_range(scene, report.first_frame, report.last_frame)
        # Missing while the add-on is being disabled.
        if hasattr(scene, "cstalk"):
            scene.cstalk_acting.found = self._curves.script_title
            result.store(
                found.faces[0],
                report,
                title=self._request.title,
                settings=self._request.settings,
                detected_emotion=self._curves.detected_title,
            )
            words.store(
                found.faces[0],
                self._curves.request,
                start_s=float(self._curves.request.get("start_s", 0.0)),
                zero_frame=self._request.start_frame,
                frame_rate=self._frame_rate,
            )
            request = self._request
            made = takes.NewTake(
                request.take,
                request.clip or request.take,
                request.line,
                request.title,
                request.message.performance.seed,
            )
            takes.store(found.faces[0], self._prediction, made, keeps_others=request.is_new_take)
            result.add_note(found.faces[0], result.DIRECTION, self._fingerprint)

    def _store_check(self, checked: check.CheckReport) -> None:
        try:
            face = find(self._request).faces[0]
        except SessionError:  # the face was removed: there is no place for the report
            return
        if result.result_of_or_none(face) is not None:  # else it was undone
            result.store_check(face, checked)

    def _advance_check(self, report: bake.BakeReport) -> check.CheckReport | None:
        def find_faces() -> tuple[list[bpy.types.Object], bpy.types.Scene]:
            found = find(self._request)
            # The check evaluates the dependency graph of the open scene.
            if found.scene != bpy.context.scene:
                raise SceneChanged(
                    f"{found.scene.name!r} is not open", hint="Open that scene, then check again"
                )
            # An undo may have removed what is to be checked.
            if any(name not in bpy.data.actions for name in report.actions):
                raise SceneChanged("the keyframes were undone", hint="Redo, or generate again")
            return found.faces, found.scene

        if self._check is None:
            self._check = check.CheckJob(
                find_faces,
                self._curves,
                start_frame=self._request.start_frame,
                frame_rate=self._frame_rate,
                left_out=report.driven,
            )
        return self._check.step(CHECK_BUDGET_S)
