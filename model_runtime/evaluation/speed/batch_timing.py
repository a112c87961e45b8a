"""Time many short lines through ``batch`` and one by one, in a process of its own.

Both ways end in the same files. One by one is what a loop over ``generate`` in one process does,
without the start of a process a line; it is timed on the first ``SINGLE_LINES`` lines.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

LINES: Final = 1000
SINGLE_LINES: Final = 100
TIMEOUT_S: Final = 1800
BAR: Final = "1000 lines of 5 s on two CPU cores: < 60 s"
if TYPE_CHECKING:
    from ...engines.base import Engine

# Modules are found from here in the child process.
ROOT = Path(__file__).resolve().parents[3]


@dataclasses.dataclass(frozen=True)
class BatchTiming:
    """Duration of a batch in seconds of wall clock, from reading the folder to the report."""

    title: str
    """Engine, device, lines at a time."""
    lines: int
    batch_s: float
    single_s: float
    """The same lines one by one, from the pace of the first hundred."""
    processor_s: float
    """Processor time of the batch: what it would take alone on one core at least."""
    peak_mb: float | None


def time_batch(model: Path, speech: Path, *, device: str, lines: int) -> BatchTiming | str:
    """Time a batch in a fresh process; why there is no timing, where there is none.

    Args:
        model: Checkpoint folder.
        speech: The line, copied as often as wanted.
        device: See ``engines.factory.open_engine``.
        lines: How many.
    """
    command = [sys.executable, "-m", __name__, str(model), str(speech), device, str(lines)]
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
            # One BLAS thread: the pool has a thread a core.
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )
    except subprocess.TimeoutExpired:
        return f"batch: took over {TIMEOUT_S} s"
    if done.returncode:
        # The last line of a traceback says what happened.
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        return f"batch: {last[0]}"
    return BatchTiming(**json.loads(done.stdout.splitlines()[-1]))


def main(arguments: Sequence[str]) -> int:
    """Time both ways for ``MODEL SPEECH.wav DEVICE LINES`` and print the result."""
    # Imported in the child: the parent must not load engines, whose memory would be counted.
    from ...batch.lines.control import Control
    from ...batch.lines.manifest import read_rows
    from ...batch.lines.performance import batch_line
    from ...batch.lines.plan import make_plan
    from ...batch.local_pool import LocalPool, open_engines
    from ...batch.run import BatchRequest, run
    from ...protocol import Performance
    from .timing_child import _peak_megabytes

    model, speech, device, count = (
        Path(arguments[0]),
        Path(arguments[1]),
        arguments[2],
        int(arguments[3]),
    )
    with tempfile.TemporaryDirectory(prefix="cstalk-lines-") as work:
        folder = Path(work, "lines")
        folder.mkdir()
        for i in range(count):
            (folder / f"line_{i:05}.wav").write_bytes(speech.read_bytes())
        pool = LocalPool(open_engines(model, "auto", device, None))
        # Before the batch: page cache and processor are warm for both.
        single_s = _one_by_one(sorted(folder.iterdir()), pool.engines[0], Path(work)) * count
        started, processor = time.perf_counter(), time.process_time()
        lines = [batch_line(line, Performance(Path())) for line in make_plan(read_rows(folder))]
        request = BatchRequest(
            lines,
            Path(work, "out"),
            model,
            csv=Path(work, "report.csv"),
            html=Path(work, "report.html"),
        )
        summary = run(request, Control(), lambda _event: None, lambda: pool)
        batch_s = time.perf_counter() - started
        if summary.tally.done != count:
            raise SystemExit(f"{summary.tally.failed} of {count} lines failed")
        answer = BatchTiming(
            title=pool.title,
            lines=count,
            batch_s=batch_s,
            single_s=single_s,
            processor_s=time.process_time() - processor,
            peak_mb=_peak_megabytes(),
        )
    sys.stdout.write(json.dumps(dataclasses.asdict(answer)) + "\n")
    return 0


def _one_by_one(sounds: Sequence[Path], engine: Engine, work: Path) -> float:
    """Return the mean seconds of a line generated and written alone; the first is not counted."""
    from ...curves.formats.registry import write_curves
    from ...generate import perform
    from ...protocol import Performance

    chosen = sounds[: SINGLE_LINES + 1]
    started = time.perf_counter()
    for i, sound in enumerate(chosen):
        write_curves(perform(Performance(sound), engine), work / "alone.npz")
        if i == 0:
            # The first line opens files and warms caches.
            started = time.perf_counter()
    return (time.perf_counter() - started) / max(1, len(chosen) - 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
