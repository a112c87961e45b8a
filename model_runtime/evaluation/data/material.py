"""Everything that an evaluation needs of the data, gathered once; what is absent is named."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ...arrays import FloatArray
from ...audio.store import load_speech
from ...errors import BadArgument
from ..metrics.emotion_classifier import EmotionClassifier, train_classifier
from ..metrics.mesh import FACE_CAP, MeshRig
from ..performers.base import Performer, RememberingPerformer
from ..scores import emotion as emotion_scores
from . import clips as clip_sets
from . import filmed, sounds
from .clips import ClipSet, SpokenClip
from .filmed import FilmedClip

EMOTION_CLIPS_EACH = 3  # clips of each test-other speaker that are acted at every intensity
QUICK_EMOTION_CLIPS = 4
CLASSIFIER_CLIPS, QUICK_CLASSIFIER_CLIPS = 24, 4
COST_SECONDS = 60  # of sound in the cost row

Report = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class Material:
    """Clips, films, sounds, and the reference motion that performers are compared with."""

    data: Path
    mesh: MeshRig
    clips: tuple[SpokenClip, ...]
    emotion_clips: tuple[SpokenClip, ...]
    closure_clips: tuple[SpokenClip, ...]
    """Those whose closures are counted under every emotion: all, but in a quick evaluation."""
    language_clips: tuple[SpokenClip, ...]
    development_clips: tuple[SpokenClip, ...]
    films: dict[str, list[FilmedClip]]
    aligned_films: dict[str, list[FilmedClip]]
    """Those whose phones are known, for reference motion."""
    nonspeech: tuple[Path, ...]
    minute: Path | None
    """A WAV of one minute of speech, for the cost row."""
    reference: Performer | None
    classifier: EmotionClassifier | None
    skipped: tuple[str, ...]
    """A line for each thing that could not be had, and why."""


def gather(
    data: Path, work: Path, *, quick: bool, references: bool = True, report: Report
) -> Material:
    """Read the data and align the speech.

    Args:
        data: The shared data folder.
        work: An empty folder for the sounds that are made.
        quick: A few clips, no other languages.
        references: Find the phones of the films, too: only reference motion needs them.
        report: Told what is being done.

    Raises:
        BadArgument: The Face Cap head or the evaluation speech is not there: nothing to measure.
    """
    mesh = _mesh(data)
    report("aligning the evaluation speech")
    spoken = clip_sets.evaluation_clips(data, quick=quick)
    if not spoken.clips:
        raise BadArgument(
            f"No evaluation speech in {data}", hint="Point --data at the shared data folder"
        )
    skipped = list(spoken.left_out)
    films = {name: filmed.filmed_clips(data, name, quick=quick) for name in filmed.FILMED_CORPORA}
    skipped += [f"{name}: not there, its rows are left out" for name, c in films.items() if not c]
    languages, development, reasons = _beside(data, quick=quick, report=report)
    skipped += reasons
    shots = ClipSet(())
    if references:
        report("aligning the films")
        shots = _film_speech(data, films)
    skipped += shots.left_out
    reference, classifier, missing = _reference(data, spoken.clips + shots.clips, quick=quick)
    acted = _emotion_clips(spoken.clips, quick=quick)
    return Material(
        data=data,
        mesh=mesh,
        clips=spoken.clips,
        emotion_clips=acted,
        closure_clips=acted if quick else spoken.clips,
        language_clips=languages,
        development_clips=development,
        films=films,
        aligned_films=_with_phones(films, shots),
        nonspeech=tuple(sounds.write_sounds(work)),
        minute=_minute(spoken.clips, work),
        reference=reference,
        classifier=classifier,
        skipped=(*skipped, *missing),
    )


def _beside(
    data: Path, *, quick: bool, report: Report
) -> tuple[tuple[SpokenClip, ...], tuple[SpokenClip, ...], tuple[str, ...]]:
    """Clips beside the main table's: other languages, development speakers; and what is missing."""
    if quick:
        return (), (), ("other languages, development speakers: left out of a quick evaluation",)
    report("aligning other languages, development speakers")
    languages, development = clip_sets.language_clips(data), clip_sets.development_clips(data)
    return languages.clips, development.clips, languages.left_out + development.left_out


def _mesh(data: Path) -> MeshRig:
    path = data / "rigs" / f"{FACE_CAP}.npz"
    if not path.is_file():
        raise BadArgument(f"No {path}", hint="Point --data at the shared data folder")
    return MeshRig.load(path)


def _reference(
    data: Path,
    spoken: tuple[SpokenClip, ...],
    *,
    quick: bool,
) -> tuple[Performer | None, EmotionClassifier | None, list[str]]:
    """Reference motion of all clips, and a classifier that learnt from other people's sentences."""
    from ..performers.reference import ReferencePerformer

    others = clip_sets.other_english_clips(
        data, count=QUICK_CLASSIFIER_CLIPS if quick else CLASSIFIER_CLIPS
    )
    reasons = list(others.left_out)
    reference = RememberingPerformer(ReferencePerformer((*spoken, *others.clips)))
    if not others.clips:
        return reference, None, [*reasons, "emotion classifier: no speech of others to learn from"]
    classifier = train_classifier(emotion_scores.acted(reference, others.clips))
    return reference, classifier, reasons


def _film_speech(data: Path, films: dict[str, list[FilmedClip]]) -> ClipSet:
    sets = [
        clip_sets.grid_clips(data, corpus, [shot.name for shot in shots])
        for corpus, shots in films.items()
        if shots
    ]
    return ClipSet(
        tuple(clip for one in sets for clip in one.clips),
        tuple(line for one in sets for line in one.left_out),
    )


def _with_phones(
    films: dict[str, list[FilmedClip]], spoken: ClipSet
) -> dict[str, list[FilmedClip]]:
    paths = {clip.path for clip in spoken.clips}
    return {name: [shot for shot in shots if shot.path in paths] for name, shots in films.items()}


def _emotion_clips(spoken: tuple[SpokenClip, ...], *, quick: bool) -> tuple[SpokenClip, ...]:
    if quick:
        shortest = sorted(spoken, key=lambda clip: clip.phones[-1].end_s)
        return tuple(shortest[:QUICK_EMOTION_CLIPS])
    chosen: list[SpokenClip] = []
    for clip in spoken:
        if sum(other.speaker == clip.speaker for other in chosen) < EMOTION_CLIPS_EACH:
            chosen.append(clip)
    return tuple(chosen)


def _minute(spoken: tuple[SpokenClip, ...], work: Path) -> Path:
    """The first clips one after another, again from the start if need be, cut at one minute."""
    parts: list[FloatArray] = []
    wanted = COST_SECONDS * sounds.RATE
    while sum(map(len, parts)) < wanted:
        parts.append(load_speech(spoken[len(parts) % len(spoken)].path).samples)
    samples = np.concatenate(parts)[:wanted]
    path = work / "minute.wav"
    sounds.write_wav(path, samples)
    return path
