"""Run a whole batch: lock, journal, lines, reports. Called by command line and batch worker."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import platform
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from ..engines.factory import AUTO
from ..errors import BadArgument, BadOutput, BadWeights
from ..protocol import BatchEvent, BatchLine, BatchOutcome
from ..version import runtime_version
from ..written import Record, check_replaceable, write_recorded
from .events import Events, Tally
from .line_work import Ending, LineWork
from .lines.control import Control
from .lines.fingerprint import model_print
from .lines.journal import Journal
from .lines.lock import folder_record, locked
from .lines.ownership import Inputs
from .lines.report import write_csv
from .lines.report_html import Heading, write_html
from .local_pool import LocalPool, open_engines

log = logging.getLogger(__name__)

TEMPORARY = ".cstalk-"
"""Prefix of the names under which ``files.replacing`` writes."""
STALE_S = 10.0
"""Age from which a temporary file is left over: writing one file takes milliseconds."""


@dataclasses.dataclass(frozen=True)
class BatchRequest:
    """A batch that is to be run."""

    lines: Sequence[BatchLine]
    output: Path
    model: Path
    resume: bool = False
    overwrite: bool = False
    csv: Path | None = None
    html: Path | None = None
    engine: str = AUTO
    device: str = AUTO
    jobs: int | None = None
    cluster: str = ""
    """``local[N]`` or ``ray://...``; empty: threads of this process."""


@dataclasses.dataclass(frozen=True)
class Summary:
    """The outcome of a batch and the number of lines per outcome."""

    outcome: BatchOutcome
    tally: Tally


class Pool(Protocol):
    """Runs lines: ``local_pool.LocalPool`` or ``ray_pool.RayPool``."""

    running: dict[str, float]
    """Completed part of each line that is being generated, 0 to 1, by id."""

    @property
    def title(self) -> str:
        """Engine, device and number of lines at a time, in words."""
        ...

    def endings(
        self, lines: Sequence[BatchLine], work: LineWork, control: Control
    ) -> Iterator[Ending | None]:
        """Yield how each line ended, as it ends; None now and then.

        Args:
            lines: The lines.
            work: What they share.
            control: Pauses and cancels.
        """
        ...

    def close(self) -> None:
        """Release all resources."""
        ...


def run(
    request: BatchRequest,
    control: Control,
    send: Callable[[BatchEvent], None],
    open_pool: Callable[[], Pool] | None = None,
) -> Summary:
    """Run a batch until it ends or is cancelled.

    At any moment every finished line is complete on the disk and in the journal.

    Args:
        request: The batch.
        control: Pauses and cancels.
        send: Called for each event, from this thread.
        open_pool: Returns what runs the lines; None: as ``request`` says.

    Raises:
        RuntimeFault: Nothing could be done: no line, no model, no engine, folder or report not
            writable, another batch on the folder. After the end: a report could not be written.
    """
    if not request.lines:
        raise BadArgument("The batch has no lines", hint="Choose some lines")
    model = _model_print(request.model)
    # Locked before the reports are checked: nobody may write in between.
    with locked(request.output) as state:
        record = folder_record(request.output)
        _check_reports(request, record)
        journal = Journal(state)
        # Opened under the lock: engines take seconds.
        pool = _pool(request) if open_pool is None else open_pool()
        # Entries of earlier runs are read before the journal is rewritten.
        earlier = journal.thin_entries()
        work = LineWork(model, request.output, earlier, record, request.resume, request.overwrite)
        sweep(path.parent for line in request.lines for path in work.paths(line))
        journal.start()
        events = Events(len(request.lines), send)
        try:
            ended, skipped = _run_lines(request, pool, work, journal, control, events)
        finally:
            # The journal first: it must be synced even if a worker hangs.
            try:
                journal.close()
            finally:
                pool.close()
        if request.resume:  # lines that were not reached may be there from an earlier run
            ended |= {line.targets[0] for line in request.lines}
        reports, fault = _write_reports(
            request, record, journal, ended, skipped, events.tally, pool.title
        )
        outcome = _outcome(events.tally)
        if fault is not None and outcome is BatchOutcome.DONE:
            outcome = BatchOutcome.FAILED
        # Sent in any case: the lines are there, whatever keeps the report.
        events.ended(outcome, reports)
        if fault is not None:
            raise fault
    return Summary(outcome, events.tally)


