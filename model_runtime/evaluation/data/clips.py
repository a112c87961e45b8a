"""Select the speech that is measured: clips of one split whose phones are known.

Alignments are kept in a cache folder; the first evaluation on a machine makes them.
"""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from ...training.alignment import forced, pronounce
from ...training.alignment.corpora import MINIMUM_SCORE, align_corpus, read_alignments
from ...training.alignment.forced import PhoneTime
from ...training.corpora.grid import read_grid
from ...training.corpora.held_out import DEV, TRAIN, read_splits
from ...training.corpora.speech import SpeechClip, read_speech_corpus

AUSTEN: Final = "austen"
MINI: Final = "librispeech_mini"
TEST_OTHER: Final = "librispeech_testother6"
OCEAN: Final = "speechocean762"
# A tenth is enough: more clips would only take time.
CLIPS_EACH: Final = {TEST_OTHER: 10, MINI: 15, OCEAN: 4}
"""Clips of each speaker that are measured: all of test-other, a tenth of the others."""
QUICK_CLIPS_EACH = 2  # clips of each speaker in a quick evaluation
READ, DIFFICULT = "read English", "read, difficult"
ADULT, CHILD = "accents, adults", "accents, children"
READERS: Final = (READ, DIFFICULT)
"""Groups of speakers. Recognisers find the "other" recordings of LibriSpeech difficult."""
CHILD_YEARS = 15
OTHER_LANGUAGES: Final = ("de-DE", "nl", "es", "fr", "it", "ru", "zh-CN")
LANGUAGE_CORPORA: Final = ("emodb", "nathalie", "commonvoice")
LANGUAGE_CLIPS_EACH = 8  # clips of each other language; the figures are only indicative
OCEAN_SCORE = -28.0  # alignments of speechocean762 under this are dropped (its SOURCE.txt)

Tell = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class SpokenClip:
    """An audio file whose phones are known."""

    name: str
    path: Path
    speaker: str
    language: str
    phones: tuple[PhoneTime, ...]
    """In order, silence included."""
    group: str = READ


@dataclasses.dataclass(frozen=True)
class ClipSet:
    """Clips, and a line for each that had to be left out."""

    clips: tuple[SpokenClip, ...]
    left_out: tuple[str, ...] = ()


def default_cache() -> Path:
    """Return the folder in which alignments are kept: ``CSTALK_CACHE``, else under ``~/.cache``."""
    # Outside the repository: alignments take minutes and are shared by checkouts.
    home = os.environ.get("CSTALK_CACHE")
    return (Path(home) if home else Path.home() / ".cache" / "cstalk") / "evaluation"


def english_clips(data: Path, cache: Path, *, split: str = DEV, quick: bool = False) -> ClipSet:
    """Return the English speech of one split: read, accented, adults and children.

    Args:
        data: The shared data folder.
        cache: Where alignments are kept.
        split: ``dev`` or ``test``.
        quick: Only the first clips of each speaker.
    """
    sets = []
    if read_splits(data).of(f"eval/{AUSTEN}", "*") == split:
        # Its phones lie beside the audio: nothing is aligned.
        sets.append(_austen(data / "eval" / AUSTEN))
    for corpus, each in CLIPS_EACH.items():
        listed = _listed(data, corpus)
        if not listed:
            # A missing corpus is named in the table instead of ending the evaluation.
            sets.append(ClipSet((), (f"{corpus}: not there",)))
            continue
        count = min(each, QUICK_CLIPS_EACH) if quick else each
        chosen = _of_each_speaker([clip for clip in listed if clip.split == split], count)
        sets.append(_aligned(chosen, cache))
    return _joined(sets)


def language_clips(data: Path, cache: Path) -> ClipSet:
    """Return a few clips of other languages, aligned with the English acoustic model.

    The corpora are training material and the phones are approximations from espeak-ng: what is
    measured on them shows that nothing breaks, and is no result.

    Args:
        data: The shared data folder.
        cache: Where alignments are kept.
    """
    listed = [
        clip
        for corpus in LANGUAGE_CORPORA
        for clip in _listed(data, corpus)
        if clip.language in OTHER_LANGUAGES
    ]
    chosen: list[SpeechClip] = []
    for language in OTHER_LANGUAGES:
        # Spread over the corpus: a language's first clips are often one speaker.
        chosen += _spread([c for c in listed if c.language == language], LANGUAGE_CLIPS_EACH)
    return _aligned(chosen, cache)


def other_english_clips(data: Path, cache: Path, *, count: int) -> ClipSet:
    """Return clips of trained speakers, spread over ``librispeech_mini``.

    Args:
        data: The shared data folder.
        cache: Where alignments are kept.
        count: How many.
    """
    # Of trained speakers: the classifier learns from labels, and evaluated clips must be new to it.
    listed = [clip for clip in _listed(data, MINI) if clip.split == TRAIN]
    if not listed:
        return ClipSet((), (f"{MINI}: not there",))
    return _aligned(_spread(listed, count), cache)


