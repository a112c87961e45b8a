"""Measures one performer, and the references beside it: a column of the table each."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable, Sequence

import numpy as np

from ..audio.store import load_speech
from .data import filmed, sounds
from .data.clips import AUSTEN, SpokenClip
from .data.filmed import mean_or_nan
from .data.material import Material, Report
from .metrics.measures import Figure
from .metrics.speech import LipCurves
from .performers import rhubarb
from .performers.base import EVALUATION_FPS, Direction, Performer, RememberingPerformer
from .scores import emotion as emotion_scores
from .scores import motion as motion_scores
from .scores.speech import MeasuredClip, SpeechScores, score_groups, score_speech

COST_REPEATS = 3  # runs of the cost row; the median counts
NO_CORRELATION = "no-correlation"
"""Columns whose name starts so are models trained without the correlation term."""


@dataclasses.dataclass(frozen=True)
class Column:
    """What was measured of one performer."""

    name: str
    figures: dict[str, Figure]
    """By ``Measure.key``; a measure that could not be taken is absent."""
    speakers: dict[str, SpeechScores] = dataclasses.field(default_factory=dict)
    languages: dict[str, SpeechScores] = dataclasses.field(default_factory=dict)
    closure_by_emotion: dict[str, float] = dataclasses.field(default_factory=dict)
    development: dict[str, SpeechScores] = dataclasses.field(default_factory=dict)
    """By speaker, of clips that neither trained it nor stand in any other row."""


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """The whole table."""

    columns: tuple[Column, ...]
    skipped: tuple[str, ...]
    clips: int
    quick: bool


def measure_performer(performer: Performer, material: Material, report: Report) -> Column:
    """Everything the table has a row for, of one performer."""
    who = RememberingPerformer(performer)
    mesh = material.mesh
    report(f"{who.name}: speech")
    spoken = _measured(who, material.clips, material)
    figures, speakers = speech_figures(spoken)
    report(f"{who.name}: films, sounds without speech")
    figures |= _film_figures(who, material)
    figures["nonspeech"] = _nonspeech_figure(who, material, spoken)
    report(f"{who.name}: emotions")
    lost, closures = emotion_scores.closure_under_emotion(who, material.closure_clips, mesh)
    figures["emotion_closure"] = lost
    figures |= emotion_scores.intensity_figures(who, material.emotion_clips)
    if material.classifier is not None:
        figures |= emotion_scores.naming_figures(who, material.emotion_clips, material.classifier)
    report(f"{who.name}: motion")
    figures |= _motion_figures(who, material)
    if material.minute is not None:
        report(f"{who.name}: cost")
        figures["cost"] = cost_figure(performer, material)
    languages = _measured(who, material.language_clips, material)
    by_language = score_groups(languages, lambda clip: clip.language)
    development = _measured(who, material.development_clips, material)
    kept_back = score_groups(development, lambda clip: clip.speaker)
    return Column(who.name, figures, speakers, by_language, closures, kept_back)


def reference_columns(material: Material, report: Report) -> list[Column]:
    """What a model is compared with: reference motion, Rhubarb, loudness, by the same code."""
    report("references")
    columns = [measure_reference(material, report), *measure_rhubarb(material)]
    return [column for column in (*columns, measure_loudness(material)) if column is not None]


def measure_reference(material: Material, report: Report) -> Column | None:
    """The column of the reference motion itself, without what compares it with itself."""
    reference = material.reference
    if reference is None:
        return None
    report(f"{reference.name}: all rows")
    figures, speakers = speech_figures(_measured(reference, material.clips, material))
    aligned = dataclasses.replace(material, films=material.aligned_films)
    figures |= _film_figures(reference, aligned)
    lost, closures = emotion_scores.closure_under_emotion(
        reference, material.closure_clips, material.mesh
    )
    figures["emotion_closure"] = lost
    figures |= emotion_scores.intensity_figures(reference, material.emotion_clips)
    if material.classifier is not None:
        clips = material.emotion_clips
        figures |= emotion_scores.naming_figures(reference, clips, material.classifier)
    figures |= motion_scores.sound_figures(reference, None, material.emotion_clips, material.mesh)
    return Column(reference.name, figures, speakers, closure_by_emotion=closures)


def measure_rhubarb(material: Material) -> list[Column]:
    """A column for each of Rhubarb's recognisers whose cues were recorded for every clip."""
    folder = material.data / "eval" / "rhubarb"
    columns = []
    for recognizer, name in rhubarb.RECOGNIZERS.items():
        measured: list[MeasuredClip] = []
        for clip in material.clips:
            track = rhubarb.cue_track_or_none(folder, clip.name, recognizer, fps=EVALUATION_FPS)
            if track is not None:
                measured.append((clip, material.mesh.measure(track)))
        if measured:
            figures, speakers = speech_figures(measured)
            columns.append(Column(name, figures, speakers))
    return columns


def measure_loudness(material: Material) -> Column | None:
    """The baseline of the films: the log energy of the sound; None without films."""

    def correlate(clip: filmed.FilmedClip, shift_s: float) -> tuple[float, float]:
        samples = load_speech(clip.path).samples
        return filmed.loudness_correlation(clip, samples, rate=sounds.RATE, shift_s=shift_s)

    figures = _film_rows(material, correlate)
    return Column("loudness alone", figures) if figures else None


