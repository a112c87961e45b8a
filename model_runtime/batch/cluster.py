"""The same batch on Ray: workers on this machine or many. Ray is imported by this module alone.

The plan, the lock, the journal and the output folder stay with the process that was started; a
worker gets the bytes of one sound and gives the bytes of its files back, so workers need neither a
common disk nor this installation. A worker that is lost is replaced and its line tried again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import itertools
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
from ..protocol import Performance
from .acting import act, formats_of, make_folder, print_of
from .line_work import Ending, LineWork, Task, failed, internal
from .lines.control import Control
from .lines.fingerprint import check_unchanged, sound_print
from .lines.journal import Entry
from .lines.plan import Line

log = logging.getLogger(__name__)

LOCAL = re.compile(r"local(?:\[(\d+|\*)\])?")
QUEUED = 2
"""Lines that a worker has at hand, so that it never waits for the next."""
MAX_ATTEMPTS = 3
"""A line whose worker is lost this often is given up: it may be the line's own fault."""
POLL_S = 0.2
INSTALL_HINT = "Install it with 'pip install ray', or leave out --cluster"
PACKAGE_ROOT = Path(__file__).resolve().parents[2]
"""The folder that holds ``model_runtime``."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a worker made of one line."""

    entry: Entry | None
    files: tuple[bytes, ...] = ()
    """One a format."""
    code: str = ""
    error: str = ""
    hint: str = ""


class CurveWorker:
    """Runs in a process of Ray: one engine, line after line."""

    def __init__(self, checkpoint: dict[str, bytes], engine: str, device: str) -> None:
        self._engine = _engine_from(checkpoint, engine, device)

    def title(self) -> str:
        """Engine and device, for people."""
        return f"{self._engine.name} on {self._engine.device}"

    def process_id(self) -> int:
        """Of this worker."""
        return os.getpid()

    def act(self, sound: bytes, performance: Performance, formats: Sequence[str]) -> Answer:
        """Curves of a sound as the bytes of one file a format; faults come back as words."""
        with tempfile.TemporaryDirectory(prefix="cstalk-line-") as folder:
            path = Path(folder, performance.audio.name)
            try:
                path.write_bytes(sound)
                track, entry = act(
                    dataclasses.replace(performance, audio=path),
                    self._engine,
                    sound_print(path),
                    progress=lambda _fraction, _stage: None,
                    cancelled=lambda: False,
                )
                files = []
                for ending in formats:
                    made = Path(folder, f"curves.{ending}")
                    write_curves(track, made)
                    files.append(made.read_bytes())
                return Answer(entry, tuple(files))
            except RuntimeFault as fault:
                return Answer(None, code=fault.code, error=str(fault), hint=fault.hint)


