"""Align whole corpora with pocketsphinx: a JSON line per clip in ``WORK/alignments``, resumable."""

from __future__ import annotations

import json
import logging
import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ...audio.store import load_speech
from ...errors import BadAudio
from ..corpora.speech import SpeechClip
from .forced import Alignment, AlignmentFailed, PhoneTime, align_words

log = logging.getLogger(__name__)

MINIMUM_SCORE = -32.0
"""Log probability per frame below which a text counts as wrong: correct texts of librispeech_mini
score -14 to -24, a wrong sentence -54."""

# espeak-ng voices by language code of the metadata; the first part of the code is the fallback.
_VOICES = {
    "en": "en-us", "en-US": "en-us", "zh-TW": "cmn", "zh-CN": "cmn", "zh-HK": "yue", "fr": "fr-fr",
    "pt": "pt-br", "ga-IE": "ga", "sv-SE": "sv", "pa-IN": "pa", "nl-NL": "nl", "de-DE": "de",
}  # fmt: skip


def voice_of(language: str) -> str:
    """Return the espeak-ng voice of a language code; its first part where none is listed."""
    return _VOICES.get(language, language.split("-")[0])


def align_corpus(
    clips: Sequence[SpeechClip],
    work: Path,
    *,
    processes: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Align the clips that are not aligned yet and return the file with a line for every clip.

    A clip that cannot be aligned gets a line with its ``error`` and is not tried again. A killed
    call is continued by the next.

    Args:
        clips: Of one corpus.
        work: Work folder.
        processes: Worker processes.
        progress: Called with clips done and clips in all.
    """
    # One file a corpus: a line is a clip, so that a killed run loses at most one line.
    output = work / "alignments" / f"{clips[0].corpus}.jsonl"
    output.parent.mkdir(parents=True, exist_ok=True)
    done = {entry["file"] for entry in _whole_lines(output)}
    # Lines with an error count as done: what failed once fails again.
    todo = [clip for clip in clips if clip.file not in done]
    if not todo:
        return output
    # spawn on every platform: a fork would copy threads and C state of this process.
    context = multiprocessing.get_context("spawn")
    with context.Pool(processes) as pool, output.open("a", encoding="utf-8") as lines:
        # Unordered: clips differ in length, and lines carry their names. Four at a time to save
        # messages.
        for count, entry in enumerate(pool.imap_unordered(_align_clip, todo, chunksize=4), 1):
            lines.write(json.dumps(entry, ensure_ascii=False) + "\n")
            # Flushed: what is shown as done is on disk.
            lines.flush()
            if progress is not None:
                progress(len(done) + count, len(clips))
    return output


def read_alignments(
    path: Path, *, minimum_score: float = MINIMUM_SCORE
) -> tuple[dict[str, Alignment], dict[str, str]]:
    """Return good alignments by file name, and why the other clips were dropped.

    Args:
        path: Written by ``align_corpus``.
        minimum_score: Clips below are dropped.
    """
    good: dict[str, Alignment] = {}
    dropped: dict[str, str] = {}
    for entry in _whole_lines(path):
        if "error" in entry:
            dropped[entry["file"]] = entry["error"]
        elif entry["score"] < minimum_score:
            dropped[entry["file"]] = f"score {entry['score']:.1f} under {minimum_score:.1f}"
        else:
            good[entry["file"]] = Alignment(
                tuple(PhoneTime(*fields) for fields in entry["phones"]), entry["score"]
            )
    return good, dropped


def _align_clip(clip: SpeechClip) -> dict[str, Any]:
    try:
        speech = load_speech(clip.path)
        found = align_words(speech.samples, clip.text, voice=voice_of(clip.language))
    # Expected faults of a single clip. Anything else is a fault of the program and must stop.
    except (AlignmentFailed, BadAudio, OSError, ValueError) as error:
        return {"file": clip.file, "error": f"{type(error).__name__}: {error}"}
    # Milliseconds: pocketsphinx counts in steps of 10 ms.
    phones = [
        [p.phone, round(p.start_s, 3), round(p.end_s, 3), p.word, round(p.score, 2)]
        for p in found.phones
    ]
    return {"file": clip.file, "score": round(found.score, 2), "phones": phones}


def _whole_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the parsed lines, after cutting a torn last line off the file."""
    if not path.is_file():
        return
    _cut_torn_line(path)
    yield from _parsed(path.read_text(encoding="utf-8").splitlines())


def _parsed(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        if line:
            yield json.loads(line)


def _cut_torn_line(path: Path) -> None:
    data = path.read_bytes()
    # Lines are appended, so that only the last can be torn.
    if data and not data.endswith(b"\n"):
        path.write_bytes(data[: data.rfind(b"\n") + 1])
