"""Read files of corpora safely: whatever is wrong is a BadCurves. No pickle, ever."""

from __future__ import annotations

import contextlib
import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arrays import DoubleArray, FloatArray
from ...curves.formats.npz import CORRUPTION, reason_of
from ...errors import BadCurves

AUDIO_SUFFIXES = (".wav", ".flac", ".opus", ".ogg", ".m4a", ".mp3", ".mov", ".mp4")
"""In order of preference where several stand side by side."""
MAX_GAPS = 3.0
"""A file with fewer frames than a third of its time would be mostly invented."""
PICKLE_SUFFIXES = (".pkl", ".pickle", ".pt", ".pth", ".joblib")


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what libraries raise on a broken file into BadCurves with one line of reason."""
    try:
        yield
    except OSError as error:
        # strerror leaves out the path, which the caller names.
        raise BadCurves(f"Cannot be read: {error.strerror or error}") from error
    except (*CORRUPTION, IndexError) as error:
        raise BadCurves(f"Not a whole {path.suffix} file: {reason_of(error)[:200]}") from error


def load_array(path: Path) -> NDArray[Any]:
    """Return the array of an npy file. Raises BadCurves, also for pickled objects."""
    with reading(path), path.open("rb") as stream:
        # allow_pickle=False: an array of objects would run code when it is loaded.
        array = np.load(stream, allow_pickle=False)
    if not isinstance(array, np.ndarray):
        raise BadCurves("Holds several arrays where one is expected")
    return array


def load_arrays(path: Path, names: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    """Return entries of an npz file. Raises BadCurves: broken, pickled, or one missing.

    Args:
        path: The npz file.
        names: Entries wanted.
    """
    # np.load leaves a file open that it opened itself and cannot read.
    with (
        # The archive is opened from a stream of ours, so that it is closed in every case.
        reading(path),
        path.open("rb") as stream,
        np.load(stream, allow_pickle=False) as archive,
    ):
        missing = set(names) - set(archive.files)
        if missing:
            raise BadCurves(f"Lacks {', '.join(sorted(missing))}")
        return {name: archive[name] for name in names}


def load_json(path: Path) -> Any:
    """Return a parsed JSON file. Raises BadCurves."""
    with reading(path):
        # A byte order mark is not JSON.
        return json.loads(path.read_text(encoding="utf-8-sig"))


def read_table(path: Path, delimiter: str = ",") -> tuple[tuple[str, ...], FloatArray]:
    """Return header and rows of numbers. Raises BadCurves with the line at fault.

    Args:
        path: The text file.
        delimiter: Between columns.
    """
    with reading(path):
        text = path.read_text(encoding="utf-8-sig")
        rows = [row for row in csv.reader(text.splitlines(), delimiter=delimiter) if row]
    if len(rows) < 2:
        raise BadCurves("Holds no rows")
    header = tuple(name.strip() for name in rows[0])
    values = np.empty((len(rows) - 1, len(header)))
    for number, row in enumerate(rows[1:]):
        try:
            values[number] = [float(cell) for cell in row]
        except (ValueError, TypeError) as error:
            raise BadCurves(f"Row {number + 2} cannot be read: {error}") from error
    return header, finite(values)


def motion(array: NDArray[Any], columns: int) -> FloatArray:
    """Return ``array`` as (frames, columns) float32; a leading axis of 1 is dropped.

    Args:
        array: As it was read.
        columns: Number of columns wanted.

    Raises:
        BadCurves: Another shape or type, or values that are not finite.
    """
    # EmoTalk and ProbTalk3D store a batch axis of 1.
    if array.ndim == 3 and array.shape[0] == 1:
        array = array[0]
    # Objects and text are refused before any conversion.
    if array.ndim != 2 or array.shape[1] != columns or array.dtype.kind not in "fiu":
        raise BadCurves(f"Shape {array.shape} of {array.dtype}, expected (frames, {columns})")
    return finite(array)


def finite(array: NDArray[Any]) -> FloatArray:
    """Return ``array`` as float32. Raises BadCurves for NaN, infinity or what becomes infinity."""
    # Values beyond float32 become infinity here, which is what the check below looks for.
    with np.errstate(over="ignore"):
        values = array.astype(np.float32)
    if not np.isfinite(values).all():
        raise BadCurves("Holds NaN or infinity")
    return values


def sounds_by_stem(folder: Path) -> dict[str, Path]:
    """Return audio files anywhere under ``folder`` by file name without ending."""
    found: dict[str, Path] = {}
    # Reversed, so that the preferred format is written last and wins.
    for suffix in reversed(AUDIO_SUFFIXES):
        for path in sorted(folder.rglob(f"*{suffix}"), reverse=True):
            found[path.stem] = path
    return found


def sound_beside_or_none(base: Path) -> Path | None:
    """Return the audio file whose name is ``base`` with some ending, or None."""
    candidates = (base.with_name(base.name + suffix) for suffix in AUDIO_SUFFIXES)
    return next((path for path in candidates if path.is_file()), None)


def evenly_spaced(times_s: DoubleArray, values: FloatArray, fps: float) -> FloatArray:
    """Return rows at even times from 0 s to the last time; rows already there are kept.

    Args:
        times_s: Rising times of the rows, shape (n,).
        values: Shape (n, columns).
        fps: Rows a second of the result.

    Raises:
        BadCurves: Times do not rise, or most of the frames are missing.
    """
    if len(times_s) > 1 and not (np.diff(times_s) > 0).all():
        raise BadCurves("Times of the frames do not rise")
    # The last time decides the length: frames may be missing anywhere before.
    count = round(float(times_s[-1]) * fps) + 1
    if not 0 < count <= MAX_GAPS * len(times_s):
        raise BadCurves(f"{len(times_s)} frames up to {times_s[-1]:g} s do not fit {fps:g} fps")
    grid = np.arange(count) / fps
    # Within half a frame of the grid nothing needs to be interpolated, and values stay as recorded.
    if len(grid) == len(times_s) and np.abs(grid - times_s).max() * fps < 0.5:
        return values
    columns = [np.interp(grid, times_s, column) for column in values.T]
    return np.stack(columns, axis=1).astype(np.float32)
