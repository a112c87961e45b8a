"""Laws of mixing generators: the mean of goes, and one channel's rest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model_runtime.arrays import FloatArray
from model_runtime.checkpoint.folder import Checkpoint, load_checkpoint
from model_runtime.engines.numpy_engine import NumpyEngine
from model_runtime.errors import BadArgument
from model_runtime.training.cli import main
from model_runtime.training.stages.mix import Touches, mix
from tests.fakes.checkpoints import write_tiny_checkpoint


@pytest.fixture
def goes(tmp_path: Path) -> list[Path]:
    """Two generators of one shape."""
    return [write_tiny_checkpoint(tmp_path / f"go{seed}", seed=seed) for seed in (1, 2)]


def curves_of(checkpoint: Checkpoint) -> FloatArray:
    """What a generator makes of 40 frames of noise, shape (40, C)."""
    rng = np.random.default_rng(0)
    style = checkpoint.config.style_dim
    given = rng.standard_normal((80, 80)), np.zeros((40, 8)), rng.standard_normal((40, style))
    return NumpyEngine(checkpoint).run(*(x.astype(np.float32) for x in given)).curves


def test_the_mix_is_the_weighted_mean(goes: list[Path], tmp_path: Path) -> None:
    mixed = load_checkpoint(mix([(goes[0], 3), (goes[1], 1)], tmp_path / "mixed"))
    first, second = (load_checkpoint(go).tensors for go in goes)
    for name, tensor in mixed.tensors.items():
        wanted = 0.75 * first[name] + 0.25 * second[name]
        np.testing.assert_allclose(tensor, wanted, rtol=1e-3, atol=1e-3, err_msg=name)


def test_a_lowered_channel_moves_and_no_other(goes: list[Path], tmp_path: Path) -> None:
    before, after = (
        load_checkpoint(mix([(goes[0], 1)], tmp_path / name, Touches(lowered=lowered)))
        for name, lowered in (("as it is", {}), ("lower", {"jawOpen": 0.125}))
    )
    region = before.config.region_of[before.config.channels.index("jawOpen")]
    moved = {
        name: before.tensors[name] - tensor
        for name, tensor in after.tensors.items()
        if not np.array_equal(before.tensors[name], tensor)
    }
    assert list(moved) == [f"heads.{region}.bias"]
    jaws = [
        c
        for c, r in zip(before.config.channels, before.config.region_of, strict=True)
        if r == region
    ]
    assert np.flatnonzero(moved[f"heads.{region}.bias"]).tolist() == [jaws.index("jawOpen")]
    assert moved[f"heads.{region}.bias"].max() == pytest.approx(0.125, abs=1e-3)


def test_a_scaled_channel_moves_so_much_more_and_no_other(goes: list[Path], tmp_path: Path) -> None:
    before, after = (
        load_checkpoint(mix([(goes[0], 1)], tmp_path / name, Touches(scaled=scaled)))
        for name, scaled in (("as it is", {}), ("more", {"jawOpen": 1.25}))
    )
    wanted, acted = curves_of(before), curves_of(after)
    wanted[:, before.config.channels.index("jawOpen")] *= 1.25
    np.testing.assert_allclose(acted, wanted, atol=2e-3)


def test_a_channel_follows_another_of_its_region_as_well(goes: list[Path], tmp_path: Path) -> None:
    channels = load_checkpoint(goes[0]).config.channels
    low, wide = (channels.index(name) for name in ("mouthLowerDownLeft", "mouthStretchLeft"))
    touches = Touches(
        scaled={"mouthStretchLeft": 2.0},
        following={("mouthLowerDownLeft", "mouthStretchLeft"): 0.5},
    )
    wanted = curves_of(load_checkpoint(goes[0]))
    acted = curves_of(load_checkpoint(mix([(goes[0], 1)], tmp_path / "mixed", touches)))
    wanted[:, low] += wanted[:, wide]
    wanted[:, wide] *= 2
    np.testing.assert_allclose(acted, wanted, atol=4e-3)


def test_a_smoothed_channel_takes_its_share_from_the_frames_beside(
    goes: list[Path], tmp_path: Path
) -> None:
    acted = {}
    for name, smoothed in (("raw", {}), ("smooth", {"jawOpen": 0.4})):
        checkpoint = load_checkpoint(
            mix([(goes[0], 1)], tmp_path / name, Touches(smoothed=smoothed))
        )
        acted[name] = curves_of(checkpoint)
    wanted = acted["raw"].copy()
    jaw = wanted[:, load_checkpoint(goes[0]).config.channels.index("jawOpen")]
    jaw[:] = np.convolve(np.pad(jaw, 1, mode="edge"), [0.2, 0.6, 0.2], "valid")
    np.testing.assert_allclose(acted["smooth"], wanted, atol=2e-3)
    assert np.abs(acted["smooth"] - acted["raw"]).max() > 0.01


def test_the_record_names_every_part(goes: list[Path], tmp_path: Path) -> None:
    parts = [f"--part={go}={share}" for go, share in zip(goes, (0.6, 0.4), strict=True)]
    output = tmp_path / "mixed"
    touches = ["--lower=jawOpen=0.01", "--smooth=jawOpen=0.5", "--scale=jawOpen=1.2"]
    touches.append("--follow=mouthLowerDownLeft:mouthStretchLeft=0.1")
    assert main(["mix", *parts, *touches, f"--output={output}"]) == 0
    training = load_checkpoint(output).training
    assert [part["share"] for part in training["mixed"]] == [0.6, 0.4]
    assert len({part["weights"] for part in training["mixed"]}) == 2
    assert training["lowered"] == {"jawOpen": 0.01}
    assert training["smoothed"] == {"jawOpen": 0.5}
    assert training["scaled"] == {"jawOpen": 1.2}
    assert training["following"] == {"mouthLowerDownLeft:mouthStretchLeft": 0.1}


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--part=here"],
        ["--part={go}=0"],
        ["--part={go}=1", "--lower=noChannel=1"],
        ["--part={go}=1", "--smooth=noChannel=0.5"],
        ["--part={go}=1", "--follow=noChannel:jawOpen=0.5"],
        ["--part={go}=1", "--follow=jawOpen=0.5"],
        ["--part={go}=1", "--follow=jawOpen:mouthStretchLeft=0.5"],
        ["--part={go}=1", "--smooth=jawOpen=0.7"],
    ],
)
def test_what_cannot_be_mixed_is_refused_with_a_hint(
    goes: list[Path], tmp_path: Path, arguments: list[str]
) -> None:
    given = [text.format(go=goes[0]) for text in arguments]
    with pytest.raises(BadArgument) as caught:
        main(["mix", *given, f"--output={tmp_path / 'mixed'}"])
    assert caught.value.hint
    assert not (tmp_path / "mixed").exists()


def test_generators_of_two_shapes_are_not_mixed(goes: list[Path], tmp_path: Path) -> None:
    other = write_tiny_checkpoint(tmp_path / "other", hidden=16)
    with pytest.raises(BadArgument, match="differ"):
        mix([(goes[0], 1), (other, 1)], tmp_path / "mixed")
