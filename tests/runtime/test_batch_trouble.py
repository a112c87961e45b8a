"""Laws of ``batch`` under trouble: bad files, kills, two at once. On a tiny model."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from model_runtime.batch.lines.control import Control
from model_runtime.batch.lines.journal import Journal
from model_runtime.batch.lines.lock import LOCK_NAME, STATE_FOLDER, FolderBusy, locked
from model_runtime.batch.lines.manifest import read_rows
from model_runtime.batch.lines.performance import batch_line
from model_runtime.batch.lines.plan import make_plan
from model_runtime.batch.local_pool import LocalPool
from model_runtime.batch.run import BatchRequest, Summary, run, sweep
from model_runtime.checkpoint.folder import load_checkpoint
from model_runtime.curves.formats.registry import read_curves
from model_runtime.engines.numpy_engine import NumpyEngine
from model_runtime.protocol import EmotionKey, Performance, encode
from tests.conftest import ROOT
from tests.fakes.sounds import voice, write_wav
from tests.fakes.troubled_lines import Troubled, write_troubled
from tests.runtime.conftest import COMMAND

KILLS = 10


class TouchingEngine(NumpyEngine):
    """Writes into a sound whenever it runs, so that this sound changes while it is being read."""

    touched: Path

    def run(self, *arguments: Any) -> Any:
        """Write, then run."""
        with self.touched.open("ab") as stream:
            stream.write(b"more")
        return super().run(*arguments)


def run_in_process(
    order: BatchRequest, engine: NumpyEngine | None = None
) -> tuple[Summary, list[Any]]:
    """Run a batch on one engine; its summary and what it said."""
    said: list[Any] = []
    engines = [engine or NumpyEngine(load_checkpoint(order.model))]
    summary = run(
        order,
        Control(),
        lambda event: said.append(json.loads(encode(event))),
        lambda: LocalPool(engines),
    )
    return summary, said


def order_for(folder: Path, output: Path, model: Path, **changes: Any) -> BatchRequest:
    plan = make_plan(read_rows(folder))
    neutral = (EmotionKey(0.0, "neutral", 1.0),)
    # The command line's default language, which is written into each file.
    base = Performance(Path(), fps=24.0, language="en", emotion_keys=neutral)
    lines = [batch_line(line, base) for line in plan]
    return BatchRequest(lines, output, model, engine="numpy", **changes)


def files_of(folder: Path) -> dict[str, bytes]:
    """Contents of the finished files, by path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not any(p.startswith(".") for p in path.relative_to(folder).parts)
    }


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Troubled:
    """Two hundred clips with twelve kinds of trouble."""
    return write_troubled(tmp_path_factory.mktemp("troubled") / "lines")


@pytest.fixture(scope="module")
def broken_lines(
    troubled: Troubled, checkpoint: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Summary, list[Any], Path]:
    """Run the batch over the troubled folder; one file vanishes once it is planned."""
    output = tmp_path_factory.mktemp("out")
    order = order_for(troubled.folder, output, checkpoint, csv=output / "report.csv")
    troubled.vanishing.unlink()
    engine = TouchingEngine(load_checkpoint(checkpoint))
    engine.touched = troubled.changing
    summary, said = run_in_process(order, engine)
    return summary, said, output


def test_trouble_is_told_line_by_line_and_stops_nothing(
    broken_lines: tuple[Summary, list[Any], Path], troubled: Troubled
) -> None:
    summary, said, output = broken_lines
    ended = {event["name"]: event for event in said if event["type"] == "line_ended"}
    assert len(ended) == troubled.total
    failed = {name: e for name, e in ended.items() if e["outcome"] == "failed"}
    assert set(failed) == set(troubled.failing)
    for name, word in troubled.failing.items():
        assert word in failed[name]["error"]
        assert failed[name]["hint"]
    assert (summary.outcome, summary.tally.failed) == ("failed", len(troubled.failing))
    made = [path for path in files_of(output) if path.endswith(".npz")]
    assert len(made) == troubled.total - len(troubled.failing)
    assert said[-1]["type"] == "batch_ended"


