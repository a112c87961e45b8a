"""Build the request of a batch from the scene's list and settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import bpy

from ..dialogue import layout, lines
from ..errors import BadBatch
from ..jobs.batch import earlier, idle
from ..jobs.batch.request import (
    PLAYED,
    Assignment,
    BatchRequest,
    BatchTarget,
    IdleRequest,
    LineStatus,
)
from ..package import protocol
from ..rig.binding import targets
from ..rig.clips import exports
from ..scene import audio, emotion_track, strip_lines
from .properties import expressions
from .properties.acting import acting_of
from .properties.batch import AS_PANEL, AUTO, CSTALK_PG_batch, CSTALK_PG_line
from .properties.generate import CSTALK_PG_scene

BAND_SAMPLES = 64
"""Samples of animated weights in the emotion strip of a line."""


def request_of(scene: bpy.types.Scene) -> BatchRequest:
    """Return the batch that the scene's list and settings describe.

    Raises:
        BadBatch: No output folder can be derived, the destination is not available, or a
            line cannot be read.
    """
    settings: CSTALK_PG_batch = scene.cstalk_batch
    folder = settings.output_path_or_none()
    if folder is None:
        raise BadBatch("No output folder is set", hint="Save the file, or choose a folder")
    problem = exports.problem_or_none(settings.destination)
    if problem is not None:
        raise BadBatch(problem, hint="Enable it in Preferences > Add-ons, or choose another")
    items = [item for item in settings.lines if item.use]
    if settings.listed_from == strip_lines.SEQUENCER:
        _follow_strips(scene, items)
    faces = [_face_of(item, scene) for item in items]
    earlier.check_none_is_hidden(faces, settings.destination, settings.listed_from)
    target = BatchTarget(
        scene_uid=scene.session_uid,
        scene_name=scene.name,
        batch=settings.listed_from,
        destination=settings.destination,
        folder=folder,
        with_companions=scene.cstalk.with_companions,
        is_asset=settings.is_asset,
        fade_s=round(settings.fade_s, 3),
        with_sounds=settings.with_sounds and settings.listed_from != strip_lines.SEQUENCER,
    )
    slots = [_slot(item) for item in items]
    frames = _frames(scene, items, slots)
    assignments = tuple(
        Assignment(
            line=_directed(_line(item, face), item, face, scene, frame),
            face_uid=0 if face is None else face.session_uid,
            face_name="" if face is None else face.name,
            zero_frame=frame,
            scene_name=item.scene_name,
        )
        for item, face, frame in zip(items, faces, frames, strict=True)
    )
    idle_request = _idle(scene, faces)
    look = {}
    if idle_request is not None and idle_request.is_listening:
        lengths = {item.name: item.length_s for item in items}
        look = idle.look_at_partners(assignments, lengths, audio.frame_rate(scene))
    return BatchRequest(
        assignments=assignments,
        target=target,
        base=_base(scene),
        acting={
            lines.stem_of(one.line): acting_of(scene, face)
            for one, face in zip(assignments, faces, strict=True)
        },
        look=look,
        idle=idle_request,
        layout=_layout(assignments, slots, scene),
    )


def _idle(scene: bpy.types.Scene, faces: Sequence[bpy.types.Object | None]) -> IdleRequest | None:
    """Return what characters do while they do not speak; None leaves them at rest."""
    settings: CSTALK_PG_batch = scene.cstalk_batch
    if settings.idle == "REST" or settings.destination not in PLAYED:
        return None
    present = {face.session_uid: face for face in faces if face is not None}
    return IdleRequest(
        acting={uid: acting_of(scene, face) for uid, face in present.items()},
        before_s=scene.cstalk_acting.idle_before,
        after_s=scene.cstalk_acting.idle_after,
        is_listening=settings.idle == "LISTEN",
        seed=scene.cstalk.seed,
        fps=scene.cstalk.keys_per_second or audio.frame_rate(scene),
    )


def _line(item: CSTALK_PG_line, face: bpy.types.Object | None) -> lines.Line:
    """Return a row of the list as a line without emotion."""
    acting = lines.Acting(
        seed=None if item.seed < 0 else item.seed,
        cut_start_s=round(item.cut_start_s, 6),
        cut_duration_s=None if item.cut_duration_s < 0 else round(item.cut_duration_s, 6),
        script=item.script if item.id_data.cstalk_batch.use_text else "",
    )
    character = item.character.name if item.character is not None else item.role
    if not character and face is not None:
        character = face.name
    row = lines.Row(
        number=0,
        audio=bpy.path.abspath(item.audio),
        name=item.title,
        stem=item.name,
        character=character,
        scene=item.scene_name,
        place_s=round(item.start_s, 6) if item.has_start else None,
        acting=acting,
        problem=item.problem,
        hint=item.hint,
    )
    formats = item.id_data.cstalk_batch.formats
    return lines.Line(row, tuple(f"{item.name}.{ending}" for ending in formats))


def _directed(
    line: lines.Line,
    item: CSTALK_PG_line,
    face: bpy.types.Object | None,
    scene: bpy.types.Scene,
    frame: float | None,
    segment_s: float | None = None,
) -> lines.Line:
    """Return the line with its initial emotion and its changes over time."""
    main: CSTALK_PG_scene = scene.cstalk
    emotion, intensity = item.emotion, item.intensity
    if emotion == AS_PANEL:
        emotion, intensity = main.emotion_text, main.intensity
    if item.blend:
        emotion, intensity = item.blend, item.intensity
    keys = lines.read_keys(item.emotion_at)
    if frame is not None and not keys:
        keys = emotion_track.keys_for(
            scene,
            face,
            zero_frame=frame,
            start_s=item.cut_start_s,
            duration_s=item.length_s,
            has_own_emotion=item.has_own_emotion,
            segment_s=segment_s,
        )
    return lines.acted(line, emotion, round(intensity, 4), keys)


def emotion_keys_of(
    item: CSTALK_PG_line, scene: bpy.types.Scene, frame: float | None
) -> Sequence[Any]:
    """Return the emotion keys of a line at low resolution, for its emotion strip.

    Where the emotion is detected from the voice and the line was generated, these are the detected
    keys.

    Args:
        item: A row of the list.
        scene: The scene with the list.
        frame: Scene frame at time 0 of the audio file, from `item_frames`; None ignores markers
            and animated weights.

    Returns:
        `protocol.EmotionKey` objects; empty where the keys cannot be read.
    """
    face = _face_of(item, scene)
    coarse = max(0.1, item.length_s / BAND_SAMPLES)
    try:
        acting = _directed(_line(item, face), item, face, scene, frame, coarse).row.acting
    except BadBatch:
        return ()
    first = lines.protocol.EmotionKey(0.0, acting.emotion, acting.intensity or 0.0)
    keys = (first, *acting.emotion_at)
    is_auto = any(key.emotion == AUTO for key in keys)
    if is_auto and item.detected_emotion_at and item.state in (LineStatus.DONE, LineStatus.SKIPPED):
        return lines.read_keys(item.detected_emotion_at)
    return keys


def item_frames(scene: bpy.types.Scene) -> list[float | None]:
    """Return the scene frame at time 0 of each line's audio file, in the order of the list.

    Lines that are not ticked take no time.
    """
    items = list(scene.cstalk_batch.lines)
    return _frames(scene, items, [_slot(item) for item in items])


def _slot(item: CSTALK_PG_line) -> layout.Slot:
    """Return the place of a line on the timeline as the layout needs it."""
    start_s = item.start_s if item.has_start else None
    group = item.scene_name if item.scene_name in bpy.data.scenes else ""
    length_s = item.length_s if item.use else 0.0
    return layout.Slot(start_s, length_s, is_out=not item.use, group=group)


def _frames(
    scene: bpy.types.Scene, items: Sequence[CSTALK_PG_line], slots: Sequence[layout.Slot]
) -> list[float | None]:
    if scene.cstalk_batch.listed_from == strip_lines.SEQUENCER:
        return [item.zero_frame for item in items]
    rate = audio.frame_rate(scene)
    begins = layout.first_frames(
        slots,
        start_frame=_start_frame(scene),
        rate=rate,
        gap_s=scene.cstalk_batch.gap_s,
    )
    return [
        None if begin is None else begin - item.cut_start_s * rate
        for item, begin in zip(items, begins, strict=True)
    ]


def _start_frame(scene: bpy.types.Scene) -> float:
    """Return the frame of the first line: the scene's, or after the lines of an earlier batch."""
    settings: CSTALK_PG_batch = scene.cstalk_batch
    start = float(scene.cstalk.start_frame)
    if settings.destination not in PLAYED:
        return start
    free = earlier.first_free_frame(scene, settings.listed_from)
    if free is None:
        return start
    return max(start, round(free + settings.gap_s * audio.frame_rate(scene)))


