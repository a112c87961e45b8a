"""Write the report of a batch, with the lines that could not be placed among the failed. No bpy."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from ..errors import BadBatch
from ..package import batch_journal, batch_lock, batch_page, batch_table, runtime_errors, written

CSV_NAME, HTML_NAME = "report.csv", "report.html"


@dataclasses.dataclass(frozen=True)
class Misplaced:
    """The reason for which the curves of a line are not on a face."""

    error: str
    hint: str


@dataclasses.dataclass(frozen=True)
class ReportRequest:
    """The batch, lines and files of one report."""

    folder: Path
    """Output folder of the batch, with its journal."""
    csv: Path
    """The table; its page is written next to it."""
    targets: Sequence[str]
    """First file of each line of the batch."""
    skipped: Collection[str] = ()
    """Targets that an earlier run had generated."""
    misplaced: Mapping[str, Misplaced] = dataclasses.field(default_factory=dict)
    """Targets whose curves could not be placed."""
    engine: str = ""
    """Engine and device, in words."""


def check_report(csv: Path, folder: Path, targets: Collection[str] = ()) -> None:
    """Check that a report can be written and would not replace a file of the user.

    Args:
        csv: The table.
        folder: Output folder of the batch, which its worker creates.
        targets: Files of the lines, relative to ``folder``.

    Raises:
        BadBatch: It cannot, or it would.
    """
    for path in (csv, csv.with_suffix(".html")):
        if any(path == folder / target for target in targets):
            raise BadBatch(
                f"The report {path.name} would replace the curves of a line",
                hint="Rename the audio file, or give the report another name",
            )
    # The worker creates its output folder, and no other.
    if not csv.parent.is_dir():
        if csv.parent == folder:
            return
        raise BadBatch(f"No folder {csv.parent} for the report", hint="Create the folder first")
    try:
        record = batch_lock.folder_record(folder)
        for path in (csv, csv.with_suffix(".html")):
            written.check_replaceable(path, record)
    except runtime_errors.RuntimeFault as fault:
        raise BadBatch(
            str(fault), hint="Choose another output folder, or move the file away"
        ) from fault


def write_reports(request: ReportRequest) -> tuple[dict[str, str], tuple[str, ...]]:
    """Write table and page; one that cannot be written keeps neither the other nor the lines.

    Returns:
        Paths of those that were written, by kind, and a sentence for each of the others.

    Raises:
        BadBatch: The journal cannot be read.
    """
    # A line that was skipped and then could not be placed counts as failed.
    shown = set(request.skipped) - set(request.misplaced)
    try:
        found = list(_entries(request))
    except runtime_errors.RuntimeFault as fault:
        raise BadBatch(str(fault), hint=fault.hint) from fault
    failed = sum(entry.state == batch_journal.FAILED for entry in found)
    skips = sum(entry.target in shown for entry in found)
    heading = batch_page.Heading(
        title=f"CSTalk batch: {request.folder.name}",
        facts=" · ".join(filter(None, ("generated and placed in Blender", request.engine))),
        total=len(request.targets),
        done=len(found) - failed - skips,
        skipped=skips,
        failed=failed,
        audio_s=sum(entry.duration_s for entry in found),
    )
    record = batch_lock.folder_record(request.folder)

    def write_table(path: Path) -> None:
        batch_table.write_csv(path, found, shown)

    def write_page(path: Path) -> None:
        batch_page.write_html(path, heading, found, shown)

    paths: dict[str, str] = {}
    problems: list[str] = []
    for kind, write in (("csv", write_table), ("html", write_page)):
        path = request.csv if kind == "csv" else request.csv.with_suffix(".html")
        try:
            # Again: a file of the user may have come while the batch ran.
            written.check_replaceable(path, record)
            # Recorded like every file that may be replaced by the next run.
            written.write_recorded(path, record, write)
            paths[kind] = str(path)
        except runtime_errors.RuntimeFault as fault:
            problems.append(f"No report {path.name}: {fault}. {fault.hint}".rstrip(". "))
    return paths, tuple(problems)


def _entries(request: ReportRequest) -> Iterator[batch_journal.Entry]:
    """Yield the entries of the report: failed and misplaced lines first."""
    journal = batch_journal.Journal(request.folder / batch_lock.STATE_FOLDER)
    good = []
    for entry in journal.ranked(set(request.targets)):
        why = request.misplaced.get(entry.target)
        # Failed lines first, as the journal ranks them.
        if why is not None and entry.state == batch_journal.DONE:
            yield dataclasses.replace(
                entry, state=batch_journal.FAILED, error=why.error, hint=why.hint
            )
        elif entry.state == batch_journal.FAILED:
            yield entry
        else:
            good.append(entry)
    yield from good
