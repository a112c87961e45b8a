"""Compare the mouth that commits with the network's own, on the dev selection.

Run ``python -m model_runtime.evaluation.commitment_table [FOLDER]``: a table in Markdown. The
figures are those of ``selection``, and some by emotion.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ..arrays import FloatArray
from ..checkpoint.folder import default_checkpoint, load_checkpoint
from ..cli.console import print_line
from ..engines.base import Engine, EngineOutput
from ..engines.factory import open_engine
from .cli import DEFAULT_DATA
from .metrics import articulation as metrics
from .metrics.measures import MEASURES, Figure, Measure, share_figure
from .performers.base import Direction, Performer, RememberingPerformer
from .performers.model import ModelPerformer
from .scores import articulation
from .selection import EMOTIONS_TRIED, Subset, load_subset, score_performer

BY_EMOTION: Final = ("closure", "unrounded", "labiodental", "tongue", "readability")
NONE = "-"

Figures = Mapping[str, Figure]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=default_checkpoint())
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    options = parser.parse_args()
    engine = _RememberingEngine(open_engine(load_checkpoint(options.folder)))
    subset = load_subset(options.data)
    columns = []
    for commits in (False, True):
        performer = ModelPerformer(engine, "network", commits=commits)
        remembering = RememberingPerformer(performer)
        figures = dict(score_performer(performer, subset).figures)
        columns.append(figures | _emotion_figures(remembering, subset))
    for line in table_lines(*columns):
        print_line(line)


def table_lines(before: Figures, after: Figures) -> list[str]:
    """Return the lines of the table.

    Args:
        before: Of the network alone, by key.
        after: Of the mouth that commits, by key.
    """
    lines = ["| measure | network | committed | bar |", "|---|---|---|---|"]
    for measure in MEASURES:
        if measure.key in before:
            bar = measure.dev
            cells = [_cell(one[measure.key], measure) for one in (before, after)]
            title = measure.title.strip()
            lines.append(f"| {title} | {' | '.join(cells)} | {bar or NONE} |")
    titles = {measure.key: measure for measure in MEASURES}
    for emotion in EMOTIONS_TRIED:
        for key in BY_EMOTION:
            cells = [_cell(one[f"{emotion} {key}"], titles[key]) for one in (before, after)]
            lines.append(f"| {emotion}: {titles[key].title} | {' | '.join(cells)} | {NONE} |")
    return lines


def _cell(figure: Figure, measure: Measure) -> str:
    worst = f" ({figure.worst_name})" if figure.worst_name and measure.key == "nonspeech" else ""
    return f"{figure.value * measure.scale:.{measure.digits}f}{worst}"


def _emotion_figures(who: Performer, subset: Subset) -> dict[str, Figure]:
    figures: dict[str, Figure] = {}
    for emotion in EMOTIONS_TRIED:
        table = articulation.table_of(who, subset.emotion_clips, subset.mesh, Direction(emotion))
        found = {
            **articulation.articulation_figures(table),
            "closure": share_figure(metrics.closed(table)),
        }
        figures |= {f"{emotion} {key}": found[key] for key in BY_EMOTION}
    return figures


class _RememberingEngine:
    """Runs each window once: both columns ask for the same output of the network."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.name, self.device, self.note = engine.name, engine.device, engine.note
        self.config, self.window_frames = engine.config, engine.window_frames
        self._made: dict[bytes, EngineOutput] = {}

    def run(self, features: FloatArray, emotion: FloatArray, style: FloatArray) -> EngineOutput:
        digest = hashlib.sha256()
        for part in (features, emotion, style):
            digest.update(part.tobytes())
        key = digest.digest()
        if key not in self._made:
            self._made[key] = self._engine.run(features, emotion, style)
        return self._made[key]


if __name__ == "__main__":
    main()
