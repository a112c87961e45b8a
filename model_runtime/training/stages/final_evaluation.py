"""Measure generators on the dev selection, in training and finished, and write the model card."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from ...checkpoint.folder import Checkpoint, load_checkpoint
from ...engines.torch_engine import TorchEngine
from ...evaluation.metrics.measures import MEASURES, Figure, Measure
from ...evaluation.performers.model import ModelPerformer
from ...evaluation.selection import Selection, load_subset, score_performer
from ...model.generator import Generator
from ..settings import Settings
from .progress import clock
from .run import SCORE, Terms

log = logging.getLogger(__name__)

TEMPLATE: Final = Path(__file__).with_name("model_card.md")
CARD_NAME: Final = "MODEL_CARD.md"


def evaluate_final(settings: Settings, checkpoint: Path) -> Path:
    """Measure ``checkpoint`` and return the file of its figures, ``WORK/runs/evaluation.json``.

    Args:
        settings: Data folder and results folder.
        checkpoint: Folder of the finished generator.
    """
    # torch on the CPU: the figures of the card must be those of any user's machine.
    performer = ModelPerformer.open(checkpoint, engine="torch", device="cpu")
    result = score_performer(performer, load_subset(settings.data))
    path = settings.results / "evaluation.json"
    path.write_text(json.dumps(figures_record(result), indent=1), encoding="utf-8")
    log.info("dev score %.4f; missed: %s", result.score, ", ".join(result.missed()) or "none")
    return path


def figures_record(result: Selection) -> dict[str, Any]:
    """Return the score and the figures with their intervals; JSON."""
    return {
        "score": round(result.score, 4),
        "figures": {
            key: {
                "value": round(figure.value, 4),
                "count": figure.count,
                "interval": [round(figure.low, 4), round(figure.high, 4)],
            }
            for key, figure in result.figures.items()
        },
    }


def write_card(settings: Settings, checkpoint: Path, seconds: Mapping[str, float]) -> Path:
    """Write the model card next to the weights and return its path.

    Args:
        settings: Of the training.
        checkpoint: Folder of the finished generator.
        seconds: Time that each stage took.
    """
    loaded = load_checkpoint(checkpoint)
    measured = json.loads((settings.results / "evaluation.json").read_text(encoding="utf-8"))
    rows = [_row(measure, measured["figures"].get(measure.key)) for measure in MEASURES]
    text = TEMPLATE.read_text(encoding="utf-8").format(
        name=checkpoint.name,
        parameters=f"{loaded.parameter_count / 1e6:.2f}",
        look_ahead_ms=round(loaded.config.context_frames / loaded.config.frame_rate * 1000),
        times="\n".join(f"| `{name}` | {clock(value)} |" for name, value in seconds.items()),
        total=clock(sum(seconds.values())),
        steps_acoustic=settings.acoustic.steps,
        steps_generator=settings.generator.steps,
        frames_acoustic=settings.acoustic.clips * settings.acoustic.frames,
        frames_generator=settings.generator.clips * settings.generator.frames,
        score=f"{measured['score']:.3f}",
        figures="\n".join(row for row in rows if row),
    )
    path = checkpoint / CARD_NAME
    path.write_text(text, encoding="utf-8")
    return path


def _row(measure: Measure, figure: Mapping[str, Any] | None) -> str:
    """Return a row of the card's table; empty where the measure was not taken."""
    if figure is None:
        return ""
    value = Figure(figure["value"])
    bar = measure.bar("dev")
    low, high = figure["interval"]
    # NaN is the one value that differs from itself: a figure without an interval.
    interval = "" if low != low else f"{low:.3f}-{high:.3f}"
    # No bar on this split means neither met nor missed.
    met = "" if bar is None else ("yes" if bar.attainment(value.value) >= 1 else "no")
    count = figure["count"] or ""
    cells = (measure.title.strip(), f"{value.value:.3f}", interval, count, bar or "", met)
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def dev_scorer(generator: Generator, data: Path) -> Callable[[], Terms] | None:
    """Return a function that measures the weights that are in ``generator`` when it is called.

    Args:
        generator: In training.
        data: Data folder with ``splits.tsv``, ``eval`` and ``rigs``.

    Returns:
        None where the folder has no evaluation clips. The function returns the declared scalar as
        ``score``, and every figure by its key.
    """
    # The measures need clips and rig meshes; user data of a fine-tuning has neither.
    if not (data / "eval").is_dir() or not (data / "rigs").is_dir():
        return None
    subset = load_subset(data)

    def measure() -> Terms:
        state = generator.state_dict().items()
        # Copies: the run puts the training weights back into the same memory after the evaluation.
        tensors = {name: value.detach().cpu().numpy().copy() for name, value in state}
        checkpoint = Checkpoint(Path("unfinished"), generator.config, tensors, {})
        # On the CPU and in float32 whatever the machine trains on: the score must not depend on the
        # card.
        performer = ModelPerformer(TorchEngine(checkpoint, "cpu"), "unfinished")
        result = score_performer(performer, subset)
        figures = {key: round(figure.value, 4) for key, figure in result.figures.items()}
        return {SCORE: round(result.score, 5), **figures}

    return measure
