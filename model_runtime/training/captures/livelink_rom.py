"""Read range-of-motion takes of Live Link Face: all 52 shapes, no audio."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from ...arrays import DoubleArray
from ...errors import BadCurves
from ..reference.rig import reference_rig
from .dataset import CapturedClip, CapturedCorpus, on_model_clock


def read_livelink_rom(data: Path) -> CapturedCorpus:
    """Read every CSV of ``data/capture/livelink_rom``."""
    folder = data / "capture" / "livelink_rom"
    clips = tuple(_read_clip(path) for path in sorted(folder.glob("*.csv")))
    observed = np.ones(len(reference_rig().channels), bool)
    return CapturedCorpus("livelink_rom", clips, observed, 0.0, 0.0, {})


def _read_clip(path: Path) -> CapturedClip:
    times_s, curves = read_take(path)
    resampled = on_model_clock(curves, times_s, float(times_s[-1]))
    return CapturedClip(
        name=path.stem,
        curves=resampled,
        audio=None,
        speaker=path.stem.split("_")[0],
        duration_s=float(times_s[-1]),
        held_out=False,
        speech=np.ones(len(resampled), bool),
    )


def read_take(path: Path) -> tuple[DoubleArray, DoubleArray]:
    """Return times in s from the first frame, (frames,), and ARKit curves 0..1, (frames, 52).

    Columns are matched by name without regard to case. Time codes are h:m:s:frame.part, at 60
    frames a second when a frame number of 30 or more occurs and at 30 else. Frames whose time
    does not rise are dropped.

    Raises:
        BadCurves: A channel is missing or a row is broken.
    """
    # utf-8-sig: exports of some programs begin with a byte order mark.
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.reader(file) if row]
    columns = {name.strip().lower(): i for i, name in enumerate(rows[0])}
    names = reference_rig().channel_names
    missing = [name for name in names if name.lower() not in columns]
    if missing:
        raise BadCurves(f"{path.name} lacks the channels {missing}")
    wanted = [columns[name.lower()] for name in names]
    try:
        codes = [[float(part) for part in row[0].split(":")] for row in rows[1:]]
        curves = np.array([[float(row[i]) for i in wanted] for row in rows[1:]])
        code = np.array(codes).reshape(-1, 4)
    except (ValueError, IndexError) as fault:
        raise BadCurves(f"{path.name} has a broken row: {fault}") from fault
    # The format does not state its rate; takes at 60 show frame numbers of 30 and more within a
    # second.
    rate = 60.0 if code[:, 3].max() >= 30.0 else 30.0
    times = code[:, :3] @ np.array([3600.0, 60.0, 1.0]) + code[:, 3] / rate
    # Time codes can repeat or step back.
    rising = np.concatenate([[True], times[1:] > np.maximum.accumulate(times)[:-1]])
    return times[rising] - times[0], np.clip(curves[rising], 0.0, 1.0)
