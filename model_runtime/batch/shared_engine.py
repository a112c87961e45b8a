"""Share an engine between threads and run the windows that wait at the same time as one batch.

There is no thread of its own and no delay: the thread that finds the engine idle runs the windows
that have been queued while it was busy, its own first and then those of the most similar length.
When the GPU runs out of memory, batches are halved from then on.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
from collections.abc import Sequence
from typing import Protocol, TypeAlias

from ..arrays import FloatArray
from ..audio.features import ReadSamples
from ..engines.base import (
    Engine,
    EngineOutput,
    WrappedEngine,
    extract_features,
    log_mel_frames,
)

log = logging.getLogger(__name__)

Window: TypeAlias = tuple[FloatArray, FloatArray, FloatArray]
"""Features (2 T, M), emotion (T, E), style (T, S)."""

MAX_PADDING = 1.25
"""Longest over shortest window of a batch: at most a fifth of the work is padding."""


class OutOfGpuMemory(Exception):
    """A batch did not fit into the memory of the GPU."""


class BatchEngine(Engine, Protocol):
    """An engine that can run several windows at once."""

    def run_many(self, windows: Sequence[Window]) -> list[EngineOutput]:
        """Return the outputs of windows of any lengths. Raises OutOfGpuMemory."""
        ...


# eq=False: comparing arrays would be ambiguous, and identity is meant.
@dataclasses.dataclass(eq=False)
class _Request:
    window: Window
    output: EngineOutput | None = None

    @property
    def frames(self) -> int:
        return len(self.window[1])


class SharedEngine(WrappedEngine):
    """An ``Engine`` for any number of threads."""

    def __init__(self, inner: BatchEngine) -> None:
        super().__init__(inner)
        self._batches = inner
        self.max_frames = inner.window_frames
        """Most frames of a batch with its padding: short windows fit as one long one does."""
        self._waiting: list[_Request] = []
        self._lock = threading.Lock()
        self._turn = threading.Lock()

    def extract_features(
        self, read: ReadSamples, sample_count: int, *, first_frame: int, frames: int
    ) -> FloatArray:
        """See ``engines.base.extract_features``; encoders run one at a time."""
        if self.config.encoder is None:
            return log_mel_frames(read, sample_count, first_frame, frames, self.config)
        # Encoders keep a cache of blocks, which is not thread-safe.
        with self._turn:
            return extract_features(
                self._inner, read, sample_count, first_frame=first_frame, frames=frames
            )

    def run(self, features: FloatArray, emotion: FloatArray, style: FloatArray) -> EngineOutput:
        """See ``Engine.run``; blocks until the batch with this window is done."""
        mine = _Request((features, emotion, style))
        with self._lock:
            self._waiting.append(mine)
        with self._turn:
            # Another thread may have run it meanwhile.
            while mine.output is None:
                self._run_batch(self._take(mine))
        return mine.output

    def _take(self, mine: _Request) -> list[_Request]:
        """Return the batch of one request: those of similar length, as many as fit."""
        with self._lock:
            others = [request for request in self._waiting if request is not mine]
            # Similar lengths: less padding.
            others.sort(key=lambda request: abs(request.frames - mine.frames))
            batch = [mine]
            for request in others:
                sizes = [r.frames for r in (*batch, request)]
                # Frames times windows: that is the memory, padding included.
                too_many = len(sizes) * max(sizes) > self.max_frames
                if too_many or max(sizes) > MAX_PADDING * min(sizes):
                    break
                batch.append(request)
            # By identity, not by value.
            self._waiting = [r for r in self._waiting if not any(r is taken for taken in batch)]
        return batch

    def _run_batch(self, batch: Sequence[_Request]) -> None:
        """Set the output of every request of the batch.

        A request without output, because the batch failed, is run again by its own thread.
        """
        try:
            outputs = self._outputs(batch)
        except OutOfGpuMemory:
            longest = max(request.frames for request in batch)
            # Half of what failed, but never less than one window.
            self.max_frames = max(longest, len(batch) // 2 * longest)
            log.warning("out of GPU memory: batches of %d frames from now on", self.max_frames)
            middle = len(batch) // 2
            self._run_batch(batch[:middle])
            self._run_batch(batch[middle:])
            return
        for request, output in zip(batch, outputs, strict=True):
            request.output = output

    def _outputs(self, batch: Sequence[_Request]) -> list[EngineOutput]:
        if len(batch) == 1:  # the engine has its own ways out: smaller windows, then the CPU
            return [self._batches.run(*batch[0].window)]
        return self._batches.run_many([request.window for request in batch])
