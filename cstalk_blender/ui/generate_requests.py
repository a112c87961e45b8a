"""Build the request of Generate from the settings of a scene."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy

from ..errors import BadBatch
from ..jobs import request as jobs_request
from ..package import choices, pronounce, protocol, runtime_errors
from ..rig.binding import library, wiring
from ..scene import audio, emotion_track, look_at, result, words
from .properties import expressions
from .properties.acting import acting_of
from .properties.generate import CSTALK_PG_scene, chosen_face_or_none

DICTIONARY_NAME = "english.json"
"""The user's pronunciations, in the folder ``dictionary`` of the extension."""


def requests_of(
    context: bpy.types.Context, seeds: Sequence[int]
) -> list[jobs_request.GenerateRequest]:
    """Return requests for new takes that differ in their seeds.

    Args:
        context: Context with the scene.
        seeds: Random seeds, one for each take.

    Raises:
        SessionError: The face or the audio file cannot be used.
    """
    return [request_of(context, seed=seed) for seed in seeds]


def request_of(
    context: bpy.types.Context, *, seed: int | None = None
) -> jobs_request.GenerateRequest:
    """Return the request that the settings of the active scene describe.

    Args:
        context: Context with the scene.
        seed: Random seed of a new take; None for seed and *New Take* of the scene.

    Raises:
        SessionError: The face or the audio file cannot be used.
    """
    scene, face = context.scene, chosen_face_or_none(context)
    settings: CSTALK_PG_scene = scene.cstalk
    performance = protocol.Performance(
        audio=audio_source(settings),
        fps=settings.keys_per_second or audio.frame_rate(scene),
        emotion_keys=emotion_keys(scene, face),
        seed=settings.seed if seed is None else seed,
        blink=settings.blink,
        script=scene.cstalk_acting.spoken,
        language=scene.cstalk_acting.language_used,
        pronunciations=pronunciations(scene.cstalk_acting.spoken),
        corrections=words.corrections_of(face, audio_identity(settings)),
        acting=acting_of(scene, face),
        idle_before_s=round(scene.cstalk_acting.idle_before, 4),
        idle_after_s=round(scene.cstalk_acting.idle_after, 4),
        look=_look(scene, face),
        expressions=expressions.own_expressions(),
    )
    return jobs_request.request_for(
        scene,
        face,
        performance,
        start_frame=settings.start_frame,
        with_companions=settings.with_companions,
        tolerance=settings.tolerance,
        title=title_of(settings),
        settings=settings_values(scene, face, seed),
        is_new_take=settings.new_take or seed is not None,
    )


def emotion_keys(
    scene: bpy.types.Scene, face: bpy.types.Object | None
) -> tuple[protocol.EmotionKey, ...]:
    """Return the emotion of a performance over time.

    Animated weights and timeline markers come before the emotion of the panel, which is used until
    the first of them.

    Args:
        scene: The scene with settings, markers and weights.
        face: The face, whose own weights come before the scene's.
    """
    settings: CSTALK_PG_scene = scene.cstalk
    keys = emotion_track.keys_for(
        scene,
        face,
        zero_frame=settings.start_frame,
        start_s=0.0,
        duration_s=duration_s(scene),
        has_own_emotion=False,
    )
    if keys and keys[0].start_s <= 0.0:
        return keys
    return (protocol.EmotionKey(0.0, settings.emotion_text, round(settings.intensity, 4)), *keys)


def pronunciations(script: str) -> tuple[protocol.Pronunciation, ...]:
    """Return the entries of the user's dictionary that a script needs.

    Args:
        script: What is spoken.

    Raises:
        SessionError: The dictionary cannot be read.
    """
    path = library.folder("dictionary") / DICTIONARY_NAME
    try:
        entries = pronounce.entries_of(pronounce.read_own_dictionary(path))
    except runtime_errors.RuntimeFault as fault:
        raise BadBatch(str(fault), hint=fault.hint) from fault
    return tuple(entry for entry in entries if entry.word in script.lower())


def script_identity(settings: Any) -> str:
    """Return the script with its language, unless that is the default."""
    spoken, language = str(settings.spoken), settings.language_used
    return spoken if language == "en" or not spoken else f"{language}: {spoken}"


def frame_rate(scene: bpy.types.Scene) -> float:
    """Return the frames per second of a scene."""
    return audio.frame_rate(scene)


def direction_text(scene: bpy.types.Scene, face: bpy.types.Object | None) -> str:
    """Return what sets the emotion besides the panel; empty if nothing does.

    Args:
        scene: The scene with settings, markers and weights.
        face: The face.
    """
    return emotion_track.direction_text(
        scene, face, zero_frame=scene.cstalk.start_frame, duration_s=duration_s(scene)
    )


def duration_s(scene: bpy.types.Scene) -> float:
    """Return the length of the audio file; that of the scene where it is unknown."""
    settings: CSTALK_PG_scene = scene.cstalk
    frames = scene.frame_end - settings.start_frame
    return float(settings.audio_seconds) or max(0.0, frames / audio.frame_rate(scene))


