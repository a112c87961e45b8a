"""Gather voices with a known emotion, which the classifier learns from.

Two kinds: acted (a corpus that names three emotions or more, EmoDB here) and read (every
other, taken as neutral). A class is an emotion of one kind: what was acted as neutral, acted as
bored and read aloud are three classes, all of them neutral.
"""

from __future__ import annotations

import csv
import dataclasses
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from ...arrays import BoolArray, DoubleArray, FloatArray, IntArray
from ...audio.features import log_mel
from ...audio.level import level_gain
from ...audio.store import SAMPLE_RATE, load_speech
from ...config import FeatureConfig
from ...emotion.detect import windows
from ...emotion.voice_frames import VoiceFrames, voice_frames
from ...emotion.voice_statistics import STATISTICS, statistics
from ...errors import BadArgument, BadAudio
from ..corpora.held_out import TRAIN
from ..corpora.own import METADATA
from ..corpora.speech import EMOTION_NAMES, SpeechClip, read_speech_corpus
from .voice_augment import VoiceTake, distorted, loud_spectrum, recorded_as

log = logging.getLogger(__name__)

NEVER_TRAINED = ("librispeech_testother6", "picovoice_wakeword")
"""Read speech that false alarms are counted on."""
FEWEST_ACTED_EMOTIONS = 3
READ = "read"
"""Label of every voice that is not acted."""
READ_CLIPS = 60
"""Clips of a read corpus."""
MANY_VOICES = {"commonvoice": 180}
"""Clips of a corpus with a new speaker in nearly every clip."""
READ_SECONDS = 6.0
READ_WINDOWS, ACTED_EVERY = 2, 3
"""Windows of a read clip; of an acted clip every third, 1.5 s apart."""
COPIES = {True: 2, False: 1}
"""Distorted copies of each acted and each read clip."""
MICROPHONES = 3
"""Copies of each acted clip through the microphone of a read recording."""
SEED = 11

Report = Callable[[str, int, int], None]


@dataclasses.dataclass(frozen=True)
class Voices:
    """Described windows of voices, n of them."""

    statistics: DoubleArray
    """Shape (n, STATISTICS)."""
    clip: IntArray
    """Index of the clip each belongs to, shape (n,)."""
    copy: BoolArray
    """Whether it is of a distorted copy, shape (n,)."""
    labels: tuple[str, ...]
    """Of each clip: the corpus' own word, or ``READ``."""
    emotions: tuple[str, ...]
    """Of each clip: a name of ``choices.EMOTIONS``."""
    speakers: tuple[str, ...]
    corpora: tuple[str, ...]


def gather_voices(data: Path, *, report: Report, names: Sequence[str] | None = None) -> Voices:
    """Read and describe the speech corpora under ``data/speech``.

    Args:
        data: Data folder.
        report: Called with corpus, clips done and all clips.
        names: Corpora wanted; None takes all but those that only test.

    Raises:
        BadArgument: No acted corpus is there (and ``names`` is None).
    """
    folders = sorted(path.parent for path in (data / "speech").glob(f"*/{METADATA}"))
    wanted = [
        folder
        for folder in folders
        if (folder.name in names if names is not None else folder.name not in NEVER_TRAINED)
    ]
    takes: list[tuple[str, str, SpeechClip]] = []
    for folder in wanted:
        takes.extend(_chosen(folder, trained=names is None))
    if names is None and all(label == READ for label, _, _ in takes):
        raise BadArgument(
            f"No corpus with acted emotions under {data / 'speech'}",
            hint="metadata.tsv of one must name three emotions or more: docs/training.md",
        )
    return _described(takes, report, copies=names is None)


def said_emotions(folder: Path) -> dict[str, str]:
    """Return the corpus' own word for the emotion of each file."""
    with (folder / METADATA).open(encoding="utf-8", newline="") as lines:
        table = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        return {row["file"]: row["emotion"] for row in table}


def _chosen(folder: Path, *, trained: bool) -> Iterator[tuple[str, str, SpeechClip]]:
    """Yield label, emotion and clip of what is taken from a corpus, trained speakers only if so."""
    clips, said = read_speech_corpus(folder), said_emotions(folder)
    if trained:
        clips = [clip for clip in clips if clip.split == TRAIN]
    # Words of the corpus itself, since boredom counts as neutral in ours.
    if len({said[clip.file] for clip in clips}) >= FEWEST_ACTED_EMOTIONS:
        for clip in clips:
            yield said[clip.file], EMOTION_NAMES[said[clip.file]], clip
        return
    count = MANY_VOICES.get(folder.name, READ_CLIPS)
    # A fixed draw, then sorted: the order of classes and folds stays the same.
    order = np.random.default_rng(SEED).permutation(len(clips))[:count]
    for index in sorted(order.tolist()):
        yield READ, "neutral", clips[index]


