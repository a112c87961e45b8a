"""Detect the emotion of a voice and return it as emotion keys over time. numpy only.

The classifier rates windows of 3 s, twice a second. The Viterbi path through these ratings, with a
cost for each change, yields stretches of one emotion; the probability becomes the intensity. Long
silence is neutral. The result is a list of ordinary emotion keys, whose cross-fades keep changes
smooth (``keys.emotion_weights``).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ..arrays import BoolArray, DoubleArray
from ..audio.features import log_mel_range
from ..audio.store import SpeechStore
from ..choices import AUTO_EMOTION, EMOTIONS
from ..config import FeatureConfig
from ..protocol import EmotionKey
from .classifier import EmotionModel
from .pitch import FRAME_RATE
from .timeline import HOP_S, WINDOW_S, changes, intensity_for, likeliest_path, strengths_of
from .voice_frames import VoiceFrames, joined, loud_level, smooth, voice_frames
from .voice_statistics import statistics

AUDIBLE_DB = 22.0
"""Level below the loud frames at which a frame counts as silent, dB. Smaller than
``voice_frames.SPEECH_DB``, so that the hum of a room is not taken for speech."""
SILENCE_DB = -58.0
"""Frames below this level are always silent: the features end at -60 dB."""
MIN_SPEECH_S = 0.6
"""Windows with less speech than this are not classified."""
NEUTRAL = EMOTIONS[0]
LEAST_SURE = 0.45
"""Probability of the likeliest emotion of a clip, neutral included, from which it is believed. A
choice, not fitted: six emotions at random have 0.17."""

_BLOCK_S = 20.0
_MARGIN_FRAMES = 4  # reach of smoothing and of the pitch window beyond a block


@dataclasses.dataclass(frozen=True)
class DetectedEmotion:
    """Emotion of a clip. Times are in seconds of the audio file."""

    keys: tuple[EmotionKey, ...]
    """Emotion over time, sorted; intensity 0 for neutral."""
    emotion: str
    """Emotion of the whole clip."""
    intensity: float
    """Intensity of the whole clip, 0 for neutral."""
    probabilities: dict[str, float]
    """Probability of each emotion for the whole clip; they sum to 1."""
    valence: float = 0.0
    """Unpleasant (-1) to pleasant (1), mean over the clip."""
    arousal: float = 0.0
    """Calm (-1) to excited (1), mean over the clip."""
    is_sure: bool = True
    """False where no emotion is likely enough: the keys are then neutral."""

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> DetectedEmotion:
        """Restore the result of ``as_json``."""
        keys = tuple(EmotionKey(**key) for key in data["keys"])
        return cls(
            *(keys, data["emotion"], data["intensity"], data["probabilities"]),
            # Curve files of version 0.1 have none of these.
            valence=float(data.get("valence", 0.0)),
            arousal=float(data.get("arousal", 0.0)),
            is_sure=bool(data.get("is_sure", True)),
        )

    def as_json(self) -> dict[str, Any]:
        """Return the entry of curve files, with ``title`` added."""
        return {**dataclasses.asdict(self), "title": self.title()}

    def title(self) -> str:
        """Return one line for the user interface: the emotion, and its changes if any."""
        if not self.is_sure:
            nearest = max(self.probabilities, key=self.probabilities.__getitem__)
            share = 100 * self.probabilities[nearest]
            return f"unsure, so neutral is used (nearest: {nearest}, {share:.0f} %)"
        moods = [key for key in self.keys if key.emotion != NEUTRAL]
        names = [key.emotion for key in moods]
        if len(set(names)) < 2:
            mood = moods[0] if moods else EmotionKey(0, self.emotion, self.intensity)
            return mood.emotion if not mood.intensity else f"{mood.emotion} {mood.intensity:g}"
        # Changes of intensity alone are not worth a word.
        changes = [moods[0], *(b for a, b in pairwise(moods) if a.emotion != b.emotion)]
        return ", ".join(f"{k.emotion} {k.intensity:g} at {k.start_s:.1f} s" for k in changes)


def detect_emotion(
    store: SpeechStore,
    model: EmotionModel,
    *,
    start_s: float = 0.0,
    watch: Callable[[float], None] = lambda _fraction: None,
) -> DetectedEmotion:
    """Detect the emotion of a decoded clip.

    Args:
        store: The decoded audio.
        model: The classifier, from ``classifier.load_emotion_model``.
        start_s: Second of the audio file at which ``store`` begins.
        watch: Called with the fraction done, in [0, 1]; an exception in it ends the work.
    """
    parts = []
    for part, fraction in _describe_blocks(store):
        parts.append(part)
        # The last tenth is the classification.
        watch(0.9 * fraction)
    return classify_voice(joined(parts), model, start_s=start_s)


def classify_voice(
    voice: VoiceFrames, model: EmotionModel, *, start_s: float = 0.0
) -> DetectedEmotion:
    """Detect the emotion from voice frames.

    Args:
        voice: Voice frames of the whole clip.
        model: The classifier.
        start_s: Second of the audio file at which ``voice`` begins.
    """
    speech = _is_audible(voice)
    has_speech, probabilities, dimensions = _classify_windows(voice, speech, model)
    # Without speech nothing is detected: neutral, surely.
    clip = probabilities.mean(0) if has_speech.any() else _certainly_neutral(len(model.emotions))
    emotion, intensity = _most_likely(clip, model.emotions)
    path = likeliest_path(probabilities)
    names = [model.emotions[state] for state in path]
    strengths = strengths_of(probabilities, path)
    steps = np.flatnonzero(has_speech)
    keys = [
        EmotionKey(round(start_s + time, 3), name, strength)
        for time, name, strength in changes(speech, steps, names, strengths)
    ]
    shares = dict(zip(model.emotions, clip.tolist(), strict=True))
    found = DetectedEmotion(
        *(tuple(keys), emotion, intensity, shares),
        valence=round(float(dimensions[0]), 3),
        arousal=round(float(dimensions[1]), 3),
    )
    # A change within the clip may be sure where the clip as a whole is not.
    is_sure = max(shares.values()) >= LEAST_SURE or _names_two(found.keys)
    return found if is_sure else _unsure(found, start_s)


def _unsure(found: DetectedEmotion, start_s: float) -> DetectedEmotion:
    neutral = (_neutral(start_s),)
    return dataclasses.replace(found, keys=neutral, emotion=NEUTRAL, intensity=0.0, is_sure=False)


def _names_two(keys: Sequence[EmotionKey]) -> bool:
    return len({key.emotion for key in keys if key.emotion != NEUTRAL}) > 1


def resolve_auto(
    keys: Sequence[EmotionKey], detected: DetectedEmotion, emotions: Sequence[str] = EMOTIONS
) -> tuple[EmotionKey, ...]:
    """Replace ``auto`` keys by the keys that were detected.

    Args:
        keys: Sorted by time. An auto key is valid until the next key; its intensity scales the
            detected intensities.
        detected: Detected emotion, in seconds of the same file.
        emotions: Emotions of the generator; a detected emotion outside these becomes neutral.
    """
    # An auto key is valid until the next key.
    ends = [*(key.start_s for key in keys[1:]), math.inf]
    out: list[EmotionKey] = []
    for key, end_s in zip(keys, ends, strict=True):
        if key.emotion == AUTO_EMOTION:
            found = _between(detected.keys, key, end_s)
            out += [k if k.emotion in emotions else _neutral(k.start_s) for k in found]
        else:
            out.append(key)
    return tuple(out)


def uses_auto(keys: Iterable[EmotionKey]) -> bool:
    """Return whether any key asks for detection (``auto``)."""
    return any(key.emotion == AUTO_EMOTION for key in keys)


def _between(
    detected: Sequence[EmotionKey], auto: EmotionKey, end_s: float
) -> Iterator[EmotionKey]:
    """Yield the detected keys from ``auto`` to ``end_s``, first the one in force at its start."""
    before = [key for key in detected if key.start_s <= auto.start_s]
    first = before[-1] if before else _neutral(auto.start_s)
    inside = [key for key in detected if auto.start_s < key.start_s < end_s]
    for key in (dataclasses.replace(first, start_s=auto.start_s), *inside):
        yield dataclasses.replace(key, intensity=key.intensity * auto.intensity)


def _is_audible(voice: VoiceFrames) -> BoolArray:
    """Return which frames are not silent, shape (T,)."""
    # Relative to the clip, but never below the floor of the features.
    audible: BoolArray = smooth(voice.loudness) > max(loud_level(voice) - AUDIBLE_DB, SILENCE_DB)
    return audible


def _neutral(start_s: float) -> EmotionKey:
    return EmotionKey(start_s, NEUTRAL, 0.0)


def _describe_blocks(store: SpeechStore) -> Iterator[tuple[VoiceFrames, float]]:
    """Yield the voice frames of the clip in blocks, with the fraction done after each."""
    config = FeatureConfig()
    hop = 2 * config.hop_samples
    frames = math.ceil(store.sample_count / hop)
    block = round(_BLOCK_S * FRAME_RATE)

    for begin in range(0, frames, block):
        stop = min(begin + block, frames)
        # Blocks overlap by the reach of smoothing and pitch, so that they join without a seam.
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
    """Return the distinct windows by their first frame; training classifies the same ones."""
    size = round(WINDOW_S * FRAME_RATE)
    return {first: voice.part(first, first + size) for first in window_starts(len(voice))}


def window_starts(frames: int) -> list[int]:
    """Return the first frame of the window centred on each half second.

    Near the ends the window moves inwards and keeps its length. In a clip shorter than a window,
    every window is the whole clip.
    """
    size, hop = round(WINDOW_S * FRAME_RATE), round(HOP_S * FRAME_RATE)
    last = max(0, frames - size)
    # At least one window, however short the clip.
    middles = range(hop // 2, max(frames, hop // 2 + 1), hop)
    return [min(max(0, middle - size // 2), last) for middle in middles]


def _classify_windows(
    voice: VoiceFrames, speech: BoolArray, model: EmotionModel
) -> tuple[BoolArray, DoubleArray, DoubleArray]:
    """Classify the windows of a clip.

    Returns:
        Which windows hold speech, shape (W,), the probabilities of those, (n, E), and their mean
        valence and arousal, (2,).
    """
    size, firsts = round(WINDOW_S * FRAME_RATE), window_starts(len(voice))
    spoken = [float(speech[first : first + size].sum()) / FRAME_RATE for first in firsts]
    has_speech = np.array(spoken) >= MIN_SPEECH_S
    wanted = [first for first, has in zip(firsts, has_speech, strict=True) if has]
    if not wanted:
        return has_speech, np.zeros((0, len(model.emotions))), np.zeros(2)
    # Windows at the ends coincide: each is described once.
    distinct, row = np.unique(wanted, return_inverse=True)
    described = [statistics(voice.part(first, first + size)) for first in distinct]
    known = np.stack(described)
    mean: DoubleArray = model.dimensions(known)[row].mean(0)
    return has_speech, model.probabilities(known)[row], mean


def _most_likely(clip: DoubleArray, emotions: Sequence[str]) -> tuple[str, float]:
    best = int(clip.argmax())
    return emotions[best], intensity_for(float(clip[best])) if best else 0.0


def _certainly_neutral(emotions: int) -> DoubleArray:
    first: DoubleArray = np.eye(emotions)[0]
    return first
