"""Laws of the worker, with the real process: one ending each, a clean protocol, no orphans."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from model_runtime import protocol
from model_runtime.curves.formats.registry import read_curves
from model_runtime.protocol import (
    Cancel,
    EmotionKey,
    Failure,
    Generate,
    Hello,
    Performance,
    Progress,
    Result,
    Stopped,
)
from tests.conftest import ROOT
from tests.fakes.sounds import voice, write_wav
from tests.runtime.worker_process import ENDINGS, TIMEOUT_S, Worker, command_for, running


@pytest.fixture
def worker(checkpoint: Path, tmp_path: Path) -> Iterator[Worker]:
    """A worker that has greeted."""
    with running(command_for(checkpoint, "--engine", "numpy"), tmp_path) as started:
        hello = started.next()
        assert isinstance(hello, Hello), hello
        yield started


@pytest.fixture(scope="module")
def long_speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten minutes, enough to be cancelled."""
    return write_wav(tmp_path_factory.mktemp("long") / "long.wav", np.tile(voice(20), 30))


def test_the_greeting_is_true_and_needs_no_torch(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text("raise SystemExit('torch was imported')")
    for engine, expected in (("numpy", "numpy"), ("auto", "torch")):
        command = command_for(checkpoint, "--engine", engine)
        command.remove("-E")  # let PYTHONPATH through
        with running(["env", f"PYTHONPATH={tmp_path}", *command], tmp_path) as worker:
            hello = worker.next()
            assert isinstance(hello, Hello)
            assert (hello.protocol, hello.engine, hello.model) == (2, expected, "tiny")
            assert hello.device in ("cpu", "cuda", "mps")
            assert not worker.rest()


def test_a_request_ends_in_one_result_whose_file_is_there(worker: Worker, speech: Path) -> None:
    keys = (EmotionKey(0, "happy", 1), EmotionKey(1, "sad", 0.5))
    worker.send(worker.request("r1", speech, emotion_keys=keys, seed=7))
    result = worker.until_ending()
    assert isinstance(result, Result), result
    track = read_curves(result.path)
    assert track.values.shape == (result.frames, result.channels) == (120, 52)
    assert (result.fps, result.engine, result.device) == (30, "numpy", "cpu")
    assert track.request["seed"] == 7
    assert Path(result.path) == worker.output / "r1.npz"
    assert not worker.rest()


def test_names_in_any_script_travel(worker: Worker, speech: Path) -> None:
    folder = worker.output / "出力 ü"
    folder.mkdir()
    audio = shutil.copy(speech, folder / "日本語 é.wav")
    worker.send(Generate("r", str(folder), Performance(audio, fps=24)))
    result = worker.until_ending()
    assert isinstance(result, Result), result
    assert read_curves(result.path).request["audio"] == "日本語 é.wav"


def test_every_request_of_many_gets_exactly_one_ending(worker: Worker, speech: Path) -> None:
    good = [worker.request(f"good{i}", speech) for i in range(4)]
    bad = [worker.request(f"bad{i}", worker.output / "none.wav") for i in range(4)]
    for pair in zip(good, bad, strict=True):
        worker.send(*pair)
    worker.send(Cancel("good3"), Cancel("unknown"), Cancel("good0"))
    endings = [worker.until_ending() for _ in range(8)]
    rest = worker.rest()
    assert not [m for m in rest if isinstance(m, ENDINGS)]
    assert sorted(m.id for m in endings) == sorted(r.id for r in (*good, *bad))  # type: ignore[union-attr]
    for ending in endings:
        assert isinstance(ending, Failure) == ending.id.startswith("bad")  # type: ignore[union-attr]


def test_nothing_follows_an_ending_and_progress_only_rises(worker: Worker, speech: Path) -> None:
    worker.send(worker.request("a", speech), worker.request("b", speech))
    order: list[protocol.Message] = []
    while sum(isinstance(m, ENDINGS) for m in order) < 2:
        order.append(worker.next())
    split = next(i for i, m in enumerate(order) if isinstance(m, ENDINGS)) + 1
    assert {m.id for m in order[:split]} == {"a"}  # type: ignore[union-attr]
    assert {m.id for m in order[split:]} == {"b"}  # type: ignore[union-attr]
    fractions = [m.fraction for m in order[:split] if isinstance(m, Progress)]
    assert fractions == sorted(fractions)


def test_cancel_then_generate_again(worker: Worker, speech: Path, long_speech: Path) -> None:
    worker.send(worker.request("long", long_speech))
    assert isinstance(worker.next(), Progress)
    worker.send(Cancel("long"))
    assert worker.until_ending() == Stopped("long")
    assert not (worker.output / "long.npz").exists()
    worker.send(worker.request("short", speech))
    assert isinstance(worker.until_ending(), Result)


def test_a_bad_request_fails_with_code_message_and_hint(worker: Worker, speech: Path) -> None:
    cases = {
        "bad-audio": {"audio": worker.output / "none.wav"},
        "bad-argument": {"audio": speech, "rig": "none"},
        "bad-weights": {"audio": speech, "model": str(worker.output / "no model")},
    }
    for number, (code, values) in enumerate(cases.items()):
        worker.send(worker.request(f"r{number}", **values))  # type: ignore[arg-type]
        failure = worker.until_ending()
        assert isinstance(failure, Failure)
        assert (failure.id, failure.code) == (f"r{number}", code)
        assert failure.message
        assert failure.hint
        assert "Traceback" not in failure.message + failure.hint


@pytest.mark.fault("a request names a file outside its folder")
@pytest.mark.parametrize("identity", ["../evil", "a/b", "", "a\\b", ".hidden", "x" * 200])
def test_an_id_cannot_leave_the_output_folder(worker: Worker, speech: Path, identity: str) -> None:
    worker.send(worker.request(identity, speech))
    failure = worker.until_ending()
    assert isinstance(failure, Failure)
    assert (failure.id, failure.code) == (identity, "bad-argument")


def test_a_missing_output_folder_fails(worker: Worker, speech: Path) -> None:
    gone = str(worker.output / "gone")
    worker.send(Generate("r", gone, Performance(speech)))
    failure = worker.until_ending()
    assert isinstance(failure, Failure)
    assert failure.code == "bad-output"


GARBAGE = [
    b"\n",
    b"garbage\n",
    b"[1]\n",
    b'{"type":"dance"}\n',
    b"\xff\xfe\x00\n",
    b"{" * 5000 + b"\n",
]


def test_garbage_is_answered_and_survived(worker: Worker, speech: Path) -> None:
    for line in GARBAGE:
        worker.write(line)
    worker.write(b"x" * (protocol.MAX_LINE_BYTES + 9) + b"\n")
    worker.send(worker.request("r", speech))
    answers = [worker.until_ending() for _ in range(len(GARBAGE))]  # the empty line is no message
    assert {(a.id, a.code) for a in answers} == {("", "bad-message")}  # type: ignore[union-attr]
    assert isinstance(worker.until_ending(), Result)


def test_a_request_with_a_broken_field_still_gets_its_ending(worker: Worker) -> None:
    worker.write(json.dumps({"type": "generate", "id": "r", "audio": 5}).encode() + b"\n")
    failure = worker.until_ending()
    assert isinstance(failure, Failure)
    assert (failure.id, failure.code) == ("r", "bad-message")


def test_closing_stdin_ends_the_process_even_while_it_works(
    worker: Worker, long_speech: Path
) -> None:
    worker.send(worker.request("r", long_speech))
    assert isinstance(worker.next(), Progress)
    rest = worker.rest()
    assert len([m for m in rest if isinstance(m, ENDINGS)]) <= 1
    assert not list(worker.output.glob("*.npz"))


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
def test_the_worker_ends_with_its_parent_although_stdin_stays_open(
    checkpoint: Path, tmp_path: Path
) -> None:
    read_end, write_end = os.pipe()
    command = command_for(checkpoint, "--engine", "numpy")
    parent = textwrap.dedent(
        f"""
        import subprocess, sys
        child = subprocess.Popen({command!r}, cwd={str(ROOT)!r},
                                 stdin={read_end}, stdout=subprocess.PIPE)
        child.stdout.readline()
        print(child.pid, flush=True)
        child.wait()
        """
    )
    process = subprocess.Popen(
        [sys.executable, "-c", parent], stdout=subprocess.PIPE, pass_fds=[read_end]
    )
    assert process.stdout is not None
    with process.stdout:
        child = int(process.stdout.readline())
        process.kill()
        process.wait(TIMEOUT_S)
    try:
        watcher = subprocess.run(
            ["timeout", "20", "sh", "-c", f"while kill -0 {child} 2>/dev/null; do sleep 0.1; done"]
        )
        assert watcher.returncode == 0, "an orphan"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.close(read_end)
        os.close(write_end)


def test_noise_on_stdout_cannot_reach_the_protocol(
    checkpoint: Path, speech: Path, tmp_path: Path
) -> None:
    noisy = textwrap.dedent(
        """
        import os, subprocess, sys
        from model_runtime.audio import store as audio
        from model_runtime.cli.main import main

        fill = audio.SpeechStore._fill

        def loud(*arguments):
            print("a library prints")
            sys.stdout.write("and writes\\n")
            os.write(1, b"and a native one writes to the descriptor\\n")
            subprocess.run(["echo", "and a child of ours echoes"], check=True)
            return fill(*arguments)

        audio.SpeechStore._fill = loud
        sys.exit(main(["worker", "--engine", "numpy", "--model", sys.argv[1]]))
        """
    )
    with running([sys.executable, "-c", noisy, str(checkpoint)], tmp_path) as worker:
        assert isinstance(worker.next(), Hello)
        worker.send(worker.request("r", speech))
        assert isinstance(worker.until_ending(), Result)
        assert not worker.rest()
        for words in ("a library prints", "and writes", "descriptor", "echoes"):
            assert words in worker.log()


def test_a_fault_of_ours_ends_one_request_and_its_traceback_stays_in_the_log(
    checkpoint: Path, speech: Path, tmp_path: Path
) -> None:
    broken = textwrap.dedent(
        """
        import sys
        from model_runtime.audio import store as audio
        from model_runtime.cli.main import main

        fill, calls = audio.SpeechStore._fill, []

        def fails_once(*arguments):
            calls.append(1)
            if len(calls) == 1:
                raise ZeroDivisionError("secret detail")
            return fill(*arguments)

        audio.SpeechStore._fill = fails_once
        sys.exit(main(["worker", "--engine", "numpy", "--model", sys.argv[1]]))
        """
    )
    with running([sys.executable, "-c", broken, str(checkpoint)], tmp_path) as worker:
        assert isinstance(worker.next(), Hello)
        worker.send(worker.request("a", speech), worker.request("b", speech))
        failure = worker.until_ending()
        assert isinstance(failure, Failure)
        assert (failure.id, failure.code) == ("a", "internal")
        assert "secret" not in failure.message + failure.hint
        assert isinstance(worker.until_ending(), Result)
        assert "secret detail" in worker.log()
        assert "[a]" in worker.log()


def test_torch_answers_as_numpy_does(checkpoint: Path, speech: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    results = []
    for engine in ("torch", "numpy"):
        folder = tmp_path / engine
        folder.mkdir()
        command = command_for(checkpoint, "--engine", engine, "--device", "cpu")
        with running(command, folder) as worker:
            hello = worker.next()
            worker.send(worker.request("r", speech))
            result = worker.until_ending()
            assert isinstance(hello, Hello)
            assert isinstance(result, Result), result
            assert hello.engine == result.engine == engine
            assert hello.device == result.device == "cpu"
            results.append(read_curves(result.path).values)
    np.testing.assert_allclose(results[0], results[1], atol=1e-4)
