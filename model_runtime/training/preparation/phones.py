"""Find the phone times of a corpus: by the teacher where it was run, else by pocketsphinx."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ..alignment.corpora import align_corpus, read_alignments
from ..alignment.forced import Alignment
from ..corpora.speech import SpeechClip
from ..teacher.labels import read_labels


def aligned_corpus(
    clips: Sequence[SpeechClip],
    work: Path,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[dict[str, Alignment], dict[str, str]]:
    """Return alignments by file name and, for the other clips, why they were dropped.

    Args:
        clips: Of one corpus. Those that the teacher has not labelled are aligned now.
        work: Work folder.
        progress: Called with clips done and clips in all.
    """
    corpus = clips[0].corpus
    labels = read_labels(work, corpus)
    # All or none: phones of two aligners in one corpus would differ by some milliseconds.
    if labels is not None and all(clip.file in labels.places for clip in clips):
        return labels.alignments, labels.dropped
    return read_alignments(align_corpus(clips, work, progress=progress))


def known_alignments(work: Path, corpus: str) -> dict[str, Alignment]:
    """Return the alignments of a corpus that is prepared.

    Args:
        work: Work folder.
        corpus: Its name.
    """
    labels = read_labels(work, corpus)
    if labels is not None:
        # In this order everywhere: curves and phones of a corpus must come from the same aligner.
        return labels.alignments
    return read_alignments(work / "alignments" / f"{corpus}.jsonl")[0]
