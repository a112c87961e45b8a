"""Auto emotion: the emotion heard in a voice, as emotion keys over time. numpy only.

The voice is judged in windows of 3 s, twice a second. A path through the judgements that pays for
every change (Viterbi) makes stretches of one emotion; its strength is how sure the judge was of it.
Long silence is neutral. What results are ordinary emotion keys, whose cross-fade keeps every change
smooth (``emotion.emotion_weights``).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ..arrays import BoolArray, DoubleArray
from ..audio.features import log_mel_range
from ..audio.store import SpeechStore
from ..config import FeatureConfig
from ..protocol import AUTO_EMOTION, EMOTIONS, EmotionKey
from .classifier import EmotionModel
from .pitch import FRAME_RATE
from .timeline import HOP_S, WINDOW_S, changes, intensity_for, likeliest_path, strengths_of
from .voice_frames import VoiceFrames, joined, loud_level, smooth, voice_frames
from .voice_statistics import statistics

AUDIBLE_DB = 22.0
"""Decibels under the loud frames at which a voice falls silent: less than ``voice.SPEECH_DB``,
since a room that hums is no speech, and single faint sounds are within a pause anyhow."""
SILENCE_DB = -58.0
"""Below this is silence, however quiet the rest: the features end at -60 dB."""
LEAST_SPEECH_S = 0.6
"""A window with less speech than this is not judged."""
NEUTRAL = EMOTIONS[0]

_BLOCK_S = 20.0
_MARGIN_FRAMES = 4  # what smoothing and the window of the pitch reach beyond a block


@dataclasses.dataclass(frozen=True)
class Heard:
    """What was heard in a sound. Times are in seconds of the file."""

    keys: tuple[EmotionKey, ...]
    """Emotion over time, sorted; intensity 0 for neutral."""
    emotion: str
    """Of the line as a whole."""
    intensity: float
    """Of the line as a whole, 0 for neutral."""
    probabilities: dict[str, float]
    """Of the line as a whole, by emotion; they sum to 1."""

    def as_json(self) -> dict[str, Any]:
        """For the file of curves and for the worker's result."""
        return {**dataclasses.asdict(self), "title": self.title()}

    def title(self) -> str:
        """One line for a person: the emotion, and how it changes where it does."""
        moods = [key for key in self.keys if key.emotion != NEUTRAL]
        names = [key.emotion for key in moods]
        if len(set(names)) < 2:
            mood = moods[0] if moods else EmotionKey(0, self.emotion, self.intensity)
            return mood.emotion if not mood.intensity else f"{mood.emotion} {mood.intensity:g}"
        changes = [moods[0], *(b for a, b in pairwise(moods) if a.emotion != b.emotion)]
        return ", ".join(f"{k.emotion} {k.intensity:g} at {k.start_s:.1f} s" for k in changes)


def hear_emotion(
    store: SpeechStore,
    model: EmotionModel,
    *,
    start_s: float = 0.0,
    watch: Callable[[float], None] = lambda _fraction: None,
) -> Heard:
    """Judge a decoded sound.

    Args:
        store: The sound.
        model: From ``emotion_model``.
        start_s: Second of the file at which the store begins.
        watch: Told the fraction done, in [0, 1]; what it raises ends the work.
    """
    parts = []
    for part, fraction in _described(store):
        parts.append(part)
        watch(0.9 * fraction)
    return hear_voice(joined(parts), model, start_s=start_s)


def hear_voice(voice: VoiceFrames, model: EmotionModel, *, start_s: float = 0.0) -> Heard:
    """Judge a described voice; see ``hear_emotion``."""
    speech = _audible(voice)
    judged, probabilities = _judged(voice, speech, model)
    line = probabilities.mean(0) if judged.any() else _nothing(len(model.emotions))
    emotion, intensity = _named(line, model.emotions)
    path = likeliest_path(probabilities)
    names = [model.emotions[state] for state in path]
    strengths = strengths_of(probabilities, path)
    steps = np.flatnonzero(judged)
    keys = [
        EmotionKey(round(start_s + time, 3), name, strength)
        for time, name, strength in changes(speech, steps, names, strengths)
    ]
    shares = dict(zip(model.emotions, line.tolist(), strict=True))
    return Heard(tuple(keys), emotion, intensity, shares)


