"""Generate facial animation curves from a speech file, window by window. No protocol, no worker.

One window of features and activations is in memory at a time. The file is decoded once (see
``audio``); the curves of an hour take 37 MB raw and 45 MB at 60 fps.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from .acting.layers import add_acting
from .acting.plan import ActingPlan, plan_acting_or_none
from .arrays import FloatArray
from .audio.equalisation import equalising_shift
from .audio.store import SpeechStore
from .config import GeneratorConfig
from .curves.resample import checked_fps
from .curves.rig import RigDefinition, load_rig
from .curves.track import DETECTED_EMOTION, SCRIPT_MATCH, WARNINGS, CurveTrack
from .emotion.classifier import shipped_emotion_model
from .emotion.detect import DetectedEmotion, detect_emotion, resolve_auto, uses_auto
from .emotion.keys import checked_keys, emotion_weights
from .engines.base import Engine, EngineOutput, extract_features
from .errors import BadArgument, Cancelled
from .postprocess.articulation import hold_articulation
from .postprocess.finish import FinishOptions, finish
from .protocol import Performance
from .style import style_noise
from .text.script import ScriptMatch, match_script

Progress: TypeAlias = Callable[[float, str], None]
"""Called with the fraction done, in [0, 1], and the name of the stage."""

DECODED, GENERATED = 0.05, 0.97
"""Progress after decoding and after inference, as shares of the total time."""
SILENCE_PHONE = "sil"


@dataclasses.dataclass(frozen=True)
class RawCurves:
    """Output of the model for a whole clip."""

    values: FloatArray
    """Shape (T, C), unbounded, at the model's frame rate."""
    silence: FloatArray
    """Probability of silence, shape (T,)."""
    phones: FloatArray | None = None
    """Probability of every phone, shape (T, P), where a script needs it."""


