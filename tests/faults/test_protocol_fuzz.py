"""A hundred thousand lines that are almost messages: no crash, no hang, each request ends once."""

from __future__ import annotations

import collections
import itertools
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from cstalk_blender.package import protocol
from cstalk_blender.session.client import Client
from cstalk_blender.session.environment import Launch
from model_runtime.protocol import Failure, Generate, Performance, Result, Stopped
from tests.conftest import ROOT
from tests.faults.conftest import IS_WHOLE, command
from tests.faults.messages import LINES_PER_EXAMPLE, from_worker, seeds, spoiled, to_worker
from tests.runtime.worker_process import Worker, running

LINES = 100_000 if IS_WHOLE else 3_000
"""Lines for each of the three tests."""
LIMIT_S = 1200.0
FUZZED = settings(
    max_examples=LINES // LINES_PER_EXAMPLE,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(LIMIT_S)]


@pytest.mark.fault("protocol: lines that are almost messages, to the reader itself")
def test_any_line_is_a_message_or_a_protocol_error(observed):
    counts = collections.Counter()

    @FUZZED
    @given(to_worker | from_worker, seeds)
    def read(message, seed):
        for line in spoiled(message, seed):
            try:
                protocol.decode(line)
            except protocol.ProtocolError:
                counts["refused"] += 1
            else:
                counts["read"] += 1

    read()
    assert sum(counts.values()) >= LINES
    observed(f"{counts['read']} read, {counts['refused']} refused, no other exception")


@pytest.mark.fault("protocol: lines that are almost messages, to the real worker")
def test_worker_survives_any_line_and_answers_the_next_request(
    checkpoint, speech, tmp_path, observed
):
    argv = list(command(checkpoint, "worker"))
    with running(argv, tmp_path) as worker:
        worker.next()
        answers = _Answers(worker)
        sent: collections.Counter[str] = collections.Counter()

        @FUZZED
        @given(to_worker, seeds)
        def write(message, seed):
            lines = list(spoiled(message, seed))
            sent.update(_named(line) for line in lines)
            worker.write("".join(f"{line}\n" for line in lines).encode("utf-8", "replace"))
            assert worker.process.poll() is None, worker.log()[-2000:]

        write()
        worker.send(worker.request("the-last", speech))
        last = answers.wait_for("the-last")
        assert isinstance(last, Result), last
        assert not worker.rest()
    for identity, count in answers.endings.items():
        assert not identity or count <= sent[identity] + (identity == "the-last"), identity
    observed(f"{sum(sent.values())} lines, {answers.count} answers, the next request answered")


@pytest.mark.fault("protocol: a worker that answers nonsense, to the add-on's client")
def test_client_ends_each_request_once_whatever_is_answered(tmp_path, observed):
    endings = collections.Counter()

    @FUZZED
    @given(from_worker, seeds)
    def answer(message, seed):
        client = ScriptedClient(tmp_path, [HELLO, *spoiled({**message, "id": "r1"}, seed)])
        request = client.submit(Generate("", "", Performance(Path("a"))))
        ended = list(itertools.chain.from_iterable(client.poll(budget_s=60) for _ in range(9)))
        assert ended.count(request) <= 1
        assert request.state.is_ending == (request in ended)
        ended += client.close()
        assert ended.count(request) == 1
        assert (request.error is None) == (request.state.name in ("DONE", "CANCELLED"))
        client.discard(request)
        endings[request.state.value] += 1

    answer()
    assert not list(tmp_path.iterdir())
    lines = sum(endings.values()) * LINES_PER_EXAMPLE
    observed(f"{lines} lines, {sum(endings.values())} requests, each ended once: {dict(endings)}")


class _Answers:
    """Reads the worker's output while it is written to, so that neither waits for the other."""

    def __init__(self, worker: Worker) -> None:
        self.endings: collections.Counter[str] = collections.Counter()
        self.count = 0
        self._worker = worker
        self._waiting_for = "the-last"
        self._last: protocol.Message | None = None
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while self._last is None:
            message = self._worker.next()
            self.count += 1
            if isinstance(message, Result | Failure | Stopped):
                self.endings[message.id] += 1
                if message.id == self._waiting_for:
                    self._last = message

    def wait_for(self, identity: str) -> protocol.Message | None:
        assert identity == self._waiting_for
        self._thread.join(LIMIT_S / 2)
        return self._last


HELLO = protocol.encode(
    protocol.Hello(protocol=protocol.PROTOCOL_VERSION, runtime="x", engine="x", device="cpu")
)


class ScriptedChild:
    """Stands in for a process: sends its lines, then nothing."""

    pid = 0
    exit_code = None
    is_over = False

    def __init__(self, lines: list[str]) -> None:
        self._lines = collections.deque(lines)

    def next_line_or_none(self) -> str | None:
        return self._lines.popleft() if self._lines else None

    def send(self, line: str) -> None:
        """Drop the line."""

    def log_tail(self) -> str:
        return ""

    def close(self, *, grace_s: float) -> None:
        """Do nothing."""

    close_in_background = close


class ScriptedClient(Client):
    """Return a client whose process is scripted."""

    def __init__(self, folder, lines: list[str]) -> None:
        super().__init__(lambda: Launch((), ROOT, {}), temporary_folder=folder)
        self._script = lines

    def _start(self) -> None:
        self._child = ScriptedChild(self._script)  # type: ignore[assignment]
        self._hello = None
        self._garbage = 0
        self._last_message_at = self._clock()


def _named(line: str) -> str:
    """Return the id that a line may name, so that its answers can be counted; empty when lost."""
    try:
        message = protocol.decode(line.strip())
    except protocol.ProtocolError:
        return _id_of_broken(line)
    return getattr(message, "id", "")


def _id_of_broken(line: str) -> str:
    from model_runtime.worker.loop import _id_in

    return _id_in(line)
