"""Keep with each face the words of its performance and the user's corrections.

Corrections are in seconds of the audio file and hold for that file: they stay when the emotion
changes or the performance is generated again. Main thread only.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

import bpy

from ..package import phone_track, protocol


def _jump(words: CSTALK_PG_words, context: bpy.types.Context) -> None:
    word = active_word_or_none(words)
    if word is not None:
        context.scene.frame_set(round(frame_at(words, word.start_s)))


class CSTALK_PG_word(bpy.types.PropertyGroup):
    """A word of a performance, in seconds of the audio file."""

    text: bpy.props.StringProperty(name="Word", description="The word that is spoken")
    start_s: bpy.props.FloatProperty(name="Start", description="Start of the word in seconds")
    end_s: bpy.props.FloatProperty(name="End", description="End of the word in seconds")
    confidence: bpy.props.FloatProperty(
        name="Confidence", description="Confidence that the word is spoken here, 0 to 1"
    )
    phones: bpy.props.StringProperty(
        name="Phones", description="Phones of the word, separated by blanks"
    )
    is_corrected: bpy.props.BoolProperty(name="Corrected", description="The user set this word")


class CSTALK_PG_words(bpy.types.PropertyGroup):
    """Words of the performance of a face, and its corrections."""

    words: bpy.props.CollectionProperty(type=CSTALK_PG_word)
    index: bpy.props.IntProperty(
        name="Word", description="Selected word; selecting one jumps to its frame", update=_jump
    )
    audio: bpy.props.StringProperty(
        name="Audio File", description="Audio file of the corrections, as JSON"
    )
    corrections: bpy.props.StringProperty(
        name="Corrections", description="Corrected words and closures as JSON"
    )
    markers: bpy.props.StringProperty(
        name="Markers", description="Timeline markers of the words as they were set, as JSON"
    )
    zero_frame: bpy.props.FloatProperty(
        name="Zero Frame", description="Scene frame at time 0 of the audio file"
    )
    frame_rate: bpy.props.FloatProperty(
        name="Frame Rate", description="Frames per second of the scene", default=24.0
    )


def store(
    face: bpy.types.Object,
    request: Mapping[str, Any],
    *,
    start_s: float,
    zero_frame: float,
    frame_rate: float,
) -> None:
    """Store the words of a performance with its face.

    Args:
        face: The face.
        request: ``CurveTrack.request`` of the curves.
        start_s: Second of the audio file at which the curves begin.
        zero_frame: Scene frame at time 0 of the audio file.
        frame_rate: Frames per second of the scene.
    """
    kept: CSTALK_PG_words = face.cstalk_words
    kept.words.clear()
    kept.zero_frame, kept.frame_rate = zero_frame, frame_rate
    track = phone_track.phone_track_or_none(request)
    corrected = {
        (round(float(one["start_s"]), 3), one["text"]) for one in request.get("corrections", ())
    }
    for word in () if track is None else track.words:
        item = kept.words.add()
        item.text, item.confidence = word.text, word.confidence
        item.start_s, item.end_s = start_s + word.start_s, start_s + word.end_s
        item.phones = " ".join(phone.name for phone in word.phones)
        item.is_corrected = (round(item.start_s, 3), word.text) in corrected


def frame_at(words: CSTALK_PG_words, time_s: float) -> float:
    """Return the scene frame of a time of the audio file.

    Args:
        words: Words of a face.
        time_s: In seconds.
    """
    return float(words.zero_frame + time_s * words.frame_rate)


def time_at(words: CSTALK_PG_words, frame: float) -> float:
    """Return the time of the audio file at a scene frame, in seconds.

    Args:
        words: Words of a face.
        frame: Scene frame.
    """
    return max(0.0, (frame - words.zero_frame) / words.frame_rate)


def active_word_or_none(words: CSTALK_PG_words) -> CSTALK_PG_word | None:
    """Return the selected word; None without words."""
    return words.words[words.index] if 0 <= words.index < len(words.words) else None


def corrections_of(
    face: bpy.types.Object | None, audio: Sequence[Any]
) -> tuple[protocol.Correction, ...]:
    """Return the corrections of a face; none for another audio file.

    Args:
        face: The face.
        audio: Name and size of the audio file.
    """
    if face is None or face.cstalk_words.audio != json.dumps(list(audio)):
        return ()
    try:
        return tuple(
            protocol.Correction(**{**one, "phones": tuple(one["phones"])})
            for one in json.loads(face.cstalk_words.corrections or "[]")
        )
    except (ValueError, TypeError, KeyError):  # written by a newer version
        return ()


def add_correction(
    face: bpy.types.Object, correction: protocol.Correction, audio: Sequence[Any]
) -> None:
    """Add a correction to those of a face; those of another audio file are dropped.

    Args:
        face: The face.
        correction: In seconds of the audio file.
        audio: Name and size of the audio file.
    """
    kept = [dataclasses.asdict(one) for one in corrections_of(face, audio)]
    kept.append(dataclasses.asdict(correction))
    face.cstalk_words.audio = json.dumps(list(audio))
    face.cstalk_words.corrections = json.dumps(kept)


def clear_corrections(face: bpy.types.Object) -> None:
    """Remove all corrections of a face."""
    face.cstalk_words.corrections = ""


def attach() -> None:
    """Add the words to objects."""
    bpy.types.Object.cstalk_words = bpy.props.PointerProperty(type=CSTALK_PG_words)  # type: ignore[func-returns-value]


def detach() -> None:
    """Undo `attach`."""
    del bpy.types.Object.cstalk_words


CLASSES = (CSTALK_PG_word, CSTALK_PG_words)