def perform(
    performance: Performance,
    engine: Engine,
    *,
    progress: Progress = lambda _fraction, _stage: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> CurveTrack:
    """Generate the curves of one audio file.

    The same performance, engine and device give bit-identical curves; engines agree within 1e-4.
    Frame 0 is at ``performance.start_s`` of the file.

    Args:
        performance: Audio file and parameters.
        engine: From ``engines.factory.open_engine``.
        progress: Called from this thread.
        cancelled: Checked between audio blocks and between windows.

    Returns:
        ``ceil(duration * fps)`` frames of the rig's channels.

    Raises:
        BadArgument: A parameter is out of range, or the model was made for another rig.
        BadAudio: See ``audio.store.load_speech``.
        BadWeights: A key asks for ``auto``, and the emotion classifier cannot be read.
        Cancelled: ``cancelled()`` returned True.
    """
    asked, config = performance, engine.config
    checked_fps(performance.fps)
    keys = checked_keys(performance.emotion_keys, config.emotions)
    rig = _rig_of(performance, config.rig)

    start_s, duration_s = performance.start_s, performance.duration_s
    watch = _watcher(progress, cancelled)
    with SpeechStore.open(
        performance.audio, start_s=start_s, duration_s=duration_s, watch=watch
    ) as store:
        detected = None
        if uses_auto(keys):
            detected = _detect(store, start_s, progress, cancelled)
            keys = resolve_auto(keys, detected, config.emotions)
        performance = dataclasses.replace(performance, emotion_keys=keys)
        plan = _acting_or_none(store, config, performance)
        raw = generate_raw(
            store,
            engine,
            performance,
            levels=None if plan is None else plan.levels,
            progress=lambda f: progress(DECODED + f * (GENERATED - DECODED), "generating curves"),
            cancelled=cancelled,
        )
        seconds, warnings = store.duration_s, store.warnings
    _stop_if(cancelled)
    progress(GENERATED, "post-processing")
    match = _matched_or_none(raw, config, performance.script)
    raw = _articulated(raw, config, match)
    track = _finished(raw, config, performance, rig, seconds, plan)
    progress(1.0, "done")
    return _recorded(track, {**asked.as_json(), "rig": rig.name}, detected, match, warnings)


def _watcher(progress: Progress, cancelled: Callable[[], bool]) -> Callable[[float], None]:
    """Return a function to call while audio is decoded."""

    def watch(_seconds: float) -> None:
        _stop_if(cancelled)
        progress(0.0, "decoding audio")

    return watch


def _recorded(
    track: CurveTrack,
    request: dict[str, Any],
    detected: DetectedEmotion | None,
    match: ScriptMatch | None,
    warnings: Sequence[str],
) -> CurveTrack:
    """Return the track with its start, its request and what was found in the audio."""
    if detected is not None:
        request[DETECTED_EMOTION] = detected.as_json()
    if match is not None:
        request[SCRIPT_MATCH] = match.as_json()
    if warnings:
        request[WARNINGS] = list(warnings)
    return track.replaced(start_s=request["start_s"], request=request)


def _matched_or_none(raw: RawCurves, config: GeneratorConfig, script: str) -> ScriptMatch | None:
    """Find the words of the script in the clip; None without a script or recognised phones."""
    if not script.strip() or raw.phones is None or SILENCE_PHONE not in config.phones[:1]:
        return None
    return match_script(script, raw.phones, phone_names=config.phones, frame_rate=config.frame_rate)


def _articulated(raw: RawCurves, config: GeneratorConfig, match: ScriptMatch | None) -> RawCurves:
    """Hold the mouth to the phones of a script, where one was matched."""
    if match is None or not match.is_used:
        return raw
    values = hold_articulation(
        raw.values, config.channels, match.track.phones, frame_rate=config.frame_rate
    )
    return dataclasses.replace(raw, values=values)


def _finished(
    raw: RawCurves,
    config: GeneratorConfig,
    performance: Performance,
    rig: RigDefinition,
    duration_s: float,
    plan: ActingPlan | None,
) -> CurveTrack:
    """Apply frame rate, bounds, smoothing, blinks and acting."""
    track = CurveTrack(raw.values, config.channels, config.frame_rate)
    options = FinishOptions(
        performance.fps,
        performance.blink,
        performance.seed,
        performance.smoothing_s,
        gaze_shifts_s=() if plan is None else plan.gaze_shifts_s,
        lid_lag_s=0.0 if plan is None else plan.lid_lag_s,
    )
    finished = finish(track, raw.silence, rig, options, duration_s=duration_s)
    if plan is None:
        return finished
    return add_acting(finished, rig, plan.acting, plan.direction, plan.fixations)


def _acting_or_none(
    store: SpeechStore, config: GeneratorConfig, performance: Performance
) -> ActingPlan | None:
    return plan_acting_or_none(
        store.read_levelled,
        store.sample_count,
        acting=performance.acting,
        keys=performance.emotion_keys,
        config=config,
        seed=performance.seed,
        clip_start_s=performance.start_s,
    )


def _rig_of(performance: Performance, made_for: str) -> RigDefinition:
    """Return the requested rig, which must be the one that the model was made for."""
    rig = load_rig(performance.rig or made_for)
    if rig.name != made_for:
        raise BadArgument(
            f"The model generates curves for rig {made_for}, not {rig.name}",
            hint=f"Use --rig {made_for}, or a model trained for {rig.name}",
        )
    return rig


def _detect(
    store: SpeechStore, start_s: float, progress: Progress, cancelled: Callable[[], bool]
) -> DetectedEmotion:
    """Detect the emotion of the voice."""

    def watch(_fraction: float) -> None:
        _stop_if(cancelled)
        progress(DECODED, "detecting emotion")

    return detect_emotion(store, shipped_emotion_model(), start_s=start_s, watch=watch)


def generate_raw(
    store: SpeechStore,
    engine: Engine,
    performance: Performance,
    *,
    levels: FloatArray | None = None,
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
        progress: Called with the fraction done, in [0, 1].
        cancelled: Checked before each window.

    Raises:
        Cancelled: ``cancelled()`` returned True.
    """
    config = engine.config
    hop = 2 * config.features.hop_samples
    frames = math.ceil(store.sample_count / hop)
    shift = _feature_shift(store, config)
    values = np.empty((frames, len(config.channels)), np.float32)
    silence = np.zeros(frames, np.float32)
    posteriors = np.zeros((frames, len(config.phones)), np.float16) if performance.script else None
    phone = config.phones.index(SILENCE_PHONE) if SILENCE_PHONE in config.phones else None
    done = 0
    while done < frames:
        _stop_if(cancelled)
        stop = min(frames, done + engine.window_frames)
        low = max(0, done - config.context_frames)
        high = min(frames, stop + config.context_frames)
        part = None if levels is None else levels[low:high, None]
        output = _run_window(store, engine, performance, shift, low, high - low, part)
        values[done:stop] = output.curves[done - low : stop - low]
        if posteriors is not None:
            posteriors[done:stop] = output.phones[done - low : stop - low]
        if phone is not None:
            silence[done:stop] = output.phones[done - low : stop - low, phone]
        done = stop
        progress(done / frames)
    if posteriors is None:
        return RawCurves(values, silence)
    return RawCurves(values, silence, posteriors.astype(np.float32))


def _feature_shift(store: SpeechStore, config: GeneratorConfig) -> FloatArray | float:
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


def _run_window(
    store: SpeechStore,
    engine: Engine,
    performance: Performance,
    shift: FloatArray | float,
    first: int,
    frames: int,
    levels: FloatArray | None,
) -> EngineOutput:
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
    )
    if levels is not None:
        emotion *= levels
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
        raise Cancelled("Cancelled by the user")
