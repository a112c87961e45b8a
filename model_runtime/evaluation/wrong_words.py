"""Measure scripts with wrong words: what is found, and whether lips still close.

``python -m model_runtime.evaluation.wrong_words --data FOLDER`` prints a table over development
clips: audio alone, and scripts of which 0, 10, 30 and 100 percent of the words are those of other
clips. A closure is met where ``mouthClose`` makes up for the open jaw within the phone and 20 ms on
either side.
"""

from __future__ import annotations

import argparse
import dataclasses
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..checkpoint.folder import default_checkpoint, load_checkpoint
from ..cli.console import print_line
from ..curves.track import CurveTrack
from ..engines.factory import open_engine
from ..generate import perform
from ..protocol import Performance
from ..text.track import Phone, phone_track_or_none
from ..training.corpora.held_out import DEV
from ..training.corpora.speech import SpeechClip, read_speech_corpus

CORPUS = "librispeech_mini"
SHARES = (0.0, 0.1, 0.3, 1.0)
GAP = 0.02
"""Largest jawOpen - mouthClose of closed lips, as a share of the jaw's range."""
MARGIN_S = 0.02
BILABIALS = frozenset({"m", "b", "p"})


@dataclasses.dataclass
class Row:
    """Sums of one row of the table."""

    name: str
    matched: list[float] = dataclasses.field(default_factory=list)
    used: int = 0
    closed: int = 0
    closures: int = 0

    def text(self) -> str:
        """Return the row as text: share found, clips whose script is used, closures met."""
        matched = f"{np.mean(self.matched):.2f}" if self.matched else "-"
        met = f"{self.closed / max(1, self.closures):.3f}"
        return f"{self.name:<12} {matched:>8} {self.used:>6} {met:>9} {self.closures:>9}"


def wrong_script(text: str, others: Sequence[str], share: float, seed: int) -> str:
    """Return a script with some words exchanged for those of other clips.

    Args:
        text: The words that are spoken.
        others: Words to take.
        share: Share of the words that are exchanged, 0 to 1.
        seed: Chooses words and places.
    """
    chance = random.Random(seed)
    words = text.split()
    for place in chance.sample(range(len(words)), round(share * len(words))):
        words[place] = chance.choice(others)
    return " ".join(words)


def closures_met(track: CurveTrack, phones: Sequence[Phone]) -> tuple[int, int]:
    """Return how many bilabials of a clip have closed lips, and how many there are.

    Args:
        track: Curves of the clip.
        phones: Phones that are spoken, in seconds of the clip.
    """
    gap = track.column("jawOpen") - track.column("mouthClose")
    spans = [
        gap[
            max(0, int((p.start_s - MARGIN_S) * track.fps)) : int((p.end_s + MARGIN_S) * track.fps)
            + 1
        ]
        for p in phones
        if p.name in BILABIALS
    ]
    return sum(bool(len(span)) and float(span.min()) < GAP for span in spans), len(spans)


def measure(clips: Sequence[SpeechClip]) -> list[Row]:
    """Return the rows of the table; phones are those of the right script, where it is found.

    Args:
        clips: Development clips.
    """
    engine = open_engine(load_checkpoint(default_checkpoint()))
    rows = [Row("audio alone"), *(Row(f"{share:.0%} wrong") for share in SHARES)]
    pool = [word for clip in clips for word in clip.text.split()]
    for clip in clips:
        plain = Performance(clip.path)
        right = perform(dataclasses.replace(plain, script=clip.text), engine)
        spoken = phone_track_or_none(right.request)
        phones = () if spoken is None else tuple(p for w in spoken.words for p in w.phones)
        for row, share in zip(rows, (None, *SHARES), strict=True):
            script = "" if share is None else wrong_script(clip.text, pool, share, clip.seed)
            track = perform(dataclasses.replace(plain, script=script), engine)
            if track.text_matched is not None:
                row.matched.append(track.text_matched)
                row.used += track.text_matched >= 0.6
            met, count = closures_met(track, phones)
            row.closed, row.closures = row.closed + met, row.closures + count
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the shared data folder")
    parser.add_argument("--clips", type=int, default=4, help="clips of each speaker")
    options = parser.parse_args()
    clips = [c for c in read_speech_corpus(options.data / "speech" / CORPUS) if c.split == DEV]
    chosen = [
        clip
        for speaker in sorted({c.speaker for c in clips})
        for clip in [c for c in clips if c.speaker == speaker][: options.clips]
    ]
    print_line(f"{'script':<12} {'matched':>8} {'used':>6} {'closures':>9} {'count':>9}")
    for row in measure(chosen):
        print_line(row.text())


if __name__ == "__main__":
    main()
