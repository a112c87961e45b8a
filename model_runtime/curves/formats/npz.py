"""Read and write CSTalk curve files, numpy archives.

Entries: ``values`` float32 (frames, channels), ``channels``, ``fps``, ``start_s`` and ``request``
(JSON text). ``neutral``, of the shape of ``values``, has the curves without emotion where they are
known; readers that do not know it ignore it.
"""

from __future__ import annotations

import json
import struct
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.lib.npyio import NpzFile

from ...errors import BadCurves
from ...files import replacing
from ..layered import LayeredCurves
from ..track import CurveTrack

CORRUPTION = (
    *(ValueError, TypeError, KeyError, EOFError, AttributeError, SyntaxError, OverflowError),
    *(zipfile.BadZipFile, zlib.error, struct.error, tokenize.TokenError),
    RuntimeError,  # raised by zipfile for encryption or an unknown compression
    MemoryError,  # a corrupt shape can be huge
)
"""Exceptions of numpy and zipfile on damaged files."""
AGAIN_HINT = "Generate the curves again"
NEEDED = {"values", "channels", "fps", "start_s"}
"""Entries without which there are no curves."""
OTHER_HINT = "Choose a file that CSTalk wrote, or generate the curves again"
OBJECTS = "an entry holds objects instead of numbers or text"
"""Start of numpy's advice to unpickle a file, which this project never does."""
ARCHIVE_START = b"PK"
"""First bytes of a zip archive."""
NEUTRAL = "neutral"
"""Entry with the curves without emotion."""


def write(track: CurveTrack, path: Path) -> None:
    """Write the file; equal tracks give equal bytes.

    Args:
        track: The curves.
        path: Target in an existing folder.

    Raises:
        BadOutput: The file cannot be written.
    """
    write_layered(LayeredCurves.without_layers(track), path)


def write_layered(curves: LayeredCurves, path: Path) -> None:
    """Write the file, with the curves without emotion where they are known.

    Args:
        curves: The curves.
        path: Target in an existing folder.

    Raises:
        BadOutput: The file cannot be written.
    """
    track = curves.full
    more: dict[str, Any] = {}  # Any: numpy types a keyword of savez as bool
    if curves.has_emotion:
        more[NEUTRAL] = np.ascontiguousarray(curves.speech.values, np.float32)
    with replacing(path) as stream:
        # No time stamps of its own, so that equal tracks give equal bytes.
        np.savez(
            stream,
            values=np.ascontiguousarray(track.values, np.float32),
            channels=np.array(track.channels, np.str_),
            fps=np.float64(track.fps),
            start_s=np.float64(track.start_s),
            # sort_keys: the bytes must not depend on how a request was built.
            request=np.array(json.dumps(track.request, sort_keys=True, ensure_ascii=False)),
            **more,
        )


def read(path: Path) -> CurveTrack:
    """Read the file without its second track.

    Raises:
        BadCurves: The file is corrupt or pickled, or an entry is missing or of another shape.
        OSError: The file cannot be opened.
    """
    return read_layered(path).full


def read_layered(path: Path) -> LayeredCurves:
    """Read the file, with the curves without emotion where it has them.

    Raises:
        BadCurves: The file is corrupt or pickled, or an entry is missing or of another shape.
        OSError: The file cannot be opened.
    """
    try:
        # Opened by us: np.load leaves a file open that it cannot read.
        with path.open("rb") as stream, _opened(stream) as data:
            values, channels = data["values"], data["channels"]
            fps, start_s = float(data["fps"]), float(data["start_s"])
            request: Any = json.loads(str(data["request"])) if "request" in data else {}
            neutral = data.get(NEUTRAL)
    except CORRUPTION as error:
        raise BadCurves(
            f"{path.name} is not a CSTalk curve file: {reason_of(error)}", hint=OTHER_HINT
        ) from error
    # Types are checked before anything is computed with them.
    kinds = {values.dtype.kind, "f" if neutral is None else neutral.dtype.kind}
    if kinds != {"f"} or channels.ndim != 1 or channels.dtype.kind != "U":
        raise BadCurves(f"{path.name} has entries of the wrong type", hint=AGAIN_HINT)
    track = CurveTrack(
        values=values.astype(np.float32, copy=False),
        channels=tuple(str(name) for name in channels),
        fps=fps,
        start_s=start_s,
        request=request if isinstance(request, dict) else {},
    )
    if neutral is None:
        return LayeredCurves.without_layers(track)
    return LayeredCurves(track, track.replaced(values=neutral.astype(np.float32, copy=False)))


def reason_of(error: Exception) -> str:
    """Return why numpy did not read a file, in one line without advice on unpickling."""
    reason = " ".join(str(error).split()) or type(error).__name__
    return OBJECTS if "pickle" in reason else reason


def _opened(stream: BinaryIO) -> NpzFile:
    """Return the archive in a stream with all entries that curves need. Raises ValueError."""
    # numpy takes anything that is no archive for a pickle.
    if stream.read(len(ARCHIVE_START)) != ARCHIVE_START:
        raise ValueError("it is no numpy archive")
    stream.seek(0)
    data = np.load(stream, allow_pickle=False)
    missing = NEEDED - set(data.files)
    if missing:
        raise ValueError(f"it has no {', '.join(sorted(missing))}")
    return cast(NpzFile, data)