def title_of(settings: CSTALK_PG_scene) -> str:
    """Return emotion and audio file: "Happy 0.8, line.wav"."""
    emotion = expressions.title_of(settings.emotion)
    if settings.is_blended:
        emotion += f" + {expressions.title_of(settings.second_emotion)}"
    if settings.emotion != choices.EMOTIONS[0]:
        emotion += f" {settings.intensity:.2g}"
    path = settings.audio_path
    return emotion if path is None else f"{emotion}, {path.name}"


def settings_values(
    scene: bpy.types.Scene, face: bpy.types.Object | None, seed: int | None = None
) -> dict[str, Any]:
    """Return what a performance depends on, by the keys of `result.LABELS`.

    Args:
        scene: The scene with the settings.
        face: The face.
        seed: Random seed; None for that of the scene.
    """
    settings: CSTALK_PG_scene = scene.cstalk
    keys = emotion_keys(scene, face)
    return {
        "audio": audio_identity(settings),
        "emotion": [[round(k.start_s, 3), k.emotion, round(k.intensity, 3)] for k in keys],
        "script": script_identity(scene.cstalk_acting),
        "corrections": [
            dataclasses.astuple(one) for one in words.corrections_of(face, audio_identity(settings))
        ],
        "options": [
            settings.seed if seed is None else seed,
            *(settings.key_rate, settings.blink, settings.with_companions),
            *([] if settings.tolerance is None else [round(settings.tolerance, 5)]),
            *dataclasses.astuple(acting_of(scene, face)),
            *_waiting_values(scene),
        ],
        "mapping": "" if face is None else _mapping_digest(face),
        "start_frame": settings.start_frame,
        "frame_rate": round(audio.frame_rate(scene), 6),
        # Keys are set without it; *Re-time* applies it.
        "stretching": 1.0,
    }


def present_values(scene: bpy.types.Scene, face: bpy.types.Object) -> dict[str, Any]:
    """Return the settings to compare the result of a face with.

    Args:
        scene: The scene with the settings.
        face: A face with a result.
    """
    return {
        **settings_values(scene, face),
        "start_frame": start_frame_of(scene, face),
        "stretching": round(audio.time_stretching(scene), 6),
    }


def start_frame_of(scene: bpy.types.Scene, face: bpy.types.Object) -> int:
    """Return the frame at which the performance of a face must start.

    It is that of the strip that the performance was generated from. Without a strip it is the
    start frame of the scene, as long as the scene's audio file is that of the performance.

    Args:
        scene: The scene with the settings.
        face: A face with a result.
    """
    values = result.settings_of(face.cstalk_result)
    before = int(values.get("start_frame", scene.cstalk.start_frame))
    name = str(next(iter(values.get("audio", ())), ""))
    frames = audio.start_frames(scene, name, face)
    if frames:
        return min(frames, key=lambda frame: abs(frame - before))
    return int(scene.cstalk.start_frame) if is_current_audio(scene, face) else before


def is_current_audio(scene: bpy.types.Scene, face: bpy.types.Object) -> bool:
    """Return whether the scene's audio file is that of a face's performance, or it has none.

    Args:
        scene: The scene with the settings.
        face: A face with a result.
    """
    values = result.settings_of(face.cstalk_result)
    return bool(values.get("audio", audio_identity(scene.cstalk)) == audio_identity(scene.cstalk))


def audio_source(settings: CSTALK_PG_scene) -> Path:
    """Return a file with the audio of the settings; a packed sound is unpacked."""
    if settings.sound is None:
        return settings.audio_path
    return audio.source_path(settings.sound, Path(bpy.app.tempdir))


def _look(scene: bpy.types.Scene, face: bpy.types.Object | None) -> tuple[protocol.LookKey, ...]:
    """Return the directions of the object to look at, the idle time included."""
    acting = scene.cstalk_acting
    if face is None or not acting.eyes:
        return ()
    return look_at.look_keys(
        scene,
        face,
        acting.look_at,
        zero_frame=scene.cstalk.start_frame,
        start_s=-acting.idle_before,
        stop_s=duration_s(scene) + acting.idle_after,
    )


def _waiting_values(scene: bpy.types.Scene) -> list[Any]:
    """Return the settings of waiting and looking that differ from the defaults."""
    acting = scene.cstalk_acting
    values: list[Any] = []
    if acting.idle_before or acting.idle_after:
        values += [round(acting.idle_before, 4), round(acting.idle_after, 4)]
    return values if acting.look_at is None else [*values, acting.look_at.name]


def audio_identity(settings: CSTALK_PG_scene) -> list[Any]:
    """Return name and size of the audio file, which stay when the project is moved."""
    path = settings.audio_path
    if path is None:
        return []
    if settings.sound is not None and settings.sound.packed_file is not None:
        return [path.name, settings.sound.packed_file.size]
    return [path.name, path.stat().st_size if path.is_file() else 0]


def _mapping_digest(face: bpy.types.Object) -> str:
    text = repr(wiring.wiring_of(face).usable)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
