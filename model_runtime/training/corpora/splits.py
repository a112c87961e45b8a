"""Split clips of face corpora: no speaker and no sentence in two of the splits."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence

from .clip import FaceClip

HELD_SHARE = 0.1
"""Of the speakers, and of the shared sentences, for validation; as many again for test."""


def assign_splits(clips: Sequence[FaceClip], *, by_speaker: bool = True) -> list[FaceClip]:
    """Return the clips with ``split`` set, whatever their order.

    Speakers are ranked by a hash of their name and dealt out; so are sentences that more than one
    speaker says. A sentence of a single speaker follows the speaker. A clip whose speaker and
    sentence fall apart is ``unused``: that is the price of being disjoint in both where everybody
    says the same. One speaker alone is all training.

    Args:
        clips: Of one corpus.
        by_speaker: False keeps sentences apart only, as for the takes of a studio's one actor;
            a speaker then stands in several splits.
    """
    speakers_of: dict[str, set[str]] = defaultdict(set)
    for clip in clips:
        speakers_of[clip.sentence].add(clip.speaker)
    if not by_speaker:
        sentence_split = _deal(speakers_of)
        return [_placed(clip, sentence_split[clip.sentence]) for clip in clips]
    speaker_split = _deal({clip.speaker for clip in clips})
    # Sentences of one speaker follow the speaker; dealt out on their own they would make most clips
    # unused.
    shared = _deal(name for name, speakers in speakers_of.items() if len(speakers) > 1)
    placed = []
    for clip in clips:
        split = speaker_split[clip.speaker]
        # Absent sentences fit every split.
        fits = shared.get(clip.sentence, split) == split
        placed.append(_placed(clip, split if fits else "unused"))
    return placed


def _placed(clip: FaceClip, split: str) -> FaceClip:
    # Held-out clips may be tested on, but never trained or chosen by.
    kept_back = clip.held_out and split != "test"
    return dataclasses.replace(clip, split="unused" if kept_back else split)


def _deal(names: Iterable[str]) -> dict[str, str]:
    """Split of each name: a tenth for validation and a tenth for test, at least one of each.

    Two names are one for training and one for test; a single one is for training.
    """
    # By hash: adding a name moves few of the others.
    ranked = sorted(set(names), key=_rank)
    held = max(1, round(HELD_SHARE * len(ranked))) if len(ranked) > 2 else 0
    test = max(held, int(len(ranked) == 2))
    labels = ["test"] * test + ["val"] * held
    return {name: labels[i] if i < len(labels) else "train" for i, name in enumerate(ranked)}


def _rank(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()
