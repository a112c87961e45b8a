"""Laws of a training run: it survives kills, repeats bit for bit, and records what it was."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("scipy")

from model_runtime.checkpoint.folder import load_checkpoint  # noqa: E402
from model_runtime.cli.info import describe_training  # noqa: E402
from model_runtime.errors import BadArgument  # noqa: E402
from model_runtime.training.preparation.stage import prepare  # noqa: E402
from model_runtime.training.settings import (  # noqa: E402
    Settings,
    StageSettings,
    generator_config,
    read_settings,
)
from model_runtime.training.stages.generator import train_generator  # noqa: E402
from model_runtime.training.stages.machine import Machine, open_machine  # noqa: E402
from tests.conftest import ROOT  # noqa: E402
from tests.fakes.checkpoints import TINY_MODEL  # noqa: E402
from tests.fakes.face_corpora import write_beat  # noqa: E402

CONFIG = """
work = "work"
nonspeech = 4
[[faces]]
kind = "beat"
folder = "corpus"
by_speaker = false
MODEL
[generator]
steps = 24
clips = 3
frames = 40
warmup_steps = 2
threads = 1
device = "cpu"
save_every_s = -1.0
""".replace("MODEL\n", TINY_MODEL)
QUIET = {"progress": lambda *_: None}


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with caches and the configuration of a tiny run."""
    folder = tmp_path_factory.mktemp("studio")
    write_beat(folder / "corpus")
    config = write_config(folder)
    prepare(read_settings(config), **QUIET)
    return folder


def write_config(folder: Path) -> Path:
    path = folder / "run.toml"
    path.write_text(CONFIG)
    return path


def train(folder: Path, output: Path, **changes: object) -> Path:
    """A run in this process, with some settings of its stage changed."""
    settings = read_settings(write_config(folder))
    stage = dataclasses.replace(settings.generator, **{"save_every_s": 1e9, **changes})
    return train_generator(dataclasses.replace(settings, generator=stage), output)


def weights(checkpoint: Path) -> dict[str, np.ndarray]:
    return load_checkpoint(checkpoint).tensors


def assert_same_bits(one: Path, other: Path) -> None:
    found, expected = weights(one), weights(other)
    assert [name for name in expected if not np.array_equal(expected[name], found[name])] == []


def python(*words: object, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *(str(word) for word in words)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), **changes},
        capture_output=True,
        text=True,
        timeout=600,
    )


def test_run_killed_at_random_moments_ends_in_the_bits_of_an_unbroken_one(
    studio: Path, tmp_path: Path
) -> None:
    unbroken = train(studio, tmp_path / "unbroken")
    script = ROOT / "tests" / "runtime" / "killed_training.py"
    done = python(script, studio / "run.toml", tmp_path / "killed", 6, 1)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 2
    assert_same_bits(tmp_path / "killed", unbroken)


def test_same_seed_gives_the_same_bits_and_another_seed_does_not(
    studio: Path, tmp_path: Path
) -> None:
    one, again = (train(studio, tmp_path / name, steps=3) for name in ("one", "again"))
    assert_same_bits(one, again)
    other = weights(train(studio, tmp_path / "other", steps=3, seed=2))
    assert not np.array_equal(other["stem_wide.weight"], weights(one)["stem_wide.weight"])


def test_networks_run_in_bfloat16_and_losses_in_float32(studio: Path, tmp_path: Path) -> None:
    machine = Machine(torch.device("cpu"), torch.bfloat16)
    layer, seen = torch.nn.Linear(4, 4), []
    layer.register_forward_hook(lambda _module, _inputs, output: seen.append(output.dtype))
    (output,) = machine.call(layer, torch.ones(1, 4))
    assert (seen, output.dtype) == ([torch.bfloat16], torch.float32)
    full = weights(train(studio, tmp_path / "full", steps=3))
    half = weights(train(studio, tmp_path / "half", steps=3, precision="bfloat16"))
    name = "encoder.0.conv.weight"
    assert not np.array_equal(half[name], full[name])
    np.testing.assert_allclose(half[name], full[name], atol=0.01)


def test_choice_of_machine_is_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    machine = open_machine(StageSettings(device="cpu", precision="bfloat16"))
    assert "training on cpu (requested): cpu, bfloat16, 1 process" in caplog.text
    assert machine.title == "cpu, bfloat16, 1 process"
    with pytest.raises(BadArgument, match="float8"):
        open_machine(StageSettings(device="cpu", precision="float8"))


def test_finished_run_with_other_settings_is_not_passed_off_as_this_one(
    studio: Path, tmp_path: Path
) -> None:
    output = tmp_path / "mine"
    train(studio, output, steps=2)
    with pytest.raises(BadArgument, match="other settings") as caught:
        train(studio, output, steps=3)
    assert "--fresh" in caught.value.hint


def test_checkpoint_tells_its_settings_data_and_code(studio: Path, tmp_path: Path) -> None:
    told = load_checkpoint(train(studio, tmp_path / "told", steps=2)).training
    other = load_checkpoint(train(studio, tmp_path / "retold", steps=2, seed=5)).training
    assert set(told["data"]) == {"beat", "nonspeech"}
    assert told["data"] == other["data"]
    assert told["code"] == other["code"]
    assert told["settings_sha256"] != other["settings_sha256"]
    assert told["settings"]["generator"]["steps"] == 2
    assert str(tmp_path) not in json.dumps(told)
    lines = describe_training(told)
    assert told["settings_sha256"] in lines["settings"]
    assert told["data"]["beat"] in lines["data"]
    assert told["code"]["sha256"] in lines["code"]


def test_unknown_key_of_the_model_is_refused_by_name(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, work=tmp_path, model={"hiden": 8})
    with pytest.raises(BadArgument, match="hiden"):
        generator_config(settings)