def _layout(assignments: Sequence[Assignment], slots: Sequence[layout.Slot], scene: Any) -> Any:
    """Return a function that computes all frames once the lengths of all lines are known.

    It uses no bpy data: a later tick calls it, when the scene may have changed.
    """
    rate, start = audio.frame_rate(scene), _start_frame(scene)
    gap_s = scene.cstalk_batch.gap_s

    def frames_for(lengths: Mapping[str, float]) -> tuple[Assignment, ...]:
        known = [
            dataclasses.replace(slot, length_s=slot.length_s or length, is_out=length == 0.0)
            for slot, assignment in zip(slots, assignments, strict=True)
            for length in [lengths.get(lines.stem_of(assignment.line), 0.0)]
        ]
        begins = layout.first_frames(known, start_frame=start, rate=rate, gap_s=gap_s)
        return tuple(
            dataclasses.replace(
                one, zero_frame=(begin or 0.0) - one.line.row.acting.cut_start_s * rate
            )
            for one, begin in zip(assignments, begins, strict=True)
        )

    return frames_for


def _face_of(item: CSTALK_PG_line, scene: bpy.types.Scene) -> bpy.types.Object | None:
    """Return the face of a line: that of its character, else that of the main panel.

    None for a line whose role has no character in the scene.
    """
    if item.character is not None:
        return strip_lines.face_of_or_none(item.character)
    if item.role or scene.cstalk_batch.listed_from == strip_lines.SEQUENCER:
        return None
    chosen = scene.cstalk.target
    if chosen is None and scene == bpy.context.scene:
        chosen = targets.default_target_or_none(bpy.context)
    return strip_lines.face_of_or_none(chosen)


