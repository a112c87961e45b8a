"""Many lines at once on this machine: threads that each take a line from sound to file.

While one thread waits for the disk, others decode and run the model: numpy and torch let go of
Python's lock for the heavy work. On the processor each thread has an engine of its own and a line
runs alone, which is as fast as a batch there and gives the very bytes of ``generate``. On a GPU all
threads share one engine that runs what waits at the same time as one batch.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

from ..checkpoint.folder import load_checkpoint
from ..engines.base import Engine
from ..engines.factory import open_engine
from .line_work import Ending, LineWork
from .lines.control import Control
from .lines.plan import Line
from .shared_engine import SharedEngine

GPU_JOBS = 16
"""Threads that keep a GPU fed: a batch is at most one line of each."""
POLL_S = 0.2
"""How often ``endings`` gives its caller a chance to tell progress."""


def usable_cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def open_engines(model: Path, engine: str, device: str, jobs: int | None) -> list[Engine]:
    """One engine a thread; the same one for all threads where it batches.

    Args:
        model: Checkpoint folder.
        engine: See ``engines.factory.open_engine``.
        device: See ``engines.factory.open_engine``.
        jobs: Lines at a time; None: one a core, or 16 on a GPU.

    Raises:
        BadArgument, BadWeights, EngineUnavailable: See ``load_checkpoint`` and ``open_engine``.
    """
    checkpoint = load_checkpoint(model)
    first = open_engine(checkpoint, engine=engine, device=device)
    if first.name == "torch" and not first.device.startswith("cpu"):
        from .torch_batches import TorchBatches

        shared = cast(Engine, SharedEngine(TorchBatches(checkpoint, device)))
        return [shared] * (jobs or GPU_JOBS)
    count = jobs or usable_cores()
    if count > 1:
        _one_thread_each()
    more = [open_engine(checkpoint, engine=engine, device=device) for _ in range(count - 1)]
    return [first, *more]


class LocalPool:
    """Runs lines in threads of this process."""

    def __init__(self, engines: Sequence[Engine]) -> None:
        self.engines = tuple(engines)
        self.running: dict[int, float] = {}
        """Fraction done of each line at work, by its number."""
        self._lock = threading.Lock()

    @property
    def title(self) -> str:
        """Engine, device and threads, for people."""
        first, count = self.engines[0], len(self.engines)
        return f"{first.name} on {first.device}, {count} line{'s'[: count > 1]} at a time"

    def close(self) -> None:
        """Nothing to let go of: ``endings`` ends its threads itself."""

    def endings(
        self, lines: Sequence[Line], work: LineWork, control: Control
    ) -> Iterator[Ending | None]:
        """How each line ended, as it ends; None now and then, when nothing has.

        Leaving early cancels. At the end no thread is left.
        """
        is_shared = len({id(engine) for engine in self.engines}) < len(self.engines)
        # What waits at a shared engine at the same time should be of like length.
        waiting = iter(sorted(lines, key=_sound_bytes) if is_shared else lines)
        done: queue.SimpleQueue[Ending | None] = queue.SimpleQueue()
        threads = [
            threading.Thread(target=self._serve, args=(waiting, engine, work, control, done))
            for engine in self.engines[: max(1, len(lines))]
        ]
        try:
            for thread in threads:
                thread.start()
            alive = len(threads)
            while alive:
                try:
                    ending = done.get(timeout=POLL_S)
                except queue.Empty:
                    yield None
                    continue
                if ending is None:
                    alive -= 1
                else:
                    yield ending
        finally:
            control.cancel()
            for thread in threads:
                thread.join()

    def _serve(
        self,
        waiting: Iterator[Line],
        engine: Engine,
        work: LineWork,
        control: Control,
        done: queue.SimpleQueue[Ending | None],
    ) -> None:
        """One thread: line after line until none is left, then None."""
        try:
            while not control.should_stop():
                with self._lock:
                    line = next(waiting, None)
                if line is None:
                    return
                number = line.row.number
                self.running[number] = 0.0

                def progress(fraction: float, _stage: str, number: int = number) -> None:
                    self.running[number] = fraction

                done.put(work.run(line, engine, progress, control.should_stop))
                self.running.pop(number, None)
        finally:
            done.put(None)


def _sound_bytes(line: Line) -> int:
    """Size of the sound, which goes with its length; 0 where there is none."""
    try:
        return os.stat(line.row.audio).st_size
    except OSError:
        return 0


def _one_thread_each() -> None:
    """Keep torch, where it is loaded, on one thread a line."""
    if "torch" in sys.modules:
        import torch

        torch.set_num_threads(1)
