"""A worker without memory, disk or folder, or a stopped one, is reported, survived and replaced."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys

import pytest

from cstalk_blender.errors import SessionError, WorkerSilent
from cstalk_blender.session.request import State
from tests.conftest import ROOT
from tests.fakes.sessions import DEADLINE_S, finish, pass_time, varied, wait_until
from tests.faults.conftest import command, environment

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux limits and signals")

NO_MEMORY = """
import resource
from model_runtime.worker import warm_engine

answer = warm_engine.WarmEngine.answer
calls = []
hungry = {hungry}

def starved(*arguments, **options):
    calls.append(1)
    if len(calls) != hungry:
        return answer(*arguments, **options)
    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 20), hard))
    try:
        return answer(*arguments, **options)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))

warm_engine.WarmEngine.answer = starved
"""
FULL_DISK = """
import resource, sys
sys.dont_write_bytecode = True  # a short write would leave a broken cache for the next test
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
"""
SOUND_ON_DISK = """
from model_runtime.audio import store as audio
audio.MEMORY_BYTES = 1000
"""


@pytest.mark.fault("child's memory exhausted (RLIMIT_AS), when it begins and when it is warm")
@pytest.mark.parametrize("hungry,is_long", [(1, False), (1, True), (2, True)])
def test_child_without_memory_fails_one_request_and_answers_the_next(
    connect, ask, long_speech, observed, hungry, is_long
):
    client = connect(NO_MEMORY.format(hungry=hungry))
    for _ in range(hungry - 1):
        fed = client.submit(ask)
        finish(client, fed)
        assert fed.state is State.DONE
    request = client.submit(varied(ask, audio=long_speech) if is_long else ask)
    finish(client, request)
    assert request.state is State.FAILED
    assert "memory" in str(request.error)
    assert "Close other programs" in request.error.hint
    observed(f"{request.error} ({request.error.hint})")
    again = client.submit(ask)
    finish(client, again)
    assert again.state is State.DONE


@pytest.mark.fault("disk full while the curves or the sound are written (RLIMIT_FSIZE)")
@pytest.mark.parametrize("prelude", [FULL_DISK, FULL_DISK + SOUND_ON_DISK], ids=["curves", "sound"])
def test_full_disk_is_named_and_leaves_no_file(connect, ask, work, observed, prelude):
    client = connect(prelude)
    request = client.submit(ask)
    finish(client, request)
    assert request.error.error_code == "bad-output", request.error.report()
    assert "File too large" in str(request.error)
    assert "Free some space" in request.error.hint
    assert list(work.iterdir()) == []
    observed(f"{request.error} ({request.error.hint})")


@pytest.mark.fault("disk full while existing curves are written over")
@pytest.mark.parametrize("ending", ["npz", "csv", "json"])
def test_full_disk_leaves_the_old_curves(checkpoint, speech, tmp_path, observed, ending):
    output = tmp_path / f"line.{ending}"
    output.write_bytes(b"the curves of last week")
    done = subprocess.run(
        command(
            checkpoint,
            *("generate", str(speech), "-o", str(output), "--overwrite"),
            prelude=FULL_DISK,
        ),
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
    )
    assert done.returncode == 2, done.stderr
    assert "File too large" in done.stderr
    assert output.read_bytes() == b"the curves of last week"
    assert [path.name for path in tmp_path.iterdir()] == [output.name]
    observed(done.stderr.strip().splitlines()[-1])


@pytest.mark.fault("the request's temporary folder is gone")
def test_folder_that_vanished_fails_one_request(connect, ask, observed):
    client = connect()
    request = client.submit(ask)
    shutil.rmtree(request.folder)
    finish(client, request)
    assert request.error.error_code == "bad-output"
    observed(f"{request.error} ({request.error.hint})")
    again = client.submit(ask)
    finish(client, again)
    assert again.state is State.DONE


@pytest.mark.fault("Blender's whole temporary folder is gone")
def test_temporary_folder_that_vanished_is_made_again(connect, ask, work, observed):
    client = connect()
    shutil.rmtree(work)
    request = client.submit(ask)
    finish(client, request)
    assert request.state is State.DONE
    observed("it was made again, the request was answered")


@pytest.mark.fault("Blender's temporary folder cannot be written")
def test_temporary_folder_that_is_a_file_is_named(connect, ask, work, observed):
    client = connect()
    work.rmdir()
    work.write_text("in the way")
    with pytest.raises(SessionError, match="temporary folder") as caught:
        client.submit(ask)
    assert caught.value.hint
    observed(f"{caught.value} ({caught.value.hint})")
    assert not client.is_busy


@pytest.mark.fault("child stops dead in the middle of its work (SIGSTOP)")
def test_child_that_stopped_is_given_up_and_leaves_no_process(
    connect, ask, long_speech, hand_clock, observed
):
    client = connect(clock=hand_clock)
    request = client.submit(varied(ask, audio=long_speech))
    wait_until(client, lambda: request.fraction > 0)
    pid = client.child_pid
    os.kill(pid, signal.SIGSTOP)
    ended = pass_time(client, hand_clock, 400)
    assert ended == [request]
    assert type(request.error) is WorkerSilent
    wait_until(client, lambda: not _exists(pid))
    again = client.submit(ask)
    finish(client, again)
    assert again.state is State.DONE
    observed(f"{request.error}; replaced")


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
