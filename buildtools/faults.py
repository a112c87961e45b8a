"""Run every fault test and report the results as a table and as JSON. Standard library only.

A fault is a test with ``@pytest.mark.fault("the fault")``; the texts that it passes to the fixture
``observed`` are the result. The tests run in full here (``CSTALK_FAULTS=whole``): 100,000 fuzzed
lines in each direction, an hour of speech. The suite runs a seeded part of them.
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

# Read as text: collecting with pytest would need each environment.
MARK = "pytest.mark.fault("
TIMEOUT_S = 3600.0
TEST_TIMEOUT_S = 600
COLUMNS = (52, 78)
"""Widths of the columns *fault* and *result*."""
PASSED, FAILED, SKIPPED = "passed", "FAILED", "skipped"


@dataclasses.dataclass(frozen=True)
class TestGroup:
    """Fault tests that run in one environment."""

    __test__ = False  # not a class of tests

    environment: str
    folders: tuple[str, ...]

    def files(self) -> list[Path]:
        """Return the files with fault tests."""
        return sorted(
            path
            for folder in self.folders
            for path in (ROOT / folder).glob("test_*.py")
            if MARK in path.read_text(encoding="utf-8")
        )


GROUPS = (
    TestGroup("faults", ("tests/faults", "tests/session", "tests/unit")),
    TestGroup("runtime", ("tests/runtime",)),
    TestGroup("bpy-5.2", ("tests/blender",)),
)


@dataclasses.dataclass(frozen=True)
class FaultResult:
    """A fault and the result of its tests."""

    fault: str
    happened: str
    verdict: str
    tests: int
    seconds: float
    where: str


def run_faults(keyword: str, destination: Path) -> tuple[str, bool]:
    """Run the fault tests.

    Args:
        keyword: pytest's ``-k`` expression; empty means every fault.
        destination: JSON file for the table.

    Returns:
        The table as text; whether every test passed.

    Raises:
        BuildError: A group could not run, no fault matches, or the table cannot be written.
    """
    rows = [row for group in GROUPS for row in _run_group(group, keyword)]
    if not rows:
        raise BuildError(f"No fault matches {keyword!r}", hint="Check --only")
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        records = [dataclasses.asdict(row) for row in rows]
        destination.write_text(json.dumps(records, indent=1, ensure_ascii=False) + "\n", "utf-8")
    except OSError as error:
        raise BuildError(f"Cannot write {destination}: {error}", hint="Check --out") from error
    return _table(rows), all(row.verdict != FAILED for row in rows)


def _run_group(group: TestGroup, keyword: str) -> list[FaultResult]:
    python = environments.ensure(group.environment)
    say(f"Running the fault tests of {', '.join(group.folders)}")
    with tempfile.TemporaryDirectory(prefix="cstalk-faults-") as name:
        report = Path(name) / "report.xml"
        command: list[str | Path] = [python, "-m", "pytest", *group.files(), "-q"]
        command += ["-m", "fault", f"--junitxml={report}", f"--timeout={TEST_TIMEOUT_S}"]
        # No cache files in the checkout.
        command += ["-p", "no:cacheprovider", *(["-k", keyword] if keyword else [])]
        started = time.monotonic()
        status, output = run(
            command,
            timeout_s=TIMEOUT_S,
            environment={
                **testing.test_environment(python, Path(name)),
                "CSTALK_FAULTS": "whole",
            },
            what=group.environment,
        )
        # 1 is "some tests failed", which is a result.
        if status not in (0, 1, testing.NO_TESTS_COLLECTED):
            raise BuildError(f"The tests of {group.folders} ended with {status}:\n{output[-3000:]}")
        say(f"{', '.join(group.folders)}: {time.monotonic() - started:.0f} s")
        return read_report(report) if status != testing.NO_TESTS_COLLECTED else []


def read_report(report: Path) -> list[FaultResult]:
    """Return the rows of a JUnit report: one for each fault, with all its tests."""
    cases: dict[str, list[ElementTree.Element]] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        # A fault may have several tests, a test several faults.
        for fault in _properties(case, "fault"):
            cases.setdefault(fault, []).append(case)
    return [_row(fault, found) for fault, found in cases.items()]


def _row(fault: str, cases: Sequence[ElementTree.Element]) -> FaultResult:
    broken = [case for case in cases if _first(case, ("failure", "error")) is not None]
    skipped = [case for case in cases if case.find("skipped") is not None]
    if broken:
        problem = _first(broken[0], ("failure", "error"))
        happened = "" if problem is None else problem.get("message", "").partition("\n")[0]
        verdict = FAILED
    # Skipped only where every test is: one that ran has shown something.
    elif len(skipped) == len(cases):
        reason = skipped[0].find("skipped")
        happened = "" if reason is None else reason.get("message", "")
        verdict = SKIPPED
    else:
        # Once each, in order: parametrised tests observe the same.
        notes = dict.fromkeys(note for case in cases for note in _properties(case, "happened"))
        happened = "; ".join(notes) or _without_notes(len(cases))
        verdict = PASSED
    seconds = sum(float(case.get("time", "0")) for case in cases)
    where = cases[0].get("classname", "").replace(".", "/") + ".py"
    return FaultResult(fault, happened, verdict, len(cases), round(seconds, 2), where)


def _without_notes(tests: int) -> str:
    return "its test passed" if tests == 1 else f"its {tests} tests passed"


def _first(case: ElementTree.Element, tags: Iterable[str]) -> ElementTree.Element | None:
    return next((found for tag in tags if (found := case.find(tag)) is not None), None)


def _properties(case: ElementTree.Element, name: str) -> list[str]:
    return [p.get("value", "") for p in case.iter("property") if p.get("name") == name]


def _table(rows: Sequence[FaultResult]) -> str:
    lines = [f"{'fault':{COLUMNS[0]}}  {'result':{COLUMNS[1]}}  verdict"]
    lines.append("  ".join("-" * width for width in (*COLUMNS, 9)))
    for row in rows:
        left = textwrap.wrap(row.fault, COLUMNS[0]) or [""]
        # Three lines: a table is to be read at a glance.
        right = textwrap.wrap(row.happened, COLUMNS[1], max_lines=3, placeholder=" …") or [""]
        for number in range(max(len(left), len(right))):
            fault = left[number] if number < len(left) else ""
            happened = right[number] if number < len(right) else ""
            verdict = row.verdict if number == 0 else ""
            lines.append(f"{fault:{COLUMNS[0]}}  {happened:{COLUMNS[1]}}  {verdict}".rstrip())
    counts = [sum(row.verdict == verdict for row in rows) for verdict in (PASSED, FAILED, SKIPPED)]
    tests = sum(row.tests for row in rows)
    summary = f"{len(rows)} faults in {tests} tests: {counts[0]} passed, {counts[1]} failed, "
    return "\n".join([*lines, "", f"{summary}{counts[2]} skipped"])
