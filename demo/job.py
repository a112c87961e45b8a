"""What one run of the demo is asked to do; its processes share it as JSON. Stdlib only."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Job:
    """One run. Paths are absolute; an empty one means there is none."""

    audio: str
    title: str
    """What the pictures are called."""
    curves: str
    """The npz of the runtime."""
    words: str
    """JSON with the times of the words; empty for speech without them."""
    blend: str
    """The person's own scene; empty for the studio with the demo head."""
    object_name: str
    """The face in it; empty for the active mesh, or else the mesh with most shapes."""
    pixels: int
    """Width and height of a frame in the studio."""
    frames_folder: str
    """Where the rendered frames are kept."""
    out_blend: str
    out_film: str
    out_sheet: str
    out_diagram: str


def read_job(path: Path) -> Job:
    """Read what :func:`write_job` wrote."""
    return Job(**json.loads(path.read_text(encoding="utf-8")))


def write_job(job: Job, path: Path) -> None:
    """Write the job as JSON."""
    path.write_text(json.dumps(dataclasses.asdict(job), indent=1), encoding="utf-8")


def frame_path(folder: Path, index: int) -> Path:
    """File of the picture at ``index`` frames after the start of the sound."""
    return folder / f"{index:05d}.png"
