"""Score a network in half a minute on a small part of the dev split, to choose checkpoints by.

Use it from training::

    subset = selection.load_subset(data)                       # once, aligns 40 clips
    performer = ModelPerformer(engine, "step 2000")             # performers.model
    result = selection.score_performer(performer, subset)       # every few minutes
    result.score, result.figures["labiodental"].value

``engine`` is any ``engines.base.Engine``: of ``open_engine`` (engines.factory), or
``TorchEngine(Checkpoint(...))`` of weights in memory. ``score`` is the one declared scalar: the
weighted mean of the attainments (``measures.Bar.attainment``) of the bars in ``WEIGHTS``, 1 where
every bar is met. The test split is never read.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from ..choices import EMOTIONS
from .data import clips as clip_sets
from .data import sounds
from .data.clips import SpokenClip, default_cache
from .data.filmed import FilmedClip
from .data.material import face_cap, read_films
from .metrics.measures import MEASURE_BY_KEY, Figure
from .metrics.mesh import MeshRig
from .performers.base import Direction, Performer, RememberingPerformer
from .scores import articulation
from .scores.emotion import strength_figure
from .scores.films import film_figures
from .scores.phones import doubt_figures, phone_figures
from .scores.stillness import motion_over_speech
from .suite import speech_figures

EMOTIONS_TRIED: Final[tuple[str, ...]] = ("happy", "angry", "fearful")
"""The emotions under which rounding suffers most; the others cost time and decide nothing."""
CLIPS_EACH: Final = {**dict.fromkeys(clip_sets.READERS, 3), clip_sets.ADULT: 1, clip_sets.CHILD: 1}
EMOTION_CLIPS = 12
STRENGTH_CLIPS = 3
"""A pose varies little between clips, and seven emotions take time."""
WEIGHTS: Final[Mapping[str, float]] = {
    **{"closure": 2, "mistakes": 2, "auc": 1, "openness": 1, "width_auc": 1},
    **{"width_round": 1, "width_r": 1, "width_open": 1, "width_spread": 1, "width_s": 1},
    **{"grid_s1_gap": 0.5, "grid_s1_width": 0.5, "grid_s4_gap": 0.5, "grid_s4_width": 0.5},
    **{"unseen_gap": 1, "unseen_width": 1, "pulses": 1, "over_one": 0.5},
    **{"unrounded": 2, "unrounded_emotion": 2, "r_narrow": 1, "protrusion": 1},
    **{"labiodental": 2, "labiodental_emotion": 1, "rolled": 1, "tongue": 2},
    **{"readability": 3, "readability_emotion": 2, "doubt_roll": 1, "doubt_closure": 1},
    **{"nonspeech": 2, "phones_right": 2, "phones_mbp": 1, "phones_fv": 1, "phones_w": 0.5},
    **{"phones_uw": 0.5, "phones_children": 0.5, "emotion_strength": 2},
}
"""Weight of each bar in the score: what a viewer sees first counts more."""

Tell = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class Subset:
    """A small part of the dev split."""

    mesh: MeshRig
    clips: tuple[SpokenClip, ...]
    emotion_clips: tuple[SpokenClip, ...]
    films: Mapping[str, Sequence[FilmedClip]]
    sounds: tuple[Path, ...]


@dataclasses.dataclass(frozen=True)
class Selection:
    """Score and figures of one performer."""

    score: float
    """Within [0, 1]; 1 where every bar is met."""
    figures: Mapping[str, Figure]
    """By key of ``measures.MEASURES``."""

    def missed(self) -> list[str]:
        """Return the keys of the bars that are missed, the costliest for the score first."""
        # What the score loses, not how far a bar is missed: weights decide what to work on.
        losses = {key: weight * (1 - attainment(self.figures, key)) for key, weight in _weights()}
        return sorted((key for key in losses if losses[key] > 0), key=lambda key: -losses[key])


def load_subset(data: Path, *, cache: Path | None = None, work: Path | None = None) -> Subset:
    """Read the subset and write the sounds without speech.

    Args:
        data: The shared data folder.
        cache: Where alignments are kept; ``clips.default_cache`` when None.
        work: Folder for the sounds; a temporary one that stays until the machine clears it when
            None.

    Raises:
        BadArgument: The Face Cap head is not there.
    """
    kept = cache or default_cache()
    # The sounds must outlive this function: they are performed at each evaluation.
    folder = work or Path(tempfile.mkdtemp(prefix="cstalk-selection-"))
    folder.mkdir(parents=True, exist_ok=True)
    chosen: list[SpokenClip] = []
    for clip in clip_sets.english_clips(data, kept).clips:
        # By speaker in the order of the list: the same clips each time.
        if sum(other.speaker == clip.speaker for other in chosen) < CLIPS_EACH[clip.group]:
            chosen.append(clip)
    readers = [clip for clip in chosen if clip.group in clip_sets.READERS]
    # quick: a few films of each talker, as the score needs no interval.
    films, _shots = read_films(data, kept, split="dev", quick=True)
    return Subset(
        mesh=face_cap(data),
        clips=tuple(chosen),
        emotion_clips=tuple(readers[:: max(1, len(readers) // EMOTION_CLIPS)][:EMOTION_CLIPS]),
        films=films,
        sounds=tuple(sounds.write_sounds(folder)),
    )


def score_performer(performer: Performer, subset: Subset) -> Selection:
    """Measure a performer on the subset.

    Args:
        performer: A ``ModelPerformer``, or another: bars that need a network then attain nothing.
        subset: From :func:`load_subset`.
    """
    who = RememberingPerformer(performer)
    mesh, clips = subset.mesh, subset.clips
    tracks = [who.perform(clip.path, Direction()) for clip in clips]
    table = articulation.table_of(who, clips, mesh)
    lips = [(clip, mesh.measure(track)) for clip, track in zip(clips, tracks, strict=True)]
    figures = {
        **speech_figures(lips)[0],
        **articulation.width_figures(table),
        **articulation.articulation_figures(table),
        **film_figures(who, subset.films, mesh),
        **_emotion_figures(who, subset),
        "emotion_strength": strength_figure(who, subset.emotion_clips[:STRENGTH_CLIPS]),
        "pulses": articulation.pulse_figure(tracks),
    }
    still = motion_over_speech(who, subset.sounds, clips, mesh)
    worst = max(still, key=lambda name: still[name])
    figures["nonspeech"] = Figure(still[worst], still[worst], worst)
    # Bars that need a network count 0 for a performer without one (score_of).
    network = who.network()
    if network is not None:
        figures |= phone_figures(network, clips, ())[0]
        figures |= doubt_figures(who, network, clips, mesh)
        figures["over_one"] = articulation.over_one_figure(network, clips)
    return Selection(score_of(figures), figures)


def score_of(figures: Mapping[str, Figure]) -> float:
    """Return the weighted mean attainment of the bars in ``WEIGHTS``; a missing figure is 0."""
    total = sum(weight for _key, weight in _weights())
    return sum(weight * attainment(figures, key) for key, weight in _weights()) / total


def attainment(figures: Mapping[str, Figure], key: str) -> float:
    """Return how far a figure attains its bar on the dev split, 0 to 1.

    Args:
        figures: By key.
        key: Of a measure with a bar.
    """
    bar = MEASURE_BY_KEY[key].bar("dev")
    assert bar is not None
    # A figure that is missing attains nothing, or leaving out a measure would raise the score.
    return bar.attainment(figures[key].value) if key in figures else 0.0


def _emotion_figures(who: RememberingPerformer, subset: Subset) -> dict[str, Figure]:
    by_emotion: dict[str, dict[str, Figure]] = {}
    for emotion in EMOTIONS_TRIED:
        assert emotion in EMOTIONS
        direction = Direction(emotion)
        table = articulation.table_of(who, subset.emotion_clips, subset.mesh, direction)
        by_emotion[emotion] = articulation.articulation_figures(table)
    keys = ("unrounded", "labiodental", "readability")
    return {f"{key}_emotion": articulation.worst_emotion(by_emotion, key) for key in keys}


def _weights() -> list[tuple[str, float]]:
    return list(WEIGHTS.items())