def _described(
    takes: Sequence[tuple[str, str, SpeechClip]], report: Report, *, copies: bool
) -> Voices:
    rows: list[DoubleArray] = []
    clips: list[int] = []
    is_copy: list[bool] = []
    kept, voices = _loaded(takes, report)
    microphones = _read_spectra(kept, voices) if copies else []
    for number, ((label, _, clip), voice) in enumerate(zip(kept, voices, strict=True)):
        for copy, frames in enumerate(_versions(label, clip, voice, microphones, copies=copies)):
            cut = list(windows(frames).values())
            # Read speech: the first and the last window.
            cut = cut[::ACTED_EVERY] if label != READ else cut[:: max(1, len(cut) - 1)]
            for window in cut[: None if label != READ else READ_WINDOWS]:
                rows.append(statistics(window))
                clips.append(number)
                is_copy.append(copy > 0)
    return Voices(
        statistics=np.stack(rows) if rows else np.zeros((0, STATISTICS)),
        clip=np.array(clips, np.int64),
        copy=np.array(is_copy, bool),
        labels=tuple(label for label, _, _ in kept),
        emotions=tuple(emotion for _, emotion, _ in kept),
        speakers=tuple(clip.speaker for _, _, clip in kept),
        corpora=tuple(clip.corpus for _, _, clip in kept),
    )


def _loaded(
    takes: Sequence[tuple[str, str, SpeechClip]], report: Report
) -> tuple[list[tuple[str, str, SpeechClip]], list[VoiceTake]]:
    """Return the clips that can be decoded, and their voices."""
    kept: list[tuple[str, str, SpeechClip]] = []
    voices: list[VoiceTake] = []
    for number, take in enumerate(takes, 1):
        label, _, clip = take
        try:
            voices.append(_take(clip, None if label != READ else READ_SECONDS))
        except BadAudio as fault:
            log.warning("%s: %s", clip.key, fault)
            # A clip that cannot be decoded must not end the training.
            continue
        kept.append(take)
        report(clip.corpus, number, len(takes))
    return kept, voices


def _read_spectra(
    kept: Sequence[tuple[str, str, SpeechClip]], voices: Sequence[VoiceTake]
) -> list[list[FloatArray]]:
    """Return the spectra of the read recordings, corpus by corpus."""
    spectra: dict[str, list[FloatArray]] = {}
    for (label, _, clip), voice in zip(kept, voices, strict=True):
        if label == READ:
            spectra.setdefault(clip.corpus, []).append(loud_spectrum(voice))
    return list(spectra.values())


def _versions(
    label: str,
    clip: SpeechClip,
    voice: VoiceTake,
    microphones: Sequence[Sequence[FloatArray]],
    *,
    copies: bool,
) -> Iterator[VoiceFrames]:
    """Yield a voice as recorded, then its distorted copies; acted ones through other microphones.

    Found on EmoDB, each actor left out: .81 of the clips are named rightly as recorded, and through
    the microphones of a corpus never trained on .59 without the last kind of copies, .79 with them.
    """
    yield voice_frames(voice.features, voice.samples)
    if not copies:
        return
    # Of the clip: its copies stay the same when other corpora come or go.
    rng = np.random.default_rng(clip.seed)
    for _copy in range(COPIES[label != READ]):
        yield distorted(voice, rng)
    if label != READ and microphones:
        for _copy in range(MICROPHONES):
            # A corpus first, then a clip of it: large corpora would otherwise be the only
            # microphones.
            corpus = microphones[int(rng.integers(len(microphones)))]
            spectrum = corpus[int(rng.integers(len(corpus)))]
            yield distorted(recorded_as(voice, spectrum, rng), rng)


def _take(clip: SpeechClip, seconds: float | None) -> VoiceTake:
    samples = load_speech(clip.path).samples
    # Cut before levelling, as a clip of that length would be levelled.
    samples = samples[: None if seconds is None else round(seconds * SAMPLE_RATE)]
    samples = samples * level_gain(samples)
    return VoiceTake(log_mel(samples, FeatureConfig()), samples)
