"""A corpus file damaged in any way is skipped or read, and never raises, warns or stays open."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from model_runtime.curves.rig import load_rig
from model_runtime.training.corpora.reading import read_corpus
from tests.fakes.corpora import (
    long_textgrid,
    write_beat_face,
    write_maya_cache,
    write_npy,
    write_npz,
    write_text,
)

NAMES = load_rig("arkit52").channel_names
WEIGHTS = np.random.default_rng(1).uniform(size=(6, 52)).astype(np.float32)
DAMAGES = 40


def beat(folder: Path) -> None:
    write_beat_face(folder / "1_wayne_0_1_1.json", NAMES, WEIGHTS)
    write_text(folder / "1_wayne_0_1_1.TextGrid", long_textgrid([(0, 0.3, "oh"), (0.3, 0.5, "no")]))


def beat2(folder: Path) -> None:
    path = folder / "smplxflame_30" / "1_wayne_0_1_1.npz"
    write_npz(path, poses=np.zeros((6, 165)), expressions=np.zeros((6, 100)))


def etf(folder: Path) -> None:
    write_npy(folder / "RD_Radio1_000.npy", WEIGHTS)


def blendvoca(folder: Path) -> None:
    rows = [",".join(NAMES), *(",".join(f"{w:.6f}" for w in row) for row in WEIGHTS)]
    write_text(folder / "blendshape_coeffs" / "FaceTalk" / "sentence01.csv", "\n".join(rows))


def emoface(folder: Path) -> None:
    controls = load_rig("metahuman").channel_names
    write_text(folder / "valid_attr_names.txt", "\n".join(controls))
    rows = "\n".join(",".join(["0.25"] * len(controls)) for _ in range(4))
    write_text(folder / "VALID_CTR" / "angry_a_1.txt", rows)


def claire(folder: Path) -> None:
    shapes = np.random.default_rng(2).normal(size=(3, 12, 3))
    write_npz(
        folder / "bs_data" / "bs_skin.npz",
        poseNames=np.array([b"neutral", b"jawOpen", b"mouthClose"]),
        frontalMask=np.arange(12),
        neutral=shapes[0],
        jawOpen=shapes[1],
        mouthClose=shapes[2],
    )
    write_maya_cache(folder / "cache" / "skin" / "cp1_joy.mc", np.stack([shapes[0]] * 4))


def damaged(contents: bytes, chance: random.Random) -> bytes:
    """Cut off, with some bytes changed, or with a stretch replaced."""
    kind, place = chance.randrange(3), chance.randrange(len(contents))
    if kind == 0:
        return contents[:place]
    spoilt = bytearray(contents)
    if kind == 1:
        for _ in range(chance.choice((1, 2, 20))):
            spoilt[chance.randrange(len(spoilt))] = chance.randrange(256)
    else:
        filler = chance.choice((0, 44, 48, 57, 255))
        spoilt[place : place + chance.choice((1, 4, 50))] = bytes([filler]) * chance.choice((1, 50))
    return bytes(spoilt)


@pytest.mark.parametrize("write", [beat, beat2, etf, blendvoca, emoface, claire])
def test_no_damage_makes_a_reading_fail(write: Callable[[Path], None], tmp_path: Path) -> None:
    write(tmp_path)
    kind = write.__name__
    assert len(read_corpus(kind, tmp_path).clips) == 1
    files = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    whole = {path: path.read_bytes() for path in files}
    chance = random.Random(kind)
    skipped = 0
    for _ in range(DAMAGES):
        path = chance.choice(files)
        path.write_bytes(damaged(whole[path], chance))
        skipped += bool(read_corpus(kind, tmp_path).skipped)
        path.write_bytes(whole[path])
    assert skipped > DAMAGES // 10
