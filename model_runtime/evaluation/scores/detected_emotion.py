"""Evaluate the emotion that is detected in voices of speakers who were left out."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...emotion.classifier import shipped_emotion_model
from ...emotion.voice_statistics import PITCH_AND_LOUDNESS
from ...training.emotion.fit import cross_validate, fitted_sharpness
from ...training.emotion.stage import left_out_scores
from ...training.emotion.voice_data import NEVER_TRAINED, Voices, gather_voices
from ..table import aligned

Report = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class VoiceEmotionEvaluation:
    """Scores of the method and of simpler ones; false alarms of the shipped weights."""

    columns: Mapping[str, Mapping[str, Any]]
    """``left_out_scores`` of each way to train, by name."""
    shipped_false_alarms: Mapping[str, float]
    """Share of read clips, of corpora never trained on, in which an emotion is detected."""


def evaluate_detection(data: Path, report: Report) -> VoiceEmotionEvaluation:
    """Train on all speakers but one and classify that one, for every speaker and each way.

    Args:
        data: Data folder.
        report: Called with what is being done.

    Raises:
        BadArgument: No acted corpus.
        BadWeights: No shipped classifier.
    """

    def reading(corpus: str, done: int, total: int) -> None:
        if done % 100 == 0 or done == total:
            report(f"{corpus}: {done} of {total} clips")

    voices = gather_voices(data, report=reading)
    ways: dict[str, dict[str, Any]] = {
        # Baselines: what simple features know, and what read speech is there for.
        "voice": {},
        "pitch and loudness": {"columns": PITCH_AND_LOUDNESS},
        "without read speech": {"with_read": False},
    }
    columns = {}
    for name, way in ways.items():
        report(f"classifying speakers left out: {name}")
        validation = cross_validate(voices, **way)
        sharpness = fitted_sharpness(
            validation, [voices.emotions[clip] for clip in validation.clips]
        )
        columns[name] = left_out_scores(voices, validation, sharpness)
    # Corpora that the classifier is never trained on.
    never = gather_voices(data, report=reading, names=NEVER_TRAINED)
    return VoiceEmotionEvaluation(columns, _false_alarms(never))


def as_text(evaluation: VoiceEmotionEvaluation) -> str:
    """Return the tables: accuracy, confusions of the first classifier, false alarms."""
    names = list(evaluation.columns)
    chance = evaluation.columns[names[0]]["most_common_share"]
    rows = [["emotion detected, speaker left out", *names, "most common emotion"]]
    rows += [
        [title, *(f"{evaluation.columns[name][key]:.3f}" for name in names), peer]
        for title, key, peer in (
            ("acted clips named rightly", "accuracy", f"{chance:.3f}"),
            ("  mean over emotions", "mean_recall", f"{1 / _emotions(evaluation):.3f}"),
            ("  emotion taken for neutral", "missed", ""),
        )
    ]
    rows.append(["  worst speaker", *(_worst(evaluation.columns[name]) for name in names), ""])
    for corpus in evaluation.columns[names[0]]["false_alarms"]:
        alarms = [f"{evaluation.columns[name]['false_alarms'][corpus]:.3f}" for name in names]
        rows.append([f"false alarms, {corpus} left out", *alarms, ""])
    parts = [aligned(rows), _confusion(evaluation.columns[names[0]]["confusion"])]
    shipped = [
        [corpus, f"{share:.3f}"] for corpus, share in evaluation.shipped_false_alarms.items()
    ]
    if shipped:
        parts.append(aligned([["shipped weights, never trained on", "false alarms"], *shipped]))
    return "\n\n".join(parts) + "\n"


def as_json(evaluation: VoiceEmotionEvaluation) -> str:
    """Return everything in the tables as indented JSON."""
    return json.dumps(dataclasses.asdict(evaluation), indent=1) + "\n"


def _emotions(evaluation: VoiceEmotionEvaluation) -> int:
    return len(next(iter(evaluation.columns.values()))["recall"])


def _worst(scores: Mapping[str, Any]) -> str:
    speakers = scores["speakers"]
    # By name where two are equal, so that the table is stable.
    name = min(speakers, key=lambda speaker: (speakers[speaker], speaker))
    return f"{speakers[name]:.3f} ({name})"


def _confusion(confusion: Mapping[str, Mapping[str, int]]) -> str:
    said = list(next(iter(confusion.values())))
    rows = [["acted, detected as", *said]]
    rows += [[name, *(str(counts[other]) for other in said)] for name, counts in confusion.items()]
    return aligned(rows)


def _false_alarms(voices: Voices) -> dict[str, float]:
    if not len(voices.clip):
        return {}
    probabilities = shipped_emotion_model().probabilities(voices.statistics)
    corpora = np.array(voices.corpora)
    # The mean over the windows of a clip, as in generation.
    emotional = np.array(
        [
            probabilities[voices.clip == clip].mean(0).argmax() > 0
            for clip in range(len(voices.corpora))
        ]
    )
    return {name: float(emotional[corpora == name].mean()) for name in sorted(set(voices.corpora))}
