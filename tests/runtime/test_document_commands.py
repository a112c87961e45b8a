"""Every command of README and guide runs as it is printed, in a folder with the files it names."""

from __future__ import annotations

import itertools
import os
import shlex
import shutil
import subprocess
import sys
import wave
from pathlib import Path

import pytest

import build
from tests.fakes.document_commands import BLENDER, BUILD, ROOT, RUNTIME, documented_commands

EXPECTED_OUTPUT = {"-o", "--report"}
"""Options whose value is a file or folder that must exist afterwards."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with the audio files and the list that the documents speak of."""
    folder = tmp_path_factory.mktemp("checkout")
    shutil.copytree(
        ROOT / "model_runtime",
        folder / "model_runtime",
        ignore=shutil.ignore_patterns("__pycache__", "training", "evaluation"),
    )
    shutil.copyfile(ROOT / "blender_manifest.toml", folder / "blender_manifest.toml")
    for name in ("line.wav", "lines/anna_01.wav", "lines/scene 2/anna_02.wav", "lines/bob_01.wav"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_speech(folder / name)
    (folder / "scene_04.csv").write_text(
        "file,emotion,intensity\nlines/anna_01.wav,happy,0.5\nlines/bob_01.wav,sad,1\n",
        encoding="utf-8",
    )
    return folder


def write_speech(path: Path) -> None:
    """Write the first two seconds of the demo's speech."""
    with (
        wave.open(str(ROOT / "demo/speech/line.wav")) as source,
        wave.open(str(path), "wb") as copy,
    ):
        copy.setparams(source.getparams())
        copy.writeframes(source.readframes(2 * source.getframerate()))


def test_every_documented_command_has_a_runner() -> None:
    found = documented_commands()
    assert len(found) > 10
    assert [line for line in found if not line.startswith((RUNTIME, BUILD, BLENDER))] == []


@pytest.mark.parametrize("command", documented_commands(RUNTIME))
def test_a_command_of_the_runtime_writes_what_it_names(folder: Path, command: str) -> None:
    search = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": search},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    words = shlex.split(command)
    for option, value in itertools.pairwise(words):
        if option in EXPECTED_OUTPUT:
            path = folder / value
            assert path.stat().st_size > 0
            assert not path.is_dir() or any(path.rglob("*.npz"))


@pytest.mark.parametrize("command", documented_commands(BUILD))
def test_a_build_command_has_the_documented_options(command: str) -> None:
    assert callable(build._parser().parse_args(shlex.split(command)[2:]).command)
