"""Score signs of life over clips (``shared/docs/face.md``, 3 i and j)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...acting.prosody import measure_prosody
from ...audio.store import SpeechStore
from ...choices import EMOTIONS
from ...curves.track import CurveTrack
from ...emotion.pitch import FRAME_RATE
from ...training.reference.rig import reference_rig
from ..data.clips import SpokenClip
from ..metrics import life
from ..metrics.measures import Figure, mean_figure
from ..performers.base import Direction, Performer

UPPER_REGIONS = ("brow", "eye", "cheek", "nose")
MINIMUM_S = 2.0  # an expression cannot rise and settle in a shorter clip


def life_figures(performer: Performer, clips: Sequence[SpokenClip]) -> dict[str, Figure]:
    """Return gaze, brows, blinks, head and symmetry of neutral performances.

    Args:
        performer: Who performs.
        clips: What.
    """
    tracks = [performer.perform(clip.path, Direction(alive=True)) for clip in clips]
    minutes = sum(track.duration_s for track in tracks) / 60
    blinks = [life.blink_count(track) for track in tracks]
    # Clips without a blink have lids that never differ.
    lids = [life.lid_difference(t) for t, count in zip(tracks, blinks, strict=True) if count]
    heads = [head for track in tracks if (head := life.head_motion(track)) is not None]
    return {
        **_head_figures(heads),
        **_head_and_voice(tracks, clips),
        "gaze": mean_figure([life.mean_deviation(track, "eyeLook") for track in tracks]),
        "brows": mean_figure([life.mean_deviation(track, "brow") for track in tracks]),
        # Pooled over the minutes: a short clip has one blink or none.
        "blinks": Figure(sum(blinks) / minutes, count=sum(blinks)),
        "lids": mean_figure(lids),
        "mirror": mean_figure([life.mirror_correlation(track) for track in tracks]),
    }


def _head_figures(
    heads: Sequence[tuple[tuple[float, float, float], float]],
) -> dict[str, Figure]:
    if not heads:
        return {}
    figures = {
        f"head_{axis}": mean_figure([deviations[place] for deviations, _speed in heads])
        for place, axis in enumerate(("yaw", "pitch", "roll"))
    }
    return {**figures, "head_speed": mean_figure([speed for _deviations, speed in heads])}


def _head_and_voice(tracks: Sequence[CurveTrack], clips: Sequence[SpokenClip]) -> dict[str, Figure]:
    """Return how still the head is in pauses, and how it follows the loudness."""
    pairs = []
    for track, clip in zip(tracks, clips, strict=True):
        if any(name not in track.channels for name in life.HEAD):
            continue
        with SpeechStore.open(clip.path) as store:
            frames = round(store.duration_s * FRAME_RATE)
            cues = measure_prosody(store.read_levelled, store.sample_count, frames)
        found = life.head_in_speech(track, cues)
        if found is not None:
            pairs.append(found)
    if not pairs:
        return {}
    return {
        "head_pause": mean_figure([pause for pause, _voice in pairs]),
        "head_voice": mean_figure([voice for _pause, voice in pairs]),
    }


def level_figures(performer: Performer, clips: Sequence[SpokenClip]) -> dict[str, Figure]:
    """Return the level of expressions at the start of a clip, and how much it changes.

    Args:
        performer: Who performs.
        clips: What; clips under 2 s are passed over.
    """
    channels = tuple(c.name for c in reference_rig().channels if c.region in UPPER_REGIONS)
    onsets: dict[str, list[float]] = {}
    deviations: dict[str, list[float]] = {}
    for clip in clips:
        # With acting: it is acting that gives an expression its course.
        neutral = performer.perform(clip.path, Direction(alive=True))
        if neutral.duration_s < MINIMUM_S:
            continue
        for emotion in EMOTIONS[1:]:
            acted = performer.perform(clip.path, Direction(emotion, alive=True))
            level = life.expression_level(acted, neutral, channels)
            onsets.setdefault(emotion, []).append(life.onset_level(level, fps=acted.fps))
            deviations.setdefault(emotion, []).append(float(level.std()))
    return {
        "onset": _over_emotions(onsets, highest=True),
        "level_deviation": _over_emotions(deviations, highest=False),
    }


def _over_emotions(values: dict[str, list[float]], *, highest: bool) -> Figure:
    mean = mean_figure([value for one in values.values() for value in one])
    if not values:
        return mean
    pick = max if highest else min
    worst = pick(values, key=lambda emotion: float(np.mean(values[emotion])))
    return Figure(mean.value, float(np.mean(values[worst])), worst, mean.count, mean.low, mean.high)
