"""Score motion against the labels of the same audio, and against the audio itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...arrays import DoubleArray
from ...audio.store import SAMPLE_RATE, load_speech
from ...choices import EMOTIONS
from ...curves.track import CurveTrack
from ...training.reference.rig import reference_rig
from ..data.clips import SpokenClip
from ..metrics import motion as motion_metrics
from ..metrics.measures import Figure
from ..metrics.mesh import MeshRig
from ..performers.base import EVALUATION_FPS, Direction, Performer

# Four readings make six pairs.
SEEDS = (0, 1, 2, 3)
STILL_RANGE = 0.02  # channels that move less in the reference say nothing about motion range
LOUDNESS_FLOOR = 1e-6  # -60 dB
ENERGY_WINDOW_S = 0.025
LIP_SHAPES = ("mouthUpperUpLeft", "mouthUpperUpRight", "mouthLowerDownLeft", "mouthLowerDownRight")
UPPER_SHAPES = (
    "browInnerUp",
    "browOuterUpLeft",
    "browOuterUpRight",
    "eyeBlinkLeft",
    "eyeBlinkRight",
)


def jitter_figure(
    performer: Performer, reference: Performer, clips: Sequence[SpokenClip]
) -> Figure:
    """Return the acceleration energy over that of the labels, neutral.

    Args:
        performer: Who performs.
        reference: The labels.
        clips: What.
    """

    def energy(who: Performer) -> float:
        return float(np.mean([_acceleration(_neutral(who, clip.path)) for clip in clips]))

    # A reference at rest would be a division by 0.
    return Figure(energy(performer) / max(energy(reference), 1e-12))


def comovement_figures(
    performer: Performer, reference: Performer, clips: Sequence[SpokenClip]
) -> dict[str, Figure]:
    """Return the distance of region correlations to the labels', and the motion range.

    The range is the ratio of the mean range of the channels that move in the reference.

    Args:
        performer: Who performs.
        reference: The labels.
        clips: What.
    """
    distances: dict[str, float] = {}
    ranges: list[tuple[float, float]] = []
    rig = reference_rig()
    for emotion in EMOTIONS:
        # Performers with few channels are compared on those.
        channels = [c for c in rig.channels if _has(performer, clips[0].path, c.name)]
        names = tuple(c.name for c in channels)
        made = _together(performer, clips, emotion, names)
        wanted = _together(reference, clips, emotion, names)
        regions = [rig.regions.index(c.region) for c in channels]
        distances[emotion] = motion_metrics.region_correlation_distance(made, wanted, regions)
        # Channels that the reference hardly moves would make a ratio of noise.
        wanted_range = motion_metrics.motion_range(wanted)
        moving = wanted_range > STILL_RANGE
        made_range = motion_metrics.motion_range(made)[moving]
        ranges.append((float(made_range.sum()), float(wanted_range[moving].sum())))
    worst = max(distances, key=lambda name: distances[name])
    # Sums over emotions: each counts by how much it moves.
    made_sum, wanted_sum = np.sum(ranges, axis=0)
    return {
        "comovement": Figure(float(np.mean(list(distances.values()))), distances[worst], worst),
        "motion_range": Figure(float(made_sum / max(wanted_sum, 1e-12))),
    }


def vertex_figures(
    performer: Performer, reference: Performer, clips: Sequence[SpokenClip], mesh: MeshRig
) -> dict[str, Figure]:
    """Return MOD, LVE, EVE, MVE and FDD to the labels of the same clips, neutral.

    Args:
        performer: Who performs.
        reference: The labels.
        clips: What.
        mesh: The head to measure on.
    """
    lips, upper = mesh.vertices_moved_by(LIP_SHAPES), mesh.vertices_moved_by(UPPER_SHAPES)
    every = np.arange(len(mesh.neutral))
    # MOD is stated in units of a fully open jaw, so that heads can be compared.
    full = float(mesh.gap(_jaw_open())[0])
    rows = []
    for clip in clips:
        made, wanted = _pair(performer, reference, clip.path)
        at_lips = mesh.positions(made, lips), mesh.positions(wanted, lips)
        at_upper = mesh.positions(made, upper), mesh.positions(wanted, upper)
        moved = at_upper[0] - mesh.neutral[upper], at_upper[1] - mesh.neutral[upper]
        everywhere = mesh.positions(made, every), mesh.positions(wanted, every)
        mod = motion_metrics.mouth_opening_difference(mesh.gap(made), mesh.gap(wanted)) / full
        rows.append(
            (
                mod,
                motion_metrics.lip_vertex_error(*at_lips),
                motion_metrics.eye_vertex_error(*at_upper),
                motion_metrics.mean_vertex_error(*everywhere),
                motion_metrics.upper_face_dynamics_deviation(*moved),
            )
        )
    mean = np.mean(rows, axis=0)
    keys = ("mod", "lve", "eve", "mve", "fdd")
    figures = {key: Figure(float(value)) for key, value in zip(keys, mean, strict=True)}
    # Signed values of clips cancel; the absolute value of the mean is what papers print.
    figures["fdd_absolute"] = Figure(abs(figures["fdd"].value))
    return figures


def sound_figures(
    performer: Performer, reference: Performer | None, clips: Sequence[SpokenClip], mesh: MeshRig
) -> dict[str, Figure]:
    """Return beat consistency and SLCC, and the distance of SLCC to that of the labels.

    Args:
        performer: Who performs.
        reference: The labels; None leaves the distance out.
        clips: What.
        mesh: The head to measure on.
    """
    beats, slcc, wanted = [], [], []
    for clip in clips:
        track = _neutral(performer, clip.path)
        loudness = sound_loudness(clip.path, track.frame_count)
        sound = motion_metrics.sound_beats_s(loudness, fps=track.fps)
        motion = motion_metrics.motion_beats_s(_mouth(track), fps=track.fps)
        beats.append(motion_metrics.beat_consistency(sound, motion))
        slcc.append(motion_metrics.speech_lip_correlation(loudness, mesh.gap(track)))
        if reference is not None:
            gap = mesh.gap(_neutral(reference, clip.path))[: len(loudness)]
            wanted.append(motion_metrics.speech_lip_correlation(loudness[: len(gap)], gap))
    # nanmean: a clip without a beat has no consistency.
    figures = {"beats": Figure(float(np.nanmean(beats))), "slcc": Figure(float(np.mean(slcc)))}
    if wanted:
        difference = abs(float(np.mean(slcc)) - float(np.mean(wanted)))
        figures["slcc_difference"] = Figure(difference)
    return figures


def diversity_figure(performer: Performer, clips: Sequence[SpokenClip], mesh: MeshRig) -> Figure:
    """Return the mean vertex distance of one clip between seeds (FaceDiffuser).

    Args:
        performer: Who performs.
        clips: What.
        mesh: The head to measure on.
    """
    every = np.arange(len(mesh.neutral))
    distances = []
    for clip in clips:
        readings = [
            mesh.positions(performer.perform(clip.path, Direction(seed=seed)), every)
            for seed in SEEDS
        ]
        distances += [
            motion_metrics.mean_vertex_error(a, b)
            for i, a in enumerate(readings)
            # Each pair once.
            for b in readings[i + 1 :]
        ]
    return Figure(float(np.mean(distances)))


def sound_loudness(path: Path, frames: int) -> DoubleArray:
    """Return the log10 energy of an audio file in 25 ms around each frame.

    Args:
        path: Audio file.
        frames: How many, at ``EVALUATION_FPS``.
    """
    energy = load_speech(path).samples.astype(float) ** 2
    half = round(ENERGY_WINDOW_S * SAMPLE_RATE / 2)
    centres = np.round(np.arange(frames) * SAMPLE_RATE / EVALUATION_FPS).astype(int)
    # A running sum: windows overlap.
    total = np.concatenate([[0.0], np.cumsum(energy)])
    first = np.clip(centres - half, 0, len(energy))
    last = np.clip(centres + half, 0, len(energy))
    return np.asarray(np.log10((total[last] - total[first]) / (2 * half) + LOUDNESS_FLOOR))


def _neutral(performer: Performer, path: Path) -> CurveTrack:
    return performer.perform(path, Direction())


def _has(performer: Performer, path: Path, channel: str) -> bool:
    return channel in _neutral(performer, path).channels


def _acceleration(track: CurveTrack) -> float:
    return motion_metrics.acceleration_energy(track.values.astype(float), fps=track.fps)


def _pair(performer: Performer, reference: Performer, path: Path) -> tuple[CurveTrack, CurveTrack]:
    """Return tracks of one length: the labels end with a whole model frame."""
    made, wanted = _neutral(performer, path), _neutral(reference, path)
    frames = min(made.frame_count, wanted.frame_count)
    return (
        made.replaced(values=made.values[:frames]),
        wanted.replaced(values=wanted.values[:frames]),
    )


def _together(
    performer: Performer, clips: Sequence[SpokenClip], emotion: str, names: Sequence[str]
) -> DoubleArray:
    tracks = [performer.perform(clip.path, Direction(emotion)) for clip in clips]
    return np.concatenate([np.stack([t.column(name) for name in names], 1) for t in tracks]).astype(
        float
    )


def _mouth(track: CurveTrack) -> DoubleArray:
    regions = {c.name: c.region for c in reference_rig().channels}
    columns = [i for i, n in enumerate(track.channels) if regions.get(n) in ("jaw", "mouth")]
    return track.values[:, columns].astype(float)


def _jaw_open() -> CurveTrack:
    return CurveTrack(np.ones((1, 1), np.float32), ("jawOpen",), EVALUATION_FPS)
