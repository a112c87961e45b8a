"""Generate, direct and bake from scripts; the operators call the same functions.

    from bl_ext.user_default.cstalk.cstalk_blender import api

    face = bpy.data.objects["Face"]
    api.generate(face, "voice/line.wav", emotion="happy", intensity=0.8)
    api.direct(face, api.Direction(regions={"brows": api.RegionSettings(strength=0.5)}))
    api.direct(face, api.preset("whisper"))

A face is a mesh with shape keys. Call from the main thread, in Object Mode. Every error is a
`SessionError`: its text says what happened, its ``hint`` what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import bpy

from .direct import preset_files
from .direct.direction import ChannelSettings, Direction, RegionSettings
from .direct.prediction import Prediction
from .errors import SessionError
from .jobs import direct as direct_job
from .jobs import direct_lines as line_job
from .jobs import open_jobs
from .jobs import request as requests
from .jobs import takes as face_takes
from .jobs.takes import Take
from .package import layered, protocol, track
from .rig.binding import targets
from .rig.keys import bake as keys
from .rig.keys import edit_marks
from .rig.keys import hand_edits as keyed_edits
from .rig.keys.hand_edits import HandEdit
from .rig.keys.report import BakeReport
from .rig.verify import check
from .scene import audio as sounds
from .scene import direction, predictions, result
from .scene import takes as stored_takes

__all__ = [
    "BakeReport",
    "ChannelSettings",
    "Direction",
    "HandEdit",
    "Prediction",
    "RegionSettings",
    "SessionError",
    "Take",
    "adopt_edit",
    "bake",
    "delete_take",
    "direct",
    "direction_of",
    "discard_edits",
    "generate",
    "hand_edits",
    "pin_edit",
    "play_take",
    "prediction_of",
    "preset",
    "remove_data",
    "start",
    "start_all",
    "takes",
    "wait",
]

LAST_FRAME = 1_048_574  # Blender's own limit of the timeline (MAXFRAME)


def start(request: requests.GenerateRequest) -> None:
    """Start to generate and return at once; a timer writes the keys when they are ready.

    Raises:
        JobOverlap: Generation is already running.
        SessionError: The worker cannot be started.
    """
    start_all([request])


def start_all(wanted: Sequence[requests.GenerateRequest]) -> None:
    """Start to generate several performances, one after the other, and return at once.

    Raises:
        JobOverlap: Generation is already running.
        SessionError: The worker cannot be started.
    """
    job = open_jobs.GENERATE.current
    try:
        job.start(*wanted)
    except SessionError as error:
        job.error = error  # shown in the panel
        raise


def wait() -> BakeReport:
    """Wait until the started generation has written its keys; the window does not react meanwhile.

    Returns:
        What was written.

    Raises:
        SessionError: Generation failed or was cancelled; the scene is unchanged.
    """
    job = open_jobs.GENERATE.current
    job.wait()
    if job.error is not None:
        raise job.error
    if job.outcome is None:
        raise SessionError("Generation was cancelled", hint="Generate again")
    report: BakeReport = job.outcome.report
    return report


def generate(
    face: bpy.types.Object,
    audio: str | Path,
    *,
    emotion: str = "neutral",
    intensity: float = 1.0,
    script: str = "",
    seed: int = 0,
    start_frame: int | None = None,
    new_take: bool = False,
) -> BakeReport:
    """Generate the performance of an audio file, bake it as the face is directed, and wait.

    Args:
        face: The face.
        audio: Path of the audio file; ``//`` is relative to the .blend file.
        emotion: A name of `choices.EMOTIONS`, or ``auto`` to detect it in the voice.
        intensity: Strength of the emotion, 0 to 1.5.
        script: Words that are spoken, in English; empty for none.
        seed: Random seed of blinks and small movements.
        start_frame: Scene frame at which the audio file begins; None for that of the scene.
        new_take: Keep the take that plays, beside the new one.

    Returns:
        What was written.

    Raises:
        SessionError: The face, the file or the worker cannot be used; the scene is unchanged.
    """
    scene = bpy.context.scene
    path = Path(bpy.path.abspath(str(audio)))
    performance = protocol.Performance(
        audio=path,
        fps=scene.cstalk.keys_per_second or sounds.frame_rate(scene),
        emotion_keys=(protocol.EmotionKey(0.0, emotion, intensity),),
        seed=seed,
        script=script,
        acting=protocol.NATURAL_ACTING,
    )
    first = scene.cstalk.start_frame if start_frame is None else start_frame
    request = requests.request_for(
        scene,
        face,
        performance,
        start_frame=first,
        with_companions=scene.cstalk.with_companions,
        tolerance=scene.cstalk.tolerance,
        title=f"{emotion.capitalize()} {intensity:.2g}, {path.name}",
        settings={
            "start_frame": first,
            "frame_rate": round(sounds.frame_rate(scene), 6),
            "stretching": 1.0,
        },
        is_new_take=new_take,
    )
    start(request)
    return wait()


def direct(face: bpy.types.Object, settings: Direction | None = None) -> BakeReport:
    """Set the direction of a face and write its keys; hand edits are kept.

    Args:
        face: A face with a generated or loaded performance.
        settings: All layers; None keeps the settings of the face and samples their keys again.

    Returns:
        What was written.

    Raises:
        SessionError: The face has no stored prediction or cannot be animated.
    """
    if settings is not None:
        direction.write(face, settings)
    return direct_job.redirect(face, bpy.context.scene)


def bake(
    face: bpy.types.Object,
    curves: track.CurveTrack | layered.LayeredCurves,
    *,
    name: str,
    identity: str = "",
    start_frame: int | None = None,
    new_take: bool = False,
) -> BakeReport:
    """Bake curves of any source onto a face, as it is directed, and store them with it.

    Args:
        face: The face.
        curves: Curves of a rig's channels, with or without a track of the speech alone.
        name: Name of the clip, for panel and Actions.
        identity: Identity of the clip, of which an earlier bake is replaced; empty for ``name``.
        start_frame: Scene frame at time 0 of the curves; None for that of the scene.
        new_take: Keep the take that plays, beside the new one.

    Returns:
        What was written.

    Raises:
        SessionError: The face cannot be animated; the scene is unchanged.
    """
    scene = bpy.context.scene
    if isinstance(curves, track.CurveTrack):
        curves = layered.LayeredCurves.without_layers(curves)
    faces = targets.face_objects(face, with_companions=scene.cstalk.with_companions)
    rate = sounds.frame_rate(scene)
    first = int(scene.cstalk.start_frame if start_frame is None else start_frame)
    _refuse_beyond_last_frame(name, first + curves.full.duration_s * rate)
    made = direct_job.apply_settings(
        face, Prediction.of(curves), start_frame=first, frame_rate=rate
    )
    new_take = new_take or stored_takes.plays_another_clip(face, identity or name)
    new = _new_take(face, identity or name, name, is_new=new_take)
    report = keys.bake_track(
        faces,
        made.curves,
        start_frame=first,
        frame_rate=rate,
        line=new.line,
        take=new.take,
        tolerance=scene.cstalk.tolerance,
        before_install=(lambda _faces: face_takes.keep_playing(face)) if new_take else None,
        blend_s=direct_job.edit_blend_s(scene),
    )
    sounds.extend_range(scene, report.first_frame, report.last_frame)
    # Rounded, as 24 / 1.001 is compared with a value from JSON.
    times = {"start_frame": first, "frame_rate": round(rate, 6), "stretching": 1.0}
    result.store(face, report, title=name, settings=times)
    stored_takes.store(face, made.prediction, new, keeps_others=new_take)
    result.add_note(face, result.DIRECTION, made.fingerprint)
    # At once, since an operator's result must be complete before its undo step is made.
    checked = check.check_faces(
        faces, made.curves, scene, start_frame=first, frame_rate=rate, left_out=report.driven
    )
    result.store_check(face, checked)
    return report


def _refuse_beyond_last_frame(name: str, last: float) -> None:
    if last > LAST_FRAME:
        text = f"{name} would end at frame {last:.4g}, beyond Blender's last frame {LAST_FRAME}"
        raise SessionError(text, hint="Check the frame rate of the curve file")


def _new_take(
    face: bpy.types.Object, clip: str, name: str, *, is_new: bool
) -> stored_takes.NewTake:
    identity = stored_takes.identity_for(face, clip, is_new=is_new)
    return stored_takes.NewTake(identity, clip, Path(name).stem, name)


def direction_of(face: bpy.types.Object) -> Direction:
    """Return the present direction of a face; keyed settings have the values of this frame."""
    return direction.direction_of(face)


def prediction_of(face: bpy.types.Object) -> Prediction | None:
    """Return what the model predicted for a face, before any direction; None without it.

    Raises:
        BadPrediction: The stored data were changed.
    """
    return predictions.load_or_none(face)


def preset(name: str) -> Direction:
    """Return the direction of a preset: subtle, stage, cartoon, whisper or anime.

    Raises:
        SessionError: There is no such preset.
    """
    found = preset_files.bundled().get(name.casefold())
    if found is None:
        raise SessionError(
            f"There is no preset {name!r}", hint=f"Use {', '.join(preset_files.BUNDLED)}"
        )
    return found.direction


def takes(face: bpy.types.Object) -> list[Take]:
    """Return the takes of a face in the order of the list."""
    stored_takes.ensure_active(face)
    held = face.cstalk_takes
    return [
        Take(
            identity=item.take,
            name=item.name,
            title=item.title,
            seed=item.seed,
            created=item.created,
            rating=item.rating,
            is_playing=item.take == held.active,
            is_edited=face_takes.is_edited(face, item),
        )
        for item in held.items
    ]


def play_take(face: bpy.types.Object, identity: str) -> None:
    """Let a face play another of its takes; no key is written.

    Args:
        face: The face.
        identity: `Take.identity`.

    Raises:
        SessionError: There is no such take, or its Actions were deleted; the face is unchanged.
    """
    face_takes.switch(face, identity)


def delete_take(face: bpy.types.Object, identity: str) -> list[str]:
    """Delete a take and its Actions, as far as they are as CSTalk wrote them.

    Args:
        face: The face.
        identity: `Take.identity`.

    Returns:
        A sentence for each Action that was kept.

    Raises:
        SessionError: There is no such take.
    """
    return face_takes.delete(face, identity)


def hand_edits(face: bpy.types.Object, *, with_adopted: bool = False) -> list[HandEdit]:
    """Return what the artist changed in the keys that a face plays, in order of time.

    Args:
        face: The face.
        with_adopted: Return those of `adopt_edit` too.
    """
    found = keyed_edits.hand_edits_of(face_takes.owners_of_face(face))
    return [edit for edit in found if with_adopted or not edit.is_adopted]


def discard_edits(face: bpy.types.Object, edits: Sequence[HandEdit]) -> BakeReport:
    """Write the frames of hand edits again, as generated and directed; other edits stay.

    Args:
        face: A face with a stored prediction.
        edits: Edits of `hand_edits`.

    Returns:
        What was written.

    Raises:
        SessionError: The face has no stored prediction, or its keys were written with another key
            rate or tolerance; the face is unchanged.
    """
    return direct_job.redirect(face, bpy.context.scene, edits)


def pin_edit(face: bpy.types.Object, edit: HandEdit, *, is_pinned: bool = True) -> None:
    """Protect a hand edit from *Discard All*, or give it free.

    Args:
        face: The face.
        edit: An edit of `hand_edits`.
        is_pinned: Protect it.
    """
    face_takes.mark_edit(face, edit, edit_marks.PINS, is_set=is_pinned)


def adopt_edit(face: bpy.types.Object, edit: HandEdit, *, is_adopted: bool = True) -> None:
    """Make a hand edit part of the performance, or a hand edit again; no key changes.

    Args:
        face: The face.
        edit: An edit of `hand_edits`.
        is_adopted: Adopt it.
    """
    face_takes.mark_edit(face, edit, edit_marks.ADOPTED, is_set=is_adopted)


def remove_data(face: bpy.types.Object) -> int:
    """Remove stored predictions of a face and its lines, not its keys; return the bytes freed."""
    return predictions.clear(face) + line_job.remove_data(face)
