"""What the sheet of emotions is made from; its processes share it as JSON. Stdlib only."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class EmotionJob:
    """One sheet. Paths are absolute."""

    title: str
    frame_rate: int
    curves: dict[str, str]
    """The npz of the runtime, by emotion: a row each."""
    times_s: list[float]
    """Moments of the line: a column each."""
    labels: list[str]
    """What is spoken then."""
    pictures: str
    """Folder of the rendered pictures."""
    out: str
    """The sheet, a JPEG."""


def read_emotion_job(path: Path) -> EmotionJob:
    """Read what :func:`write_emotion_job` wrote."""
    return EmotionJob(**json.loads(path.read_text(encoding="utf-8")))


def write_emotion_job(job: EmotionJob, path: Path) -> None:
    """Write the job as JSON."""
    path.write_text(json.dumps(dataclasses.asdict(job), indent=1), encoding="utf-8")


def picture_path(folder: Path, emotion: str, column: int) -> Path:
    """File of one picture of the sheet."""
    return folder / f"{emotion}_{column}.png"
