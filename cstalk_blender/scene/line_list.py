"""From a source to the scene's list of lines, and from the list to an order. Main thread only."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import bpy

from ..dialogue import emotion_keys, layout, lines
from ..dialogue.casting import Clue, cast
from ..errors import BadBatch, SessionError
from ..jobs.batch_request import DONE, FAILED, NEW, SKIPPED, BatchOrder
from ..jobs.placement import Casting, Stage
from ..rig.binding import targets
from ..rig.keys import exports
from ..ui.properties.batch import AS_PANEL, AUTO, UNKNOWN_EMOTION, CSTALK_PG_batch, CSTALK_PG_line
from ..ui.properties.generate import CSTALK_PG_scene
from ..ui.properties.migration import SOURCE_VALUES
from . import audio as sound
from . import emotion_track
from . import strip_lines as casting

BAND_SAMPLES = 64
"""Samples of animated weights for the picture of a line."""
KEPT = ("use", "placement_token")
"""What a line keeps when the list is read again."""
MADE = ("state", "message", "score", "detected_emotion", "detected_emotion_at")
"""What became of a line; kept where the source still says what it said."""
EDITED = ("character", "emotion", "intensity", "emotion_at", "has_start", "start_s")
"""What people edit; each is kept where the source says of it what it said."""
NO_TEXT = "The name of the sound is not written in UTF-8"


def fill(scene: bpy.types.Scene, *, otherwise: str = "") -> int:
    """Read the source into the scene's list; how many lines it has now.

    A line that was there keeps what was edited, each thing unless the source now says otherwise.

    Args:
        scene: Whose list.
        otherwise: Name of the character that speaks strips of the sequencer that tell nobody.

    Raises:
        BadBatch: The source cannot be read; the list is as it was.
    """
    settings: CSTALK_PG_batch = scene.cstalk_batch
    source = settings.source
    if not source:
        raise BadBatch("No lines are chosen", hint="Choose a folder or a list first")
    if settings.source_kind == "SEQUENCER":
        found = casting.scene_lines(scene, settings.cast_list, settings.pattern)
        if not found:
            raise BadBatch("The sequencer has no sound strips", hint="Add the sounds first")
        _replace(scene, source, [(f.line, f.character or otherwise, f) for f in found])
    else:
        listed = lines.read_lines(
            source,
            pattern=settings.pattern,
            include=settings.include.split(),
            exclude=settings.exclude.split(),
        )
        characters = casting.characters_in(scene)
        roles = settings.cast_list
        _replace(
            scene,
            source,
            [
                (line, cast(Clue(line.row.name, line.row.character), roles, list(characters)), None)
                for line in listed
            ],
        )
    return len(settings.lines)


def order_of(scene: bpy.types.Scene) -> BatchOrder:
    """The batch that the scene's list and settings describe.

    Raises:
        BadBatch: There is no list, no place for the curves, or a line cannot be read.
    """
    settings: CSTALK_PG_batch = scene.cstalk_batch
    folder = settings.output_path_or_none()
    if folder is None:
        raise BadBatch("There is no folder for the curves yet", hint="Save the file, or choose one")
    problem = exports.problem_or_none(settings.destination)
    if problem is not None:
        raise BadBatch(problem, hint="")
    items = [item for item in settings.lines if item.use]
    if settings.listed_from == casting.SEQUENCER:
        _follow_strips(scene, items)
    faces = [_face_of(item, scene) for item in items]
    stage = Stage(
        scene_uid=scene.session_uid,
        scene_name=scene.name,
        batch=settings.listed_from,
        destination=settings.destination,
        folder=folder,
        with_companions=scene.cstalk.with_companions,
        is_asset=settings.is_asset,
        with_sounds=settings.with_sounds and settings.listed_from != casting.SEQUENCER,
    )
    slots = [_slot(item) for item in items]
    frames = _frames(scene, items, slots)
    castings = tuple(
        Casting(
            line=_directed(_line(item, face), item, face, scene, frame),
            face_uid=0 if face is None else face.session_uid,
            face_name="" if face is None else face.name,
            zero_frame=frame,
            scene_name=item.scene_name,
        )
        for item, face, frame in zip(items, faces, frames, strict=True)
    )
    return BatchOrder(
        castings=castings,
        stage=stage,
        options=_options(scene, settings),
        layout=_layout(castings, slots, scene),
    )


def _replace(scene: bpy.types.Scene, source: str, found: Sequence[tuple[Any, str, Any]]) -> None:
    settings: CSTALK_PG_batch = scene.cstalk_batch
    is_same = settings.listed_from == source
    before = {item.name: _remembered(item) for item in settings.lines} if is_same else {}
    settings.lines.clear()
    for line, character, strip in found:
        item = settings.lines.add()
        _tell(item, line, settings)
        item.character = scene.objects.get(character) if character else None
        if strip is not None:
            item.zero_frame, item.use = strip.start_frame, not strip.is_muted
        item[SOURCE_VALUES] = _told(item)
        if item.name in before:
            _restore(item, before[item.name])
        if item.problem:
            item.message, item.state = f"{item.problem}. {item.hint}".strip(". "), FAILED
    settings.listed_from = source
    settings.index = min(settings.index, max(0, len(settings.lines) - 1))


def _told(item: CSTALK_PG_line) -> dict[str, Any]:
    """What the source says of the things that people edit, as data that the file keeps."""
    said = {name: getattr(item, name) for name in EDITED}
    return {**said, "character": "" if item.character is None else item.character.name}


def _remembered(item: CSTALK_PG_line) -> dict[str, Any]:
    told = item.get(SOURCE_VALUES)
    values = {name: getattr(item, name) for name in (*KEPT, *MADE, *EDITED)}
    return {**values, "source": {} if told is None else told.to_dict(), "now": _told(item)}


def _restore(item: CSTALK_PG_line, old: Mapping[str, Any]) -> None:
    """Give a line that was read again what it had."""
    same = [name for name in EDITED if old["source"].get(name) == item[SOURCE_VALUES][name]]
    edited = [name for name in same if old["now"][name] != item[SOURCE_VALUES][name]]
    # what became of it last: editing resets that
    for name in (*KEPT, *edited, *(MADE if len(same) == len(EDITED) else ())):
        setattr(item, name, old[name])


def _tell(item: CSTALK_PG_line, line: lines.Line, settings: CSTALK_PG_batch) -> None:
    row, acting = line.row, line.row.acting
    item.name, item.title, item.audio = lines.stem_of(line), _text(row.name), _text(row.audio)
    item.role, item.scene_name = row.character, row.scene
    item.problem, item.hint = row.problem, row.hint
    known = acting.emotion in lines.known_emotions()
    item.emotion = acting.emotion if known else settings.emotion_default
    if not acting.emotion and acting.intensity is not None and item.emotion == AS_PANEL:
        item.emotion = settings.id_data.cstalk.emotion  # which is not as strong as in the panel
    if acting.emotion and not known:
        item.problem = f"{UNKNOWN_EMOTION} {acting.emotion!r}"
        item.hint = f"Use one of {', '.join(lines.known_emotions())}"
    if item.audio != row.audio:
        item.problem, item.hint = NO_TEXT, "Rename the file, then read the lines again"
    item.intensity = 1.0 if acting.intensity is None else acting.intensity
    item.emotion_at = lines.keys_text(acting.emotion_at)
    item.seed = -1 if acting.seed is None else acting.seed
    item.has_start, item.start_s = row.place_s is not None, row.place_s or 0.0
    item.cut_start_s = acting.cut_start_s
    item.cut_duration_s = -1.0 if acting.cut_duration_s is None else acting.cut_duration_s
    item.length_s = _length(line)
    item.state = NEW


def _length(line: lines.Line) -> float:
    acting = line.row.acting
    if acting.cut_duration_s is not None:
        return acting.cut_duration_s
    try:
        return max(0.0, sound.length_s(Path(line.row.audio)) - acting.cut_start_s)
    except (SessionError, OSError):
        return 0.0


def _line(item: CSTALK_PG_line, face: bpy.types.Object | None) -> lines.Line:
    acting = lines.Acting(
        seed=None if item.seed < 0 else item.seed,
        cut_start_s=round(item.cut_start_s, 6),
        cut_duration_s=None if item.cut_duration_s < 0 else round(item.cut_duration_s, 6),
    )
    who = item.character.name if item.character is not None else item.role
    if not who and face is not None:
        who = face.name
    row = lines.Row(
        number=0,
        audio=item.audio,
        name=item.title,
        stem=item.name,
        character=who,
        scene=item.scene_name,
        place_s=round(item.start_s, 6) if item.has_start else None,
        acting=acting,
        problem=item.problem,
        hint=item.hint,
    )
    return lines.Line(row, (f"{item.name}.npz",))


def _directed(
    line: lines.Line,
    item: CSTALK_PG_line,
    face: bpy.types.Object | None,
    scene: bpy.types.Scene,
    frame: float | None,
    segment_s: float = emotion_keys.SEGMENT_S,
) -> lines.Line:
    """The line with the emotion it begins with and its changes over time."""
    main: CSTALK_PG_scene = scene.cstalk
    emotion, intensity = item.emotion, item.intensity
    if emotion == AS_PANEL:
        emotion, intensity = main.emotion, main.intensity
    keys = lines.read_keys(item.emotion_at)
    if frame is not None and not keys:
        keys = emotion_track.keys_for(
            scene,
            face,
            zero_frame=frame,
            start_s=item.cut_start_s,
            duration_s=item.length_s,
            says_itself=item.says_itself,
            segment_s=segment_s,
        )
    return lines.acted(line, emotion, round(intensity, 4), keys)


def emotion_keys_of(
    item: CSTALK_PG_line, scene: bpy.types.Scene, frame: float | None
) -> Sequence[Any]:
    """Keys of a line, coarsely, for its band; empty where they cannot be read.

    Where the emotion is left to the voice and the line is made, what was heard and acted.

    Args:
        item: A row of the list.
        scene: The list's scene.
        frame: Frame of second 0 of its file, from `item_frames`; None leaves the timeline out.
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
    if is_auto and item.detected_emotion_at and item.state in (DONE, SKIPPED):
        return lines.read_keys(item.detected_emotion_at)
    return keys