def test_each_good_line_among_bad_ones_has_readable_curves_of_its_own(
    broken_lines: tuple[Summary, list[Any], Path],
) -> None:
    _, said, output = broken_lines
    done = [event for event in said if event["type"] == "line_ended" and event["outcome"] == "done"]
    for event in done:
        track = read_curves(output / event["outputs"][0])
        assert track.frame_count == event["frames"] > 0
    assert len({event["outputs"][0] for event in done}) == len(done)
    first, second = (read_curves(output / name / "same.npz") for name in "ab")
    assert (first.values != second.values).any()


def test_emotion_in_a_file_name_is_acted(
    broken_lines: tuple[Summary, list[Any], Path],
) -> None:
    _, _, output = broken_lines
    request = read_curves(output / "a" / "line_000__angry_0.7.npz").request
    assert request["emotion_keys"] == [{"start_s": 0.0, "emotion": "angry", "intensity": 0.7}]


def start(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, "batch", *(str(argument) for argument in arguments)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def events(child: subprocess.Popen[str]) -> Iterator[Any]:
    assert child.stdout is not None
    return (json.loads(text) for text in child.stdout)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty good clips and a bad one."""
    folder = tmp_path_factory.mktemp("clips")
    for i in range(60):
        write_wav(folder / f"line {i:02}.wav", voice(0.3 + i % 5 / 5, seed=i))
    (folder / "bad.wav").write_text("no sound")
    return folder


@pytest.fixture(scope="module")
def unbroken(
    clips: Path, checkpoint: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, bytes]:
    """Return the curves that an undisturbed run generates from the clips."""
    output = tmp_path_factory.mktemp("unbroken")
    child = start(clips, "-o", output, "--model", checkpoint, "--engine", "numpy", "--fps", "24")
    child.communicate()
    return files_of(output)


def test_killed_ten_times_and_resumed_gives_the_bytes_of_an_unbroken_run(
    clips: Path, unbroken: dict[str, bytes], checkpoint: Path, tmp_path: Path
) -> None:
    options = (clips, "-o", tmp_path, "--model", checkpoint, "--engine", "numpy", "--fps", "24")
    options = (*options, "--resume", "--json", "--jobs", "2")
    moments = random.Random(7)
    made_anew: list[str] = []
    for _ in range(KILLS):
        child = start(*options)
        left = moments.randint(0, 5)
        for event in events(child):
            if event["type"] == "line_ended" and event["outcome"] == "done":
                made_anew.append(event["outputs"][0])
                left -= 1
            if left <= 0:
                break
        time.sleep(moments.uniform(0, 0.06))  # a line takes about as long: anywhere within one
        child.kill()
        child.communicate()
        for name, data in files_of(tmp_path).items():
            assert data == unbroken[name], f"{name} is half-written"
    child = start(*options)
    last = [event for event in events(child) if event["type"] == "line_ended"]
    child.communicate()
    assert child.returncode == 2  # the bad one
    assert files_of(tmp_path) == unbroken
    skipped = {event["outputs"][0] for event in last if event["outcome"] == "skipped"}
    assert set(made_anew) <= skipped  # what was once told as done is never made again
    assert len(made_anew) == len(set(made_anew))


def test_sigterm_cancels_and_keeps_what_is_finished(
    clips: Path, unbroken: dict[str, bytes], checkpoint: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report.csv"
    output = tmp_path / "out"
    child = start(clips, "-o", output, "--model", checkpoint, "--engine", "numpy", "--fps", "24",
                  "--json", "--jobs", "1", "--report", report)  # fmt: skip
    for event in events(child):
        if event["type"] == "line_ended" and event["outcome"] == "done":
            child.send_signal(signal.SIGTERM)
            break
    rest = list(events(child))
    child.communicate()
    assert child.returncode == 130
    assert rest[-1]["outcome"] == "cancelled"
    assert report.is_file()
    assert 0 < len(files_of(output)) < len(unbroken)


def test_commands_on_stdin_pause_continue_and_cancel(
    clips: Path, checkpoint: Path, tmp_path: Path
) -> None:
    child = start(clips, "-o", tmp_path, "--model", checkpoint, "--engine", "numpy", "--fps", "24",
                  "--json", "--jobs", "1", "--control")  # fmt: skip
    assert child.stdin is not None
    seen = events(child)
    for event in seen:
        if event["type"] == "line_ended" and event["outcome"] == "done":
            break
    child.stdin.write("pause\n")
    child.stdin.flush()
    for event in seen:
        if event["type"] == "batch_progress" and event["is_paused"]:
            frozen = event
            break
    else:
        pytest.fail("it never said that it is paused")
    after = next(event for event in seen if event["type"] == "batch_progress")
    assert after["is_paused"]
    assert after["done"] <= frozen["done"] + 1  # what was past its last window may still end
    child.stdin.write('{"type": "resume_batch"}\n')
    child.stdin.flush()
    for event in seen:
        if event["type"] == "line_ended" and event["outcome"] == "done":
            break
    child.stdin.close()  # whoever gave commands is gone
    child.stdin = None
    assert list(seen)[-1]["outcome"] == "cancelled"
    child.communicate()
    assert child.returncode == 130


HOLD = """
import sys
from pathlib import Path
from model_runtime.batch.lines.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_batch_on_one_folder_is_refused_and_names_the_first(
    clips: Path, checkpoint: Path, tmp_path: Path
) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    holder.stdout.readline()
    with pytest.raises(FolderBusy, match=f"process {holder.pid} on"):
        run_in_process(order_for(clips, tmp_path, checkpoint))
    assert files_of(tmp_path) == {}
    holder.kill()  # kill -9: the lock goes with the process, its file stays
    holder.communicate()
    assert (tmp_path / STATE_FOLDER / LOCK_NAME).is_file()
    with locked(tmp_path):
        pass


def test_only_what_changed_is_made_again(checkpoint: Path, tmp_path: Path) -> None:
    lines, output = tmp_path / "lines", tmp_path / "out"
    lines.mkdir()
    for name in ("one", "two", "three"):
        write_wav(lines / f"{name}.wav", voice(0.4, seed=len(name)))

    def statuses() -> dict[str, str]:
        order = order_for(lines, output, checkpoint, resume=True)
        _, said = run_in_process(order)
        return {e["name"]: e["outcome"] for e in said if e["type"] == "line_ended"}

    assert set(statuses().values()) == {"done"}
    assert set(statuses().values()) == {"skipped"}
    stamp = (lines / "one.wav").stat()
    changed = bytearray((lines / "one.wav").read_bytes())
    changed[5000] ^= 1  # one bit of the sound, and the time and size of before
    (lines / "one.wav").write_bytes(changed)
    os.utime(lines / "one.wav", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    (lines / "two.json").write_text('{"emotion": "happy"}', encoding="utf-8")
    assert statuses() == {"one.wav": "done", "two.wav": "done", "three.wav": "skipped"}


def test_a_journal_cut_off_anywhere_is_read_up_to_there(
    clips: Path, checkpoint: Path, tmp_path: Path
) -> None:
    run_in_process(order_for(clips, tmp_path, checkpoint))
    state = tmp_path / STATE_FOLDER
    path = state / "journal.jsonl"
    whole = path.read_bytes()
    count = whole.count(b"\n")
    for cut in (0, 1, len(whole) // 3, len(whole) - 1):
        path.write_bytes(whole[:cut])
        assert len(Journal(state).thin_entries()) == whole[:cut].count(b"\n") < count


def test_leftovers_of_a_kill_are_swept_once_they_are_old(tmp_path: Path) -> None:
    old, new, foreign = (tmp_path / n for n in (".cstalk-a.npz", ".cstalk-b.npz", "line.npz"))
    for path in (old, new, foreign):
        path.write_bytes(b"")
    os.utime(old, (1, 1))
    sweep([tmp_path])
    assert not old.exists()
    assert new.exists()
    assert foreign.exists()
