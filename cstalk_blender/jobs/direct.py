"""Bake the direction of a face again when its settings change. Main thread only.

A change is baked at once, within the user's own undo step, as long as that is fast. A long line is
baked by the timer when the slider rests, with an undo step of its own.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Collection

import bpy
import numpy as np
from numpy.typing import NDArray

from .. import compat
from ..direct import layers, prediction
from ..errors import SceneChanged, SessionError
from ..package import track
from ..rig.binding import targets
from ..rig.keys import bake, fcurves, hand_edits, rebake
from ..rig.keys.report import BakeReport
from ..scene import audio, direction, predictions, result
from . import open_jobs, pump
from . import request as generate_request

log = logging.getLogger(__name__)

FAST_S = 0.25
"""Seconds that a bake may take to run within the drag of a slider: four updates a second. Whole
face, Fitted, 10 s at 60 frames a second: 0.2 s; one region: 0.05 s."""
REST_S = 0.2
"""Seconds without a change after which a long line is baked."""


@dataclasses.dataclass(frozen=True, eq=False)
class Directed:
    """The curves of a face as its settings direct them, and where they lie in time."""

    prediction: prediction.Prediction
    curves: track.CurveTrack
    frames: NDArray[np.float64]
    """Scene frame of each frame of the curves, shape (frames,)."""
    start_frame: int
    """Scene frame at time 0 of the audio file."""
    frame_rate: float
    """Frames per second of the scene."""
    fingerprint: str
    """`direction.fingerprint` of the settings."""


def directed(face: bpy.types.Object, scene: bpy.types.Scene, identity: str = "") -> Directed:
    """Return the curves that the settings of a face make of a stored prediction.

    Args:
        face: The face.
        scene: Its scene; start and rate of a face with a result are those of the result.
        identity: Identity of the prediction; empty for the active one.

    Raises:
        BadPrediction: The face has no such prediction, or a damaged one.
    """
    found = predictions.load_or_none(face, identity)
    if found is None:
        raise prediction.BadPrediction(
            f"{face.name!r} has no stored prediction", hint="Generate the performance again"
        )
    start, rate = place_of(face, scene)
    return apply_settings(face, found, start_frame=start, frame_rate=rate)


def place_of(face: bpy.types.Object, scene: bpy.types.Scene) -> tuple[int, float]:
    """Return the scene frame at time 0 of a face's audio file, and frames per second.

    Args:
        face: The face.
        scene: Its scene, which says both where the face has no result.
    """
    values = result.settings_of(face.cstalk_result)
    start = int(values.get("start_frame", scene.cstalk.start_frame))
    return start, float(values.get("frame_rate", audio.frame_rate(scene)))


def apply_settings(
    face: bpy.types.Object,
    predicted: prediction.Prediction,
    *,
    start_frame: int,
    frame_rate: float,
) -> Directed:
    """Return the curves that the settings of a face make of a prediction.

    Args:
        face: The face.
        predicted: Any prediction.
        start_frame: Scene frame at time 0 of the audio file.
        frame_rate: Frames per second of the scene.
    """
    frames = fcurves.key_frames(predicted.curves(), start_frame=start_frame, frame_rate=frame_rate)
    curves = layers.apply(predicted, direction.direction_of(face, frames))
    return Directed(predicted, curves, frames, start_frame, frame_rate, direction.fingerprint(face))


def edit_blend_s(scene: bpy.types.Scene) -> float:
    """Return the seconds over which hand edits pass into new curves."""
    # Without the settings while the add-on is being disabled.
    settings = getattr(scene, "cstalk", None)
    return hand_edits.BLEND_S if settings is None else float(settings.edit_blend_ms) / 1000


def redirect(
    face: bpy.types.Object,
    scene: bpy.types.Scene,
    discarded: Collection[hand_edits.HandEdit] = (),
) -> BakeReport:
    """Write the keys of a face as its settings direct them; hand edits are kept.

    Args:
        face: A face with a prediction.
        scene: Its scene, with tolerance and companions.
        discarded: Edits that the user gives up.

    Returns:
        The report of the bake.

    Raises:
        SessionError: The face has no prediction, or cannot be animated; it is unchanged.
    """
    if is_previewed(face):
        open_jobs.PREVIEW.current.end()  # the keys must be seen
    made = directed(face, scene)
    entry = predictions.entry_or_none(face)
    assert entry is not None
    faces = targets.face_objects(face, with_companions=scene.cstalk.with_companions)
    report = rebake.rebake_or_none(
        faces,
        made.curves,
        start_frame=made.start_frame,
        frame_rate=made.frame_rate,
        take=entry.take,
        tolerance=scene.cstalk.tolerance,
        blend_s=edit_blend_s(scene),
        discarded=discarded,
    )
    if report is None and discarded:
        # A whole bake finds other edits than those that were listed.
        raise SceneChanged(
            "The keys were written with other settings than the present ones",
            hint="Click Update Keys, then discard the edits",
        )
    report = report or bake.bake_track(
        faces,
        made.curves,
        start_frame=made.start_frame,
        frame_rate=made.frame_rate,
        line=entry.line,
        take=entry.take,
        tolerance=scene.cstalk.tolerance,
        blend_s=edit_blend_s(scene),
    )
    result.update(face, report)
    result.add_note(face, result.DIRECTION, made.fingerprint)
    return report


def can_direct(face: bpy.types.Object | None) -> bool:
    """Return whether a face has a performance that can be directed."""
    return predictions.entry_or_none(face) is not None and bake.has_bake(face)


def is_previewed(face: bpy.types.Object | None) -> bool:
    """Return whether Live Preview shows the settings of a face before they are written."""
    preview = open_jobs.PREVIEW.current_or_none
    return preview is not None and preview.is_on(face)


def is_stale(face: bpy.types.Object) -> bool:
    """Return whether settings or their keys have changed since the keys of a face were written."""
    noted = result.details_of(face.cstalk_result).get(result.DIRECTION)
    return noted is not None and noted != direction.fingerprint(face)


class DirectJob(pump.TimerPump):
    """Bakes the settings of one face at a time."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: int | None = None
        """Session id of a face whose settings wait for the timer."""
        self._changed_at = 0.0
        self._last_s = 0.0
        """Seconds of the last bake."""

    @property
    def is_busy(self) -> bool:
        """True while a change waits."""
        return self._waiting is not None

    def changed(self, face: bpy.types.Object) -> None:
        """Bake a face whose settings have changed: now if that is fast, else when they rest."""
        self.error = None
        if not can_direct(face):
            return
        is_blocked = self.obstacle_or_none() is not None
        if bpy.app.background or (self._last_s <= FAST_S and not is_blocked):
            self._bake(face)
        else:
            self.defer(face)

    def defer(self, face: bpy.types.Object) -> None:
        """Bake a face when its settings have rested for ``REST_S`` and nothing is in the way."""
        self._changed_at = time.monotonic()
        self._waiting = face.session_uid
        self.start_timer()

    def flush(self, face: bpy.types.Object) -> None:
        """Bake a face that waits for its settings to rest, because it is about to change."""
        if self._waiting == face.session_uid:
            self._waiting = None
            self._bake(face)

    def advance(self) -> None:
        """Bake the face that waits, when its settings rest."""
        if self._waiting is None or self.obstacle_or_none() is not None:
            return
        if time.monotonic() - self._changed_at < REST_S:
            return
        uid, self._waiting = self._waiting, None
        face = next((one for one in bpy.data.objects if one.session_uid == uid), None)
        if face is None:
            raise SceneChanged("The face was removed", hint="Undo the removal")
        with compat.window_context():
            is_written = not is_previewed(face)
            self._bake(face)
            if is_written:
                bpy.ops.ed.undo_push(message="CSTalk Direct")

    def fail(self, error: SessionError) -> None:
        """Show an error; the face plays what it played."""
        self._waiting, self.error = None, error
        log.warning("%s", error.report())

    def obstacle_or_none(self) -> str | None:
        """Return why keys cannot be written now."""
        job = open_jobs.GENERATE.current_or_none
        if job is not None and job.is_busy:
            return "wait for Generate"
        return generate_request.waiting_for_or_none()

    def file_opened(self) -> None:
        """Forget the face that waits: it belongs to the other file."""
        self._waiting, self.error = None, None

    def close(self) -> None:
        """Stop the timer."""
        self.stop_timer()
        self._waiting = None

    def _bake(self, face: bpy.types.Object) -> None:
        began = time.perf_counter()
        try:
            if is_previewed(face):
                open_jobs.PREVIEW.current.changed(face)
            else:
                redirect(face, bpy.context.scene)
        except SessionError as error:
            self.fail(error)
        self._last_s = time.perf_counter() - began


def on_change(face: bpy.types.Object) -> None:
    """Take a change of settings; registered as `scene.direction.on_change`."""
    open_jobs.DIRECT.current.changed(face)
