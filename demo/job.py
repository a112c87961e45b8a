"""Define one run of the demo, shared by its processes as JSON. Standard library only."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Job:
    """One run. Paths are absolute; an empty one means there is none."""

    audio: str
    title: str
    """Title of the pictures."""
    curves: str
    """Curve file of the runtime."""
    words: str
    """JSON with the times of the words; empty for speech without them."""
    blend: str
    """Scene of the user; empty for the studio with the demo head."""
    object_name: str
    """Face in it; empty for the active mesh, or else the mesh with most shapes."""
    pixels: int
    """Width and height of a frame in the studio."""
    frames_folder: str
    """Folder of the rendered frames."""
    out_blend: str
    out_film: str
    out_sheet: str
    out_diagram: str


def read_job(path: Path) -> Job:
    """Read a job that :func:`write_job` wrote."""
    return Job(**json.loads(path.read_text(encoding="utf-8")))


def write_job(job: Job, path: Path) -> None:
    """Write a job as JSON.

    Args:
        job: The job.
        path: File to write.
    """
    path.write_text(json.dumps(dataclasses.asdict(job), indent=1), encoding="utf-8")


def frame_path(folder: Path, index: int) -> Path:
    """Return the file of a frame.

    Args:
        folder: Folder of the frames.
        index: Frames since the start of the audio.
    """
    return folder / f"{index:05d}.png"
