"""Run lines on Ray, on this machine or many. No other module imports Ray.

Plan, lock, journal and output folder stay with the process that was started. A worker gets the
bytes of one audio file and returns the bytes of its curve files, so workers need neither a shared
disk nor this installation. Ray restarts a lost worker and tries its lines again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib
import logging
import os
import re
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..checkpoint.folder import CONFIG_NAME, WEIGHTS_NAME, load_checkpoint
from ..curves.formats.registry import write_curves
from ..engines.base import Engine
from ..engines.factory import open_engine
from ..errors import BadArgument, EngineUnavailable, RuntimeFault
from ..files import replace_file
from ..protocol import BatchLine, Performance
from .clip import formats_of, generate_line, write_output
from .line_work import Ending, LineWork, Task, internal
from .lines.control import Control
from .lines.fingerprint import audio_print, check_unchanged
from .lines.journal import Entry

log = logging.getLogger(__name__)

LOCAL = re.compile(r"local(?:\[(\d+|\*)\])?")
QUEUED = 2
"""Lines that each worker has at a time, so that it never waits for the next."""
MAX_ATTEMPTS = 3
"""A line whose worker is lost this often fails: it may be the cause."""
POLL_S = 0.2
INSTALL_HINT = "Install it with 'pip install ray', or leave out --cluster"
PACKAGE_ROOT = Path(__file__).resolve().parents[2]
"""Folder that holds ``model_runtime``."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """Result of one line from a worker."""

    id: str
    entry: Entry | None
    files: tuple[bytes, ...] = ()
    """One per format."""
    code: str = ""
    error: str = ""
    hint: str = ""


class CurveWorker:
    """Runs in a process of Ray with one engine, one line at a time."""

    def __init__(self, checkpoint: dict[str, bytes], engine: str, device: str) -> None:
        self._engine = _engine_from(checkpoint, engine, device)

    def title(self) -> str:
        """Return engine and device, in words."""
        return f"{self._engine.name} on {self._engine.device}"

    def generate(
        self, identity: str, audio: bytes, performance: Performance, formats: Sequence[str]
    ) -> Answer:
        """Generate the curves of an audio file; errors of the line are part of the answer.

        Args:
            identity: Id of the line.
            audio: Contents of the audio file.
            performance: The line; only the name of its audio file counts.
            formats: Endings of the files.
        """
        # A folder of its own: the worker shares no disk with the caller.
        with tempfile.TemporaryDirectory(prefix="cstalk-line-") as folder:
            path = Path(folder, performance.audio.name)
            try:
                path.write_bytes(audio)
                track, entry = generate_line(
                    dataclasses.replace(performance, audio=path),
                    self._engine,
                    audio_print(path),
                    progress=lambda _fraction, _stage: None,
                    cancelled=lambda: False,
                )
                files = []
                for ending in formats:
                    written = Path(folder, f"curves.{ending}")
                    write_curves(track, written)
                    files.append(written.read_bytes())
                return Answer(identity, entry, tuple(files))
            except RuntimeFault as fault:
                return Answer(identity, None, code=fault.code, error=str(fault), hint=fault.hint)
            # A defect of one line must not end the worker, which holds the model.
            except Exception as error:  # edge of a line: a defect in one must not end the worker
                log.exception("line %s", identity)
                defect = internal(error)
                return Answer(identity, None, code=defect.code, error=str(defect), hint=defect.hint)


class RayPool:
    """Runs lines on Ray, with the interface of ``local_pool.LocalPool``."""

    def __init__(self, address: str, model: Path, engine: str, device: str) -> None:
        """Connect and start the workers.

        Args:
            address: ``local[N]``, ``local`` (one worker per core) or ``ray://host:port``.
            model: Checkpoint folder, sent to every worker.
            engine: See ``engines.factory.open_engine``.
            device: Likewise; any value but ``cpu`` asks for a GPU per worker where Ray has some.

        Raises:
            BadArgument: Another address.
            EngineUnavailable: Ray is not installed, or the cluster cannot be reached.
            BadWeights: Not a checkpoint.
        """
        # Before Ray starts.
        load_checkpoint(model)  # an invalid folder is reported before anything is started
        self.running: dict[str, float] = {}
        self._ray, count = _connected(address)
        checkpoint = {name: (model / name).read_bytes() for name in (CONFIG_NAME, WEIGHTS_NAME)}
        resources = self._ray.cluster_resources()
        gpus = int(resources.get("GPU", 0)) if device != "cpu" else 0
        # A GPU for each worker, or a core: Ray places them.
        remote = self._ray.remote(
            num_cpus=0 if gpus else 1,
            num_gpus=1 if gpus else 0,
            # Lost workers are started again without limit; lines are not tried again without limit.
            max_restarts=-1,
            max_task_retries=MAX_ATTEMPTS - 1,
        )(CurveWorker)
        count = count or gpus or max(1, int(resources.get("CPU", 1)))
        # Kept as long as the pool: Ray gives it to restarted workers too, and frees it without us.
        self._checkpoint = self._ray.put(checkpoint)
        self._workers = [remote.remote(self._checkpoint, engine, device) for _ in range(count)]
        # Imported late: only a cluster needs Ray.
        actor_pool = importlib.import_module("ray.util").ActorPool
        self._pool = actor_pool(self._workers * QUEUED)  # each worker has QUEUED lines at a time
        self._tasks: dict[Any, Task] = {}
        """Lines at the workers, by Ray's reference to their answer."""
        self.title = f"{self._ray.get(self._workers[0].title.remote())}, {count} workers on Ray"

    def close(self) -> None:
        """End the workers and leave the cluster."""
        # kill: a worker may be within a line.
        for worker in self._workers:
            self._ray.kill(worker)
        self._ray.shutdown()

    def endings(
        self, lines: Sequence[BatchLine], work: LineWork, control: Control
    ) -> Iterator[Ending | None]:
        """See ``LocalPool.endings``.

        Args:
            lines: The lines.
            work: What they share.
            control: Pauses and cancels.
        """
        waiting = deque(lines)
        while (waiting or self._tasks) and not control.is_cancelled:
            # Only as many as workers can hold: audio is sent with the line.
            while waiting and self._pool.has_free() and not control.is_paused:
                ending = self._send_or_end(waiting.popleft(), work)
                if ending is not None:
                    yield ending
            if not self._tasks:
                if control.is_paused:
                    control.should_stop()
                continue
            try:
                answer: Answer = self._pool.get_next_unordered(timeout=POLL_S)
            except TimeoutError:
                yield None
            except self._ray.exceptions.RayError as error:
                yield from self._lost(error, work)
            else:
                task = self._taken(answer.id)
                if task is not None:
                    yield self._received(task, answer, work)

    def _send_or_end(self, line: BatchLine, work: LineWork) -> Ending | None:
        """Give a line to a worker, or return its ending if there is nothing to do for one."""
        try:
            task = work.task(line)
            if isinstance(task, Ending):
                return task
            audio = line.performance.audio.read_bytes()
            # The bytes that were sent must be those that the digest names.
            check_unchanged(line.performance.audio, task.audio)
        except RuntimeFault as fault:
            return work.failed(line, fault)
        except OSError as error:
            return work.failed(line, internal(error))

        def send(worker: Any, task: Task) -> Any:
            formats = formats_of(task.line.targets)
            reference = worker.generate.remote(line.id, audio, line.performance, formats)
            self._tasks[reference] = task
            return reference

        self.running[line.id] = 0.0
        self._pool.submit(send, task)
        return None

    def _taken(self, identity: str) -> Task | None:
        """Remove and return the task of a line; None if it was given up before."""
        self.running.pop(identity, None)
        for reference, task in self._tasks.items():
            if task.line.id == identity:
                return self._tasks.pop(reference)
        return None

    def _lost(self, error: Exception, work: LineWork) -> Iterator[Ending]:
        """Yield the endings of lines whose worker was lost `MAX_ATTEMPTS` times."""
        # Ray raises for one of them; others may be lost as well.
        ready, _ = self._ray.wait(list(self._tasks), num_returns=len(self._tasks), timeout=0)
        for reference in ready:
            try:
                self._ray.get(reference)
            except self._ray.exceptions.RayError:
                task = self._tasks.pop(reference)
                self.running.pop(task.line.id, None)
                log.warning("workers were lost at %s: %s", task.line.name, error)
                fault = RuntimeFault(
                    f"{MAX_ATTEMPTS} workers were lost at this line",
                    hint="Try it alone, without --cluster",
                )
                yield work.failed(task.line, fault, attempts=MAX_ATTEMPTS)

    def _received(self, task: Task, answer: Answer, work: LineWork) -> Ending:
        """Write the files of a line, and return its ending."""
        if answer.entry is None:
            fault = RuntimeFault(answer.error, hint=answer.hint)
            return work.failed(task.line, fault, code=answer.code)
        outputs = {}
        paths = work.paths(task.line)
        # Written here: the output folder belongs to this process.
        try:
            for target, path, data in zip(task.line.targets, paths, answer.files, strict=True):
                write = functools.partial(replace_file, data=data)
                outputs[target] = write_output(path, work.record, write)
        except RuntimeFault as fault:
            return work.failed(task.line, fault)
        entry = dataclasses.replace(answer.entry, audio=task.audio)
        return Ending(task.line, work.named(task, entry, outputs))


