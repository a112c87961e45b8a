"""Laws of ``batch --cluster`` on a local Ray: the same files, and no line lost with a worker."""

from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path

import pytest

from model_runtime.batch.lines.control import Control
from model_runtime.batch.ray_pool import RayPool, check_address
from model_runtime.batch.run import run
from model_runtime.cli.main import main
from model_runtime.errors import BadArgument
from model_runtime.protocol import BatchEvent, LineEnded, LineOutcome
from tests.conftest import ROOT
from tests.fakes.sounds import voice, write_wav
from tests.runtime.conftest import COMMAND
from tests.runtime.test_batch_trouble import files_of, order_for, run_in_process

needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="Ray is not installed here (pip install ray)"
)


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """Twenty-four clips and a bad one."""
    folder = tmp_path / "clips"
    folder.mkdir()
    for i in range(24):
        write_wav(folder / f"{i:02}.wav", voice(0.4 + i % 4 / 5, seed=i))
    (folder / "bad.wav").write_text("no sound")
    return folder


class Killer:
    """Crashes a worker of the pool once some lines are done."""

    def __init__(self, after: int) -> None:
        self.after = after
        self.pool: RayPool | None = None
        self.killed = False

    def __call__(self, event: BatchEvent) -> None:
        """Count, and kill."""
        if isinstance(event, LineEnded) and event.outcome is LineOutcome.DONE:
            self.after -= 1
        if self.after <= 0 and self.pool is not None and not self.killed:
            self.killed = True
            self.pool._ray.kill(self.pool._workers[0], no_restart=False)


@needs_ray
@pytest.mark.slow
@pytest.mark.timeout(600)  # Ray starts five processes, two of them ours
@pytest.mark.filterwarnings("default")  # Ray's own
def test_a_killed_worker_costs_no_line_and_the_files_are_those_of_one_process(
    clips: Path, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_raylet_start_wait_time_s", "240")  # a busy machine needs it
    # A process of its own: one thread for each matrix product, as in the workers, or the last
    # bit differs.
    options = ("--model", checkpoint, "--engine", "numpy", "--fps", "24", "--no-acting")
    command = (*COMMAND, "batch", clips, "-o", tmp_path / "alone", *options)
    subprocess.run([str(part) for part in command], cwd=ROOT, check=False, capture_output=True)
    report = tmp_path / "report.csv"
    order = order_for(clips, tmp_path / "ray", checkpoint, csv=report, cluster="local[2]")
    killer = Killer(after=5)

    def open_pool() -> RayPool:
        killer.pool = RayPool(order.cluster, order.model, order.engine, order.device)
        return killer.pool

    summary = run(order, Control(), killer, open_pool)
    assert killer.killed
    assert (summary.outcome, summary.tally.done, summary.tally.failed) == ("failed", 24, 1)
    assert files_of(tmp_path / "ray") == files_of(tmp_path / "alone")
    assert report.read_text(encoding="utf-8").count("\n") == 26
    again = order_for(clips, tmp_path / "ray", checkpoint, resume=True)
    assert run_in_process(again)[0].tally.skipped == 24  # one journal, whoever did the work


@pytest.mark.skipif(importlib.util.find_spec("ray") is not None, reason="Ray is installed here")
def test_without_ray_the_cluster_is_refused_in_one_line(
    clips: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--model", str(checkpoint), "--cluster", "local[2]"]
    assert main(["batch", str(clips), "-o", str(tmp_path / "out"), *options]) == 2
    complaint = capsys.readouterr().err
    assert len(complaint.splitlines()) == 1
    assert "pip install ray" in complaint


@pytest.mark.parametrize("address", ["here", "local[x]", "http://host", "local[2]x"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(BadArgument, match="Unknown cluster"):
        check_address(address)
