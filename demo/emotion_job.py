"""Define the job of an emotion sheet, shared by its processes as JSON. Standard library only."""

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
    """Curve file of each emotion; one row each."""
    times_s: list[float]
    """Moments of the line; one column each."""
    labels: list[str]
    """Text spoken at each moment."""
    pictures: str
    """Folder of the rendered pictures."""
    out: str
    """JPEG file of the sheet."""


def read_emotion_job(path: Path) -> EmotionJob:
    """Read a job that :func:`write_emotion_job` wrote."""
    return EmotionJob(**json.loads(path.read_text(encoding="utf-8")))


def write_emotion_job(job: EmotionJob, path: Path) -> None:
    """Write a job as JSON.

    Args:
        job: The job.
        path: File to write.
    """
    path.write_text(json.dumps(dataclasses.asdict(job), indent=1), encoding="utf-8")


def picture_path(folder: Path, emotion: str, column: int) -> Path:
    """Return the file of one picture of the sheet.

    Args:
        folder: Folder of the pictures.
        emotion: Row.
        column: Index of the moment.
    """
    return folder / f"{emotion}_{column}.png"
