"""Read and write Live Link Face CSV, the format of Epic's iPhone app.

A row holds a timecode, 52 ARKit shapes and 9 rotations. In the timecode ``HH:MM:SS:FF.sss``, FF
counts frames at a base rate (60 in the app) and .sss is in thousandths of such a frame. Rows may be
slower than the base rate, unevenly spaced, or missing.
"""

from __future__ import annotations

import csv
import io
import itertools
import logging
import math
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...arrays import DoubleArray, FloatArray
from ...errors import BadArgument, BadCurves
from ...files import replacing
from ..rig import rig_of_file
from ..track import CurveTrack

log = logging.getLogger(__name__)

FILE_KIND = "live-link-face"
"""The rig whose definition lists this kind in ``files`` defines the order of the columns."""
ROTATIONS = tuple(
    f"{part}{axis}" for part in ("head", "leftEye", "rightEye") for axis in ("Yaw", "Pitch", "Roll")
)
# The app counts at 60 whatever rate the phone records at.
LOOK_TURN = 0.5
"""Radians of an eye at value 1 of a look shape, as the add-on turns eye bones. Takes of the app
have yaw to the own right, pitch downwards, and roll equal to yaw times pitch."""
APP_RATE = 60
"""Base rate of the app; assumed for takes that are too short to measure it."""
TIMECODE = re.compile(r"(\d+):(\d+):(\d+):(\d+(?:\.\d+)?)")
RATE_TOLERANCE = 5e-4
"""Relative tolerance for rounding a measured rate to a standard one."""
DAY_S = 86_400.0
MAX_UNEVENNESS = 0.5
"""Largest distance of a row from the even grid, in output frames, without resampling."""
AGAIN_HINT = "Export the recording again"


def write(track: CurveTrack, path: Path) -> None:
    """Write the file: 61 values per row, channels matched by name, missing ones 0.

    Rotations of the eyes that the curves lack are those of their look shapes.

    The timecode counts at 60 for every frame rate, as the app does, with thousandths of a frame, so
    that real time, and with it the rate, can be read back.

    Args:
        track: The curves.
        path: Target in an existing folder.

    Raises:
        BadArgument: None of the channels is an ARKit shape.
        BadOutput: The file cannot be written.
    """
    track = _with_eye_rotations(track)
    columns = _columns()
    # Case differs between exports of different app versions.
    index = {name.lower(): i for i, name in enumerate(track.channels)}
    sources = [index.get(name.lower()) for name in columns]
    if not any(source is not None for source in sources):
        raise BadArgument(
            "Live Link CSV holds ARKit shapes, and these curves have none",
            hint="Write .npz or .json instead",
        )
    left_out = set(index) - {name.lower() for name in columns}
    if left_out:
        log.warning("Live Link CSV has no column for %s", ", ".join(sorted(left_out)))
    picked = [i for i in sources if i is not None]
    rows = np.zeros(len(columns), np.float64)
    present = [i for i, source in enumerate(sources) if source is not None]
    # The app's headings begin with a capital.
    header = ["Timecode", "BlendShapeCount", *(name[0].upper() + name[1:] for name in columns)]
    with replacing(path) as stream:
        stream.write((",".join(header) + "\n").encode())
        for frame, values in enumerate(track.values):
            rows[present] = values[picked]
            # Eight decimals: more than float32 holds.
            numbers = ",".join(f"{value:.8f}" for value in rows)
            code = timecode(frame * APP_RATE / track.fps, APP_RATE)
            stream.write(f"{code},{len(columns)},{numbers}\n".encode())


def _with_eye_rotations(track: CurveTrack) -> CurveTrack:
    """Return curves with yaw, pitch and roll of each eye, in radians, where looks have them."""
    values, names = [track.values], list(track.channels)
    for side, outward in (("left", 1.0), ("right", -1.0)):
        looks = [f"eyeLook{way}{side.capitalize()}" for way in ("Out", "In", "Up", "Down")]
        rotations = [f"{side}Eye{axis}" for axis in ("Yaw", "Pitch", "Roll")]
        if any(name in names for name in rotations) or not all(name in names for name in looks):
            continue
        out, inward, up, down = (track.column(name).astype(np.float64) for name in looks)
        yaw, pitch = -LOOK_TURN * outward * (out - inward), LOOK_TURN * (down - up)
        values.append(np.stack([yaw, pitch, yaw * pitch], axis=1).astype(np.float32))
        names += rotations
    return track.replaced(values=np.concatenate(values, axis=1), channels=tuple(names))


def timecode(base_frames: float, base: int) -> str:
    """Return ``HH:MM:SS:FF.sss`` of a time.

    Args:
        base_frames: Time in frames of the base rate.
        base: Base rate, frames per second.
    """
    # Thousandths first: rounding seconds and frames apart could carry twice.
    thousandths = round(base_frames * 1000)
    seconds, thousandths = divmod(thousandths, base * 1000)
    frame, thousandths = divmod(thousandths, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02d}:{minute:02d}:{second:02d}:{frame:02d}.{thousandths:03d}"


