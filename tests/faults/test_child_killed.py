"""A killed worker costs the request it worked on, and no earlier file."""

from __future__ import annotations

import collections
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from cstalk_blender.errors import StartFailed, WorkerDied
from cstalk_blender.package import formats
from cstalk_blender.session.request import State
from tests.conftest import ROOT
from tests.fakes.sessions import DEADLINE_S, finish, wait_until
from tests.faults.conftest import IS_WHOLE, command, environment

pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX signals")

MOMENTS = 20
COMMANDS = 20 if IS_WHOLE else 5
DIES_WHILE_WRITING = """
import os, signal
from model_runtime.curves.formats import npz

def half(stream, **_arrays):
    stream.write(b"PK half of a file")
    stream.flush()
    os.kill(os.getpid(), signal.SIGKILL)

npz.np.savez = half
"""


@pytest.mark.fault("child killed (SIGKILL) at 20 random moments")
def test_child_killed_at_any_moment_costs_one_request_at_most(connect, ask, work, observed):
    client, chance = connect(), random.Random(6)
    began = time.monotonic()
    first = client.submit(ask)
    finish(client, first)
    whole_s = time.monotonic() - began
    expected = formats.read_curves(first.result.path).values
    client.discard(first)
    endings = collections.Counter()
    for _ in range(MOMENTS):
        request = client.submit(ask)
        moment = time.monotonic() + chance.uniform(0.0, whole_s)
        wait_until(client, lambda at=moment, r=request: time.monotonic() > at or r.state.is_ending)
        if client.child_pid is not None:
            os.kill(client.child_pid, signal.SIGKILL)
        finish(client, request)
        endings[request.state.value] += 1
        if request.state is State.DONE:
            np.testing.assert_array_equal(formats.read_curves(request.result.path).values, expected)
            client.discard(request)
        else:
            assert type(request.error) in (WorkerDied, StartFailed)
            assert request.error.hint
        assert not request.folder.exists()
    last = client.submit(ask)
    finish(client, last)
    np.testing.assert_array_equal(formats.read_curves(last.result.path).values, expected)
    client.discard(last)
    assert list(work.iterdir()) == []
    observed(f"{dict(endings)}; each next request answered; no folder left")


@pytest.mark.fault("child killed before it says hello")
def test_child_killed_at_start_is_a_clear_failure_and_replaced(connect, ask, observed):
    client = connect()
    request = client.submit(ask)
    os.kill(client.child_pid, signal.SIGKILL)
    finish(client, request)
    assert type(request.error) is StartFailed
    observed(f"{request.error} ({request.error.hint})")
    again = client.submit(ask)
    finish(client, again)
    assert again.state is State.DONE


@pytest.mark.fault("child killed in the middle of writing the curves")
def test_child_killed_while_it_writes_leaves_no_half_file(connect, ask, work, observed):
    client = connect(DIES_WHILE_WRITING)
    request = client.submit(ask)
    finish(client, request)
    assert type(request.error) is WorkerDied
    assert request.result is None
    assert list(work.iterdir()) == []
    observed(f"{request.error}; no half file is left")


@pytest.mark.fault("command line killed in the middle of writing over curves")
def test_command_killed_while_it_writes_leaves_the_old_curves(
    checkpoint, speech, tmp_path, observed
):
    output = tmp_path / "line.npz"
    output.write_bytes(b"the curves of last week")
    arguments = ("generate", str(speech), "-o", str(output), "--overwrite")
    done = subprocess.run(
        command(checkpoint, *arguments, prelude=DIES_WHILE_WRITING),
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        timeout=DEADLINE_S,
    )
    assert done.returncode == -signal.SIGKILL
    assert output.read_bytes() == b"the curves of last week"
    observed("the old curves stand unchanged")


@pytest.mark.fault("command line killed at random moments over existing curves")
def test_command_killed_at_any_moment_leaves_whole_curves(checkpoint, speech, tmp_path, observed):
    output, chance = tmp_path / "line.npz", random.Random(7)

    def generate(seed: int) -> subprocess.Popen[bytes]:
        arguments = ("generate", str(speech), "-o", str(output), "--seed", str(seed))
        return subprocess.Popen(
            command(checkpoint, *arguments),
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    began = time.monotonic()
    assert generate(0).wait(DEADLINE_S) == 0
    whole_s = time.monotonic() - began
    replaced = 0
    for seed in range(1, COMMANDS + 1):
        before = output.read_bytes()
        process = generate(seed)
        try:
            process.wait(chance.uniform(0.2, 1.0) * whole_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(DEADLINE_S)
        made = formats.read_curves(output)
        assert made.frame_count == 1800
        if output.read_bytes() != before:
            replaced += 1
            assert made.request["seed"] == seed
    observed(f"{COMMANDS} kills: {replaced} had written whole new curves, the rest left the old")


BLENDER = """
import dataclasses, sys, time
from pathlib import Path
sys.path.insert(0, {root!r})
from cstalk_blender.session.client import Client
from cstalk_blender.session.environment import Launch
from cstalk_blender.package import protocol
client = Client(lambda: Launch({argv!r}, Path({root!r}), {env!r}), temporary_folder=Path({work!r}))
performance = protocol.Performance(Path({audio!r}))
request = client.submit(protocol.Generate("", "", performance))
while request.fraction == 0:
    client.poll()
print(client.child_pid, flush=True)
time.sleep(3600)
"""


@pytest.mark.fault("Blender killed while the child works")
def test_no_orphan_works_on_when_blender_is_killed(
    checkpoint, long_speech, work, observed, tmp_path
):
    script = BLENDER.format(
        root=str(ROOT),
        argv=command(checkpoint, "worker"),
        env=environment(),
        work=str(work),
        audio=str(long_speech),
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as blender:
        child = int(blender.stdout.readline())
        blender.kill()
        began = time.monotonic()
        while _runs(child):
            assert time.monotonic() - began < DEADLINE_S, "an orphan"
            time.sleep(0.01)
    observed(f"the child was gone {time.monotonic() - began:.2f} s later")


def test_the_child_is_told_to_be_gone_within_two_seconds():
    from model_runtime.worker import loop as worker
    from model_runtime.worker import parent_watch as worker_parent

    assert max(worker.GRACE_S, worker_parent.POLL_S) < 2.0


def _runs(pid: int) -> bool:
    """Return whether the process exists and is no zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.is_file() or state.read_text().rpartition(")")[2].split()[0] != "Z"