def resolved(
    keys: Sequence[EmotionKey], heard: Heard, emotions: Sequence[str] = EMOTIONS
) -> tuple[EmotionKey, ...]:
    """Keys in which what was heard stands in the place of ``auto``.

    Args:
        keys: Sorted by time. An auto key holds until the next key; its intensity scales what was
            heard.
        heard: In seconds of the same file.
        emotions: What the face can act; what is heard beside becomes neutral.
    """
    ends = [*(key.start_s for key in keys[1:]), math.inf]
    out: list[EmotionKey] = []
    for key, end_s in zip(keys, ends, strict=True):
        if key.emotion == AUTO_EMOTION:
            acted = _between(heard.keys, key, end_s)
            out += [k if k.emotion in emotions else _neutral(k.start_s) for k in acted]
        else:
            out.append(key)
    return tuple(out)


def asks_for_auto(keys: Iterable[EmotionKey]) -> bool:
    """Whether any key leaves the emotion to the voice."""
    return any(key.emotion == AUTO_EMOTION for key in keys)


def _between(heard: Sequence[EmotionKey], asked: EmotionKey, end_s: float) -> Iterator[EmotionKey]:
    """The heard keys from ``asked`` to ``end_s``, begun by the one that holds there."""
    before = [key for key in heard if key.start_s <= asked.start_s]
    first = before[-1] if before else _neutral(asked.start_s)
    inside = [key for key in heard if asked.start_s < key.start_s < end_s]
    for key in (dataclasses.replace(first, start_s=asked.start_s), *inside):
        yield dataclasses.replace(key, intensity=key.intensity * asked.intensity)


def _audible(voice: VoiceFrames) -> BoolArray:
    """Which frames hold sound, shape (T,)."""
    audible: BoolArray = smooth(voice.loudness) > max(loud_level(voice) - AUDIBLE_DB, SILENCE_DB)
    return audible


def _neutral(start_s: float) -> EmotionKey:
    return EmotionKey(start_s, NEUTRAL, 0.0)


def _described(store: SpeechStore) -> Iterator[tuple[VoiceFrames, float]]:
    """The whole sound in blocks, with the fraction done after each."""
    config = FeatureConfig()
    hop = 2 * config.hop_samples
    frames = math.ceil(store.sample_count / hop)
    block = round(_BLOCK_S * FRAME_RATE)

    for begin in range(0, frames, block):
        stop = min(begin + block, frames)
        low, high = max(0, begin - _MARGIN_FRAMES), min(frames, stop + _MARGIN_FRAMES)
        features = log_mel_range(
            store.read_levelled,
            store.sample_count,
            first_frame=2 * low,
            frames=2 * (high - low),
            config=config,
        )
        samples = store.read_levelled(low * hop, (high - low) * hop)
        yield voice_frames(features, samples).part(begin - low, stop - low), stop / frames


def windows(voice: VoiceFrames) -> dict[int, VoiceFrames]:
    """The windows that differ, by their first frame: what is judged, in learning and in use."""
    size = round(WINDOW_S * FRAME_RATE)
    return {first: voice.part(first, first + size) for first in window_starts(len(voice))}


def window_starts(frames: int) -> list[int]:
    """First frame of the window around the middle of each half second.

    Near the ends the window moves inwards and stays whole; a short sound is one window each time.
    """
    size, hop = round(WINDOW_S * FRAME_RATE), round(HOP_S * FRAME_RATE)
    last = max(0, frames - size)
    middles = range(hop // 2, max(frames, hop // 2 + 1), hop)
    return [min(max(0, middle - size // 2), last) for middle in middles]


def _judged(
    voice: VoiceFrames, speech: BoolArray, model: EmotionModel
) -> tuple[BoolArray, DoubleArray]:
    """Which windows hold speech, and the probabilities of those; shapes (W,) and (judged, E)."""
    size, firsts = round(WINDOW_S * FRAME_RATE), window_starts(len(voice))
    spoken = [float(speech[first : first + size].sum()) / FRAME_RATE for first in firsts]
    judged = np.array(spoken) >= LEAST_SPEECH_S
    wanted = [first for first, is_judged in zip(firsts, judged, strict=True) if is_judged]
    if not wanted:
        return judged, np.zeros((0, len(model.emotions)))
    distinct, row = np.unique(wanted, return_inverse=True)
    described = [statistics(voice.part(first, first + size)) for first in distinct]
    return judged, model.probabilities(np.stack(described))[row]


def _named(line: DoubleArray, emotions: Sequence[str]) -> tuple[str, float]:
    best = int(line.argmax())
    return emotions[best], intensity_for(float(line[best])) if best else 0.0


def _nothing(emotions: int) -> DoubleArray:
    """Surely neutral."""
    sure: DoubleArray = np.eye(emotions)[0]
    return sure
