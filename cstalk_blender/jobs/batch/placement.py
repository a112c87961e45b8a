"""Place the curves of lines in Blender: NLA strips, keyframes, Actions, files. Main thread only."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import bpy

from ... import compat
from ...dialogue.conversation import over_idle
from ...dialogue.fade import faded
from ...dialogue.layout import joined
from ...dialogue.lines import stem_of
from ...direct import layers, prediction
from ...direct.direction import Direction
from ...errors import BadBatch, BadTarget
from ...package import formats, runtime_errors, track
from ...rig.binding import targets
from ...rig.clips import exports, rewriting, strips
from ...rig.keys import bake, ownership
from ...rig.keys.fcurves import key_frames
from ...scene import audio as sound
from ...scene import line_predictions
from ...scene.sequencer import sequencer_scene
from .request import DEFAULT_FADE_S, EXPORTS, PLAYED, Assignment, BatchTarget, Destination

LIBRARY_FRAME = 1.0
"""First frame of an Action that is not played."""
SOUND_NAME = "CSTalk Line"


def scene_of(target: BatchTarget) -> bpy.types.Scene:
    """Return the scene of a batch. Raises BadBatch if it was removed."""
    for scene in bpy.data.scenes:
        if scene.session_uid == target.scene_uid:
            return scene
    raise BadBatch(f"The scene {target.scene_name!r} was removed", hint="Start in another scene")


def token_of(digest: str, assignment: Assignment, target: BatchTarget) -> str:
    """Return the digest of what a placed line depends on.

    Args:
        digest: SHA-256 of the curve file.
        assignment: Face and frame.
        target: Destination.
    """
    frame = None if target.destination not in PLAYED else assignment.zero_frame
    # .blend files keep the token: the same values in the same order as in release 0.1.
    parts = (digest, assignment.face_name, frame, str(target.destination), target.is_asset)
    if target.destination in PLAYED and target.fade_s != DEFAULT_FADE_S:
        parts = (*parts, round(target.fade_s, 3))
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:24]


def is_still_placed(assignment: Assignment, target: BatchTarget) -> bool:
    """Return whether the result of an earlier run is still in the scene or on the disk.

    Args:
        assignment: The line.
        target: Destination.
    """
    line = stem_of(assignment.line)
    if target.destination in EXPORTS:
        return export_path(assignment, target).is_file()
    if target.destination == Destination.FILES:
        return True
    return any(
        (target.destination == Destination.TIMELINE or action.get(strips.LINE) == line)
        and action.get(strips.BATCH) == target.batch
        and ownership.is_ours(action)
        for action in bpy.data.actions
    )


def export_path(assignment: Assignment, target: BatchTarget) -> Path:
    """Return the file of a line, for destinations that write files.

    Args:
        assignment: The line.
        target: Destination.
    """
    return target.folder / (stem_of(assignment.line) + exports.SUFFIXES[target.destination])


def place(assignment: Assignment, target: BatchTarget) -> tuple[str, ...]:
    """Place one line; for the timeline, `place_timeline` takes all lines of a face at once.

    Args:
        assignment: The line.
        target: Destination.

    Returns:
        Notes for the user.

    Raises:
        SessionError: The line cannot be placed; the scene is as it was.
    """
    scene = scene_of(target)
    if target.destination == Destination.FILES:
        return ()
    faces = _faces(assignment, target)
    path = target.folder / assignment.line.targets[0]
    title = Path(stem_of(assignment.line)).name
    if target.destination in EXPORTS:
        _export(faces, read_track(path), assignment, target, scene, title)
        return ()
    label = strips.Label(stem_of(assignment.line), title, target.batch)
    predicted = read_prediction(path)
    # Of the earlier placement, so that a line that is generated again stays directed.
    settings = _direction_of(faces, label)
    curves = layers.apply(predicted, settings)
    rate = sound.frame_rate(scene)
    is_played = target.destination == Destination.NLA
    zero = assignment.zero_frame if is_played else LIBRARY_FRAME - curves.start_s * rate
    assert zero is not None, "a line is placed when its frame is known"
    if is_played:
        curves = faded(curves, target.fade_s)
    placed = strips.place_line(
        faces, curves, label, start_frame=zero, frame_rate=rate, is_on_track=is_played
    )
    action = bpy.data.actions[placed.actions[0]]
    line_predictions.save(action, predicted, fade_s=target.fade_s if is_played else 0.0)
    line_predictions.write_direction(action, settings)
    if target.is_asset:
        acting = assignment.line.row.acting
        text = f"{assignment.line.row.name}: {acting.emotion or 'neutral'}"
        strips.mark_as_asset(placed.actions, text, ("CSTalk", assignment.face_name, acting.emotion))
    if is_played:
        played_in = bpy.data.scenes.get(assignment.scene_name) or scene
        sound.extend_range(played_in, placed.first_frame, placed.last_frame)
    return placed.notes


def place_timeline(
    assignments: Sequence[Assignment],
    target: BatchTarget,
    waiting: tuple[float, track.CurveTrack] | None = None,
) -> tuple[str, ...]:
    """Key all lines of one face on the timeline, as one Action.

    Args:
        assignments: The lines of the face.
        target: Destination.
        waiting: Second and curves of waiting around all lines; None rests between them.

    Returns:
        Notes for the user.

    Raises:
        SessionError: The lines cannot be placed; the scene is as it was.
    """
    scene = scene_of(target)
    rate = sound.frame_rate(scene)
    faces = _faces(assignments[0], target)
    parts = []
    for assignment in assignments:
        curves = read_track(target.folder / assignment.line.targets[0])
        assert assignment.zero_frame is not None, "a line is placed when its frame is known"
        parts.append((assignment.zero_frame / rate + curves.start_s, curves))
    begin_s, curves, spoken = joined(parts, target.fade_s)
    if waiting is not None:
        begin_s, curves = waiting[0], over_idle(*waiting, parts, target.fade_s)
        spoken = [slice(0, curves.frame_count)]
    strips.clear_lines(faces)  # below the Action they would have no effect
    name = Path(target.batch).name or target.batch
    report = bake.bake_track(
        faces, curves, start_frame=begin_s * rate, frame_rate=rate, line=f"lines of {name}"
    )
    frames = key_frames(curves, start_frame=begin_s * rate, frame_rate=rate)
    spans = [(frames[s.start], frames[min(s.stop, len(frames)) - 1]) for s in spoken]
    strips.keep_spoken_keys(faces, report.actions, spans)
    for name in report.actions:
        bpy.data.actions[name][strips.BATCH] = target.batch
    # from the first line on: keys begin before it, where the face leaves its rest
    first_s = min(second for second, _curves in parts)
    sound.extend_range(scene, first_s * rate, report.last_frame)
    return ()


def place_sounds(assignments: Sequence[Assignment], target: BatchTarget) -> None:
    """Add the audio of lines to the sequencer, at their frames; earlier strips are replaced.

    Args:
        assignments: The lines.
        target: The batch.
    """
    scenes: dict[str, list[Assignment]] = {}
    for assignment in assignments:
        if assignment.zero_frame is not None:
            home = sequencer_scene(scene_of(target))
            scene = bpy.data.scenes.get(assignment.scene_name) or home
            scenes.setdefault(scene.name, []).append(assignment)
    for name, group in scenes.items():
        _place_sounds(bpy.data.scenes[name], group, target)


def _place_sounds(
    scene: bpy.types.Scene, assignments: Sequence[Assignment], target: BatchTarget
) -> None:
    for strip in list(compat.placed_strips(scene)):
        if strip.get(strips.BATCH) == target.batch:
            compat.strips_of(scene).remove(strip)
    rate = sound.frame_rate(scene)
    base = 1 + max((strip.channel for strip in compat.placed_strips(scene)), default=0)
    ends: list[float] = []
    for assignment in sorted(assignments, key=lambda c: c.zero_frame or 0.0):
        zero = assignment.zero_frame or 0.0
        begin = round(zero + assignment.line.row.acting.cut_start_s * rate)
        lane = next((i for i, end in enumerate(ends) if end <= begin), len(ends))
        channel = min(base + lane, sound.LAST_CHANNEL)
        strip = compat.add_sound_or_none(
            scene, SOUND_NAME, assignment.line.row.audio, channel, round(zero)
        )
        if strip is None:  # a Blender without sound
            return
        strip.name, strip[strips.BATCH] = assignment.line.row.name, target.batch
        _trim(strip, assignment, begin, rate)
        ends[lane : lane + 1] = [float(compat.strip_span(strip)[1])]
    scene.sync_mode = "AUDIO_SYNC"


def remove_sounds(scene: bpy.types.Scene) -> None:
    """Remove the audio of all lines from the sequencer."""
    scene = sequencer_scene(scene)
    for strip in list(compat.placed_strips(scene)):
        if strip.get(strips.BATCH):
            compat.strips_of(scene).remove(strip)


def clear_timeline(face: bpy.types.Object) -> list[str]:
    """Remove lines that were keyed on the timeline from a face, and return the faces' names."""
    own = ownership.own_action_or_none(face.data.shape_keys)
    if own is None or own.get(strips.BATCH) is None:
        return []
    return list(bake.clear_bake(targets.face_objects(face)).objects)


