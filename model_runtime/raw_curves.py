"""Run the model on a decoded clip, window by window, and collect its output. No files."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .arrays import FloatArray
from .audio.equalisation import equalising_shift
from .audio.store import SpeechStore
from .audio.whistles import whistle_powers
from .config import GeneratorConfig
from .emotion.keys import emotion_weights
from .engines.base import Engine, EngineOutput, extract_features, run_layered
from .errors import Cancelled
from .protocol import Performance
from .style import style_noise

SILENCE_PHONE = "sil"


@dataclasses.dataclass(frozen=True)
class RawCurves:
    """Output of the model for a whole clip."""

    values: FloatArray
    """Shape (T, C), unbounded, at the model's frame rate."""
    silence: FloatArray
    """Probability of silence, shape (T,)."""
    phones: FloatArray | None = None
    """Probability of every phone, shape (T, P)."""
    speech: FloatArray | None = None
    """Values without emotion, shape (T, C), where layers are wanted."""
    likeliest: NDArray[np.int16] | None = None
    """Index of the most probable phone, shape (T,), where layers are wanted."""
    whistles: FloatArray | None = None
    """``audio.whistles.whistle_powers``, shape (T, 2); None where the engine takes no log-mel."""


def generate_raw(
    store: SpeechStore,
    engine: Engine,
    performance: Performance,
    *,
    levels: FloatArray | None = None,
    is_layered: bool = False,
    progress: Callable[[float], None] = lambda _fraction: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> RawCurves:
    """Run the model on a decoded clip, window by window.

    Each window has ``context_frames`` more frames on either side, except beyond the ends of the
    clip, so that any window length gives the same curves.

    Args:
        store: The decoded clip.
        engine: The engine that runs the model.
        performance: Emotion keys without ``auto``, seed and start of the clip.
        levels: Factor on the emotion weights of each model frame, shape (T,); None is 1.
        is_layered: Also decode without emotion, and note the most probable phones.
        progress: Called with the fraction done, in [0, 1].
        cancelled: Checked before each window.

    Raises:
        Cancelled: ``cancelled()`` returned True.
    """
    config = engine.config
    hop = 2 * config.features.hop_samples
    frames = math.ceil(store.sample_count / hop)
    shift = _feature_shift(store, config)
    raw = _empty(config, frames, is_layered=is_layered)
    run = functools.partial(run_layered, engine) if is_layered else engine.run
    done = 0
    while done < frames:
        stop_if(cancelled)
        stop = min(frames, done + engine.window_frames)
        low = max(0, done - config.context_frames)
        high = min(frames, stop + config.context_frames)
        part = None if levels is None else levels[low:high, None]
        inputs = _window_inputs(store, engine, performance, shift, low, high - low, part)
        output = run(*inputs)
        # Only the middle is kept; the context has frames that the next window computes better.
        kept = slice(done - low, stop - low)
        _keep(raw, slice(done, stop), output, kept, config)
        if raw.whistles is not None:
            features = inputs[0][2 * kept.start : 2 * kept.stop]
            raw.whistles[done:stop] = whistle_powers(features, config.features)
        done = stop
        progress(done / frames)
    return raw


def _empty(config: GeneratorConfig, frames: int, *, is_layered: bool) -> RawCurves:
    """Return arrays for the output of a whole clip."""
    values = np.empty((frames, len(config.channels)), np.float32)
    return RawCurves(
        values,
        np.zeros(frames, np.float32),
        # Not float16: the commitment sharpens what rounding makes differ between two engines.
        np.zeros((frames, len(config.phones)), np.float32),
        np.empty_like(values) if is_layered else None,
        np.zeros(frames, np.int16) if is_layered else None,
        np.zeros((frames, 2), np.float32) if config.encoder is None else None,
    )


def _keep(
    raw: RawCurves, rows: slice, output: EngineOutput, kept: slice, config: GeneratorConfig
) -> None:
    """Write the frames ``kept`` of a window into the rows of the clip."""
    raw.values[rows] = output.curves[kept]
    if raw.speech is not None and raw.likeliest is not None and output.speech is not None:
        raw.speech[rows] = output.speech[kept]
        raw.likeliest[rows] = output.phones[kept].argmax(1)
    if raw.phones is not None:
        raw.phones[rows] = output.phones[kept]
    if SILENCE_PHONE in config.phones:
        raw.silence[rows] = output.phones[kept, config.phones.index(SILENCE_PHONE)]


def _feature_shift(store: SpeechStore, config: GeneratorConfig) -> FloatArray | float:
    # The spectrum is one of log-mel; a pretrained encoder has none.
    if config.encoder is not None or not config.reference_spectrum:
        return 0.0
    reference = np.array(config.reference_spectrum, np.float32)
    return equalising_shift(
        store.read_levelled,
        store.sample_count,
        reference,
        config.features,
        store.envelope.has_speech,
    )


def _window_inputs(
    store: SpeechStore,
    engine: Engine,
    performance: Performance,
    shift: FloatArray | float,
    first: int,
    frames: int,
    levels: FloatArray | None,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return features, emotion and style of a window."""
    config = engine.config
    read = store.read_levelled
    features = extract_features(engine, read, store.sample_count, first_frame=first, frames=frames)
    emotion = emotion_weights(
        performance.emotion_keys,
        emotions=config.emotions,
        frame_rate=config.frame_rate,
        first_frame=first,
        frames=frames,
        sound_start_s=performance.start_s,
        own=performance.expressions,
    )
    # In place: the weights were made for this window.
    if levels is not None:
        emotion *= levels
    style = style_noise(
        performance.seed,
        channels=config.style_dim,
        frame_rate=config.frame_rate,
        first_frame=first,
        frames=frames,
    )
    return features + shift, emotion, style


def stop_if(cancelled: Callable[[], bool]) -> None:
    """Raise Cancelled when ``cancelled()`` returns True."""
    if cancelled():
        raise Cancelled("Cancelled by the user")
