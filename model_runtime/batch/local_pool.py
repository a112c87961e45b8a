"""Run many lines at once on this machine, each in a thread.

While one thread waits for the disk, others decode and run the model: numpy and torch release
Python's global lock for the heavy work. On the CPU each thread has its own engine and runs one line
at a time, which is as fast as batching there and gives the same bytes as ``generate``. On a GPU all
threads share one engine that batches the windows waiting for it.
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
from ..protocol import BatchLine
from .line_work import Ending, LineWork
from .lines.control import Control
from .shared_engine import SharedEngine

GPU_JOBS = 16
"""Threads on a GPU; a batch holds at most one window of each."""
POLL_S = 0.2
"""Seconds after which ``endings`` yields None, so that its caller can send progress."""


def usable_cores() -> int:
    """Return the number of CPU cores that this process may use."""
    # Affinity: containers allow fewer cores than the machine has.
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def open_engines(model: Path, engine: str, device: str, jobs: int | None) -> list[Engine]:
    """Open one engine per thread; the same one for all threads where it batches.

    Args:
        model: Checkpoint folder.
        engine: See ``engines.factory.open_engine``.
        device: See ``engines.factory.open_engine``.
        jobs: Lines at a time; None: one per core, or 16 on a GPU.

    Raises:
        BadArgument, BadWeights, EngineUnavailable: See ``load_checkpoint`` and ``open_engine``.
    """
    # Read once; every engine gets the same arrays.
    checkpoint = load_checkpoint(model)
    first = open_engine(checkpoint, engine=engine, device=device)
    # A GPU is shared: sixteen copies of the weights would not fit.
    if first.name == "torch" and not first.device.startswith("cpu"):
        from .torch_batches import TorchBatches

        shared = cast(Engine, SharedEngine(TorchBatches(checkpoint, device)))
        return [shared] * (jobs or GPU_JOBS)
    count = jobs or usable_cores()
    if count > 1:
        # Threads over lines, not within one product.
        _one_thread_each()
    more = [open_engine(checkpoint, engine=engine, device=device) for _ in range(count - 1)]
    return [first, *more]


class LocalPool:
    """Runs lines in threads of this process."""

    def __init__(self, engines: Sequence[Engine]) -> None:
        self.engines = tuple(engines)
        self.running: dict[str, float] = {}
        self._lock = threading.Lock()

    @property
    def title(self) -> str:
        """Engine, device and threads, in words."""
        first, count = self.engines[0], len(self.engines)
        return f"{first.name} on {first.device}, {count} line{'s'[: count > 1]} at a time"

    def close(self) -> None:
        """Do nothing: ``endings`` ends its threads itself."""

    def endings(
        self, lines: Sequence[BatchLine], work: LineWork, control: Control
    ) -> Iterator[Ending | None]:
        """Yield how each line ended, as it ends; None now and then, when nothing has.

        Closing the iterator early cancels. At the end no thread is left.

        Args:
            lines: The lines.
            work: What they share.
            control: Pauses and cancels.
        """
        is_shared = len({id(engine) for engine in self.engines}) < len(self.engines)
        # Windows that wait at a shared engine at the same time should be of similar length.
        waiting = iter(sorted(lines, key=_audio_bytes) if is_shared else lines)
        done: queue.SimpleQueue[Ending | None] = queue.SimpleQueue()
        # Not daemons: they end before the batch does, so that no file is half written.
        threads = [
            threading.Thread(target=self._serve, args=(waiting, engine, work, control, done))
            for engine in self.engines[: max(1, len(lines))]
        ]
        try:
            for thread in threads:
                thread.start()
            # Each thread puts None when it ends.
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
            # Also when the consumer stops early: threads look at it between windows.
            control.cancel()
            for thread in threads:
                thread.join()

    def _serve(
        self,
        waiting: Iterator[BatchLine],
        engine: Engine,
        work: LineWork,
        control: Control,
        done: queue.SimpleQueue[Ending | None],
    ) -> None:
        """Run line after line until none is left, then put None: the body of a thread."""
        try:
            while not control.should_stop():
                # next() of one iterator by several threads.
                with self._lock:
                    line = next(waiting, None)
                if line is None:
                    return
                self.running[line.id] = 0.0

                def progress(fraction: float, _stage: str, identity: str = line.id) -> None:
                    self.running[identity] = fraction

                done.put(work.run(line, engine, progress, control.should_stop))
                self.running.pop(line.id, None)
        finally:
            # Always: a thread that dies must be counted.
            done.put(None)


def _audio_bytes(line: BatchLine) -> int:
    """Return the size of the audio file, which grows with its length; 0 without a file."""
    try:
        return os.stat(line.performance.audio).st_size
    except (OSError, ValueError):
        return 0


def _one_thread_each() -> None:
    """Limit torch, where it is loaded, to one thread per line."""
    if "torch" in sys.modules:
        import torch

        # torch's own threads would multiply those of the pool.
        torch.set_num_threads(1)