def filmed_speech(data: Path, cache: Path, corpus: str, names: Sequence[str]) -> ClipSet:
    """Return clips of a filmed corpus with their phones.

    Args:
        data: The shared data folder.
        cache: Where alignments are kept.
        corpus: Folder under ``capture``; a ``NAME.phones.tsv`` beside the film is taken as it is.
        names: Clips wanted.
    """
    folder = data / "capture" / corpus
    with_phones = [name for name in names if (folder / f"{name}.phones.tsv").is_file()]
    # Films that come with phones are not aligned again.
    if with_phones:
        return ClipSet(tuple(_with_phone_table(folder, name) for name in with_phones))
    texts = [clip for clip in read_grid(folder) if clip.file in set(names)]
    found = _aligned(texts, cache)
    missing = len(names) - len(texts)
    if not missing:
        return found
    line = f"{corpus}: {missing} clips without a text, left out of the reference motion's film rows"
    return ClipSet(found.clips, (*found.left_out, line))


def phones_from_json(path: Path) -> tuple[PhoneTime, ...]:
    """Read phones of a ``*.phone.json``: words ``w`` with phones ``w``, begin ``b``, length ``d``.

    Words whose text ``t`` begins with ``<`` are silence.
    """
    data = json.loads(path.read_text(encoding="utf-8"))
    phones = []
    for word in data["w"]:
        silent = word["t"].startswith("<")
        for phone in word["w"]:
            start_s = float(phone["b"])
            phones.append(
                PhoneTime(
                    phone="sil" if silent else phone["t"].lower(),
                    start_s=start_s,
                    end_s=start_s + float(phone["d"]),
                    # Variants are named "word(2)".
                    word="" if silent else word["t"].split("(")[0],
                    score=0.0,
                )
            )
    return tuple(phones)


def group_of(corpus: str, speaker: str) -> str:
    """Return the group of a speaker: speechocean762 names end in sex and age, as ``_M9``.

    Args:
        corpus: Folder under ``speech``.
        speaker: As ``metadata.tsv`` names it.
    """
    if corpus == TEST_OTHER:
        return DIFFICULT
    age = re.search(r"_[MF](\d+)$", speaker)
    if corpus != OCEAN or age is None:
        return READ
    return CHILD if int(age.group(1)) <= CHILD_YEARS else ADULT


def _listed(data: Path, corpus: str) -> list[SpeechClip]:
    folder = data / "speech" / corpus
    return read_speech_corpus(folder) if (folder / "metadata.tsv").is_file() else []


def _of_each_speaker(clips: Sequence[SpeechClip], count: int) -> list[SpeechClip]:
    chosen: list[SpeechClip] = []
    for speaker in sorted({clip.speaker for clip in clips}):
        chosen += _spread([clip for clip in clips if clip.speaker == speaker], count)
    return chosen


def _spread(clips: Sequence[SpeechClip], count: int) -> list[SpeechClip]:
    """Take ``count`` clips at equal steps: over chapters, sentences, speakers."""
    # Equal steps instead of a draw: no seed to keep, and long books are covered.
    return list(clips[:: max(1, len(clips) // count)][:count])


def _austen(folder: Path) -> ClipSet:
    clips = tuple(
        SpokenClip(path.stem, path, AUSTEN, "en", phones_from_json(path.with_suffix(".phone.json")))
        for path in sorted(folder.glob("*.wav"))
    )
    return ClipSet(clips, () if clips else (f"{AUSTEN}: nothing in {folder}",))


def _aligned(clips: Iterable[SpeechClip], cache: Path) -> ClipSet:
    """Return clips with phone times by forced alignment with their text, corpus by corpus."""
    corpora: dict[str, list[SpeechClip]] = {}
    for clip in clips:
        corpora.setdefault(clip.corpus, []).append(clip)
    # The code's digest is in the name: another aligner makes other phones.
    work = cache / f"aligned-{_aligner_digest()}"
    spoken, left_out = [], []
    for corpus, listed in corpora.items():
        minimum = OCEAN_SCORE if corpus == OCEAN else MINIMUM_SCORE
        good, dropped = read_alignments(align_corpus(listed, work), minimum_score=minimum)
        for clip in listed:
            if clip.file in good:
                phones = tuple(good[clip.file].phones)
                spoken.append(_spoken(clip, phones))
            else:
                left_out.append(f"{clip.key}: {dropped.get(clip.file, 'not aligned')}")
    return ClipSet(tuple(spoken), tuple(left_out))


def _spoken(clip: SpeechClip, phones: tuple[PhoneTime, ...]) -> SpokenClip:
    group = group_of(clip.corpus, clip.speaker)
    return SpokenClip(clip.path.stem, clip.path, clip.speaker, clip.language, phones, group)


def _aligner_digest() -> str:
    """Return a name for the aligner's code, so that alignments of other code are not read."""
    digest = hashlib.sha256()
    for module in (forced, pronounce):
        digest.update(Path(str(module.__file__)).read_bytes())
    return digest.hexdigest()[:12]


def _with_phone_table(folder: Path, name: str) -> SpokenClip:
    path = folder / "audio" / f"{name}.opus"
    phones = tuple(_phone_rows(folder / f"{name}.phones.tsv"))
    # The first letters of a film's name are its speaker.
    return SpokenClip(name, path, name[: len("free_a")], "en", phones)


def _phone_rows(table: Path) -> Iterator[PhoneTime]:
    with table.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            # Stress digits are dropped; "sp" is a short pause.
            name = re.sub(r"\d", "", row["phone"]).lower()
            phone = "sil" if name in ("sil", "sp") else name
            yield PhoneTime(phone, float(row["start_s"]), float(row["end_s"]), "", 0.0)


def _joined(sets: Sequence[ClipSet]) -> ClipSet:
    return ClipSet(
        tuple(clip for one in sets for clip in one.clips),
        tuple(line for one in sets for line in one.left_out),
    )
