"""Generate facial animation curves from a speech file, window by window. No protocol, no worker.

One window of features and activations is in memory at a time. The file is decoded once (see
``audio``); the curves of an hour take 37 MB raw and 45 MB at 60 fps.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .acting.around import Waits, extended_silence, extended_track, waits_of
from .acting.layers import add_acting
from .acting.plan import ActingPlan, plan_acting_or_none, with_waits
from .arrays import FloatArray
from .audio.store import SpeechStore
from .clip_memory import ClipMemory
from .config import GeneratorConfig
from .curves.layered import PHONES, LayeredCurves
from .curves.resample import checked_fps
from .curves.rig import RigDefinition, load_rig
from .curves.track import DETECTED_EMOTION, SCRIPT_MATCH, WARNINGS, CurveTrack
from .emotion.classifier import shipped_emotion_model
from .emotion.detect import DetectedEmotion, detect_emotion, resolve_auto, uses_auto
from .emotion.expressive import expressed
from .emotion.keys import checked_keys
from .engines.base import Engine
from .errors import BadArgument
from .postprocess.articulation import hold_articulation
from .postprocess.commitment import (
    commit_mouth,
    committed_posteriors,
    phone_shapes,
    silent_without_speech,
    with_known_phones,
)
from .postprocess.finish import FinishOptions, finish, with_blinks
from .postprocess.stillness import presence_of
from .protocol import Performance
from .raw_curves import SILENCE_PHONE, RawCurves, generate_raw, stop_if
from .text.recognition import Recognition, recognise
from .text.track import PHONE_TRACK, Phone

Progress: TypeAlias = Callable[[float, str], None]
"""Called with the fraction done, in [0, 1], and the name of the stage."""

DECODED, GENERATED = 0.05, 0.97
"""Progress after decoding and after inference, as shares of the total time."""


def perform(
    performance: Performance,
    engine: Engine,
    *,
    progress: Progress = lambda _fraction, _stage: None,
    cancelled: Callable[[], bool] = lambda: False,
    memory: ClipMemory | None = None,
) -> CurveTrack:
    """Generate the curves of one audio file.

    The same performance, engine and device give bit-identical curves; engines agree within 1e-4.
    Frame 0 is at ``performance.start_s`` of the file, or earlier by the idle time before it.

    Args:
        performance: Audio file and parameters.
        engine: From ``engines.factory.open_engine``.
        progress: Called from this thread.
        cancelled: Checked between audio blocks and between windows.
        memory: Of earlier runs with the same checkpoint; the curves are those without it.

    Returns:
        ``ceil(duration * fps)`` frames of the rig's channels, and those of waiting on both sides.

    Raises:
        BadArgument: A parameter is out of range, or the model was made for another rig.
        BadAudio: See ``audio.store.load_speech``.
        BadWeights: A key asks for ``auto``, and the emotion classifier cannot be read.
        Cancelled: ``cancelled()`` returned True.
    """
    return _performed(performance, engine, progress, cancelled, memory, is_layered=False).full


def perform_layered(
    performance: Performance,
    engine: Engine,
    *,
    progress: Progress = lambda _fraction, _stage: None,
    cancelled: Callable[[], bool] = lambda: False,
    memory: ClipMemory | None = None,
) -> LayeredCurves:
    """Generate the curves of one audio file with and without their emotion.

    The first track is that of ``perform``, bit by bit. Both share blinks, gaze and the phones that
    a script holds. ``request`` also has the recognised phones.

    Args:
        performance: Audio file and parameters.
        engine: From ``engines.factory.open_engine``.
        progress: Called from this thread.
        cancelled: Checked between audio blocks and between windows.
        memory: Of earlier runs with the same checkpoint; the curves are those without it.

    Returns:
        Two tracks of ``ceil(duration * fps)`` frames of the rig's channels.

    Raises:
        RuntimeFault: As ``perform``.
    """
    return _performed(performance, engine, progress, cancelled, memory, is_layered=True)


def _performed(
    performance: Performance,
    engine: Engine,
    progress: Progress,
    cancelled: Callable[[], bool],
    memory: ClipMemory | None,
    *,
    is_layered: bool,
) -> LayeredCurves:
    asked, config = performance, engine.config
    memory = ClipMemory(longest_s=0.0) if memory is None else memory
    checked_fps(performance.fps)
    keys = checked_keys(performance.emotion_keys, config.emotions, performance.expressions)
    rig = _rig_of(performance, config.rig)

    waits = waits_of(performance.idle_before_s, performance.idle_after_s, performance.fps)
    start_s, duration_s = performance.start_s, performance.duration_s
    watch = _watcher(progress, cancelled)
    with memory.opened(
        performance.audio, start_s=start_s, duration_s=duration_s, watch=watch
    ) as store:
        detected = None
        if uses_auto(keys):
            detected = memory.kept(
                "detected emotion", (), lambda: _detect(store, start_s, progress, cancelled)
            )
            keys = resolve_auto(keys, detected, config.emotions)
        performance = dataclasses.replace(performance, emotion_keys=keys)
        plan, raw = _planned_and_run(
            store, engine, performance, progress, cancelled, memory, is_layered=is_layered
        )
        seconds, warnings = store.duration_s, store.warnings
    stop_if(cancelled)
    progress(GENERATED, "post-processing")
    posteriors = raw.phones if SILENCE_PHONE in config.phones[:1] else None
    found = recognise(performance, posteriors, frame_rate=config.frame_rate, memory=memory)
    held = () if found is None else found.held
    raw = _committed(raw, config, held, commit=performance.commit)
    raw = _expressed(raw, config, performance, plan)
    track = _finished(raw, config, performance, rig, seconds, plan, waits)
    track = track.replaced(start_s=start_s - waits.before_s)
    request = {**asked.as_json(), "rig": rig.name}
    if raw.likeliest is not None:
        request[PHONES] = _phone_runs(raw.likeliest, config, waits.before_s)
    problems = (found.problem,) if found is not None and found.problem else ()
    track = _recorded(track, request, detected, found, (*warnings, *problems))
    progress(1.0, "done")
    if raw.speech is None or np.array_equal(raw.speech, raw.values):
        return LayeredCurves.without_layers(track)
    neutral = dataclasses.replace(raw, values=raw.speech)
    calm = None if plan is None else plan.without_emotion()
    speech = _finished(neutral, config, performance, rig, seconds, calm, waits)
    return LayeredCurves(track, track.replaced(values=speech.values))


def _planned_and_run(
    store: SpeechStore,
    engine: Engine,
    performance: Performance,
    progress: Progress,
    cancelled: Callable[[], bool],
    memory: ClipMemory,
    *,
    is_layered: bool,
) -> tuple[ActingPlan | None, RawCurves]:
    """Return the plan of the acting and the model's output, or those that are kept."""
    shared = (performance.emotion_keys, performance.seed, performance.expressions)
    plan = memory.kept(
        "acting",
        (performance.acting, performance.look, *shared),
        lambda: _acting_or_none(store, engine.config, performance),
    )
    levels = None if plan is None else plan.levels

    def run() -> RawCurves:
        return generate_raw(
            store,
            engine,
            performance,
            levels=levels,
            is_layered=is_layered,
            progress=lambda f: progress(DECODED + f * (GENERATED - DECODED), "generating curves"),
            cancelled=cancelled,
        )

    acted = None if levels is None else levels.tobytes()
    # The window too: an engine lowers it when memory runs out, and rounds differently then.
    key = (engine.name, engine.device, engine.window_frames, is_layered, acted, *shared)
    return plan, memory.kept("model", key, run)


