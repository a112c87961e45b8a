"""Each request ends exactly once, whatever the worker does."""

from __future__ import annotations

import pytest

from cstalk_blender.errors import (
    RequestRefused,
    SessionClosed,
    StartFailed,
    VersionMismatch,
    WorkerDied,
    WorkerGarbled,
    WorkerSilent,
)
from cstalk_blender.session.request import State
from tests.fakes.sessions import finish, pass_time, wait_until, wait_until_full

MISBEHAVIOURS = [
    ("die_at_start", StartFailed),
    ("die_midway", WorkerDied),
    ("garbage", WorkerGarbled),
    ("wrong_version", VersionMismatch),
    ("result_without_file", WorkerGarbled),
    ("result_elsewhere", WorkerGarbled),
    ("blame_nobody", RequestRefused),
]


def test_good_worker_ends_with_a_result_in_the_request_folder(connect, ask):
    client = connect("good")
    request = client.submit(ask)
    assert finish(client, request) == [request]
    assert request.state is State.DONE
    assert request.result.frames == 60
    assert list(request.folder.iterdir()) == [request.folder / "r1.npz"]
    client.discard(request)
    assert not request.folder.exists()


def test_progress_rises_and_is_seen(connect, ask):
    client = connect("good")
    request = client.submit(ask)
    seen = []
    wait_until(client, lambda: seen.append(request.fraction) or request.state.is_ending)
    assert seen == sorted(seen)
    assert max(seen) >= 0.5


def test_progress_never_falls_and_never_exceeds_one(connect, ask):
    client = connect("falling_progress")
    request = client.submit(ask)
    seen = {}
    while request.stage != "at 7.5":
        client.poll(max_messages=1)
        seen[request.stage] = request.fraction
    seen.pop("", None)
    assert seen == {
        "at 0.2": 0.2, "at 0.7": 0.7, "at 0.3": 0.7, "at 0.0": 0.7, "at 0.8": 0.8, "at 7.5": 1.0,
    }  # fmt: skip


@pytest.mark.parametrize("mode,error", MISBEHAVIOURS)
def test_misbehaving_worker_fails_the_request_with_a_hint(connect, ask, mode, error):
    client = connect(mode)
    request = client.submit(ask)
    assert finish(client, request) == [request]
    assert request.state is State.FAILED
    assert type(request.error) is error
    assert "\n" not in str(request.error)
    assert request.error.hint or mode == "blame_nobody"
    assert not request.folder.exists()


@pytest.mark.parametrize("mode", ["die_midway", "die_at_start", "garbage", "wrong_version"])
def test_every_pending_request_fails_when_the_child_goes(connect, ask, mode):
    client = connect(mode)
    requests = [client.submit(ask) for _ in range(5)]
    ended = finish(client, *requests)
    assert sorted(r.message.id for r in ended) == sorted(r.message.id for r in requests)
    assert all(request.state is State.FAILED for request in requests)


def test_last_words_of_a_dead_child_are_in_the_details(connect, ask):
    client = connect("die_at_start")
    request = client.submit(ask)
    finish(client, request)
    assert "exit code 3" in str(request.error)
    assert "ImportError: no such module" in request.error.report()


@pytest.mark.parametrize("mode", ["answer_twice", "answer_nobody", "noise"])
def test_stray_answers_and_noise_change_nothing(connect, ask, mode):
    client = connect(mode)
    request = client.submit(ask)
    ended = finish(client, request)
    second = client.submit(ask)
    ended += finish(client, second)
    assert ended == [request, second]
    assert [r.state for r in ended] == [State.DONE, State.DONE]


def test_refusal_carries_the_workers_code_and_hint(connect, ask, speech):
    speech.unlink()
    client = connect("good")
    request = client.submit(ask)
    finish(client, request)
    assert request.error.error_code == "bad-audio"
    assert str(speech) in str(request.error)
    assert request.error.hint == "Choose another"


@pytest.mark.fault("child hangs")
@pytest.mark.parametrize("mode", ["hang_at_start", "hang", "hang_deaf"])
def test_silent_worker_is_given_up_after_its_time(connect, ask, hand_clock, mode, observed):
    client = connect(mode, clock=hand_clock)
    request = client.submit(ask)
    if mode != "hang_at_start":
        wait_until(client, lambda: client.hello is not None)
    client.poll()
    assert not request.state.is_ending
    assert pass_time(client, hand_clock, 1000.0) == [request]
    assert isinstance(request.error, WorkerSilent)
    assert client.child_pid is None
    observed(f"{request.error} ({request.error.hint})")


@pytest.mark.fault("computer asleep: the clock jumps by hours")
def test_sleep_of_the_computer_is_not_held_against_the_worker(connect, ask, hand_clock):
    client = connect("slow", clock=hand_clock)
    request = client.submit(ask)
    wait_until(client, lambda: request.fraction > 0)
    for _ in range(3):
        hand_clock.now_s += 8 * 3600.0
        client.poll()
    hand_clock.now_s -= 3600.0  # and a clock that is set back
    client.poll()
    assert request.state is State.RUNNING
    client.cancel(request)
    hand_clock.now_s += 8 * 3600.0
    finish(client, request)
    assert request.state is State.CANCELLED


@pytest.mark.fault("child floods")
def test_flood_keeps_poll_within_its_budget_and_can_be_cancelled(connect, ask):
    client = connect("flood")
    request = client.submit(ask)
    taken = []
    take, client._take = client._take, lambda line: (take(line), taken.append(line))
    wait_until(client, lambda: request.fraction > 0)
    for budget_s, max_messages, most in ((0.0, 64, 1), (60.0, 7, 7)):
        taken.clear()
        wait_until_full(client)
        client.poll(budget_s=budget_s, max_messages=max_messages)
        assert len(taken) == most
    client.cancel(request)
    finish(client, request)
    assert request.state is State.CANCELLED


def test_answer_behind_a_flood_arrives(connect, ask):
    client = connect("flood_then_answer")
    request = client.submit(ask)
    finish(client, request)
    assert request.state is State.DONE


@pytest.mark.fault("child writes a line without end")
def test_line_without_end_is_garbage_not_memory(connect, ask):
    client = connect("garbage_one_line")
    request = client.submit(ask)
    finish(client, request)
    assert isinstance(request.error, WorkerGarbled)


def test_closing_fails_what_is_open_and_refuses_more(connect, ask):
    client = connect("slow")
    request = client.submit(ask)
    wait_until(client, lambda: request.state is State.RUNNING)
    assert client.close() == [request]
    assert isinstance(request.error, SessionClosed)
    assert client.close() == []
    with pytest.raises(SessionClosed):
        client.submit(ask)


def test_version_mismatch_names_both_versions(connect, ask):
    client = connect("wrong_version")
    request = client.submit(ask)
    finish(client, request)
    assert "9.9 speaks protocol 3, this add-on 2" in str(request.error)
