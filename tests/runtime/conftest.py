"""Provide a tiny checkpoint, a voice, and the command line as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.fakes.checkpoints import write_tiny_checkpoint
from tests.fakes.sounds import voice, write_wav

COMMAND = (sys.executable, "-s", "-E", "-X", "utf8", "-W", "error", "-m", "model_runtime")
Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a tiny generator."""
    return write_tiny_checkpoint(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="session")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds of voice at 16 kHz."""
    return write_wav(tmp_path_factory.mktemp("sound") / "speech.wav", voice(4))


@pytest.fixture
def in_process() -> Callable[..., None]:
    """``python -m model_runtime`` with some arguments in this process; it must succeed."""

    def run(*arguments: object) -> None:
        from model_runtime.cli.main import main

        assert main([str(argument) for argument in arguments]) == 0

    return run


@pytest.fixture
def command() -> Command:
    """``python -m model_runtime`` with some arguments, to its end."""

    def run(*arguments: object, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *(str(argument) for argument in arguments)],
            cwd=ROOT,
            capture_output=True,
            encoding="utf-8",
            timeout=timeout_s,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )

    return run
