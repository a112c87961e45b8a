"""Measure a performer and the references beside it: one column of the table each."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ..choices import EMOTIONS
from .data.clips import AUSTEN, READERS, SpokenClip
from .data.material import Material, Tell
from .metrics import articulation
from .metrics.intervals import bootstrap_mean, wilson
from .metrics.measures import Figure, share_figure
from .metrics.phone_classes import class_means
from .metrics.phone_table import PhoneTable
from .performers.base import Direction, Network, Performer, RememberingPerformer
from .performers.loudness import LoudnessPerformer
from .performers.rhubarb import RECOGNIZERS, RhubarbPerformer
from .scores import articulation as articulation_scores
from .scores import emotion as emotion_scores
from .scores import life as life_scores
from .scores import motion as motion_scores
from .scores import phones as phone_scores
from .scores.films import film_figures
from .scores.speech import MeasuredClip, SpeechScores, score_groups, score_speech
from .scores.stillness import motion_over_speech

COST_REPEATS = 3  # runs of the cost row; the median counts
NO_CORRELATION = "no-correlation"
"""Columns whose name starts so are models trained without the correlation term."""
HAPPY = "happy"
EMOTION_KEYS = (
    *("closure", "pulses", "unrounded", "r_narrow", "protrusion"),
    *("labiodental", "rolled", "tongue", "readability"),
)
"""Measures that are taken under every emotion."""


@dataclasses.dataclass(frozen=True)
class Column:
    """Measurements of one performer."""

    name: str
    figures: Mapping[str, Figure]
    """By ``Measure.key``; a measure that could not be taken is absent."""
    clips: int = 0
    """Clips of the speech rows."""
    speakers: Mapping[str, SpeechScores] = dataclasses.field(default_factory=dict)
    languages: Mapping[str, SpeechScores] = dataclasses.field(default_factory=dict)
    by_emotion: Mapping[str, Mapping[str, Figure]] = dataclasses.field(default_factory=dict)
    """By emotion at intensity 1, then by key of ``EMOTION_KEYS``."""
    classes: Mapping[str, Mapping[str, tuple[float, ...]]] = dataclasses.field(default_factory=dict)
    """``phone_classes.class_means``, neutral and happy."""
    by_group: Mapping[str, Mapping[str, Figure]] = dataclasses.field(default_factory=dict)
    """By group of speakers, then by key of ``EMOTION_KEYS`` (pulses left out)."""
    groups: Mapping[str, Mapping[str, Figure]] = dataclasses.field(default_factory=dict)
    """Figures of the phone head by group of speakers."""
    sounds: Mapping[str, float] = dataclasses.field(default_factory=dict)
    """Lip motion over that in speech, by kind of sound."""


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """The whole table."""

    columns: tuple[Column, ...]
    skipped: tuple[str, ...]
    clips: int
    quick: bool
    split: str = "dev"


def measure_performer(
    performer: Performer, material: Material, tell: Tell, *, acts: bool = True
) -> Column:
    """Take every measure that applies to a performer.

    Args:
        performer: Who performs.
        material: Clips, films and sounds.
        tell: Called with a line on what is being done.
        acts: False leaves out emotions, life and motion: for performers without a face.
    """
    who = (
        performer
        if isinstance(performer, RememberingPerformer)
        else RememberingPerformer(performer)
    )
    tell(f"{who.name}: speech")
    # A performer is asked for the clips it knows: columns may rest on different clips.
    clips = [clip for clip in material.clips if who.knows(clip.path)]
    speech, speakers = speech_figures(_measured(who, clips, material))
    figures = {**speech, **_mouth_figures(who, clips, material)}
    tell(f"{who.name}: films, sounds without speech")
    figures |= film_figures(who, material.films, material.mesh)
    sounds = _stillness(who, clips, material)
    if sounds:
        # The worst sound, not the mean: one sound that moves the lips is seen.
        worst = max(sounds, key=lambda name: sounds[name])
        figures["nonspeech"] = Figure(sounds[worst], sounds[worst], worst, len(sounds))
    table = articulation_scores.table_of(who, clips, material.mesh)
    column = Column(
        name=who.name,
        figures=figures,
        clips=len(clips),
        speakers=speakers,
        classes={"neutral": class_means(table)},
        by_group=_group_figures(table, clips),
        sounds=sounds,
    )
    column = _with_network(column, who, clips, material, tell)
    return _with_acting(column, who, material, tell) if acts else column


def reference_columns(material: Material, tell: Tell) -> list[Column]:
    """Measure what a model is compared with: labels, Rhubarb and loudness, by the same code.

    Args:
        material: Clips, films and sounds.
        tell: Called with a line on what is being done.
    """
    columns = []
    if material.reference is not None:
        columns.append(measure_performer(material.reference, material, tell))
    folder = material.data / "eval" / "rhubarb"
    for recognizer in RECOGNIZERS:
        rhubarb = RememberingPerformer(RhubarbPerformer(folder, recognizer))
        if any(rhubarb.knows(clip.path) for clip in material.clips):
            # Rhubarb's cues were recorded once; new clips have none.
            columns.append(measure_performer(rhubarb, material, tell, acts=False))
    columns.append(measure_performer(LoudnessPerformer(), material, tell, acts=False))
    return columns


def compare_with_ablation(columns: Sequence[Column]) -> list[Column]:
    """Return the columns with what the correlation term gains over ``no-correlation...`` ones."""
    without = [column for column in columns if column.name.startswith(NO_CORRELATION)]
    distances = [c.figures["comovement"].value for c in without if "comovement" in c.figures]
    ranges = [c.figures["motion_range"].value for c in without if "motion_range" in c.figures]
    if not distances:
        return list(columns)
    distance, extent = float(np.mean(distances)), float(np.mean(ranges))
    answer = []
    for column in columns:
        # Columns without the term are what the others are compared with.
        if column not in without and "comovement" in column.figures:
            gain = {
                "comovement_gain": Figure(1 - column.figures["comovement"].value / distance),
                "range_change": Figure(column.figures["motion_range"].value / extent - 1),
            }
            answer.append(dataclasses.replace(column, figures={**column.figures, **gain}))
        else:
            answer.append(column)
    return answer


def speech_figures(
    spoken: Sequence[MeasuredClip],
) -> tuple[dict[str, Figure], dict[str, SpeechScores]]:
    """Return the lip rows over all clips with the worst speaker of each, and all by speaker.

    Args:
        spoken: Clips and their lips, one at least.
    """
    whole = score_speech(spoken)
    speakers = score_groups(spoken, lambda clip: clip.speaker)
    # min or max by measure: for mistakes the highest is the worst.
    low = functools.partial(_with_worst, whole, speakers, worse=min)
    high = functools.partial(_with_worst, whole, speakers, worse=max)
    closed = _share_interval(whole.closure, whole.bilabials)
    mistaken = _share_interval(whole.mistakes, whole.linguals)
    figures = {
        "closure": low("closure", count=whole.bilabials, interval=closed),
        "mistakes": high("mistakes", count=whole.linguals, interval=mistaken),
        "auc": low("auc", count=whole.bilabials),
        "openness": low(
            "openness_correlation",
            count=whole.clips,
            interval=bootstrap_mean(np.array(whole.correlations)),
        ),
        "lag": Figure(whole.lag_s, count=whole.clips),
        "width_auc": low("width_auc"),
    }
    # austen is not a reader of those groups.
    readers = {clip.speaker for clip, _lips in spoken if clip.group in READERS} - {AUSTEN}
    others = {name: s.closure for name, s in speakers.items() if name in readers}
    if others:
        name = min(others, key=lambda key: others[key])
        figures["closure_worst"] = Figure(
            others[name], others[name], name, speakers[name].bilabials
        )
    return figures, speakers


def _share_interval(share: float, total: int) -> tuple[float, float]:
    return wilson(round(share * total), total) if total else (np.nan, np.nan)


def _mouth_figures(
    who: RememberingPerformer, clips: Sequence[SpokenClip], material: Material
) -> dict[str, Figure]:
    """Return widths, articulation, pulses and speed of the neutral performances."""
    table = articulation_scores.table_of(who, clips, material.mesh)
    tracks = [who.perform(clip.path, Direction()) for clip in clips]
    figures = {
        **articulation_scores.width_figures(table),
        **articulation_scores.articulation_figures(table),
        "pulses": articulation_scores.pulse_figure(tracks),
    }
    reference = material.reference
    # The labels are not compared with themselves.
    if reference is not None and reference is not who:
        labels = [reference.perform(clip.path, Direction()) for clip in clips]
        usual = articulation_scores.speed_percentile(labels)
        figures["speed"] = Figure(articulation_scores.speed_percentile(tracks) / usual)
    return figures


def _group_figures(table: PhoneTable, clips: Sequence[SpokenClip]) -> dict[str, dict[str, Figure]]:
    """Return the articulation of each group of speakers."""
    answer = {}
    for group in sorted({clip.group for clip in clips}):
        rows = table.of_clips([i for i, clip in enumerate(clips) if clip.group == group])
        answer[group] = {
            "closure": share_figure(articulation.closed(rows)),
            **articulation_scores.articulation_figures(rows),
        }
    return answer


def _stillness(
    who: RememberingPerformer, clips: Sequence[SpokenClip], material: Material
) -> dict[str, float]:
    # Performers of recorded cues cannot perform new sounds.
    if not all(who.knows(path) for path in material.nonspeech):
        return {}
    return motion_over_speech(who, material.nonspeech, clips, material.mesh)


def _with_network(
    column: Column,
    who: RememberingPerformer,
    clips: Sequence[SpokenClip],
    material: Material,
    tell: Tell,
) -> Column:
    """Add what can be asked of a network only: phones, doubt, raw output and cost."""
    network = who.network()
    if network is None:
        return column
    tell(f"{who.name}: phones")
    figures, groups = phone_scores.phone_figures(network, clips, material.telephone_clips)
    figures |= phone_scores.doubt_figures(who, network, clips, material.mesh)
    figures["over_one"] = articulation_scores.over_one_figure(network, clips)
    # Only a network's cost means anything: others look their curves up.
    if material.minute is not None:
        figures["cost"] = cost_figure(network, material)
    languages = score_groups(
        _measured(who, material.language_clips, material), lambda clip: clip.language
    )
    return dataclasses.replace(
        column, figures={**column.figures, **figures}, groups=groups, languages=languages
    )


def _with_acting(
    column: Column, who: RememberingPerformer, material: Material, tell: Tell
) -> Column:
    """Add emotions, life and motion."""
    tell(f"{who.name}: emotions")
    by_emotion = {emotion: _emotion_figures(who, emotion, material) for emotion in EMOTIONS}
    figures = dict(column.figures) | _worst_emotions(by_emotion)
    figures |= life_scores.level_figures(who, material.emotion_clips)
    figures |= life_scores.life_figures(who, material.emotion_clips)
    figures |= emotion_scores.intensity_figures(who, material.intensity_clips)
    figures["emotion_strength"] = emotion_scores.strength_figure(who, material.intensity_clips)
    if material.classifier is not None:
        figures |= emotion_scores.naming_figures(who, material.intensity_clips, material.classifier)
    tell(f"{who.name}: motion")
    figures |= _motion_figures(who, material)
    happy = articulation_scores.table_of(
        who, material.emotion_clips, material.mesh, Direction(HAPPY)
    )
    classes = {**column.classes, HAPPY: class_means(happy)}
    return dataclasses.replace(column, figures=figures, by_emotion=by_emotion, classes=classes)


def _emotion_figures(
    who: RememberingPerformer, emotion: str, material: Material
) -> dict[str, Figure]:
    direction = Direction(emotion)
    table = articulation_scores.table_of(who, material.emotion_clips, material.mesh, direction)
    tracks = [who.perform(clip.path, direction) for clip in material.emotion_clips]
    return {
        "closure": share_figure(articulation.closed(table)),
        "pulses": articulation_scores.pulse_figure(tracks),
        **articulation_scores.articulation_figures(table),
    }


def _worst_emotions(by_emotion: Mapping[str, Mapping[str, Figure]]) -> dict[str, Figure]:
    # Neutral is no emotion: it is what closures are compared with.
    acted = {name: figures for name, figures in by_emotion.items() if name != EMOTIONS[0]}
    # Closure has a bar on what is lost, below.
    figures = {
        f"{key}_emotion": articulation_scores.worst_emotion(acted, key) for key in EMOTION_KEYS[1:]
    }
    least = articulation_scores.worst_emotion(acted, "closure")
    lost = by_emotion[EMOTIONS[0]]["closure"].value - least.value
    figures["emotion_closure"] = Figure(lost, lost, least.worst_name, least.count)
    return figures


def cost_figure(network: Network, material: Material) -> Figure:
    """Return the seconds of wall clock for a minute of audio: median of three warm runs.

    Args:
        network: Who performs.
        material: Holds the minute.
    """
    assert material.minute is not None
    seconds = []
    # One more: the first run is not counted.
    for _ in range(COST_REPEATS + 1):
        started = time.perf_counter()
        network.perform(material.minute, Direction(alive=True))
        seconds.append(time.perf_counter() - started)
    # With acting, as a user generates.
    return Figure(float(np.median(seconds[1:])))


def _measured(
    performer: Performer, clips: Sequence[SpokenClip], material: Material
) -> list[MeasuredClip]:
    mesh = material.mesh
    return [(clip, mesh.measure(performer.perform(clip.path, Direction()))) for clip in clips]


def _motion_figures(who: RememberingPerformer, material: Material) -> dict[str, Figure]:
    mesh, clips = material.mesh, material.intensity_clips
    reference = material.reference if material.reference is not who else None
    figures = motion_scores.sound_figures(who, reference, clips, mesh)
    if reference is not None:
        figures["diversity"] = motion_scores.diversity_figure(who, clips, mesh)
        figures["jitter"] = motion_scores.jitter_figure(who, reference, material.clips)
        figures |= motion_scores.comovement_figures(who, reference, clips)
        figures |= motion_scores.vertex_figures(who, reference, clips, mesh)
    return figures


def _with_worst(
    whole: SpeechScores,
    speakers: Mapping[str, SpeechScores],
    name: str,
    *,
    worse: Callable[..., str],
    count: int = 0,
    interval: tuple[float, float] = (np.nan, np.nan),
) -> Figure:
    values = {key: float(getattr(scores, name)) for key, scores in speakers.items()}
    # Speakers without such phones have no figure.
    values = {key: value for key, value in values.items() if not np.isnan(value)}
    value = float(getattr(whole, name))
    if not values:
        return Figure(value, count=count, low=interval[0], high=interval[1])
    worst = worse(values, key=lambda key: values[key])
    return Figure(value, values[worst], worst, count, *interval)