def _phone_runs(
    likeliest: NDArray[np.int16], config: GeneratorConfig, before_s: float
) -> list[tuple[str, float, float]]:
    """Return name, start and end of each run of one phone, in seconds from frame 0, as JSON."""
    starts = np.flatnonzero(np.diff(likeliest, prepend=-1))
    stops = [*starts[1:], len(likeliest)]
    rate = config.frame_rate
    return [
        (
            config.phones[int(likeliest[a])],
            round(before_s + int(a) / rate, 3),
            round(before_s + int(b) / rate, 3),
        )
        for a, b in zip(starts, stops, strict=True)
    ]


def _watcher(progress: Progress, cancelled: Callable[[], bool]) -> Callable[[float], None]:
    """Return a function to call while audio is decoded."""

    def watch(_seconds: float) -> None:
        stop_if(cancelled)
        progress(0.0, "decoding audio")

    return watch


def _recorded(
    track: CurveTrack,
    request: dict[str, Any],
    detected: DetectedEmotion | None,
    found: Recognition | None,
    warnings: Sequence[str],
) -> CurveTrack:
    """Return the track with its request and what was found in the audio."""
    if detected is not None:
        request[DETECTED_EMOTION] = detected.as_json()
    if found is not None:
        request[PHONE_TRACK] = found.track.as_json()
        if found.match is not None:
            request[SCRIPT_MATCH] = found.match.as_json()
    if warnings:
        request[WARNINGS] = list(warnings)
    return track.replaced(request=request)