def remove_unlisted(
    faces: Sequence[bpy.types.Object], target: BatchTarget, speakers: Mapping[str, int]
) -> None:
    """Remove lines of this batch from faces that do not speak them any more.

    Args:
        faces: Faces with lines.
        target: The batch.
        speakers: Session id of the face that speaks each line, by line.
    """
    for face in faces:
        group = targets.face_objects(face, with_companions=target.with_companions)
        uids = {one.session_uid for one in group}

        def is_gone(action: Any, uids: set[int] = uids) -> bool:
            is_of_batch = action.get(strips.BATCH) == target.batch
            return is_of_batch and speakers.get(action.get(strips.LINE), 0) not in uids

        strips.remove_lines(group, is_gone)


def faces_with_lines(target: BatchTarget) -> list[bpy.types.Object]:
    """Return the faces in the scene with lines of CSTalk."""
    scene = scene_of(target)
    return [o for o in scene.objects if targets.is_face(o) and strips.has_lines(o)]


def read_track(path: Path) -> track.CurveTrack:
    """Read the curves of a line. Raises BadBatch."""
    try:
        return formats.read_curves(path)
    except runtime_errors.RuntimeFault as fault:
        raise BadBatch(str(fault), hint=fault.hint or "Bake again") from fault


def read_prediction(path: Path) -> prediction.Prediction:
    """Read the curves of a line as they are stored with it. Raises BadBatch or BadPrediction."""
    try:
        # Rounded as stored, so that a line that is directed and reset is as it was.
        return prediction.Prediction.of(formats.read_layered(path))
    except runtime_errors.RuntimeFault as fault:
        raise BadBatch(str(fault), hint=fault.hint or "Bake again") from fault