def _text(name: str) -> str:
    """A name as Blender can keep it: bytes that are no UTF-8 are written out."""
    return name.encode("utf-8", "backslashreplace").decode()


def item_frames(scene: bpy.types.Scene) -> list[float | None]:
    """Frame of second 0 of each line's file, in the order of the list; unticked take no time."""
    items = list(scene.cstalk_batch.lines)
    return _frames(scene, items, [_slot(item) for item in items])


def _slot(item: CSTALK_PG_line) -> layout.Slot:
    place = item.start_s if item.has_start else None
    group = item.scene_name if item.scene_name in bpy.data.scenes else ""
    length_s = item.length_s if item.use else 0.0
    return layout.Slot(place, length_s, is_out=not item.use, group=group)


def _frames(
    scene: bpy.types.Scene, items: Sequence[CSTALK_PG_line], slots: Sequence[layout.Slot]
) -> list[float | None]:
    if scene.cstalk_batch.listed_from == casting.SEQUENCER:
        return [item.zero_frame for item in items]
    rate = sound.frame_rate(scene)
    begins = layout.first_frames(
        slots,
        start_frame=scene.cstalk.start_frame,
        rate=rate,
        gap_s=scene.cstalk_batch.gap_s,
    )
    return [
        None if begin is None else begin - item.cut_start_s * rate
        for item, begin in zip(items, begins, strict=True)
    ]


