"""Recompute the speech curves of finished caches after a change of the labels, without audio."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...files import replace_file
from ..alignment.forced import PhoneTime
from ..data.cache import Cache, Entry, cut, read_cache
from ..reference.articulation import CALIBRATED, ArticulationModel, load_articulation
from .items import mouth_of
from .phones import known_alignments

log = logging.getLogger(__name__)


def relabel(folder: Path, work: Path, *, hand_set: bool = False) -> int:
    """Rewrite ``mouth.bin`` of a cache and return the number of items that were recomputed.

    Filmed and still items keep their curves. After a kill the old labels stay.

    Args:
        folder: A finished cache.
        work: Where the alignments are.
        hand_set: With the articulation as it was before the calibration, for the ablation.
    """
    cache = read_cache(folder)
    # Films and recorded faces have no labels that could change.
    if not any(entry.supervision == "phones" for entry in cache.entries):
        return 0
    aligned = known_alignments(work, cache.name)
    articulation = load_articulation(None if hand_set else CALIBRATED)
    # The old curves stay in place, mapped by `cache`, until the new file is whole.
    temporary = folder / "mouth.tmp"
    digest, count = hashlib.sha256(), 0
    with temporary.open("wb") as file:
        for entry in cache.entries:
            # Alignments name files within the corpus.
            name = entry.clip.removeprefix(f"{cache.name}/")
            mouth = cut(cache, entry, 0, entry.frames).mouth
            if entry.supervision == "phones":
                mouth = _mouth(cache, entry, aligned[name].phones, articulation)
                count += 1
            data = np.ascontiguousarray(mouth, np.float16).tobytes()
            digest.update(data)
            file.write(data)
    # Curves before index: a kill between the two is found as a damaged checksum when it is
    # verified.
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    index["sha256"]["mouth"] = digest.hexdigest()
    os.replace(temporary, folder / "mouth.bin")
    replace_file(folder / "index.json", json.dumps(index).encode())
    log.info("%s: %d items relabelled", cache.name, count)
    return count


def _mouth(
    cache: Cache, entry: Entry, phones: Sequence[PhoneTime], articulation: ArticulationModel
) -> np.ndarray:
    # Alignments are those of the clip as recorded.
    moved = [
        dataclasses.replace(p, start_s=p.start_s / entry.speed, end_s=p.end_s / entry.speed)
        for p in phones
    ]
    return mouth_of(moved, cut(cache, entry, 0, entry.frames).features, articulation)
