"""The real worker as a process, seen from the other end of its pipes. Every wait has a timeout."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from model_runtime import protocol
from model_runtime.protocol import Failure, Generate, Performance, Progress, Result, Stopped
from tests.conftest import ROOT

TIMEOUT_S = 150.0
ENDINGS = (Result, Failure, Stopped)


class Worker:
    """The other end of the pipes. Every wait has a timeout."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self.output = folder
        with (folder / "log.txt").open("wb") as log:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.decode("utf-8"))
        self._lines.put(None)

    def end(self) -> None:
        self.process.kill()
        self.process.wait(TIMEOUT_S)
        self._reader.join(TIMEOUT_S)
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()

    def write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def send(self, *messages: protocol.Message) -> None:
        self.write("".join(protocol.encode(m) + "\n" for m in messages).encode())

    def next(self) -> protocol.Message:
        line = self._lines.get(timeout=TIMEOUT_S)
        assert line is not None, self.log()
        return protocol.decode(line)

    def until_ending(self) -> protocol.Message:
        while isinstance(message := self.next(), Progress):
            pass
        return message

    def rest(self) -> list[protocol.Message]:
        """Close stdin and return every message that still comes."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait(TIMEOUT_S) == 0, self.log()
        return [
            protocol.decode(line) for line in iter(lambda: self._lines.get(timeout=TIMEOUT_S), None)
        ]

    def request(self, identity: str, audio: Path, *, model: str = "", **values: object) -> Generate:
        performance = Performance(audio, **{"fps": 30.0, **values})  # type: ignore[arg-type]
        return Generate(identity, str(self.output), performance, model)

    def log(self) -> str:
        return (self.output / "log.txt").read_text(encoding="utf-8", errors="replace")


@contextlib.contextmanager
def running(command: list[str], folder: Path) -> Iterator[Worker]:
    worker = Worker(command, folder)
    try:
        yield worker
    finally:
        worker.end()


def command_for(checkpoint: Path, *options: str) -> list[str]:
    flags = ["-s", "-E", "-X", "utf8", "-m", "model_runtime", "worker"]
    return [sys.executable, *flags, "--model", str(checkpoint), *options]
