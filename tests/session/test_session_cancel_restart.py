"""A cancelled client generates again, a crashed worker is replaced, and nothing is left behind."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from cstalk_blender.errors import StartFailed, WorkerDied
from cstalk_blender.session.client import Client
from cstalk_blender.session.environment import Launch
from cstalk_blender.session.request import State
from tests.fakes.sessions import FAKE_WORKER, finish, pass_time, varied, wait_until


def process_exists(pid: int) -> bool:
    """Return whether the process ``pid`` exists, even as a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_cancel_then_generate_again_uses_the_same_child(connect, ask):
    client = connect("slow")
    first = client.submit(ask)
    wait_until(client, lambda: first.fraction > 0)
    pid = client.child_pid
    client.cancel(first)
    assert finish(client, first) == [first]
    assert first.state is State.CANCELLED
    second = client.submit(ask)
    wait_until(client, lambda: second.fraction > 0)
    assert client.child_pid == pid


def test_cancel_before_the_worker_is_ready_ends_at_once(connect, ask):
    client = connect("hang_at_start")
    request = client.submit(ask)
    client.cancel(request)
    assert client.poll() == [request]
    assert request.state is State.CANCELLED


@pytest.mark.parametrize("mode", ["answer_despite_cancel", "fail_despite_cancel"])
def test_an_answer_that_crosses_a_cancel_leaves_the_request_cancelled(connect, ask, mode):
    client = connect(mode)
    request = client.submit(ask)
    wait_until(client, lambda: request.fraction > 0)
    client.cancel(request)
    assert finish(client, request) == [request]
    assert request.state is State.CANCELLED
    assert (request.result, request.error) == (None, None)
    assert not request.folder.exists()


def test_cancel_of_an_ended_request_does_nothing(connect, ask):
    client = connect("good")
    request = client.submit(ask)
    finish(client, request)
    client.cancel(request)
    client.poll()
    assert request.state is State.DONE


def test_worker_that_ignores_cancel_is_killed_and_replaced(connect, ask, hand_clock):
    client = connect("hang", clock=hand_clock)
    request = client.submit(ask)
    wait_until(client, lambda: request.state is State.RUNNING)
    pid = client.child_pid
    client.cancel(request)
    client.poll()
    assert not request.state.is_ending
    assert pass_time(client, hand_clock, 10.0) == [request]
    assert request.state is State.CANCELLED
    again = client.submit(ask)
    wait_until(client, lambda: again.state is State.RUNNING)
    assert client.child_pid != pid
    wait_until(client, lambda: not process_exists(pid))


def test_worker_that_obeys_late_is_kept_and_its_request_ends_as_cancelled(
    connect, ask, hand_clock, caplog
):
    client = connect("cancel_late", clock=hand_clock)
    request = client.submit(ask)
    wait_until(client, lambda: request.state is State.RUNNING)
    pid = client.child_pid
    client.cancel(request)
    assert pass_time(client, hand_clock, 10.0) == [request]
    assert (request.state, request.error) == (State.CANCELLED, None)
    assert client.is_busy  # its answer is still waited for
    (request.folder.parent / "go").write_text("")
    wait_until(client, lambda: not client.is_busy)
    again = client.submit(ask)
    wait_until(client, lambda: again.state is State.RUNNING)
    assert client.child_pid == pid
    assert not caplog.records


def test_worker_that_never_obeys_is_ended_without_a_failure(connect, ask, hand_clock, caplog):
    client = connect("hang", clock=hand_clock)
    request = client.submit(ask)
    wait_until(client, lambda: request.state is State.RUNNING)
    pid = client.child_pid
    client.cancel(request)
    assert pass_time(client, hand_clock, 90.0) == [request]
    assert (request.state, request.error) == (State.CANCELLED, None)
    assert not client.is_busy
    wait_until(client, lambda: not process_exists(pid))
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


def test_child_that_died_midway_is_replaced_for_the_next_request(connect, ask):
    client = connect("die_once")
    first = client.submit(ask)
    finish(client, first)
    assert isinstance(first.error, WorkerDied)
    assert "Segmentation fault" in first.error.details
    second = client.submit(ask)
    finish(client, second)
    assert second.state is State.DONE


def test_child_that_died_unseen_does_not_get_the_next_request(connect, ask):
    client = connect("die_idle")
    first = client.submit(ask)
    finish(client, first)
    child = client._child
    deadline_polls = 10_000
    while child is not None and child.exit_code is None and deadline_polls:
        deadline_polls -= 1
        child._popen.wait(timeout=10)
    second = client.submit(ask)  # no poll in between
    finish(client, second)
    assert second.state is State.DONE


@pytest.mark.parametrize(
    "mode", ["good", "slow", "die_at_shutdown", "hang_at_shutdown", "hang_deaf", "flood", "garbage"]
)
def test_close_leaves_no_process_and_no_folder(connect, ask, mode, tmp_path):
    client = connect(mode)
    request = client.submit(ask)
    wait_until(client, lambda: client.hello is not None or request.state.is_ending)
    pid = client.child_pid
    ended = client.close()
    assert pid is None or not process_exists(pid)
    for request in ended:
        if request.state is State.DONE:
            client.discard(request)
    assert list((tmp_path / "wörk dir").iterdir()) == []


def test_close_in_the_background_ends_the_requests_at_once_and_the_child_soon(connect, ask):
    client = connect("hang_at_shutdown")
    request = client.submit(ask)
    wait_until(client, lambda: client.hello is not None)
    pid = client.child_pid
    assert client.close(wait=False) == [request]
    assert request.state.is_ending
    assert process_exists(pid)
    wait_until(client, lambda: not process_exists(pid))


def test_python_that_is_no_program_fails_to_start_and_makes_no_request(ask, tmp_path):
    text = tmp_path / "python"
    text.write_text("not a program")
    client = Client(lambda: Launch((str(text),), tmp_path, {}))
    with pytest.raises(StartFailed, match="could not be started"):
        client.submit(ask)
    assert client.poll() == []
    assert not client.is_busy


def test_python_that_is_another_program_is_a_clear_failure(ask, tmp_path):
    client = Client(lambda: Launch((sys.executable, "-c", "print('hi')"), tmp_path, {}))
    request = client.submit(ask)
    finish(client, request)
    client.close()
    assert isinstance(request.error, StartFailed)
    assert "before it was ready" in str(request.error)


@pytest.mark.parametrize(
    "unfit", [{"fps": float("nan")}, {"audio": Path("/broken \udcff name.wav")}]
)
def test_value_that_a_message_cannot_carry_fails_the_request_alone(connect, ask, unfit):
    client = connect("good")
    bad = client.submit(varied(ask, **unfit))
    good = client.submit(ask)
    finish(client, bad, good)
    assert bad.error.error_code == "bad-argument"
    assert good.state is State.DONE


def test_stderr_is_kept_in_the_log_file(connect, ask, tmp_path):
    client = connect("die_midway")
    finish(client, client.submit(ask))
    client.close()
    assert "Segmentation fault" in (tmp_path / "logs" / "worker.log").read_text("utf-8")
    assert FAKE_WORKER.is_file()