def read(path: Path, *, base_rate: int | None = None) -> CurveTrack:
    """Read a recording as evenly spaced frames that start at 0 s.

    Args:
        path: The CSV. Columns are matched by name, in any case and order; unknown ones are ignored,
            rotations may be missing.
        base_rate: Frames per second of the timecode; None measures it where the seconds change,
            or takes 60 if the recording is shorter than that.

    Raises:
        BadCurves: Not a Live Link Face CSV, or a row cannot be parsed.
        OSError: The file cannot be opened.
    """
    try:
        # newline="": quoted line breaks belong to the csv module.
        table = csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline=""))
        header = [name.strip().lower() for name in next(table, [])]
        rows = [row for row in table if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadCurves(f"{path.name} is not a CSV file: {error}", hint=AGAIN_HINT) from error
    known = {name.lower(): name for name in _columns()}
    picked = [(i, known[name]) for i, name in enumerate(header) if name in known]
    if "timecode" not in header or not picked or not rows:
        raise BadCurves(f"{path.name} is not a Live Link Face recording", hint=AGAIN_HINT)
    code_column = header.index("timecode")
    values = np.empty((len(rows), len(picked)), np.float32)
    codes = []
    for number, row in enumerate(rows):
        try:
            # Rates are not known yet: seconds and frames are kept apart.
            codes.append(_parse_timecode(row[code_column]))
            values[number] = [float(row[i]) for i, _ in picked]
        except (ValueError, IndexError) as error:
            raise BadCurves(
                f"Line {number + 2} of {path.name} cannot be parsed", hint=AGAIN_HINT
            ) from error
    fps, even = _evenly_spaced(_times_s(codes, base_rate), values, path.name)
    return CurveTrack(even, tuple(name for _, name in picked), fps)


def _columns() -> tuple[str, ...]:
    return (*rig_of_file(FILE_KIND).channel_names, *ROTATIONS)


def _parse_timecode(text: str) -> tuple[int, float]:
    """Return whole seconds, and frames within the second."""
    match = TIMECODE.fullmatch(text.strip())
    if match is None:
        raise ValueError(text)
    hour, minute, second = (int(match[i]) for i in (1, 2, 3))
    return (hour * 60 + minute) * 60 + second, float(match[4])


def _times_s(codes: Sequence[tuple[int, float]], base_rate: int | None) -> DoubleArray:
    """Return the seconds since the first row."""
    pairs = list(itertools.pairwise(codes))
    if base_rate is None:
        # Within a second the frame number rises by one step a row.
        steps = [b[1] - a[1] for a, b in pairs if a[0] == b[0]]
        # At the turn of a second it falls by a second's worth of frames, less a step.
        wraps = [a[1] - b[1] for a, b in pairs if b[0] in (a[0] + 1, a[0] + 1 - DAY_S)]
        base_rate = APP_RATE
        if steps and wraps:
            # Together they are the base rate, whatever the recorded rate is.
            base_rate = max(1, round(float(np.median(wraps) + np.median(steps))))
        elif wraps:
            base_rate = 1  # at most one frame per second
    seconds = np.array([whole + frames / base_rate for whole, frames in codes], np.float64)
    # The clock of a recording over midnight starts again at 0.
    seconds[1:] += DAY_S * np.cumsum(np.diff(seconds) < -DAY_S / 2)
    since: DoubleArray = seconds - seconds[0]
    return since


def _evenly_spaced(times_s: DoubleArray, values: FloatArray, name: str) -> tuple[float, FloatArray]:
    """Return frame rate and rows on an even grid; missing rows are interpolated."""
    if len(times_s) == 1:
        return float(APP_RATE), values
    steps = np.diff(times_s)
    if (steps <= 0).any():
        line = int(np.flatnonzero(steps <= 0)[0]) + 3
        raise BadCurves(f"The timecode of {name} does not increase at line {line}", hint=AGAIN_HINT)
    # Dropped rows make some steps twice as long: only usual ones count.
    usual = steps[np.abs(steps - np.median(steps)) <= 0.5 * np.median(steps)]
    fps = _usual_rate(1 / float(usual.mean()))
    frames = math.floor(times_s[-1] * fps + MAX_UNEVENNESS) + 1
    grid = np.arange(frames) / fps
    # Already even: values stay as they were recorded.
    if frames == len(times_s) and np.abs(times_s - grid).max() * fps <= MAX_UNEVENNESS:
        return fps, values
    columns = [np.interp(grid, times_s, column) for column in values.T]
    return fps, np.stack(columns, axis=1).astype(np.float32)


def _usual_rate(fps: float) -> float:
    whole = round(fps)
    # Rates of 29.97 and the like are a whole rate times 1000 / 1001.
    for rate in (float(whole), math.ceil(fps) * 1000 / 1001):
        if rate > 0 and abs(fps - rate) <= RATE_TOLERANCE * rate:
            return rate
    return fps