def _model_print(folder: Path) -> str:
    try:
        # The release is part of it: another version may give other curves.
        return model_print(folder, runtime_version())
    except OSError as error:
        raise BadWeights(
            f"No checkpoint in {folder}: {error.strerror}", hint="Choose a folder with --model"
        ) from error


def _check_reports(request: BatchRequest, record: Record) -> None:
    """Check that reports replace neither the curves of a line nor a file of the user.

    Raises:
        BadArgument: A report is an output of a line.
        BadOutput: It cannot be written, or a file of the user stands there.
    """
    reports = [path for path in (request.csv, request.html) if path is not None]
    if not reports:  # resolving the names of a hundred thousand lines takes seconds
        return
    outputs = Inputs(request.output / target for line in request.lines for target in line.targets)
    for report in reports:
        if outputs.holds(report):
            raise BadArgument(
                f"The report {report} is an output of a line", hint="Give it another name"
            )
        check_replaceable(report, record, overwrite=request.overwrite)


def sweep(folders: Iterable[Path]) -> None:
    """Remove old temporary files that a killed process left behind."""
    newest = time.time() - STALE_S
    for folder in set(folders):
        for path in folder.glob(f"{TEMPORARY}*.*"):
            with contextlib.suppress(OSError):  # it may be gone by now
                if path.stat().st_mtime < newest:
                    path.unlink()


def _outcome(tally: Tally) -> BatchOutcome:
    if tally.ended < tally.total:
        return BatchOutcome.CANCELLED
    return BatchOutcome.FAILED if tally.failed else BatchOutcome.DONE


def _pool(request: BatchRequest) -> Pool:
    if request.cluster:
        # Ray is imported only where a cluster is asked for.
        from .ray_pool import RayPool

        return RayPool(request.cluster, request.model, request.engine, request.device)
    return LocalPool(open_engines(request.model, request.engine, request.device, request.jobs))


def _run_lines(
    request: BatchRequest,
    pool: Pool,
    work: LineWork,
    journal: Journal,
    control: Control,
    events: Events,
) -> tuple[set[str], set[str]]:
    """Run the lines; returns the targets that ended and, of these, those that were skipped."""
    ended, skipped = set[str](), set[str]()
    events.started(pool.title)
    for ending in pool.endings(request.lines, work, control):
        if ending is not None and ending.entry is not None:
            ended.add(ending.entry.target)
            if ending.is_skipped:
                skipped.add(ending.entry.target)
            else:
                journal.append(ending.entry)
            events.line_ended(ending)
            # Writes into a deleted file succeed: only its name shows that the folder is gone.
            if not journal.is_on_disk():
                raise BadOutput(
                    f"The output folder {request.output} disappeared during the batch",
                    hint="Check the disk or network drive, then run the batch again with --resume",
                )
        events.progress(dict(pool.running), is_paused=control.is_paused)
    return ended, skipped


def _write_reports(
    request: BatchRequest,
    record: Record,
    journal: Journal,
    targets: set[str],
    skipped: set[str],
    tally: Tally,
    title: str,
) -> tuple[tuple[str, ...], BadOutput | None]:
    """Write the reports that were asked for; one that cannot be written keeps no other.

    Returns:
        Paths of those that were written, and the first error.
    """
    heading = Heading(
        title=f"CSTalk batch: {request.output.resolve().name}",
        facts=f"{request.model.name} · {title} · {platform.node()}",
        total=tally.total,
        done=tally.done,
        skipped=tally.skipped,
        failed=tally.failed,
        audio_s=sum(entry.duration_s for entry in journal.ranked(targets)),
    )

    def write_table(path: Path) -> None:
        write_csv(path, journal.ranked(targets), skipped)

    def write_page(path: Path) -> None:
        write_html(path, heading, journal.ranked(targets), skipped)

    written: list[str] = []
    faults: list[BadOutput] = []
    for path, write in ((request.csv, write_table), (request.html, write_page)):
        if path is None:
            continue
        try:
            # Again: a file of the user may have come while the batch ran.
            check_replaceable(path, record, overwrite=request.overwrite)
            write_recorded(path, record, write)
            written.append(str(path))
        except BadOutput as fault:
            faults.append(fault)
    return tuple(written), (faults[0] if faults else None)
