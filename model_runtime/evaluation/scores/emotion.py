"""Score emotions: whether a classifier names them, and whether they grow with the intensity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ...arrays import DoubleArray
from ...choices import EMOTIONS
from ...curves.track import CurveTrack
from ...training.reference.motion import prototype_poses
from ...training.reference.rig import reference_rig
from ..data.clips import SpokenClip
from ..metrics.emotion_classifier import EmotionClassifier
from ..metrics.measures import Figure
from ..performers.base import Direction, Performer

NEUTRAL = EMOTIONS[0]
ACTED = EMOTIONS[1:]
STEPS = (0.25, 0.5, 0.75, 1.0)
# Regions that speech hardly moves: the mouth's changes could be words.
UPPER_REGIONS = ("brow", "eye", "cheek", "nose")


def acted(
    performer: Performer, clips: Sequence[SpokenClip], *, intensity: float = 1.0
) -> Iterator[tuple[CurveTrack, str]]:
    """Yield every clip in every emotion, neutral too: pairs for a classifier.

    Args:
        performer: Who performs.
        clips: What.
        intensity: Of every emotion.
    """
    for clip in clips:
        for emotion in EMOTIONS:
            yield performer.perform(clip.path, Direction(emotion, intensity)), emotion


def naming_figures(
    performer: Performer, clips: Sequence[SpokenClip], classifier: EmotionClassifier
) -> dict[str, Figure]:
    """Return how often the classifier names the emotion at each intensity, and the smallest rise.

    At intensity 1 neutral is one of the classes; below it only acted emotions are counted.

    Args:
        performer: Who performs.
        clips: What.
        classifier: Trained on the labels of other clips.
    """
    shares = []
    for step in STEPS:
        pairs = list(acted(performer, clips, intensity=step))
        # Below full intensity neutral is left out: the share must show the emotion alone.
        chosen = pairs if step == 1.0 else [pair for pair in pairs if pair[1] != NEUTRAL]
        shares.append(classifier.accuracy(chosen))
    figures = {
        f"emotion_{round(step * 100):03}": Figure(share)
        for step, share in zip(STEPS, shares, strict=True)
    }
    by_emotion = {
        emotion: classifier.accuracy(
            (performer.perform(clip.path, Direction(emotion)), emotion) for clip in clips
        )
        for emotion in EMOTIONS
    }
    worst = min(by_emotion, key=lambda name: by_emotion[name])
    if by_emotion[worst] < shares[-1]:
        figures["emotion_100"] = Figure(shares[-1], by_emotion[worst], worst)
    # The smallest rise: a plateau or a fall between two steps shows here.
    figures["emotion_rise"] = Figure(float(np.diff(shares).min()))
    return figures


def intensity_figures(performer: Performer, clips: Sequence[SpokenClip]) -> dict[str, Figure]:
    """Return how far intensity 0 is off neutral, and the least rise of the upper face.

    The rise is that of the mean distance of brow, eye, cheek and nose channels from the neutral
    performance, over frames and clips, from 0 to .25, .5, .75 and 1.

    Args:
        performer: Who performs.
        clips: What.
    """
    off_neutral = 0.0
    rises: dict[str, float] = {}
    for emotion in ACTED:
        distances = [0.0]
        for step in (0.0, *STEPS):
            moved = [_upper_distance(performer, clip, emotion, step) for clip in clips]
            if step == 0.0:
                # The largest of all: intensity 0 must be neutral in every frame.
                off_neutral = max(off_neutral, *(float(series.max()) for series in moved))
            else:
                distances.append(float(np.mean(np.concatenate(moved))))
        rises[emotion] = float(np.diff(distances).min())
    worst = min(rises, key=lambda name: rises[name])
    return {
        "intensity_zero": Figure(off_neutral),
        "intensity_step": Figure(rises[worst], rises[worst], worst),
    }


def strength_figure(performer: Performer, clips: Sequence[SpokenClip]) -> Figure:
    """Return how much of its pose the weakest emotion shows at intensity 1.

    The difference from the neutral performance is projected on the pose: 1 is the pose itself,
    0.65 to 0.77 the labels, because speech takes a part of the mouth and the level follows the
    voice. A classifier names an emotion whose pose is hardly visible: naming does not replace this
    measure.

    Args:
        performer: Who performs.
        clips: What.
    """
    poses = prototype_poses().numpy()
    names = reference_rig().channel_names
    shown: dict[str, float] = {}
    for emotion in ACTED:
        pose = dict(zip(names, poses[EMOTIONS.index(emotion)], strict=True))
        shares = []
        for clip in clips:
            neutral = performer.perform(clip.path, Direction())
            track = performer.perform(clip.path, Direction(emotion))
            # A rig without a channel cannot show it: only its own channels count.
            wanted = np.array([pose.get(name, 0.0) for name in track.channels])
            moved = (track.values.astype(float) - neutral.values).mean(axis=0)
            shares.append(float(moved @ wanted / (wanted @ wanted)))
        shown[emotion] = float(np.mean(shares))
    worst = min(shown, key=lambda name: shown[name])
    return Figure(shown[worst], shown[worst], worst)


def _upper_distance(
    performer: Performer, clip: SpokenClip, emotion: str, intensity: float
) -> DoubleArray:
    neutral = performer.perform(clip.path, Direction())
    track = performer.perform(clip.path, Direction(emotion, intensity))
    upper = [c.name for c in reference_rig().channels if c.region in UPPER_REGIONS]
    columns = [i for i, name in enumerate(track.channels) if name in upper]
    difference = track.values[:, columns].astype(float) - neutral.values[:, columns]
    return np.asarray(np.linalg.norm(difference, axis=1))
