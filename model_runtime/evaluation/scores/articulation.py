"""Score articulation over clips: rounding, labiodentals, tongue, readability, pulses, widths."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from ...arrays import BoolArray, DoubleArray
from ...curves.track import CurveTrack
from ...training.reference.rig import reference_rig
from ..data.clips import SpokenClip
from ..metrics import articulation as metrics
from ..metrics import pulses
from ..metrics.measures import Figure, mean_figure, share_figure
from ..metrics.mesh import MeshRig
from ..metrics.phone_classes import class_means
from ..metrics.phone_table import PhoneTable, phone_table
from ..performers.base import Direction, Network, Performer

SHARES: Final[Mapping[str, Callable[[PhoneTable], BoolArray]]] = {
    "unrounded": metrics.unrounded,
    "r_narrow": metrics.narrow_r,
    "labiodental": metrics.labiodental,
    "rolled": metrics.rolled_elsewhere,
    "tongue": metrics.visible_tongue,
}
# For these the largest value is the worst emotion.
HIGHER_IS_WORSE: Final = frozenset({"unrounded", "rolled", "pulses"})
WIDTHS: Final = ("round", "r", "open", "spread", "s")
"""Phone classes whose mean width has a bar."""
LOWER_FACE: Final = ("jaw", "mouth", "tongue")
SPEED_PERCENTILE = 99.0


# A generator: curves of all clips of an emotion need not be in memory at once.
def performed(
    performer: Performer, clips: Sequence[SpokenClip], direction: Direction
) -> Iterator[tuple[SpokenClip, CurveTrack]]:
    """Yield clips with their curves.

    Args:
        performer: Who performs.
        clips: What.
        direction: How.
    """
    for clip in clips:
        yield clip, performer.perform(clip.path, direction)


def table_of(
    performer: Performer,
    clips: Sequence[SpokenClip],
    mesh: MeshRig,
    direction: Direction | None = None,
) -> PhoneTable:
    """Return the phone table of a performer.

    Args:
        performer: Who performs.
        clips: What.
        mesh: The head to measure on.
        direction: How; neutral when None.
    """
    return phone_table(mesh, performed(performer, clips, direction or Direction()))


def articulation_figures(table: PhoneTable) -> dict[str, Figure]:
    """Return the figures of face.md 3 c to f, by the key of their measure."""
    figures = {key: share_figure(measure(table)) for key, measure in SHARES.items()}
    figures["protrusion"] = mean_figure(metrics.protrusion(table))
    figures["readability"] = readability_figure(table)
    return figures


def readability_figure(table: PhoneTable) -> Figure:
    """Return the balanced accuracy of nine visemes, its interval by bootstrap over phones."""
    hits, classes = metrics.viseme_hits(table)
    value = metrics.balanced_accuracy(hits, classes)
    if not len(hits):
        return Figure(value)
    # Seeded by the number of phones: the same table gives the same interval.
    random = np.random.default_rng(len(hits))
    drawn = [
        metrics.balanced_accuracy(hits[picks], classes[picks])
        # 200 draws: every one computes nine shares, and two digits are printed.
        for picks in random.integers(0, len(hits), size=(200, len(hits)))
    ]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Figure(value, count=len(hits), low=float(low), high=float(high))


def width_figures(table: PhoneTable) -> dict[str, Figure]:
    """Return the mean widths that have a bar, from the phone table."""
    means = class_means(table)
    return {f"width_{key}": Figure(means[key][0]) for key in WIDTHS}


def pulse_figure(tracks: Sequence[CurveTrack]) -> Figure:
    """Return the rectangular pulses a minute of all mouth, jaw and tongue channels."""
    count = sum(pulses.pulse_count(lower_face(track), fps=track.fps) for track in tracks)
    # Pooled over clips: short clips would give a pulse each or none.
    minutes = sum(track.duration_s for track in tracks) / 60
    return Figure(count / minutes if minutes else float("nan"), count=count)


def speed_percentile(tracks: Sequence[CurveTrack]) -> float:
    """Return the 99th percentile of the speed of mouth, jaw and tongue channels, a second."""
    every = [pulses.speeds(lower_face(track), fps=track.fps).ravel() for track in tracks]
    # Over all channels and frames together, as a viewer sees the fastest of them.
    return float(np.percentile(np.concatenate(every), SPEED_PERCENTILE))


def over_one_figure(network: Network, clips: Sequence[SpokenClip]) -> Figure:
    """Return the share of frames in which the unbounded lower face is above 1.

    Args:
        network: Who says it.
        clips: Of what.
    """
    # Columns of the rig, not of the track: raw output has no names.
    columns = [i for i, c in enumerate(reference_rig().channels) if c.region in LOWER_FACE]
    frames = [
        pulses.over_one(network.output(clip.path).curves[:, columns].astype(np.float64))
        for clip in clips
    ]
    return share_figure(np.concatenate(frames))


def lower_face(track: CurveTrack) -> DoubleArray:
    """Return the mouth, jaw and tongue channels of a track, shape (frames, channels)."""
    regions = {channel.name: channel.region for channel in reference_rig().channels}
    columns = [i for i, n in enumerate(track.channels) if regions.get(n) in LOWER_FACE]
    return track.values[:, columns].astype(np.float64)


def worst_emotion(by_emotion: Mapping[str, Mapping[str, Figure]], key: str) -> Figure:
    """Return the worst figure over emotions, with the emotion's name.

    Args:
        by_emotion: Figures by emotion and key.
        key: Of the measure.
    """
    figures = {name: figures[key] for name, figures in by_emotion.items() if key in figures}
    pick = max if key in HIGHER_IS_WORSE else min
    name = pick(figures, key=lambda emotion: figures[emotion].value)
    worst = figures[name]
    # The interval is that of the worst emotion, not of the mean.
    return Figure(worst.value, worst.value, name, worst.count, worst.low, worst.high)
