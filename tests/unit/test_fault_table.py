"""The fault table has one row per fault, with the worst verdict of its tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from buildtools import faults
from buildtools.console import ROOT

REPORT = """<testsuites><testsuite>
<testcase classname="tests.faults.test_a" name="one" time="1.5"><properties>
  <property name="fault" value="child killed"/><property name="happened" value="replaced"/>
</properties></testcase>
<testcase classname="tests.faults.test_a" name="two" time="0.5"><properties>
  <property name="fault" value="child killed"/><property name="happened" value="replaced"/>
</properties></testcase>
<testcase classname="tests.faults.test_a" name="three" time="1"><properties>
  <property name="fault" value="disk full"/></properties>
  <failure message="AssertionError: a half file&#10;and more">trace</failure></testcase>
<testcase classname="tests.faults.test_a" name="four" time="1"><properties>
  <property name="fault" value="disk full"/></properties></testcase>
<testcase classname="tests.faults.test_a" name="five" time="0"><properties>
  <property name="fault" value="signals"/></properties>
  <skipped message="POSIX signals"/></testcase>
<testcase classname="tests.faults.test_a" name="six" time="0"/>
</testsuite></testsuites>"""


@pytest.fixture
def rows(tmp_path: Path) -> list[faults.FaultResult]:
    """Return the rows of the report above."""
    report = tmp_path / "report.xml"
    report.write_text(REPORT, encoding="utf-8")
    return faults.read_report(report)


def test_each_fault_is_one_row_with_its_result(rows: list[faults.FaultResult]) -> None:
    assert [row.fault for row in rows] == ["child killed", "disk full", "signals"]
    killed = rows[0]
    assert (killed.happened, killed.verdict, killed.tests) == ("replaced", "passed", 2)
    assert (killed.seconds, killed.where) == (2.0, "tests/faults/test_a.py")


def test_one_failed_test_fails_its_fault_with_the_reason(rows: list[faults.FaultResult]) -> None:
    assert (rows[1].verdict, rows[1].happened) == ("FAILED", "AssertionError: a half file")


def test_a_skipped_fault_does_not_count_as_passed(rows: list[faults.FaultResult]) -> None:
    assert (rows[2].verdict, rows[2].happened) == ("skipped", "POSIX signals")


def test_the_table_counts_what_it_shows(rows: list[faults.FaultResult]) -> None:
    text = faults._table(rows)
    assert text.splitlines()[-1] == "3 faults in 5 tests: 1 passed, 1 failed, 1 skipped"
    assert "a half file" in text


def test_every_file_with_a_fault_belongs_to_a_group() -> None:
    tried = {path for group in faults.GROUPS for path in group.files()}
    marked = {
        path
        for path in (ROOT / "tests").rglob("test_*.py")
        if "@pytest.mark.fault(" in path.read_text(encoding="utf-8")
    }
    assert marked - tried - {Path(__file__).resolve()} == set()
