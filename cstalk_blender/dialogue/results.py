"""The report, once more, where a line was made but could not be put on its face. No bpy."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from ..errors import BadBatch
from ..package import batch_journal, batch_lock, batch_page, batch_table, runtime_errors

CSV_NAME, HTML_NAME = "report.csv", "report.html"


@dataclasses.dataclass(frozen=True)
class Misplaced:
    """Why the curves of a line are not on a face."""

    error: str
    hint: str


def write_reports(
    folder: Path,
    csv: Path,
    targets: Sequence[str],
    skipped: Collection[str],
    misplaced: Mapping[str, Misplaced],
) -> None:
    """Write CSV and page again, with the lines in ``misplaced`` among the failed ones.

    Args:
        folder: The output folder, whose journal is read.
        csv: The table; the page lies beside it.
        targets: First file of each line of the batch.
        skipped: Targets that an earlier run had made.
        misplaced: By target.

    Raises:
        BadBatch: A report cannot be written.
    """

    def entries() -> Iterator[batch_journal.Entry]:
        ranked = batch_journal.Journal(folder / batch_lock.STATE_FOLDER).ranked(set(targets))
        good = []
        for entry in ranked:
            why = misplaced.get(entry.target)
            if why is not None and entry.state == batch_journal.DONE:
                yield dataclasses.replace(
                    entry, state=batch_journal.FAILED, error=why.error, hint=why.hint
                )
            elif entry.state == batch_journal.FAILED:
                yield entry
            else:
                good.append(entry)
        yield from good

    shown = set(skipped) - set(misplaced)
    found = list(entries())
    failed = sum(entry.state == batch_journal.FAILED for entry in found)
    skips = sum(entry.target in shown for entry in found)
    heading = batch_page.Heading(
        title=f"CSTalk batch: {folder.name}",
        facts="made and placed in Blender",
        total=len(targets),
        done=len(found) - failed - skips,
        skipped=skips,
        failed=failed,
        sound_s=sum(entry.duration_s for entry in found),
    )
    try:
        batch_table.write_csv(csv, found, shown)
        batch_page.write_html(csv.with_suffix(".html"), heading, found, shown)
    except runtime_errors.RuntimeFault as fault:
        raise BadBatch(str(fault), hint=fault.hint) from fault