def compare_with_ablation(columns: Sequence[Column]) -> list[Column]:
    """Add what the correlation term gains, where columns named ``no-correlation...`` stand by."""
    without = [column for column in columns if column.name.startswith(NO_CORRELATION)]
    distances = [c.figures["comovement"].value for c in without if "comovement" in c.figures]
    ranges = [c.figures["motion_range"].value for c in without if "motion_range" in c.figures]
    if not distances:
        return list(columns)
    distance, extent = float(np.mean(distances)), float(np.mean(ranges))
    answer = []
    for column in columns:
        if column not in without and "comovement" in column.figures:
            gain = {
                "comovement_gain": Figure(1 - column.figures["comovement"].value / distance),
                "range_change": Figure(column.figures["motion_range"].value / extent - 1),
            }
            answer.append(dataclasses.replace(column, figures=column.figures | gain))
        else:
            answer.append(column)
    return answer


def speech_figures(
    spoken: Sequence[MeasuredClip],
) -> tuple[dict[str, Figure], dict[str, SpeechScores]]:
    """The lip rows over all clips, the worst speaker of each beside it."""
    whole = score_speech(spoken)
    speakers = score_groups(spoken, lambda clip: clip.speaker)
    low = functools.partial(_with_worst, whole, speakers, worse=min)
    high = functools.partial(_with_worst, whole, speakers, worse=max)
    figures = {
        "closure": low("closure"),
        "mistakes": high("mistakes"),
        "auc": low("auc"),
        "openness": low("openness_correlation"),
        "lag": Figure(whole.lag_s),
        "width_auc": low("width_auc"),
        "tuck": low("tucked"),
        "rolled": high("rolled"),
    }
    others = {name: s.closure for name, s in speakers.items() if name != AUSTEN}
    if others:
        name = min(others, key=lambda key: others[key])
        figures["closure_worst"] = Figure(others[name], others[name], name)
    return figures, speakers


def cost_figure(performer: Performer, material: Material) -> Figure:
    """Wall seconds of one minute of sound, warm: median of three after one that does not count."""
    assert material.minute is not None
    seconds = []
    for _ in range(COST_REPEATS + 1):
        started = time.perf_counter()
        performer.perform(material.minute, Direction())
        seconds.append(time.perf_counter() - started)
    return Figure(float(np.median(seconds[1:])))


def _with_worst(
    whole: SpeechScores,
    speakers: dict[str, SpeechScores],
    name: str,
    *,
    worse: Callable[..., str],
) -> Figure:
    values = {key: float(getattr(scores, name)) for key, scores in speakers.items()}
    values = {key: value for key, value in values.items() if not np.isnan(value)}
    if not values:
        return Figure(float(getattr(whole, name)))
    worst = worse(values, key=lambda key: values[key])
    if values[worst] == getattr(whole, name):
        return Figure(values[worst])
    return Figure(float(getattr(whole, name)), values[worst], worst)


def _measured(
    performer: Performer, clips: Sequence[SpokenClip], material: Material
) -> list[MeasuredClip]:
    mesh = material.mesh
    return [(clip, mesh.measure(performer.perform(clip.path, Direction()))) for clip in clips]


def _film_figures(performer: Performer, material: Material) -> dict[str, Figure]:
    known: dict[str, LipCurves] = {}

    def correlate(clip: filmed.FilmedClip, shift_s: float) -> tuple[float, float]:
        if clip.name not in known:
            known[clip.name] = material.mesh.measure(performer.perform(clip.path, Direction()))
        return filmed.film_correlation(clip, known[clip.name], shift_s=shift_s)

    return _film_rows(material, correlate)


def _film_rows(
    material: Material, correlate: Callable[[filmed.FilmedClip, float], tuple[float, float]]
) -> dict[str, Figure]:
    figures = {}
    for corpus, clips in material.films.items():
        if not clips:
            continue
        pairs = {clip.name: correlate(clip, filmed.FILM_SHIFT_S) for clip in clips}
        earlier = [correlate(clip, filmed.LATE_SHIFT_S)[0] for clip in clips]
        for index, what in enumerate(("gap", "width")):
            values = {name: pair[index] for name, pair in pairs.items()}
            worst = min(values, key=lambda name, values=values: values[name])  # type: ignore[misc]
            mean = mean_or_nan(list(values.values()))
            figures[f"{corpus}_{what}"] = Figure(mean, values[worst], worst)
        figures[f"{corpus}_gap_shifted"] = Figure(mean_or_nan(earlier))
    return figures


def _nonspeech_figure(
    performer: Performer, material: Material, spoken: Sequence[MeasuredClip]
) -> Figure:
    """Standard deviation of the gap without speech over that of speech, the *worst* sound's."""
    speech = float(np.mean([lips.gap.std() for _clip, lips in spoken]))
    ratios = {}
    for path in material.nonspeech:
        gap = material.mesh.gap(performer.perform(path, Direction()))
        ratios[path.stem] = float(gap.std()) / max(speech, 1e-12)
    worst = max(ratios, key=lambda name: ratios[name])
    return Figure(ratios[worst], ratios[worst], worst)


def _motion_figures(performer: Performer, material: Material) -> dict[str, Figure]:
    mesh, reference, clips = material.mesh, material.reference, material.emotion_clips
    figures = motion_scores.sound_figures(performer, reference, clips, mesh)
    figures["diversity"] = motion_scores.diversity_figure(performer, clips, mesh)
    if reference is not None:
        figures["jitter"] = motion_scores.jitter_figure(performer, reference, material.clips)
        figures |= motion_scores.comovement_figures(performer, reference, clips)
        figures |= motion_scores.vertex_figures(performer, reference, clips, mesh)
    return figures