def _layout(castings: Sequence[Casting], slots: Sequence[layout.Slot], scene: Any) -> Any:
    """Frames again, once the lengths of all lines are known; without bpy, for a later tick."""
    rate, start = sound.frame_rate(scene), scene.cstalk.start_frame
    gap_s = scene.cstalk_batch.gap_s

    def laid_out(lengths: Mapping[str, float]) -> tuple[Casting, ...]:
        known = [
            dataclasses.replace(slot, length_s=slot.length_s or length, is_out=length == 0.0)
            for slot, casting_ in zip(slots, castings, strict=True)
            for length in [lengths.get(lines.stem_of(casting_.line), 0.0)]
        ]
        begins = layout.first_frames(known, start_frame=start, rate=rate, gap_s=gap_s)
        return tuple(
            dataclasses.replace(
                one, zero_frame=(begin or 0.0) - one.line.row.acting.cut_start_s * rate
            )
            for one, begin in zip(castings, begins, strict=True)
        )

    return laid_out


def _face_of(item: CSTALK_PG_line, scene: bpy.types.Scene) -> bpy.types.Object | None:
    """The face that speaks a line: its character's, else that of the main panel.

    A line that names a role nobody in the scene has is spoken by nobody.
    """
    if item.character is not None:
        return casting.face_of_or_none(item.character)
    if item.role or scene.cstalk_batch.listed_from == casting.SEQUENCER:
        return None
    chosen = scene.cstalk.target
    if chosen is None and scene == bpy.context.scene:
        chosen = targets.default_target_or_none(bpy.context)
    return casting.face_of_or_none(chosen)


def _follow_strips(scene: bpy.types.Scene, items: Sequence[CSTALK_PG_line]) -> None:
    """Take over where the strips are now: what moved or was trimmed since the list was read."""
    found = casting.scene_lines(scene, scene.cstalk_batch.cast_list, scene.cstalk_batch.pattern)
    now = {lines.stem_of(one.line): one for one in found}
    for item in items:
        one = now.get(item.name)
        if one is None:
            item.problem, item.hint = "The strip is gone", "Read the sequencer again"
            continue
        acting = one.line.row.acting
        item.problem, item.hint = one.line.row.problem, one.line.row.hint
        item.audio, item.zero_frame = one.line.row.audio, one.start_frame
        item.cut_start_s, item.cut_duration_s = acting.cut_start_s, acting.cut_duration_s or -1.0
        item.length_s = acting.cut_duration_s or 0.0


def _options(scene: bpy.types.Scene, settings: CSTALK_PG_batch) -> tuple[str, ...]:
    """Arguments of the child that hold for all lines."""
    main: CSTALK_PG_scene = scene.cstalk
    rate = main.keys_per_second or sound.frame_rate(scene)
    return (
        *("--format", ",".join(settings.formats), "--fps", f"{rate:.9g}"),
        *("--seed", str(main.seed)),
        *(() if main.blink else ("--no-blink",)),
    )
