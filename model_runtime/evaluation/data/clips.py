"""Which clips are measured: speech whose phones are known, who speaks, and in which language."""

from __future__ import annotations

import csv
import dataclasses
import json
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

from ...audio.store import load_speech
from ...training.alignment.corpora import MINIMUM_SCORE, voice_of
from ...training.alignment.forced import AlignmentFailed, PhoneTime, align_words
from ...training.corpora.held_out import DEV, TRAIN
from ...training.corpora.speech import SpeechClip, read_speech_corpus

log = logging.getLogger(__name__)

AUSTEN = "austen"
TESTOTHER = "librispeech_testother6"
MINI = "librispeech_mini"
QUICK_CLIPS_EACH = 2  # clips of each speaker in a quick evaluation
OTHER_LANGUAGES = ("de-DE", "nl", "es", "fr", "it", "ru", "zh-CN")
LANGUAGE_CORPORA = ("emodb", "nathalie", "commonvoice")
GRID_SILENCES = ("sil", "sp")
DEVELOPMENT_CLIPS_EACH = 15
LANGUAGE_CLIPS_EACH = 8  # clips of each other language; the figures are only indicative


@dataclasses.dataclass(frozen=True)
class SpokenClip:
    """A sound file whose phones are known."""

    name: str
    path: Path
    speaker: str
    language: str
    phones: tuple[PhoneTime, ...]
    """In order, silence included."""


@dataclasses.dataclass(frozen=True)
class ClipSet:
    """Clips, and a line for each that had to be left out."""

    clips: tuple[SpokenClip, ...]
    left_out: tuple[str, ...] = ()


def evaluation_clips(data: Path, *, quick: bool = False) -> ClipSet:
    """The English speech never trained on: ``eval/austen`` and ``speech/librispeech_testother6``.

    Args:
        data: The shared data folder.
        quick: Only the first clips of each speaker.
    """
    austen = _austen(data / "eval" / AUSTEN)
    folder = data / "speech" / TESTOTHER
    if not (folder / "metadata.tsv").is_file():
        return dataclasses.replace(austen, left_out=(*austen.left_out, f"{TESTOTHER}: not there"))
    listed = read_speech_corpus(folder)
    each = QUICK_CLIPS_EACH if quick else len(listed)
    aligned = _aligned(_first_of_each(listed, [clip.speaker for clip in listed], each))
    return ClipSet(austen.clips + aligned.clips, austen.left_out + aligned.left_out)


