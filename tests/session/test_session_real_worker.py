"""The client and the real worker exchange requests and results."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cstalk_blender.package import formats, protocol
from cstalk_blender.session.client import Client
from cstalk_blender.session.environment import worker_launch
from cstalk_blender.session.request import State
from tests.fakes.sessions import DEADLINE_S, finish, varied, wait_until

SPEECH = worker_launch().folder / "demo" / "speech" / "line.wav"


@pytest.fixture
def client(tmp_path):
    """Return a client on the real worker with the built-in engine."""
    log_file = tmp_path / "worker.log"
    client = Client(lambda: worker_launch(options=("--engine", "numpy"), log_file=log_file))
    yield client
    for request in client.close():
        client.discard(request)


def test_real_worker_answers_with_curves_of_the_sound(client, ask):
    request = client.submit(varied(ask, audio=SPEECH, fps=25.0))
    finish(client, request)
    assert request.state is State.DONE, request.error and request.error.report()
    curves = formats.read_curves(request.result.path)
    assert len(curves.channels) == 52
    assert (curves.fps, curves.frame_count) == (25.0, request.result.frames)
    assert client.hello.protocol == protocol.PROTOCOL_VERSION
    client.discard(request)


def test_real_worker_refuses_a_sound_that_is_none_and_goes_on(client, ask):
    bad = client.submit(ask)
    good = client.submit(varied(ask, audio=SPEECH))
    finish(client, bad, good)
    assert (bad.state, bad.error.error_code) == (State.FAILED, "bad-audio")
    assert bad.error.hint
    assert good.state is State.DONE
    client.discard(good)


def test_real_worker_ends_when_its_client_is_closed(client):
    client._start()
    wait_until(client, lambda: client.hello is not None)
    pid = client.child_pid
    client.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_real_worker_ends_when_blender_is_killed():
    code = (
        "import time\n"
        "from cstalk_blender.session.client import Client\n"
        "from cstalk_blender.session.environment import worker_launch\n"
        "client = Client(worker_launch)\n"
        "client._start()\n"
        "while client.hello is None:\n"
        "    client.poll()\n"
        "print(client.child_pid, flush=True)\n"
        "time.sleep(3600)\n"
    )
    blender = subprocess.Popen(
        [sys.executable, "-c", code], cwd=worker_launch().folder, stdout=subprocess.PIPE
    )
    pid = int(blender.stdout.readline())
    assert runs(pid)
    blender.kill()
    blender.wait()
    blender.stdout.close()
    deadline = time.monotonic() + DEADLINE_S
    while runs(pid):
        assert time.monotonic() < deadline, "the worker outlived its parent"
        time.sleep(0.01)


def runs(pid: int) -> bool:
    """Return whether the process exists and is no zombie, which only its parent can remove."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.is_file() or state.read_text().rpartition(")")[2].split()[0] != "Z"
