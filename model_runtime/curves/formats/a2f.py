"""Read and write the JSON export of Audio2Face: ``facsNames`` and ``weightMat``, a row per frame.

``mouthClose`` is written as Apple defines it: lips closed while the jaw is open. The solver of
Audio2Face itself adds ``jawOpen`` to it.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import BadCurves
from ...files import replacing
from ..track import CurveTrack

DECIMALS = 6
HEAD_ROTATIONS = ("headYaw", "headPitch", "headRoll")
# json.loads needs several times the file in memory.
MAX_BYTES = 2**31
AGAIN_HINT = "Export the file again"


def write(track: CurveTrack, path: Path) -> None:
    """Write the file, one frame per line.

    Args:
        track: The curves.
        path: Target in an existing folder.

    Raises:
        BadOutput: The file cannot be written.
    """
    # Audio2Face has weights only: head rotations in radians would be read as such.
    kept = [i for i, name in enumerate(track.channels) if name not in HEAD_ROTATIONS]
    # Whole rates are written as integers, as Audio2Face does.
    fps = round(track.fps) if float(track.fps).is_integer() else track.fps
    head = {
        "exportFps": fps,
        "trackPath": str(track.request.get("audio", "")),
        "numPoses": len(kept),
        "numFrames": track.frame_count,
        "facsNames": [track.channels[i] for i in kept],
    }
    # Frame by frame: an hour as one Python list would take gigabytes.
    with replacing(path) as stream:
        stream.write(json.dumps(head, ensure_ascii=False)[:-1].encode())
        stream.write(b', "weightMat": [')
        for i, row in enumerate(track.values[:, kept]):
            # Rounded in float64: float32 would print 0.1 as 0.10000000149.
            weights = np.round(row.astype(np.float64), DECIMALS).tolist()
            stream.write((",\n" if i else "\n").encode() + json.dumps(weights).encode())
        stream.write(b"\n]}\n")


def read(path: Path) -> CurveTrack:
    """Read the file; ``trackPath`` becomes the request's ``audio``.

    Raises:
        BadCurves: Not JSON, a field is missing, or the rows do not match the names.
        OSError: The file cannot be opened.
    """
    if path.stat().st_size > MAX_BYTES:
        raise BadCurves(f"{path.name} is larger than 2 GB", hint="Use the npz format")
    try:
        # utf-8-sig: some editors add a byte order mark.
        data: Any = json.loads(path.read_text(encoding="utf-8-sig"))
        names, rows = data["facsNames"], data["weightMat"]
        values = np.array(rows, np.float32).reshape(len(rows), -1)
        fps = float(data["exportFps"])
    # RecursionError: deeply nested brackets.
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        raise BadCurves(
            f"{path.name} is not an Audio2Face export: {reason}", hint=AGAIN_HINT
        ) from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadCurves(f"{path.name} has facsNames that are not a list of names", hint=AGAIN_HINT)
    if data.get("numFrames", len(rows)) != len(rows) or not math.isfinite(fps):
        raise BadCurves(
            f"{path.name} states another number of frames than it contains", hint=AGAIN_HINT
        )
    audio = str(data.get("trackPath") or "")
    return CurveTrack(values, tuple(names), fps, request={"audio": audio} if audio else {})