def _direction_of(faces: Sequence[bpy.types.Object], label: strips.Label) -> Direction:
    for action in rewriting.clips_of(faces):
        is_line = action.get(strips.LINE) == label.line
        if is_line and action.get(strips.BATCH) == label.batch and line_predictions.has(action):
            return line_predictions.direction_of(action)
    return Direction()


def _faces(assignment: Assignment, target: BatchTarget) -> list[bpy.types.Object]:
    if not assignment.face_uid:
        raise BadTarget(
            f"No character is assigned to {assignment.line.row.name}",
            hint="Choose its Character in the list, or add a row to the cast",
        )
    face = face_or_none(assignment)
    if face is not None:
        return targets.face_objects(face, with_companions=target.with_companions)
    raise BadTarget(
        f"The face {assignment.face_name!r} was removed while its lines were generated",
        hint="Undo the removal or choose another face, then bake again",
    )


def face_or_none(assignment: Assignment) -> bpy.types.Object | None:
    """Return the face of a line; None if none is assigned or it was removed."""
    things = (o for o in bpy.data.objects if o.session_uid == assignment.face_uid)
    return next(things, None)


def _export(
    faces: Sequence[bpy.types.Object],
    curves: track.CurveTrack,
    assignment: Assignment,
    target: BatchTarget,
    scene: bpy.types.Scene,
    title: str,
) -> None:
    if scene != bpy.context.scene:
        raise BadBatch(f"{scene.name!r} is not open", hint="Open it while its lines are exported")
    exports.export_line(
        faces,
        curves,
        export_path(assignment, target),
        kind=target.destination,
        scene=scene,
        line=title,
    )


def _trim(strip: Any, assignment: Assignment, begin: int, rate: float) -> None:
    duration_s = assignment.line.row.acting.cut_duration_s
    first, last = compat.strip_span(strip)
    if begin > first or duration_s is not None:
        last = last if duration_s is None else min(last, begin + round(duration_s * rate))
        compat.set_span(strip, max(first, begin), last)


def by_face(assignments: Sequence[Assignment]) -> Mapping[int, list[Assignment]]:
    """Return lines grouped by the session id of their face, in their order."""
    groups: dict[int, list[Assignment]] = {}
    for assignment in assignments:
        groups.setdefault(assignment.face_uid, []).append(assignment)
    return groups
