"""Gather all that an evaluation needs of the data; what is absent is named."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from ...arrays import FloatArray
from ...audio.store import load_speech
from ...errors import BadArgument
from ...training.corpora.held_out import DEV, FILE_NAME
from ..metrics.emotion_classifier import EmotionClassifier, train_classifier
from ..metrics.mesh import FACE_CAP, MeshRig
from ..performers.base import RememberingPerformer
from ..scores import emotion as emotion_scores
from . import clips as clip_sets
from . import filmed, sounds
from .clips import ClipSet, SpokenClip
from .filmed import FilmedClip
from .telephone import telephone_clips

# Every emotion performs them again, so a few clips a speaker must do.
EMOTION_CLIPS_EACH = {**dict.fromkeys(clip_sets.READERS, 3), clip_sets.ADULT: 1, clip_sets.CHILD: 1}
"""Clips of each speaker that are performed under every emotion."""
INTENSITY_CLIPS = 18  # of those, clips performed at every intensity and by several seeds
TELEPHONE_CLIPS_EACH = 2  # of each speaker of read English
CLASSIFIER_CLIPS, QUICK_CLASSIFIER_CLIPS = 24, 4
QUICK_EMOTION_CLIPS = 4
COST_SECONDS = 60  # of audio in the cost row
DATA_HINT = "Point --data at the shared data folder"

Tell = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class Material:
    """Clips, films, sounds, and the labels that performers are compared with."""

    data: Path
    split: str
    mesh: MeshRig
    clips: tuple[SpokenClip, ...]
    emotion_clips: tuple[SpokenClip, ...]
    """Those performed under every emotion."""
    intensity_clips: tuple[SpokenClip, ...]
    """Those performed at every intensity, and by several seeds."""
    language_clips: tuple[SpokenClip, ...]
    telephone_clips: tuple[SpokenClip, ...]
    films: dict[str, list[FilmedClip]]
    """By corpus."""
    nonspeech: tuple[Path, ...]
    minute: Path | None
    """A WAV file of one minute of speech, for the cost row."""
    reference: RememberingPerformer | None
    classifier: EmotionClassifier | None
    skipped: tuple[str, ...]
    """A line for each thing that could not be had, and why."""


def gather(
    data: Path,
    work: Path,
    *,
    cache: Path,
    split: str = DEV,
    quick: bool = False,
    tell: Tell = lambda _line: None,
) -> Material:
    """Read the data and align the speech.

    Args:
        data: The shared data folder.
        work: An empty folder for the audio files that are made.
        cache: Where alignments are kept.
        split: ``dev`` or ``test``.
        quick: A few clips, no other languages.
        tell: Called with a line on what is being done.

    Raises:
        BadArgument: The Face Cap head, ``splits.tsv`` or the speech of the split is not there.
    """
    mesh = face_cap(data)
    if not (data / FILE_NAME).is_file():
        # Without the splits everything would count as training.
        raise BadArgument(f"No {data / FILE_NAME}", hint=DATA_HINT)
    tell(f"aligning the speech of the {split} split")
    spoken = clip_sets.english_clips(data, cache, split=split, quick=quick)
    if not spoken.clips:
        raise BadArgument(f"No speech of the {split} split in {data}", hint=DATA_HINT)
    languages = ClipSet((), ("other languages: left out of a quick evaluation",))
    if not quick:
        languages = clip_sets.language_clips(data, cache)
    tell("reading the films")
    films, shots = read_films(data, cache, split=split, quick=quick)
    reference, classifier, reasons = _reference(
        data, cache, (*spoken.clips, *languages.clips, *shots.clips), quick=quick
    )
    acted = _emotion_clips(spoken.clips, quick=quick)
    return Material(
        data=data,
        split=split,
        mesh=mesh,
        clips=spoken.clips,
        emotion_clips=acted,
        intensity_clips=_spread(acted, INTENSITY_CLIPS),
        language_clips=languages.clips,
        telephone_clips=telephone_clips(_telephoned(spoken.clips), work),
        films=films,
        nonspeech=tuple(sounds.write_sounds(work)),
        minute=_minute(spoken.clips, work),
        reference=reference,
        classifier=classifier,
        skipped=(*spoken.left_out, *languages.left_out, *shots.left_out, *reasons),
    )


def face_cap(data: Path) -> MeshRig:
    """Return the head that everything is measured on.

    Raises:
        BadArgument: It is not in the data folder.
    """
    path = data / "rigs" / f"{FACE_CAP}.npz"
    if not path.is_file():
        raise BadArgument(f"No {path}", hint=DATA_HINT)
    return MeshRig.load(path)


def read_films(
    data: Path, cache: Path, *, split: str, quick: bool
) -> tuple[dict[str, list[FilmedClip]], ClipSet]:
    """Return the filmed clips of a split by corpus, and the same clips with their phones.

    Args:
        data: The shared data folder.
        cache: Where alignments are kept.
        split: ``dev`` or ``test``.
        quick: Only the first few of each corpus.
    """
    films = {
        corpus: filmed.filmed_clips(data, corpus, split=split, quick=quick)
        for corpus in filmed.TALKERS
    }
    # Absent films have no row.
    films = {corpus: clips for corpus, clips in films.items() if clips}
    sets = [
        clip_sets.filmed_speech(data, cache, corpus, [clip.name for clip in clips])
        for corpus, clips in films.items()
    ]
    left_out = [line for one in sets for line in one.left_out]
    return films, ClipSet(tuple(c for one in sets for c in one.clips), tuple(left_out))


def _reference(
    data: Path, cache: Path, spoken: tuple[SpokenClip, ...], *, quick: bool
) -> tuple[RememberingPerformer, EmotionClassifier | None, list[str]]:
    """Return the labels of all clips, and a classifier that learnt from other sentences."""
    from ..performers.reference import ReferencePerformer

    count = QUICK_CLASSIFIER_CLIPS if quick else CLASSIFIER_CLIPS
    others = clip_sets.other_english_clips(data, cache, count=count)
    reasons = list(others.left_out)
    reference = RememberingPerformer(ReferencePerformer((*spoken, *others.clips)))
    if not others.clips:
        return reference, None, [*reasons, "emotion classifier: no speech of others to learn from"]
    classifier = train_classifier(emotion_scores.acted(reference, others.clips))
    return reference, classifier, reasons


def _emotion_clips(spoken: Sequence[SpokenClip], *, quick: bool) -> tuple[SpokenClip, ...]:
    if quick:
        # The shortest: a quick evaluation is for finding faults, not for figures.
        shortest = sorted(spoken, key=lambda clip: clip.phones[-1].end_s)
        return tuple(shortest[:QUICK_EMOTION_CLIPS])
    return _first_of_each(spoken, EMOTION_CLIPS_EACH)


def _telephoned(spoken: Iterable[SpokenClip]) -> tuple[SpokenClip, ...]:
    return _first_of_each(spoken, dict.fromkeys(clip_sets.READERS, TELEPHONE_CLIPS_EACH))


def _first_of_each(spoken: Iterable[SpokenClip], each: dict[str, int]) -> tuple[SpokenClip, ...]:
    """Take the first clips of every speaker, as many as the speaker's group says."""
    chosen: list[SpokenClip] = []
    taken: dict[str, int] = {}
    for clip in spoken:
        taken[clip.speaker] = taken.get(clip.speaker, 0) + 1
        if taken[clip.speaker] <= each.get(clip.group, 0):
            chosen.append(clip)
    return tuple(chosen)


def _spread(clips: Sequence[SpokenClip], count: int) -> tuple[SpokenClip, ...]:
    return tuple(clips[:: max(1, len(clips) // count)][:count])


def _minute(spoken: Sequence[SpokenClip], work: Path) -> Path:
    """Write the first clips one after another, cut at one minute; repeated where they are short."""
    parts: list[FloatArray] = []
    wanted = COST_SECONDS * sounds.RATE
    # Speech again and again: silence would be cheap to generate.
    while sum(map(len, parts)) < wanted:
        parts.append(load_speech(spoken[len(parts) % len(spoken)].path).samples)
    path = work / "minute.wav"
    sounds.write_wav(path, np.concatenate(parts)[:wanted])
    return path