def _follow_strips(scene: bpy.types.Scene, items: Sequence[CSTALK_PG_line]) -> None:
    """Update the lines from their strips, which may have moved since the list was read."""
    found = strip_lines.scene_lines(scene, scene.cstalk_batch.cast_list, scene.cstalk_batch.pattern)
    now = {lines.stem_of(one.line): one for one in found}
    for item in items:
        one = now.get(item.name)
        if one is None:
            item.problem, item.hint = "The strip was deleted", "Read the sequencer again"
            continue
        acting = one.line.row.acting
        item.problem, item.hint = one.line.row.problem, one.line.row.hint
        item.audio, item.zero_frame = one.line.row.audio, one.start_frame
        item.cut_start_s, item.cut_duration_s = acting.cut_start_s, acting.cut_duration_s or -1.0
        item.length_s = acting.cut_duration_s or 0.0


def _base(scene: bpy.types.Scene) -> protocol.Performance:
    """Return the parameters that are the same for all lines."""
    main: CSTALK_PG_scene = scene.cstalk
    return protocol.Performance(
        audio=Path(),
        fps=main.keys_per_second or audio.frame_rate(scene),
        seed=main.seed,
        blink=main.blink,
        expressions=expressions.own_expressions(),
        language=scene.cstalk_acting.language_used,
    )
