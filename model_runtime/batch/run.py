"""A whole batch: lock, journal, lines, report. What the command line and programs call."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import platform
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from ..engines.factory import AUTO
from ..errors import BadWeights
from ..files import check_writable
from ..protocol import Performance
from ..version import runtime_version
from .line_work import Ending, LineWork
from .lines.control import Control
from .lines.fingerprint import model_print
from .lines.journal import FAILED, Entry, Journal
from .lines.lock import locked
from .lines.plan import Line
from .lines.report import write_csv
from .lines.report_html import Heading, write_html
from .narrate import Narrator, Tally
from .throughput import LocalPool, open_engines

log = logging.getLogger(__name__)

TEMPORARY = ".cstalk-"
"""Beginning of the names under which ``files.replacing`` writes."""
STALE_S = 10.0
"""Writing one file takes milliseconds; older ones belong to nobody."""
DONE, FAILURES, CANCELLED = "done", "failed", "cancelled"


@dataclasses.dataclass(frozen=True)
class Order:
    """A batch that is asked for."""

    lines: Sequence[Line]
    base: Performance
    """How lines are acted that do not say it themselves."""
    output: Path
    model: Path
    resume: bool = False
    csv: Path | None = None
    html: Path | None = None
    engine: str = AUTO
    device: str = AUTO
    jobs: int | None = None
    cluster: str = ""
    """``local[N]`` or ``ray://...``; empty: threads of this process."""


@dataclasses.dataclass(frozen=True)
class Summary:
    """What became of a batch."""

    status: str
    """``done``, ``failed`` (some line) or ``cancelled``."""
    tally: Tally


class Pool(Protocol):
    """Something that runs lines: ``throughput.LocalPool``, ``cluster.RayPool``."""

    running: dict[int, float]

    @property
    def title(self) -> str:
        """For people."""
        ...

    def endings(
        self, lines: Sequence[Line], work: LineWork, control: Control
    ) -> Iterator[Ending | None]:
        """How each line ended, as it ends; None now and then."""
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


def run(
    order: Order, control: Control, narrator: Narrator, open_pool: Callable[[], Pool] | None = None
) -> Summary:
    """Run a batch to its end or its cancelling.

    Every finished line is in its place and in the journal at any moment; nothing is half-written.

    Args:
        order: What to do.
        control: Asked all the time.
        narrator: Told everything.
        open_pool: Gives what runs the lines; None: what the order says.

    Raises:
        RuntimeFault: Nothing could be done: no model, no engine, folder or report not writable,
            another batch on the folder.
    """
    try:
        model = model_print(order.model, runtime_version())
    except OSError as error:
        raise BadWeights(
            f"No checkpoint in {order.model}: {error.strerror}", hint="Choose a folder with --model"
        ) from error
    with locked(order.output) as state:
        for report in filter(None, (order.csv, order.html)):
            check_writable(report)
        journal = Journal(state)
        targets = {line.targets[0] for line in order.lines}
        earlier: Mapping[str, Entry] = journal.thin_entries() if order.resume else {}
        pool = _pool(order) if open_pool is None else open_pool()
        sweep(path.parent for line in order.lines for path in line.paths(order.output))
        journal.start(without=() if order.resume else targets)
        try:
            work = LineWork(order.base, model, order.output, earlier)
            tally, skipped = _run_lines(order, pool, work, journal, control, narrator)
        finally:
            journal.close()
            pool.close()
        is_short = tally.ended < tally.total
        status = CANCELLED if is_short else FAILURES if tally.failed else DONE
        reports = _write_reports(order, journal, targets, skipped, tally, pool.title)
        narrator.end(tally, status, reports)
    return Summary(status, tally)


def sweep(folders: Iterable[Path]) -> None:
    """Remove what a killed process left of files it was writing, once it is old enough."""
    newest = time.time() - STALE_S
    for folder in set(folders):
        for path in folder.glob(f"{TEMPORARY}*.*"):
            with contextlib.suppress(OSError):  # it may be gone by now
                if path.stat().st_mtime < newest:
                    path.unlink()


def _pool(order: Order) -> Pool:
    if order.cluster:
        from .cluster import RayPool

        return RayPool(order.cluster, order.model, order.engine, order.device)
    return LocalPool(open_engines(order.model, order.engine, order.device, order.jobs))


def _run_lines(
    order: Order,
    pool: Pool,
    work: LineWork,
    journal: Journal,
    control: Control,
    narrator: Narrator,
) -> tuple[Tally, set[str]]:
    tally, skipped = Tally(len(order.lines)), set[str]()
    narrator.start(tally, pool.title)
    for ending in pool.endings(order.lines, work, control):
        if ending is not None and ending.entry is not None:
            entry = ending.entry
            if ending.is_skipped:
                tally.skipped += 1
                skipped.add(entry.target)
            else:
                journal.append(entry)
                tally.failed += entry.state == FAILED
                tally.done += entry.state != FAILED
            status = "skipped" if ending.is_skipped else entry.state
            narrator.line(tally, ending.line, entry, status)
        narrator.progress(tally, dict(pool.running), control.is_paused)
    return tally, skipped


def _write_reports(
    order: Order,
    journal: Journal,
    targets: set[str],
    skipped: set[str],
    tally: Tally,
    title: str,
) -> dict[str, str]:
    """Write what was asked for; the paths by kind. Raises BadOutput."""
    made = {}
    if order.csv is not None:
        write_csv(order.csv, journal.ranked(targets), skipped)
        made["csv"] = str(order.csv)
    if order.html is not None:
        sound_s = sum(entry.duration_s for entry in journal.ranked(targets))
        heading = Heading(
            title=f"CSTalk batch: {order.output.resolve().name}",
            facts=f"{order.model.name} · {title} · {platform.node()}",
            total=tally.total,
            done=tally.done,
            skipped=tally.skipped,
            failed=tally.failed,
            sound_s=sound_s,
        )
        write_html(order.html, heading, journal.ranked(targets), skipped)
        made["html"] = str(order.html)
    return made
