"""Run the real worker on a tiny model, with built-in faults. No torch, no bpy."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from cstalk_blender.package import protocol
from cstalk_blender.session.client import Client
from cstalk_blender.session.environment import Launch, scrubbed
from cstalk_blender.session.request import Limits
from tests.conftest import ROOT
from tests.fakes.checkpoints import write_tiny_checkpoint
from tests.fakes.sessions import HandClock
from tests.fakes.sounds import voice, write_wav

IS_WHOLE = os.environ.get("CSTALK_FAULTS") == "whole"
"""`build.py faults` runs everything, the suite a seeded part of it."""

RUN = "import sys\nfrom model_runtime.cli.main import main\nsys.exit(main(sys.argv[1:]))\n"
Connect = Callable[..., Client]


def command(checkpoint: Path, *arguments: str, prelude: str = "") -> tuple[str, ...]:
    """Return the command line for this Python, which runs ``prelude`` first in the same process."""
    options = ("--engine", "numpy", "--model", str(checkpoint))
    return (sys.executable, "-s", "-X", "utf8", "-c", prelude + RUN, *arguments, *options)


def environment() -> dict[str, str]:
    """Return the environment variables of such a process."""
    return {**scrubbed(os.environ), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a tiny generator."""
    return write_tiny_checkpoint(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="session")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write half a minute of voice."""
    return write_wav(tmp_path_factory.mktemp("sound") / "speech.wav", voice(30))


@pytest.fixture(scope="session")
def long_speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write ten minutes of voice, so that a request takes a while."""
    return write_wav(tmp_path_factory.mktemp("sound") / "long.wav", np.tile(voice(20), 30))


@pytest.fixture
def ask(speech: Path) -> protocol.Generate:
    """Return a request for half a minute at 60 fps."""
    return protocol.Generate(id="", output_folder="", performance=protocol.Performance(speech))


@pytest.fixture
def hand_clock() -> HandClock:
    """Return a clock that the test sets."""
    return HandClock()


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Return the folder of the requests' folders."""
    folder = tmp_path / "wörk dir"
    folder.mkdir()
    return folder


@pytest.fixture
def connect(checkpoint: Path, work: Path, tmp_path: Path) -> Iterator[Connect]:
    """Create clients of real workers with a built-in fault; all are closed at the end."""
    clients: list[Client] = []

    def make(prelude: str = "", **options: object) -> Client:
        launch = Launch(
            command(checkpoint, "worker", prelude=prelude),
            ROOT,
            environment(),
            tmp_path / "worker.log",
        )
        client = Client(
            lambda: launch,
            limits=Limits(close_s=1.0),
            temporary_folder=work,
            **options,  # type: ignore[arg-type]
        )
        clients.append(client)
        return client

    yield make
    for client in clients:
        for request in client.close():
            client.discard(request)
