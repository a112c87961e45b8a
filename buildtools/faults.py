"""Tries every fault and tells what happened, as a table and as JSON. Stdlib only.

A fault is a test that carries ``@pytest.mark.fault("what is done")``; what it notes with the
fixture ``observed`` is what happened. Here they run whole (``CSTALK_FAULTS=whole``): 100,000 fuzzed
lines each way, an hour of speech. The suite runs a seeded share of them.
"""

from __future__ import annotations

import dataclasses
import json
import tempfile
import textwrap
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Sequence
from pathlib import Path

from . import environments, testing
from .console import ROOT, BuildError, run, say

MARK = "pytest.mark.fault("
TIMEOUT_S = 3600.0
TEST_TIMEOUT_S = 600
COLUMNS = (52, 78)
"""Letters of the columns fault and what happened."""
GOOD, BAD, SKIPPED = "held", "BROKEN", "not tried"


@dataclasses.dataclass(frozen=True)
class Room:
    """Fault tests that run in one environment."""

    environment: str
    folders: tuple[str, ...]

    def files(self) -> list[Path]:
        """The files with a fault in them."""
        return sorted(
            path
            for folder in self.folders
            for path in (ROOT / folder).glob("test_*.py")
            if MARK in path.read_text(encoding="utf-8")
        )


ROOMS = (
    Room("faults", ("tests/faults", "tests/session", "tests/unit")),
    Room("runtime", ("tests/runtime",)),
    Room("bpy-5.2", ("tests/blender",)),
)


@dataclasses.dataclass(frozen=True)
class Tried:
    """A fault and what came of it."""

    fault: str
    happened: str
    verdict: str
    tests: int
    seconds: float
    where: str


def run_faults(keyword: str, destination: Path) -> tuple[str, bool]:
    """Try the faults.

    Args:
        keyword: pytest's ``-k`` expression; empty means every fault.
        destination: Where the table goes as JSON.

    Returns:
        The table as text; whether every fault was held.

    Raises:
        BuildError: A room could not be run, or no fault was tried, or the table cannot be written.
    """
    rows = [row for room in ROOMS for row in _try_room(room, keyword)]
    if not rows:
        raise BuildError(f"No fault matches {keyword!r}")
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        records = [dataclasses.asdict(row) for row in rows]
        destination.write_text(json.dumps(records, indent=1, ensure_ascii=False) + "\n", "utf-8")
    except OSError as error:
        raise BuildError(f"Cannot write {destination}: {error}", hint="Check --out") from error
    return _table(rows), all(row.verdict != BAD for row in rows)


def _try_room(room: Room, keyword: str) -> list[Tried]:
    python = environments.ensure(room.environment)
    say(f"Trying the faults of {', '.join(room.folders)}")
    with tempfile.TemporaryDirectory(prefix="cstalk-faults-") as name:
        report = Path(name) / "report.xml"
        command: list[str | Path] = [python, "-m", "pytest", *room.files(), "-q"]
        command += ["-m", "fault", f"--junitxml={report}", f"--timeout={TEST_TIMEOUT_S}"]
        command += ["-p", "no:cacheprovider", *(["-k", keyword] if keyword else [])]
        started = time.monotonic()
        status, output = run(
            command,
            timeout_s=TIMEOUT_S,
            environment={
                **testing.test_environment(python, Path(name)),
                "CSTALK_FAULTS": "whole",
            },
            what=room.environment,
        )
        if status not in (0, 1, testing.NO_TESTS_COLLECTED):
            raise BuildError(f"The tests of {room.folders} ended with {status}:\n{output[-3000:]}")
        say(f"{', '.join(room.folders)}: {time.monotonic() - started:.0f} s")
        return read_report(report) if status != testing.NO_TESTS_COLLECTED else []


def read_report(report: Path) -> list[Tried]:
    """The rows of a JUnit report: one for each fault, with all tests of its name together."""
    cases: dict[str, list[ElementTree.Element]] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        for fault in _properties(case, "fault"):
            cases.setdefault(fault, []).append(case)
    return [_row(fault, found) for fault, found in cases.items()]


def _row(fault: str, cases: Sequence[ElementTree.Element]) -> Tried:
    broken = [case for case in cases if _first(case, ("failure", "error")) is not None]
    skipped = [case for case in cases if case.find("skipped") is not None]
    if broken:
        problem = _first(broken[0], ("failure", "error"))
        happened = "" if problem is None else problem.get("message", "").partition("\n")[0]
        verdict = BAD
    elif len(skipped) == len(cases):
        reason = skipped[0].find("skipped")
        happened = "" if reason is None else reason.get("message", "")
        verdict = SKIPPED
    else:
        notes = dict.fromkeys(note for case in cases for note in _properties(case, "happened"))
        happened = "; ".join(notes) or _as_demanded(len(cases))
        verdict = GOOD
    seconds = sum(float(case.get("time", "0")) for case in cases)
    where = cases[0].get("classname", "").replace(".", "/") + ".py"
    return Tried(fault, happened, verdict, len(cases), round(seconds, 2), where)


def _as_demanded(tests: int) -> str:
    return "as its test demands" if tests == 1 else f"as its tests demand, in {tests} forms"


def _first(case: ElementTree.Element, tags: Iterable[str]) -> ElementTree.Element | None:
    return next((found for tag in tags if (found := case.find(tag)) is not None), None)


def _properties(case: ElementTree.Element, name: str) -> list[str]:
    return [p.get("value", "") for p in case.iter("property") if p.get("name") == name]


def _table(rows: Sequence[Tried]) -> str:
    lines = [f"{'fault':{COLUMNS[0]}}  {'what happened':{COLUMNS[1]}}  verdict"]
    lines.append("  ".join("-" * width for width in (*COLUMNS, 9)))
    for row in rows:
        left = textwrap.wrap(row.fault, COLUMNS[0]) or [""]
        right = textwrap.wrap(row.happened, COLUMNS[1], max_lines=3, placeholder=" …") or [""]
        for number in range(max(len(left), len(right))):
            fault = left[number] if number < len(left) else ""
            happened = right[number] if number < len(right) else ""
            verdict = row.verdict if number == 0 else ""
            lines.append(f"{fault:{COLUMNS[0]}}  {happened:{COLUMNS[1]}}  {verdict}".rstrip())
    counts = [sum(row.verdict == verdict for row in rows) for verdict in (GOOD, BAD, SKIPPED)]
    tests = sum(row.tests for row in rows)
    summary = f"{len(rows)} faults in {tests} tests: {counts[0]} held, {counts[1]} broken, "
    return "\n".join([*lines, "", f"{summary}{counts[2]} not tried"])
