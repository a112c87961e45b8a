"""``train emotion``: the judge that hears emotion in a voice, and its score on new speakers."""

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
from .fit import Judgements, fit, fitted_sharpness, judge_left_out
from .voice_data import READ, Voices, gather_voices

log = logging.getLogger(__name__)


def train_emotion(settings: Settings, output: Path) -> dict[str, Any]:
    """Learn from the speech under ``settings.data`` and write a checkpoint folder.

    Returns:
        What is known of the judge; ``training`` in its config.

    Raises:
        BadArgument: No corpus with acted emotions, or one speaker only.
        BadOutput: The folder cannot be written.
    """
    progress = ProgressLine()
    output.parent.mkdir(parents=True, exist_ok=True)
    voices = gather_voices(settings.data, report=progress)
    judged = judge_left_out(voices, report=lambda done, of: progress("left out", done, of))
    sharpness = fitted_sharpness(judged, [voices.emotions[clip] for clip in judged.clips])
    model = fit(voices, np.ones(len(voices.clip), bool))
    model = dataclasses.replace(model, sharpness=sharpness)
    record = _record(voices, judged, sharpness)
    save_emotion_model(output, model, record)
    log.info("%s: %s", output, record["left_out"])
    return record


def left_out_scores(voices: Voices, judged: Judgements, sharpness: float) -> dict[str, Any]:
    """Accuracy and confusion of acted clips, false alarms of read ones, all of voices left out."""
    names = judged.emotions
    said = judged.probabilities(sharpness).argmax(1)
    truth = np.array([names.index(voices.emotions[clip]) for clip in judged.clips])
    acted = np.array([voices.labels[clip] != READ for clip in judged.clips])
    speakers = np.array([voices.speakers[clip] for clip in judged.clips])
    corpora = np.array([voices.corpora[clip] for clip in judged.clips])
    hits = said == truth
    confusion = np.zeros((len(names), len(names)), int)
    np.add.at(confusion, (truth[acted], said[acted]), 1)
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
        "missed": float((said[acted & (truth > 0)] == 0).mean()),
        "false_alarms": {
            name: float((said[~acted & (corpora == name)] > 0).mean())
            for name in sorted(set(corpora[~acted].tolist()))
        },
    }


def _record(voices: Voices, judged: Judgements, sharpness: float) -> dict[str, Any]:
    return {
        "method": "kernel ridge regression on voice statistics",
        "clips": dict(sorted(Counter(voices.corpora).items())),
        "windows": len(voices.clip),
        "left_out": left_out_scores(voices, judged, sharpness),
    }