def _committed(
    raw: RawCurves, config: GeneratorConfig, known: Sequence[Phone], *, commit: bool
) -> RawCurves:
    """Commit the mouth to single phones, and hold it to those that are known."""
    rate = config.frame_rate
    out = raw
    shapes = phone_shapes(config.channels, config.phones) if commit else None
    posteriors = raw.phones
    if shapes is not None and posteriors is not None:
        committed = committed_posteriors(posteriors, shapes.bias)
        if SILENCE_PHONE in config.phones:
            presence = presence_of(raw.silence, raw.whistles, rate)
            place = config.phones.index(SILENCE_PHONE)
            committed = silent_without_speech(committed, presence, place)
        if known:
            committed = with_known_phones(committed, known, config.phones, rate)
        out = _mapped(out, lambda v: commit_mouth(v, posteriors, committed, shapes))
    if known:
        out = _mapped(out, lambda v: hold_articulation(v, config.channels, known, frame_rate=rate))
    return out


def _mapped(raw: RawCurves, change: Callable[[FloatArray], FloatArray]) -> RawCurves:
    """Return raw curves with the same change to those with and without emotion."""
    speech = None if raw.speech is None else change(raw.speech)
    return dataclasses.replace(raw, values=change(raw.values), speech=speech)


def _expressed(
    raw: RawCurves, config: GeneratorConfig, performance: Performance, plan: ActingPlan | None
) -> RawCurves:
    """Add what named expressions have beyond emotions."""
    values = expressed(
        raw.values,
        config.channels,
        performance.emotion_keys,
        frame_rate=config.frame_rate,
        start_s=performance.start_s,
        levels=None if plan is None else plan.levels,
        own=performance.expressions,
    )
    return dataclasses.replace(raw, values=values)


def _finished(
    raw: RawCurves,
    config: GeneratorConfig,
    performance: Performance,
    rig: RigDefinition,
    duration_s: float,
    plan: ActingPlan | None,
    waits: Waits,
) -> CurveTrack:
    """Apply frame rate, bounds, smoothing, blinks, waiting and acting."""
    plan = None if plan is None else with_waits(plan, waits, duration_s)
    track = CurveTrack(raw.values, config.channels, config.frame_rate)
    options = FinishOptions(
        performance.fps,
        performance.blink,
        performance.seed,
        performance.smoothing_s,
        gaze_shifts_s=() if plan is None else plan.gaze_shifts_s,
        lid_lag_s=0.0 if plan is None else plan.lid_lag_s,
    )
    if waits:
        finished = _waiting(track, raw, rig, options, waits, duration_s)
    else:
        finished = finish(
            track, raw.silence, rig, options, duration_s=duration_s, whistles=raw.whistles
        )
    if plan is None:
        return finished
    return add_acting(finished, rig, plan.acting, plan.direction, plan.fixations)


def _waiting(
    raw_track: CurveTrack,
    raw: RawCurves,
    rig: RigDefinition,
    options: FinishOptions,
    waits: Waits,
    duration_s: float,
) -> CurveTrack:
    """Finish a clip, extend it by waiting, and place the blinks over the whole."""
    unblinking = dataclasses.replace(options, blink=False)
    track = finish(
        raw_track, raw.silence, rig, unblinking, duration_s=duration_s, whistles=raw.whistles
    )
    track = extended_track(track, waits, options.seed)
    if not options.blink:
        return track
    return with_blinks(
        track,
        extended_silence(raw.silence, waits),
        options,
        model_rate=raw_track.fps,
        duration_s=track.frame_count / track.fps,
    )


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
        look=performance.look,
        expressions=performance.expressions,
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
        stop_if(cancelled)
        progress(DECODED, "detecting emotion")

    return detect_emotion(store, shipped_emotion_model(), start_s=start_s, watch=watch)
