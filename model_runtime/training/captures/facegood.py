"""Read FACEGOOD-Audio2Face: an artist's 116 rig curves at 30 fps, made into ARKit channels."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np

from ...arrays import DoubleArray
from ...errors import BadCurves
from ..reference.rig import reference_rig
from .dataset import CapturedClip, CapturedCorpus, observed_mask, on_model_clock
from .loudness import Loudness, best_lag, lag_profile, read_loudness

ROUNDED = {
    "mouth_oh_c": {"mouthFunnel": 0.7, "jawOpen": 0.15},
    "mouth_oo_c": {"mouthPucker": 0.7, "mouthFunnel": 0.2},
}
"""Rounded open and rounded closed lips are missing from the corpus's own table. Hand-set shares:
``oh`` and ``oo`` come on top of ``mouth_stretch_c`` (0.14 and 0.20 in the median while active)."""
MOVES = 0.02
"""A channel that never passes this value was not animated."""


def read_facegood(data: Path) -> CapturedCorpus:
    """Read all takes of ``data/capture/facegood`` on the clock of their audio, lag removed.

    Raises:
        BadCurves: The table names a curve that the takes do not have.
    """
    folder = data / "capture" / "facegood"
    table = read_table(folder / "to_arkit.tsv")
    with np.load(folder / "curves_116_30fps.npz") as archive:
        channels = [str(name) for name in archive["channels"]]
        fps = float(archive["fps"])
        takes = sorted(set(archive.files) - {"channels", "fps"})
        curves = {take: to_arkit(archive[take], channels, table) for take in takes}
    sounds = {take: read_loudness(folder / f"{take}.opus") for take in takes}
    jaw = reference_rig().channel_names.index("jawOpen")
    profiles = [lag_profile(curves[take][:, jaw], fps, sounds[take]) for take in takes]
    # One lag for all takes: it is a property of the production, not of a take.
    lag_s, correlation = best_lag(profiles)
    everything = np.concatenate(list(curves.values()))
    # A channel in the table that no take moves is not an observation of rest.
    observed = observed_mask(tuple(table)) & (everything.max(axis=0) > MOVES)
    clips = tuple(_clip(take, curves[take], sounds[take], fps, lag_s) for take in takes)
    figures = {"lag_correlation": correlation}
    return CapturedCorpus("facegood", clips, observed, fps, lag_s, figures)


def read_table(path: Path) -> dict[str, tuple[str, ...]]:
    """Return, by ARKit channel, the FACEGOOD curves whose largest it is; only valid rows."""
    # The case of the table's names may differ from Apple's.
    by_name = {name.lower(): name for name in reference_rig().channel_names}
    table: dict[str, tuple[str, ...]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.reader(file, delimiter="\t"):
            cells = [cell.strip() for cell in row if cell.strip()]
            # The table marks the rows that hold.
            if len(cells) == 3 and cells[2] == "valid" and cells[0].lower() in by_name:
                inside = re.sub(r"^max\((.*)\)$", r"\1", cells[1])
                sources = tuple(part.strip() for part in inside.split(","))
                table[by_name[cells[0].lower()]] = sources
    return table


def to_arkit(
    values: DoubleArray, channels: list[str], table: dict[str, tuple[str, ...]]
) -> DoubleArray:
    """Return ARKit curves (frames, 52), 0 to 1, of FACEGOOD values.

    Args:
        values: Shape (frames, len(channels)).
        channels: Names of the columns.
        table: From ``read_table``.
    """
    names = reference_rig().channel_names
    missing = {source for sources in table.values() for source in sources} - set(channels)
    if missing:
        raise BadCurves(f"The FACEGOOD takes lack the curves {sorted(missing)}")
    given = values.astype(np.float64)
    curves = np.zeros((len(given), len(names)))
    for target, sources in table.items():
        columns = [channels.index(source) for source in sources]
        # The largest, as the table says max(): the sum of two curves for one channel would exceed
        # 1.
        curves[:, names.index(target)] = given[:, columns].max(axis=1)
    for source, shares in ROUNDED.items():
        for target, share in shares.items():
            curves[:, names.index(target)] += share * given[:, channels.index(source)]
    # Rounding shares add to the table's channels and may pass 1.
    return np.clip(curves, 0.0, 1.0)


def _clip(
    take: str, curves: DoubleArray, sound: Loudness, fps: float, lag_s: float
) -> CapturedClip:
    resampled = on_model_clock(curves, np.arange(len(curves)) / fps - lag_s, sound.duration_s)
    return CapturedClip(
        name=take,
        curves=resampled,
        audio=f"capture/facegood/{take}.opus",
        speaker="facegood",
        duration_s=sound.duration_s,
        held_out=False,
        speech=~sound.silent(np.arange(len(resampled)) / 50.0),
    )
