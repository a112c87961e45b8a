"""Let characters wait and listen before, between and after their lines. Main thread only."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import bpy
import numpy as np

from ...dialogue import conversation
from ...dialogue.lines import stem_of
from ...errors import SessionError
from ...package import idle, protocol, rigs, track
from ...rig.binding import targets
from ...rig.clips import strips
from ...rig.drive import facing
from ...rig.keys import tracks
from ...scene import audio as sound
from .request import Assignment, BatchTarget, IdleRequest


def turns_of(
    assignments: Sequence[Assignment], lengths: dict[str, float], frame_rate: float
) -> list[conversation.Turn]:
    """Return who speaks when, in seconds of the timeline.

    Args:
        assignments: Lines with frames.
        lengths: Length of each line in seconds, by id.
        frame_rate: Frames per second of the scene.
    """
    return [
        conversation.Turn(start_s, start_s + lengths[stem_of(one.line)], one.face_uid)
        for one in assignments
        if one.zero_frame is not None and one.face_uid
        for start_s in [one.zero_frame / frame_rate + one.line.row.acting.cut_start_s]
        if lengths.get(stem_of(one.line), 0.0) > 0
    ]


def waiting_curves(
    scene: bpy.types.Scene,
    face: bpy.types.Object,
    turns: Sequence[conversation.Turn],
    wanted: IdleRequest,
) -> tuple[float, track.CurveTrack]:
    """Return the curves of a character that waits over all lines of a scene.

    Args:
        scene: Its frame rate counts.
        face: The character's face.
        turns: All turns of the scene.
        wanted: Margins, strengths and listening.

    Returns:
        Second of the timeline at the first frame, and the curves.
    """
    rate = sound.frame_rate(scene)
    first = np.floor((min(t.start_s for t in turns) - wanted.before_s) * rate) / rate
    stop = max(t.stop_s for t in turns) + wanted.after_s
    heard = conversation.idle_scene(
        turns,
        face.session_uid,
        first_s=first,
        direction=_direction_from(face) if wanted.is_listening else None,
    )
    curves = idle.idle_track(
        rigs.load_rig(protocol.DEFAULT_RIG),
        float(stop - first),
        fps=wanted.fps,
        seed=wanted.seed ^ (hash_of(face.name) & 0xFFFF),
        acting=wanted.acting.get(face.session_uid, protocol.Acting()),
        scene=heard,
    )
    return float(first), curves


def place_idle(
    scene: bpy.types.Scene,
    assignments: Sequence[Assignment],
    lengths: dict[str, float],
    target: BatchTarget,
    wanted: IdleRequest,
) -> list[str]:
    """Give every character of a batch a strip of waiting below its lines.

    Args:
        scene: The scene.
        assignments: Lines that were placed.
        lengths: Length of each line in seconds, by id.
        target: The batch.
        wanted: Margins, strengths and listening.

    Returns:
        Notes for the user.
    """
    notes: list[str] = []
    rate = sound.frame_rate(scene)
    for name in dict.fromkeys(one.scene_name for one in assignments):
        group = [one for one in assignments if one.scene_name == name]
        turns = turns_of(group, lengths, rate)
        for uid in dict.fromkeys(turn.speaker for turn in turns):
            face = _face_or_none(uid)
            if face is None:
                continue
            first_s, curves = waiting_curves(scene, face, turns, wanted)
            faces = targets.face_objects(face, with_companions=target.with_companions)
            label = strips.Label(tracks.IDLE_LINE, f"Idle {name}".strip(), target.batch)
            try:
                placed = strips.place_line(
                    faces,
                    conversation.moving_channels(curves),
                    label,
                    start_frame=first_s * rate,
                    frame_rate=rate,
                    is_below=True,
                )
            except SessionError as error:
                notes.append(f"{face.name} does not wait between its lines: {error}")
                continue
            played_in = bpy.data.scenes.get(name) or scene
            sound.extend_range(played_in, placed.first_frame, placed.last_frame)
    return notes


def hash_of(name: str) -> int:
    """Return a number that is the same in every session, so that faces differ by their names."""
    number = 0
    for letter in name.encode():
        number = (number * 131 + letter) % 2**31
    return number


def _direction_from(face: bpy.types.Object) -> Callable[[int], tuple[float, float]]:
    """Return a function from a speaker's id to its direction, both where they are now."""
    here = facing.facing_of(face)
    known: dict[int, tuple[float, float]] = {}

    def direction(uid: int) -> tuple[float, float]:
        if uid not in known:
            speaker = _face_or_none(uid)
            there = None if speaker is None else facing.facing_of(speaker).position
            known[uid] = (0.0, 0.0) if there is None else facing.direction_deg(here, there)
        return known[uid]

    return direction


def look_at_partners(
    assignments: Sequence[Assignment], lengths: dict[str, float], frame_rate: float
) -> dict[str, tuple[protocol.LookKey, ...]]:
    """Return where the speakers of lines look: at whom they talk to, where that one is now.

    Args:
        assignments: Lines with frames; others look straight ahead.
        lengths: Length of each line in seconds, by id; 0 where it is unknown.
        frame_rate: Frames per second of the scene.
    """
    known = {line: length or 1.0 for line, length in lengths.items()}
    found: dict[str, tuple[protocol.LookKey, ...]] = {}
    for name in dict.fromkeys(one.scene_name for one in assignments):
        group = [one for one in assignments if one.scene_name == name]
        turns = turns_of(group, known, frame_rate)
        for one in group:
            own = turns_of([one], known, frame_rate)
            other = conversation.partner_or_none(turns, own[0]) if own else None
            face = _face_or_none(one.face_uid)
            if other is not None and face is not None:
                yaw, pitch = _direction_from(face)(other)
                key = protocol.LookKey(0.0, round(yaw, 2), round(pitch, 2))
                found[stem_of(one.line)] = (key,)
    return found


def _face_or_none(uid: int) -> bpy.types.Object | None:
    return next((thing for thing in bpy.data.objects if thing.session_uid == uid), None)
