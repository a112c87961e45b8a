"""Score what the network detects: phones by group of speakers, and lips where it is in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...arrays import BoolArray, DoubleArray
from ..data.clips import CHILD, READ, READERS, SpokenClip
from ..metrics import phone_head as metrics
from ..metrics.measures import Figure, share_figure
from ..metrics.mesh import MeshRig
from ..metrics.speech import CLOSED_FRACTION, gap_reference
from ..performers.base import Direction, Network, NetworkOutput, Performer

TELEPHONE: Final = "telephone band"
# face.md 3 g.
DOUBT = (0.1, 0.2)  # probability of a group of phones that is doubt
CERTAIN = 0.8  # probability above which it is certain
Labels = tuple[NDArray[np.str_], NDArray[np.str_]]


def phone_figures(
    network: Network, clips: Sequence[SpokenClip], telephone: Sequence[SpokenClip]
) -> tuple[dict[str, Figure], dict[str, dict[str, Figure]]]:
    """Return the figures of the phone head on read English, and the same by group of speakers.

    Accents and children have groups of their own: their phones are those of the text, which
    learners do not always say.

    Args:
        network: Who detects.
        clips: Speech.
        telephone: Some of the clips through a telephone, of the same names.
    """
    labels = {clip.path: _labels(network, clip) for clip in (*clips, *telephone)}

    def pooled(chosen: Sequence[SpokenClip]) -> dict[str, Figure]:
        return _figures([labels[clip.path] for clip in chosen])

    # A dev split without read English still has figures.
    read = [clip for clip in clips if clip.group == READ] or list(clips)
    whole = pooled(read)
    groups = {
        name: pooled([clip for clip in clips if clip.group == name])
        for name in sorted({clip.group for clip in clips})
    }
    speakers = {
        name: pooled([clip for clip in clips if clip.speaker == name])["phones_right"].value
        for name in sorted({clip.speaker for clip in clips if clip.group in READERS})
    }
    # Differences to the mean: a bar on the drop, whatever the level.
    mean = whole["phones_right"].value
    figures = dict(whole)
    if speakers:
        worst = min(speakers, key=lambda name: speakers[name])
        figures["phones_worst"] = Figure(mean - speakers[worst], mean - speakers[worst], worst)
    if CHILD in groups:
        figures["phones_children"] = Figure(mean - groups[CHILD]["phones_right"].value)
    if telephone:
        groups[TELEPHONE] = pooled(telephone)
        # The same clips without telephone: speakers differ more than the band does.
        names = {clip.name for clip in telephone}
        same = pooled([clip for clip in clips if clip.name in names])["phones_right"].value
        figures["phones_telephone"] = Figure(same - groups[TELEPHONE]["phones_right"].value)
    return figures, groups


def doubt_figures(
    performer: Performer, network: Network, clips: Sequence[SpokenClip], mesh: MeshRig
) -> dict[str, Figure]:
    """Return how much lips do in doubt, over what they do when a phone is certain (face.md 3 g).

    Args:
        performer: Who performs.
        network: Its network.
        clips: Speech.
        mesh: The head to measure on.
    """
    rolls: list[tuple[DoubleArray, DoubleArray]] = []
    closures: list[tuple[DoubleArray, DoubleArray]] = []
    for clip in clips:
        output = network.output(clip.path)
        track = performer.perform(clip.path, Direction())
        # Curves are brought to the network's frames, where posteriors are.
        times = np.arange(len(output.posteriors)) / output.frame_rate
        grid = np.arange(track.frame_count) / track.fps
        lips = mesh.measure(track)
        reference = gap_reference(lips, clip.phones)
        roll = np.interp(times, grid, track.column("mouthRollLower"))
        # As in the closure measure, so that doubt and certainty mean the same gap.
        closed = np.interp(times, grid, lips.gap) < CLOSED_FRACTION * reference
        rolls.append((_probability(output, "fv"), roll))
        closures.append((_probability(output, "mbp"), closed.astype(np.float64)))
    return {"doubt_roll": _doubt_ratio(rolls), "doubt_closure": _doubt_ratio(closures)}


def _probability(output: NetworkOutput, group: str) -> DoubleArray:
    posteriors = output.posteriors.astype(np.float64)
    return metrics.group_probability(posteriors, output.phones, metrics.GROUPS[group])


def _doubt_ratio(pairs: Sequence[tuple[DoubleArray, DoubleArray]]) -> Figure:
    probability = np.concatenate([pair[0] for pair in pairs])
    value = np.concatenate([pair[1] for pair in pairs])
    doubtful = (probability >= DOUBT[0]) & (probability <= DOUBT[1])
    certain = probability > CERTAIN
    # Nothing doubtful, or lips that do nothing in certainty: no ratio.
    if not doubtful.any() or not certain.any() or value[certain].mean() <= 0:
        return Figure(float("nan"))
    return Figure(float(value[doubtful].mean() / value[certain].mean()), count=int(doubtful.sum()))


def _labels(network: Network, clip: SpokenClip) -> Labels:
    output = network.output(clip.path)
    frames = len(output.posteriors)
    spoken = metrics.frame_labels(clip.phones, frames=frames, frame_rate=output.frame_rate)
    detected = np.array(output.phones)[output.posteriors.argmax(axis=1)]
    return spoken, detected


def _figures(labels: Sequence[Labels]) -> dict[str, Figure]:
    spoken = np.concatenate([pair[0] for pair in labels])
    detected = np.concatenate([pair[1] for pair in labels])
    right: BoolArray = metrics.right_in_speech(spoken, detected)
    figures = {"phones_right": share_figure(right)}
    for name, group in metrics.GROUPS.items():
        count = int(np.isin(spoken, group).sum())
        figures[f"phones_{name}"] = Figure(metrics.f1(spoken, detected, group), count=count)
    return figures