class RayPool:
    """Runs lines on Ray; like ``throughput.LocalPool``. Close it."""

    def __init__(self, address: str, model: Path, engine: str, device: str) -> None:
        """Connect and start the workers.

        Args:
            address: ``local[N]``, ``local`` (as many as cores) or ``ray://host:port``.
            model: Checkpoint folder, sent to every worker.
            engine: See ``engines.factory.open_engine``.
            device: Likewise; anything but ``cpu`` asks Ray for a GPU a worker where it has some.

        Raises:
            BadArgument: An address that is neither.
            EngineUnavailable: Ray is not installed, or the cluster cannot be reached.
            BadWeights: Not a checkpoint.
        """
        load_checkpoint(model)  # a bad folder is told before anything is started
        self.running: dict[int, float] = {}
        self._ray, count = _connected(address)
        self._arguments = (
            self._ray.put({n: (model / n).read_bytes() for n in (CONFIG_NAME, WEIGHTS_NAME)}),
            engine,
            device,
        )
        resources = self._ray.cluster_resources()
        gpus = int(resources.get("GPU", 0)) if device != "cpu" else 0
        self._options = {"num_cpus": 0 if gpus else 1, "num_gpus": 1 if gpus else 0}
        count = count or gpus or max(1, int(resources.get("CPU", 1)))
        self._workers = [self._new_worker() for _ in range(count)]
        self.title = f"{self._ray.get(self._workers[0].title.remote())}, {count} workers on Ray"

    def close(self) -> None:
        """Let go of the cluster; workers end."""
        for worker in self._workers:
            self._ray.kill(worker)
        self._ray.shutdown()

    def process_ids(self) -> list[int]:
        """Of the workers."""
        found: list[int] = self._ray.get([w.process_id.remote() for w in self._workers])
        return found

    def endings(
        self, lines: Sequence[Line], work: LineWork, control: Control
    ) -> Iterator[Ending | None]:
        """See ``LocalPool.endings``."""
        todo = deque(zip(lines, itertools.repeat(1)))
        flying: dict[Any, tuple[Task, int, int]] = {}
        while (todo or flying) and not control.is_cancelled:
            free = [i for i, load in enumerate(self._loads(flying)) if load < QUEUED]
            while todo and free and not control.is_paused:
                line, attempt = todo.popleft()
                ready = self._send(line, work, free[0])
                if isinstance(ready, Ending):
                    yield ready
                    continue
                flying[ready[0]] = (ready[1], free[0], attempt)
                self.running[line.row.number] = 0.0
                free = [i for i, load in enumerate(self._loads(flying)) if load < QUEUED]
            if not flying:
                control.should_stop() if control.is_paused else None
                continue
            done, _ = self._ray.wait(list(flying), num_returns=1, timeout=POLL_S)
            for reference in done:
                task, index, attempt = flying.pop(reference)
                self.running.pop(task.line.row.number, None)
                ending = self._received(reference, task, index, attempt, work)
                if ending is None:
                    todo.appendleft((task.line, attempt + 1))
                else:
                    yield ending
            if not done:
                yield None

    def _loads(self, flying: dict[Any, tuple[Task, int, int]]) -> list[int]:
        """Lines that each worker has."""
        at = [index for _, index, _ in flying.values()]
        return [at.count(index) for index in range(len(self._workers))]

    def _send(self, line: Line, work: LineWork, index: int) -> Ending | tuple[Any, Task]:
        """Give a line to a worker; an ending where nothing is to do or it cannot be read."""
        try:
            task = work.task(line)
            if isinstance(task, Ending):
                return task
            sound = task.performance.audio.read_bytes()
            check_unchanged(task.performance.audio, task.sound)
        except RuntimeFault as fault:
            return failed(line, fault)
        except OSError as error:
            return failed(line, internal(error))
        worker = self._workers[index]
        return worker.act.remote(sound, task.performance, formats_of(line.targets)), task

    def _received(
        self, reference: Any, task: Task, index: int, attempt: int, work: LineWork
    ) -> Ending | None:
        """The ending of a line; None when its worker was lost and it shall be tried again."""
        try:
            answer: Answer = self._ray.get(reference)
        except self._ray.exceptions.RayActorError as error:
            log.warning("worker %d was lost at %s: %s", index, task.line.row.name, error)
            self._replace(index)
            if attempt < MAX_ATTEMPTS:
                return None
            fault = RuntimeFault(
                f"{attempt} workers were lost at this line", hint="Try it alone, without --cluster"
            )
            return failed(task.line, fault, attempts=attempt)
        except self._ray.exceptions.RayTaskError as error:
            return failed(task.line, internal(error.cause or error), attempts=attempt)
        try:
            return self._written(task, answer, attempt, work)
        except RuntimeFault as fault:
            return failed(task.line, fault, attempts=attempt)

    def _written(self, task: Task, answer: Answer, attempt: int, work: LineWork) -> Ending:
        """Put what a worker made where it belongs. Raises BadOutput."""
        if answer.entry is None:
            fault = RuntimeFault(answer.error, hint=answer.hint)
            return failed(task.line, fault, attempts=attempt, code=answer.code)
        outputs = {}
        paths = task.line.paths(work.folder)
        for target, path, data in zip(task.line.targets, paths, answer.files, strict=True):
            make_folder(path.parent)
            replace_file(path, data)
            outputs[target] = print_of(path)
        entry = dataclasses.replace(answer.entry, sound=task.sound, attempts=attempt)
        return Ending(task.line, work.named(task, entry, outputs))

    def _new_worker(self) -> Any:
        remote = self._ray.remote(**self._options)(CurveWorker)
        return remote.remote(*self._arguments)

    def _replace(self, index: int) -> None:
        """A new worker in place of one that is lost; once, however many lines it had."""
        try:
            self._ray.get(self._workers[index].process_id.remote())
        except self._ray.exceptions.RayActorError:
            self._workers[index] = self._new_worker()


def check_address(address: str) -> None:
    """Raise BadArgument unless it is ``local``, ``local[N]`` or ``ray://host:port``."""
    if not LOCAL.fullmatch(address) and not address.startswith("ray://"):
        raise BadArgument(f"Unknown cluster {address!r}", hint="Use local[4] or ray://host:10001")


def _connected(address: str) -> tuple[Any, int]:
    """Ray, connected, and the number of workers asked for; 0: as many as there is room for."""
    check_address(address)
    # Without consent nothing is sent anywhere: Ray counts its users unless told not to.
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
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                )
            return ray, count
        modules = [str(PACKAGE_ROOT / "model_runtime")]
        ray.init(address, log_to_driver=False, runtime_env={"py_modules": modules})
        return ray, 0
    except (ConnectionError, OSError, ValueError, RuntimeError, TimeoutError) as error:
        raise EngineUnavailable(
            f"The cluster {address} cannot be reached: {' '.join(str(error).split())[:200]}",
            hint="Check the address, and that Ray runs there in the same version",
        ) from error


@contextlib.contextmanager
def _importable_by_children() -> Iterator[None]:
    """Let processes that are started meanwhile find this package.

    Ray's own way (``runtime_env``) would not use the workers that it starts beforehand.
    """
    name, before = "PYTHONPATH", os.environ.get("PYTHONPATH")
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
