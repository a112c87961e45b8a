"""Run ``train emotion``: fit the classifier of emotions in voices, and score it on new speakers."""

from __future__ import annotations

import dataclasses
import logging
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from ...emotion.classifier import save_emotion_model
from ..settings import Settings
from ..stages.progress import ProgressLine
from .fit import CrossValidation, cross_validate, fit, fitted_sharpness
from .voice_data import READ, Voices, gather_voices

log = logging.getLogger(__name__)


def train_emotion(settings: Settings, output: Path) -> dict[str, Any]:
    """Learn from the speech under ``settings.data`` and write a checkpoint folder.

    Args:
        settings: Of the run.
        output: Folder to write.

    Returns:
        The record of the run, stored as ``training`` in the config.

    Raises:
        BadArgument: No corpus with acted emotions, or one speaker only.
        BadOutput: The folder cannot be written.
    """
    progress = ProgressLine()
    output.parent.mkdir(parents=True, exist_ok=True)
    voices = gather_voices(settings.data, report=progress)
    validation = cross_validate(voices, report=lambda done, of: progress("left out", done, of))
    sharpness = fitted_sharpness(validation, [voices.emotions[clip] for clip in validation.clips])
    # Shipped on all voices; the figures are of the models that left speakers out.
    model = fit(voices, np.ones(len(voices.clip), bool))
    model = dataclasses.replace(model, sharpness=sharpness)
    record = _record(voices, validation, sharpness)
    save_emotion_model(output, model, record)
    log.info("%s: %s", output, record["left_out"])
    return record


def left_out_scores(
    voices: Voices, validation: CrossValidation, sharpness: float
) -> dict[str, Any]:
    """Return accuracy and confusion of acted clips and false alarms of read ones.

    Args:
        voices: All voices.
        validation: Their scores by classifiers that never saw them.
        sharpness: Of the softmax.
    """
    names = validation.emotions
    predicted = validation.probabilities(sharpness).argmax(1)
    truth = np.array([names.index(voices.emotions[clip]) for clip in validation.clips])
    acted = np.array([voices.labels[clip] != READ for clip in validation.clips])
    speakers = np.array([voices.speakers[clip] for clip in validation.clips])
    corpora = np.array([voices.corpora[clip] for clip in validation.clips])
    hits = predicted == truth
    confusion = np.zeros((len(names), len(names)), int)
    np.add.at(confusion, (truth[acted], predicted[acted]), 1)
    # Emotions without a clip have no recall.
    present = [i for i in range(len(names)) if confusion[i].sum()]
    recalls = {names[i]: float(confusion[i, i] / confusion[i].sum()) for i in present}
    by_speaker = {
        name: float(hits[acted & (speakers == name)].mean())
        for name in sorted(set(speakers[acted].tolist()))
    }
    return {
        "accuracy": float(hits[acted].mean()),
        "mean_recall": float(np.mean(list(recalls.values()))),
        "most_common_share": float(confusion.sum(1).max() / confusion.sum()),
        "recall": recalls,
        "speakers": by_speaker,
        "confusion": {
            names[i]: dict(zip(names, confusion[i].tolist(), strict=True)) for i in present
        },
        # The two errors a user notices: emotion that is missed, and emotion where there is none.
        "missed": float((predicted[acted & (truth > 0)] == 0).mean()),
        "false_alarms": {
            name: float((predicted[~acted & (corpora == name)] > 0).mean())
            for name in sorted(set(corpora[~acted].tolist()))
        },
    }


def _record(voices: Voices, validation: CrossValidation, sharpness: float) -> dict[str, Any]:
    return {
        "method": "kernel ridge regression on voice statistics",
        "clips": dict(sorted(Counter(voices.corpora).items())),
        "windows": len(voices.clip),
        "left_out": left_out_scores(voices, validation, sharpness),
    }