def language_clips(data: Path) -> ClipSet:
    """A few clips of other languages, aligned through espeak-ng with the English acoustic model.

    The corpora are training material and the phones are approximations: what is measured on them is
    a check that nothing breaks, not a result.
    """
    listed = [
        clip
        for corpus in LANGUAGE_CORPORA
        if (data / "speech" / corpus / "metadata.tsv").is_file()
        for clip in read_speech_corpus(data / "speech" / corpus)
        if clip.language in OTHER_LANGUAGES
    ]
    chosen: list[SpeechClip] = []
    for language in OTHER_LANGUAGES:  # spread over speakers and sentences
        spoken = [clip for clip in listed if clip.language == language]
        chosen += spoken[:: max(1, len(spoken) // LANGUAGE_CLIPS_EACH)][:LANGUAGE_CLIPS_EACH]
    return _aligned(chosen)


def development_clips(data: Path) -> ClipSet:
    """Speech of the development speakers: kept from training, and no part of the main table.

    What was chosen with the main table's clips in view is checked against these.
    """
    folder = data / "speech" / MINI
    if not (folder / "metadata.tsv").is_file():
        return ClipSet((), (f"{MINI}: not there, development speakers left out",))
    listed = read_speech_corpus(folder)
    chosen: list[SpeechClip] = []
    for speaker in sorted(
        {clip.speaker for clip in listed if clip.split == DEV}
    ):  # spread over chapters
        spoken = [clip for clip in listed if clip.speaker == speaker]
        step = max(1, len(spoken) // DEVELOPMENT_CLIPS_EACH)
        chosen += spoken[::step][:DEVELOPMENT_CLIPS_EACH]
    return _aligned(chosen)


def other_english_clips(data: Path, *, count: int) -> ClipSet:
    """Other speakers and sentences than the evaluation's, spread over ``librispeech_mini``."""
    folder = data / "speech" / MINI
    if not (folder / "metadata.tsv").is_file():
        return ClipSet((), (f"{MINI}: not there",))
    listed = [clip for clip in read_speech_corpus(folder) if clip.split == TRAIN]
    return _aligned(listed[:: max(1, len(listed) // count)][:count])


def grid_clips(data: Path, corpus: str, names: Sequence[str]) -> ClipSet:
    """Clips of a filmed GRID speaker, aligned with its ``transcripts.tsv`` or ``words.tsv``."""
    folder = data / "capture" / corpus
    texts = _grid_texts(folder)
    found = _aligned(
        SpeechClip(
            corpus=corpus,
            file=f"{name}.opus",
            path=folder / "audio" / f"{name}.opus",
            speaker=corpus,
            language="en",
            emotion="neutral",
            duration_s=0.0,
            text=texts[name],
        )
        for name in names
        if name in texts
    )
    missing = sum(name not in texts for name in names)
    if not missing:
        return found
    line = f"{corpus}: {missing} clips without a text, left out of the reference motion's film rows"
    return ClipSet(found.clips, (*found.left_out, line))


def _grid_texts(folder: Path) -> dict[str, str]:
    """Texts by clip name. grid_s1 has only timed words, grid_s4 only transcripts."""
    table = folder / "transcripts.tsv"
    column = "text"
    if not table.is_file():
        table, column = folder / "words.tsv", "word"
    texts: dict[str, list[str]] = {}
    with table.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            if row[column] not in GRID_SILENCES:
                texts.setdefault(row["clip"], []).append(row[column])
    return {clip: " ".join(words) for clip, words in texts.items()}


def phones_from_json(path: Path) -> tuple[PhoneTime, ...]:
    """Phones of a ``*.phone.json``: words ``w`` with phones ``w``, begin ``b``, length ``d``."""
    data = json.loads(path.read_text(encoding="utf-8"))
    phones = []
    for word in data["w"]:
        silent = word["t"].startswith("<")
        for phone in word["w"]:
            phones.append(
                PhoneTime(
                    phone="sil" if silent else phone["t"].lower(),
                    start_s=float(phone["b"]),
                    end_s=float(phone["b"]) + float(phone["d"]),
                    word="" if silent else word["t"].split("(")[0],
                    score=0.0,
                )
            )
    return tuple(phones)


def _austen(folder: Path) -> ClipSet:
    clips = tuple(
        SpokenClip(
            name=path.stem,
            path=path,
            speaker="austen",
            language="en",
            phones=phones_from_json(path.with_suffix(".phone.json")),
        )
        for path in sorted(folder.glob("*.wav"))
    )
    return ClipSet(clips, () if clips else (f"{AUSTEN}: nothing in {folder}",))


def _first_of_each(clips: list[SpeechClip], groups: list[str], each: int) -> list[SpeechClip]:
    taken: dict[str, int] = {}
    chosen = []
    for clip, group in zip(clips, groups, strict=True):
        taken[group] = taken.get(group, 0) + 1
        if taken[group] <= each:
            chosen.append(clip)
    return chosen


def _aligned(clips: Iterable[SpeechClip]) -> ClipSet:
    """Phone times of each clip by forced alignment with its text."""
    spoken: list[SpokenClip] = []
    left_out = []
    for clip in clips:
        samples = load_speech(clip.path).samples
        try:
            alignment = align_words(samples, clip.text, voice=voice_of(clip.language))
        except AlignmentFailed as error:
            left_out.append(f"{clip.key}: {error}")
            continue
        if alignment.score < MINIMUM_SCORE:
            left_out.append(f"{clip.key}: aligns badly ({alignment.score:.0f} a frame)")
            continue
        spoken.append(
            SpokenClip(
                clip.path.stem, clip.path, clip.speaker, clip.language, tuple(alignment.phones)
            )
        )
    return ClipSet(tuple(spoken), tuple(left_out))
