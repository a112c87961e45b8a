"""A speech file and a direction to finished curves, in windows. No messages, no worker.

Only a window of features and activations is in memory at a time. The sound is decoded once (see
``audio``); the curves of an hour take 37 MB raw and 45 MB at 60 fps.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from .arrays import FloatArray
from .audio.spectral_tilt import colour_shift
from .audio.store import SpeechStore
from .config import GeneratorConfig
from .curves.resample import checked_fps
from .curves.rig import RigDefinition, load_rig
from .curves.track import HEARD, CurveTrack
from .emotion.classifier import shipped_emotion_model
from .emotion.detect import Heard, asks_for_auto, hear_emotion, resolved
from .emotion.keys import checked_keys, emotion_weights
from .engines.base import Engine, EngineOutput, hear
from .errors import BadArgument, Cancelled
from .postprocess.finish import Finish, finish
from .protocol import Performance
from .style import style_noise

Progress: TypeAlias = Callable[[float, str], None]
"""Told the fraction done, in [0, 1], and what is being done."""

DECODED, GENERATED = 0.05, 0.97
"""Fractions of the work, by time, at which decoding and the model are done."""
SILENCE_PHONE = "sil"


@dataclasses.dataclass(frozen=True)
class RawCurves:
    """What the model says about a whole sound."""

    values: FloatArray
    """Shape (T, C), unbounded, at the model's frame rate."""
    silence: FloatArray
    """Probability of silence, shape (T,)."""


def perform(
    performance: Performance,
    engine: Engine,
    *,
    progress: Progress = lambda _fraction, _stage: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> CurveTrack:
    """Act a sound file.

    The same performance, engine and device give the same curves, bit by bit; other engines agree
    within 1e-4. Frame 0 is at ``performance.start_s`` of the file.

    Args:
        performance: What to act.
        engine: From ``engines.base.open_engine``.
        progress: Called from this thread.
        cancelled: Tested between blocks of sound and between windows.

    Returns:
        ``ceil(duration * fps)`` frames of the rig's channels.

    Raises:
        BadArgument: A setting out of range, or a rig the model was not made for.
        BadAudio: See ``audio.load_speech``.
        BadWeights: Emotion is left to the voice, and the classifier cannot be read.
        Cancelled: ``cancelled()`` said so.
    """
    config = engine.config
    checked_fps(performance.fps)
    keys = checked_keys(performance.emotion_keys, config.emotions)
    rig = _rig_of(performance, config.rig)

    def watch(_seconds: float) -> None:
        _stop_if(cancelled)
        progress(0.0, "reading the sound")

    start_s, duration_s = performance.start_s, performance.duration_s
    with SpeechStore.open(
        performance.audio, start_s=start_s, duration_s=duration_s, watch=watch
    ) as store:
        heard = None
        if asks_for_auto(keys):
            heard = _heard(store, start_s, progress, cancelled)
            keys = resolved(keys, heard, config.emotions)
        raw = generate_raw(
            store,
            engine,
            dataclasses.replace(performance, emotion_keys=keys),
            progress=lambda f: progress(DECODED + f * (GENERATED - DECODED), "generating"),
            cancelled=cancelled,
        )
        seconds = store.duration_s
    _stop_if(cancelled)
    progress(GENERATED, "finishing")
    track = _finished(raw, config, performance, rig, seconds)
    progress(1.0, "done")
    request = {**performance.as_json(), "rig": rig.name}
    if heard is not None:
        request[HEARD] = heard.as_json()
    return track.replaced(start_s=start_s, request=request)


def _finished(
    raw: RawCurves,
    config: GeneratorConfig,
    performance: Performance,
    rig: RigDefinition,
    duration_s: float,
) -> CurveTrack:
    """The curves as they were asked for: frame rate, bounds, blinks."""
    track = CurveTrack(raw.values, config.channels, config.frame_rate)
    options = Finish(performance.fps, performance.blink, performance.seed, performance.smoothing_s)
    return finish(track, raw.silence, rig, options, duration_s=duration_s)


def _rig_of(performance: Performance, made_for: str) -> RigDefinition:
    """The rig asked for, which has to be the one the model was made for."""
    rig = load_rig(performance.rig or made_for)
    if rig.name != made_for:
        raise BadArgument(
            f"The model makes curves for rig {made_for}, not {rig.name}",
            hint=f"Use --rig {made_for}, or a model trained for {rig.name}",
        )
    return rig


def _heard(
    store: SpeechStore, start_s: float, progress: Progress, cancelled: Callable[[], bool]
) -> Heard:
    """The emotion in the voice."""

    def watch(_fraction: float) -> None:
        _stop_if(cancelled)
        progress(DECODED, "hearing the emotion")

    return hear_emotion(store, shipped_emotion_model(), start_s=start_s, watch=watch)


def generate_raw(
    store: SpeechStore,
    engine: Engine,
    performance: Performance,
    *,
    progress: Callable[[float], None] = lambda _fraction: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> RawCurves:
    """The model's own curves of a decoded sound, window by window.

    Each window carries ``context_frames`` more on either side, except beyond the ends of the sound,
    so that any cutting into windows gives the same curves.
    """
    config = engine.config
    hop = 2 * config.features.hop_samples
    frames = math.ceil(store.sample_count / hop)
    shift = _colour_shift(store, config)
    values = np.empty((frames, len(config.channels)), np.float32)
    silence = np.zeros(frames, np.float32)
    phone = config.phones.index(SILENCE_PHONE) if SILENCE_PHONE in config.phones else None
    done = 0
    while done < frames:
        _stop_if(cancelled)
        stop = min(frames, done + engine.window_frames)
        low = max(0, done - config.context_frames)
        high = min(frames, stop + config.context_frames)
        output = _run_window(store, engine, performance, shift, low, high - low)
        values[done:stop] = output.curves[done - low : stop - low]
        if phone is not None:
            silence[done:stop] = output.phones[done - low : stop - low, phone]
        done = stop
        progress(done / frames)
    return RawCurves(values, silence)


def _colour_shift(store: SpeechStore, config: GeneratorConfig) -> FloatArray | float:
    if config.encoder is not None or not config.colour:
        return 0.0
    usual = np.array(config.colour, np.float32)
    return colour_shift(store.read_levelled, store.sample_count, usual, config.features)


def _run_window(
    store: SpeechStore,
    engine: Engine,
    performance: Performance,
    shift: FloatArray | float,
    first: int,
    frames: int,
) -> EngineOutput:
    config = engine.config
    read = store.read_levelled
    features = hear(engine, read, store.sample_count, first_frame=first, frames=frames)
    emotion = emotion_weights(
        performance.emotion_keys,
        emotions=config.emotions,
        frame_rate=config.frame_rate,
        first_frame=first,
        frames=frames,
        sound_start_s=performance.start_s,
    )
    style = style_noise(
        performance.seed,
        channels=config.style_dim,
        frame_rate=config.frame_rate,
        first_frame=first,
        frames=frames,
    )
    return engine.run(features + shift, emotion, style)


def _stop_if(cancelled: Callable[[], bool]) -> None:
    if cancelled():
        raise Cancelled("Stopped on request")
