"""Provide a client on a fake worker."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cstalk_blender.package import protocol
from cstalk_blender.session.client import Client
from cstalk_blender.session.request import Limits
from tests.fakes.sessions import HandClock, fake_launch

Connect = Callable[..., Client]


@pytest.fixture
def hand_clock() -> HandClock:
    """Return a clock that the test sets."""
    return HandClock()


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    """Return a file that exists, for an audio file."""
    path = tmp_path / "日本語 ü speech.wav"
    path.write_bytes(b"RIFF")
    return path


@pytest.fixture
def ask(speech: Path) -> protocol.Generate:
    """Return a request for a happy line at 30 fps."""
    return protocol.Generate(
        id="",
        output_folder="",
        performance=protocol.Performance(
            speech, fps=30.0, emotion_keys=(protocol.EmotionKey(0.0, "happy", 0.5),)
        ),
    )


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[Connect]:
    """Create clients on fake workers; all are closed at the end."""
    clients: list[Client] = []
    work = tmp_path / "wörk dir"
    work.mkdir()

    def make(mode: str, *, clock: Callable[[], float] = time.monotonic) -> Client:
        client = Client(
            lambda: fake_launch(mode, tmp_path),
            limits=Limits(close_s=0.3),
            temporary_folder=work,
            clock=clock,
        )
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()
