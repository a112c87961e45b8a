"""What becomes of a line's curves in Blender: strips, keys, Actions, files. Main thread only."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import bpy

from .. import compat
from ..dialogue.layout import joined
from ..dialogue.lines import Line, stem_of
from ..errors import BadBatch, BadTarget
from ..package import formats, runtime_errors, track
from ..rig.binding import targets
from ..rig.keys import bake, exports, ownership, strips
from ..rig.keys.fcurves import key_frames
from ..scene import audio as sound
from .batch_request import FILES, NLA, PLAYED, TIMELINE

EXPORTS = tuple(exports.SUFFIXES)
LIBRARY_FRAME = 1.0
"""Where an Action that plays nowhere begins."""
SOUND_NAME = "CSTalk Line"


@dataclasses.dataclass(frozen=True)
class Casting:
    """One line with its face and its time, as plain data."""

    line: Line
    face_uid: int
    """Session id of the face; 0: nobody speaks it."""
    face_name: str
    zero_frame: float | None
    """Frame of second 0 of its file; None where the length of a line before is not known yet."""
    scene_name: str = ""
    """Another scene that it plays in, if there is one of that name."""


@dataclasses.dataclass(frozen=True)
class Stage:
    """Where all lines of a batch go."""

    scene_uid: int
    scene_name: str
    batch: str
    """Source of the lines: folder, list, sequencer."""
    destination: str
    folder: Path
    """The output folder."""
    with_companions: bool = True
    is_asset: bool = False
    with_sounds: bool = False
    """Put the sounds of the lines on the sequencer."""


def scene_of(stage: Stage) -> bpy.types.Scene:
    """The scene of a batch; raises BadBatch when it is gone."""
    for scene in bpy.data.scenes:
        if scene.session_uid == stage.scene_uid:
            return scene
    raise BadBatch(f"The scene {stage.scene_name!r} was removed", hint="Start in another scene")


def token_of(path: Path, casting: Casting, stage: Stage) -> str:
    """What a placed line depends on: its curves, its face, its frame, its destination.

    Raises:
        BadBatch: The curves are not there.
    """
    try:
        curves = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise BadBatch(
            f"The curves {path.name} cannot be read: {error.strerror}", hint="Bake again"
        ) from error
    frame = None if stage.destination not in PLAYED else casting.zero_frame
    said = (curves, casting.face_name, frame, stage.destination, stage.is_asset)
    return hashlib.sha256(repr(said).encode()).hexdigest()[:24]


def is_still_placed(casting: Casting, stage: Stage) -> bool:
    """Whether what an earlier run made of a line is still there."""
    line = stem_of(casting.line)
    if stage.destination in EXPORTS:
        return export_path(casting, stage).is_file()
    if stage.destination == FILES:
        return True
    return any(
        (stage.destination == TIMELINE or action.get(strips.LINE) == line)
        and action.get(strips.BATCH) == stage.batch
        and ownership.is_ours(action)
        for action in bpy.data.actions
    )


def export_path(casting: Casting, stage: Stage) -> Path:
    """The file of a line for a destination that writes files."""
    return stage.folder / (stem_of(casting.line) + exports.SUFFIXES[stage.destination])


def place(casting: Casting, stage: Stage) -> tuple[str, ...]:
    """Do with one line what the destination says; sentences that people should read.

    For the timeline nothing is done here: `place_timeline` takes all lines of a face at once.

    Raises:
        SessionError: It cannot be done; what was there stays.
    """
    scene = scene_of(stage)
    if stage.destination == FILES:
        return ()
    faces = _faces(casting, stage)
    curves = read_track(stage.folder / casting.line.targets[0])
    title = Path(stem_of(casting.line)).name
    if stage.destination in EXPORTS:
        _export(faces, curves, casting, stage, scene, title)
        return ()
    label = strips.Label(stem_of(casting.line), title, stage.batch)
    rate = sound.frame_rate(scene)
    is_played = stage.destination == NLA
    zero = casting.zero_frame if is_played else LIBRARY_FRAME - curves.start_s * rate
    assert zero is not None, "a line is placed when its frame is known"
    placed = strips.place_line(
        faces, curves, label, start_frame=zero, frame_rate=rate, is_on_track=is_played
    )
    if stage.is_asset:
        acting = casting.line.row.acting
        text = f"{casting.line.row.name}: {acting.emotion or 'neutral'}"
        strips.mark_as_asset(placed.actions, text, ("CSTalk", casting.face_name, acting.emotion))
    if is_played:
        played_in = bpy.data.scenes.get(casting.scene_name) or scene
        sound.extend_range(played_in, placed.first_frame, placed.last_frame)
    return placed.notes


def place_timeline(castings: Sequence[Casting], stage: Stage) -> tuple[str, ...]:
    """Key all lines of one face straight onto the timeline, as one Action.

    Raises:
        SessionError: It cannot be done; what was there stays.
    """
    scene = scene_of(stage)
    rate = sound.frame_rate(scene)
    faces = _faces(castings[0], stage)
    parts = []
    for casting in castings:
        curves = read_track(stage.folder / casting.line.targets[0])
        assert casting.zero_frame is not None, "a line is placed when its frame is known"
        parts.append((casting.zero_frame / rate + curves.start_s, curves))
    begin_s, curves, spoken = joined(parts)
    strips.clear_lines(faces)  # they would lie below, unheard
    name = Path(stage.batch).name or stage.batch
    report = bake.bake_track(
        faces, curves, start_frame=begin_s * rate, frame_rate=rate, line=f"lines of {name}"
    )
    frames = key_frames(curves, start_frame=begin_s * rate, frame_rate=rate)
    spans = [(frames[s.start], frames[min(s.stop, len(frames)) - 1]) for s in spoken]
    strips.keep_spoken_keys(faces, report.actions, spans)
    for name in report.actions:
        bpy.data.actions[name][strips.BATCH] = stage.batch
    # from the first line on: keys begin before it, where the face leaves its rest
    first_s = min(second for second, _curves in parts)
    sound.extend_range(scene, first_s * rate, report.last_frame)
    return ()


def place_sounds(castings: Sequence[Casting], stage: Stage) -> None:
    """Put the sounds of lines on the sequencer, each where its line is; earlier ones go."""
    scenes: dict[str, list[Casting]] = {}
    for casting in castings:
        if casting.zero_frame is not None:
            scene = bpy.data.scenes.get(casting.scene_name) or scene_of(stage)
            scenes.setdefault(scene.name, []).append(casting)
    for name, group in scenes.items():
        _place_sounds(bpy.data.scenes[name], group, stage)


def _place_sounds(scene: bpy.types.Scene, castings: Sequence[Casting], stage: Stage) -> None:
    for strip in list(compat.placed_strips(scene)):
        if strip.get(strips.BATCH) == stage.batch:
            compat.strips_of(scene).remove(strip)
    rate = sound.frame_rate(scene)
    base = 1 + max((strip.channel for strip in compat.placed_strips(scene)), default=0)
    ends: list[float] = []
    for casting in sorted(castings, key=lambda c: c.zero_frame or 0.0):
        zero = casting.zero_frame or 0.0
        begin = round(zero + casting.line.row.acting.cut_start_s * rate)
        lane = next((i for i, end in enumerate(ends) if end <= begin), len(ends))
        channel = min(base + lane, sound.LAST_CHANNEL)
        strip = compat.add_sound_or_none(
            scene, SOUND_NAME, casting.line.row.audio, channel, round(zero)
        )
        if strip is None:  # a Blender without sound
            return
        strip.name, strip[strips.BATCH] = casting.line.row.name, stage.batch
        _trim(strip, casting, begin, rate)
        ends[lane : lane + 1] = [float(compat.strip_span(strip)[1])]
    scene.sync_mode = "AUDIO_SYNC"


def remove_sounds(scene: bpy.types.Scene) -> None:
    """Take the sounds of lines off the sequencer."""
    for strip in list(compat.placed_strips(scene)):
        if strip.get(strips.BATCH):
            compat.strips_of(scene).remove(strip)


def clear_timeline(face: bpy.types.Object) -> list[str]:
    """Take lines that were keyed straight onto the timeline off a face; names of the faces."""
    own = ownership.own_action_or_none(face.data.shape_keys)
    if own is None or own.get(strips.BATCH) is None:
        return []
    return list(bake.clear_bake(targets.face_objects(face)).objects)


def remove_unlisted(
    faces: Sequence[bpy.types.Object], stage: Stage, speakers: Mapping[str, int]
) -> None:
    """Take lines of this batch off faces that do not speak them any more.

    Args:
        faces: Where lines of ours play.
        stage: The batch.
        speakers: Session id of the face that speaks each line, by line.
    """
    for face in faces:
        group = targets.face_objects(face, with_companions=stage.with_companions)
        uids = {one.session_uid for one in group}

        def is_gone(action: Any, uids: set[int] = uids) -> bool:
            is_of_batch = action.get(strips.BATCH) == stage.batch
            return is_of_batch and speakers.get(action.get(strips.LINE), 0) not in uids

        strips.remove_lines(group, is_gone)


def faces_with_lines(stage: Stage) -> list[bpy.types.Object]:
    """Faces in the scene on which lines of ours play."""
    scene = scene_of(stage)
    return [o for o in scene.objects if targets.is_face(o) and strips.has_lines(o)]


def read_track(path: Path) -> track.CurveTrack:
    """Curves of a line. Raises BadBatch."""
    try:
        return formats.read_curves(path)
    except runtime_errors.RuntimeFault as fault:
        raise BadBatch(str(fault), hint=fault.hint or "Bake again") from fault


def _faces(casting: Casting, stage: Stage) -> list[bpy.types.Object]:
    if not casting.face_uid:
        raise BadTarget(
            f"Nobody speaks {casting.line.row.name}",
            hint="Choose its character in the list, or add a row to the cast",
        )
    for thing in bpy.data.objects:
        if thing.session_uid == casting.face_uid:
            return targets.face_objects(thing, with_companions=stage.with_companions)
    raise BadTarget(
        f"The face {casting.face_name!r} was removed while its lines were made",
        hint="Undo the removal or choose another face, then bake again",
    )


def _export(
    faces: Sequence[bpy.types.Object],
    curves: track.CurveTrack,
    casting: Casting,
    stage: Stage,
    scene: bpy.types.Scene,
    title: str,
) -> None:
    if scene != bpy.context.scene:
        raise BadBatch(f"{scene.name!r} is not open", hint="Go to it while its lines are written")
    exports.export_line(
        faces,
        curves,
        export_path(casting, stage),
        kind=stage.destination,
        scene=scene,
        line=title,
    )


def _trim(strip: Any, casting: Casting, begin: int, rate: float) -> None:
    duration_s = casting.line.row.acting.cut_duration_s
    first, last = compat.strip_span(strip)
    if begin > first or duration_s is not None:
        last = last if duration_s is None else min(last, begin + round(duration_s * rate))
        compat.set_span(strip, max(first, begin), last)


def by_face(castings: Sequence[Casting]) -> Mapping[int, list[Casting]]:
    """Lines grouped by who speaks them, in their order."""
    groups: dict[int, list[Casting]] = {}
    for casting in castings:
        groups.setdefault(casting.face_uid, []).append(casting)
    return groups