def check_address(address: str) -> None:
    """Raise BadArgument unless it is ``local``, ``local[N]`` or ``ray://host:port``."""
    if not LOCAL.fullmatch(address) and not address.startswith("ray://"):
        raise BadArgument(f"Unknown cluster {address!r}", hint="Use local[4] or ray://host:10001")


def _connected(address: str) -> tuple[Any, int]:
    """Return Ray, connected, and the requested number of workers; 0 for as many as fit."""
    check_address(address)
    # Ray reports usage statistics unless this is set; nothing is sent without consent.
    # Before Ray is imported.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        ray = importlib.import_module("ray")
    except ImportError as error:
        raise EngineUnavailable(f"Ray is not installed here: {error}", hint=INSTALL_HINT) from error
    local = LOCAL.fullmatch(address)
    try:
        if local:
            count = int(local[1]) if local[1] and local[1] != "*" else 0
            with _importable_by_children():
                ray.init(
                    num_cpus=count or None,
                    include_dashboard=False,
                    # Warnings of Ray would fill the console of the command.
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                )
            return ray, count
        modules = [str(PACKAGE_ROOT / "model_runtime")]
        # The package travels with the job: nodes need no installation.
        ray.init(address, log_to_driver=False, runtime_env={"py_modules": modules})
        return ray, 0
    except (ConnectionError, OSError, ValueError, RuntimeError, TimeoutError) as error:
        raise EngineUnavailable(
            f"The cluster {address} cannot be reached: {' '.join(str(error).split())[:200]}",
            hint="Check the address, and that Ray runs there in the same version",
        ) from error


@contextlib.contextmanager
def _importable_by_children() -> Iterator[None]:
    """Let processes that are started in the block import this package.

    Ray's ``runtime_env`` would not use the workers that Ray starts in advance.
    """
    name, before = "PYTHONPATH", os.environ.get("PYTHONPATH")
    # Before what is set already, so that this checkout wins.
    os.environ[name] = os.pathsep.join(filter(None, (str(PACKAGE_ROOT), before)))
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _engine_from(checkpoint: dict[str, bytes], engine: str, device: str) -> Engine:
    with tempfile.TemporaryDirectory(prefix="cstalk-model-") as folder:
        for name, data in checkpoint.items():
            Path(folder, name).write_bytes(data)
        return open_engine(load_checkpoint(Path(folder)), engine=engine, device=device)
