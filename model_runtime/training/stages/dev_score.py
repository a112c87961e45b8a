"""Score a generator in training by its curves on the dev split (``evaluation.selection``)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from ...checkpoint.folder import Checkpoint
from ...engines.torch_engine import TorchEngine
from ...evaluation.performers.model import ModelPerformer
from ...evaluation.selection import load_subset, score_performer
from ...model.generator import Generator
from .run import SCORE, Terms

log = logging.getLogger(__name__)


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
