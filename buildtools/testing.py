"""Run the suite: one pytest per layer, each in its environment, two at a time. Stdlib only."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import os
import re
import tempfile
import threading
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path

from . import environments, pythons
from .console import ROOT, BuildError, clean_environment, run, say

LOGS = ROOT / "out" / "test-logs"
TEST_TIMEOUT_S = 180  # for one test; the slowest start a process that loads torch
LAYERS_AT_ONCE = 2
NO_TESTS_COLLECTED = 5  # pytest's exit status

# Both threads may need the same environment.
_environment_lock = threading.Lock()


@dataclasses.dataclass(frozen=True)
class Layer:
    """Tests that run together in one environment."""

    name: str
    environment: str
    folders: tuple[str, ...]
    timeout_s: float

    @property
    def paths(self) -> tuple[Path, ...]:
        """Folders that exist in this checkout."""
        return tuple(ROOT / folder for folder in self.folders if (ROOT / folder).is_dir())


LAYERS = (
    Layer("runtime", "runtime", ("tests/runtime",), 2400),
    Layer("plain", "runtime", ("tests/unit", "tests/session"), 900),
    Layer("faults", "faults", ("tests/faults",), 900),
    Layer("engine-old", "engine-old", ("tests/engine",), 600),
    Layer("engine-new", "engine-new", ("tests/engine",), 600),
    Layer("blender-4.2", "bpy-4.2", ("tests/blender", "tests/engine"), 1200),
    Layer("blender-4.5", "bpy-4.5", ("tests/blender", "tests/engine"), 1200),
    Layer("blender-5.0", "bpy-5.0", ("tests/blender", "tests/engine"), 1200),
    Layer("blender-5.1", "bpy-5.1", ("tests/blender", "tests/engine"), 1200),
    Layer("blender-5.2", "bpy-5.2", ("tests/blender", "tests/engine"), 1200),
)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """Result of one layer."""

    layer: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    note: str = ""


def run_layers(only: Sequence[str] = (), keyword: str = "") -> tuple[str, bool]:
    """Run the layers and summarise their results.

    Args:
        only: Names, or beginnings of names, of layers; empty means all.
        keyword: pytest's ``-k`` expression; empty means every test.

    Returns:
        The summary, whose last line is ``N passed, N failed, N skipped``; whether all passed.

    Raises:
        BuildError: ``only`` names no layer, or an environment cannot be created.
    """
    # Beginnings of names: "blender" runs all versions.
    chosen = [x for x in LAYERS if not only or any(x.name.startswith(name) for name in only)]
    if not chosen:
        names = ", ".join(layer.name for layer in LAYERS)
        raise BuildError(f"No layer is called {' or '.join(only)}", hint=f"Use one of: {names}")
    LOGS.mkdir(parents=True, exist_ok=True)
    say(f"Running {', '.join(layer.name for layer in chosen)}")
    with concurrent.futures.ThreadPoolExecutor(LAYERS_AT_ONCE) as pool:
        outcomes = list(pool.map(lambda layer: _run_layer(layer, keyword), chosen))
    return _summary(outcomes), not any(outcome.failed for outcome in outcomes)


def _run_layer(layer: Layer, keyword: str) -> Outcome:
    spec = environments.SPECS[layer.environment]
    if pythons.find_or_none(spec.versions) is None:
        return _without_python(layer, spec.versions[0])
    with _environment_lock:  # one download at a time: two would share the connection
        python = environments.ensure(layer.environment)
        runtime = environments.ensure("runtime")
    say(f"{layer.name}: started")
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="cstalk-test-") as scratch:
        report = Path(scratch) / "report.xml"
        status, output = run(
            _pytest(layer, python, report, keyword),
            timeout_s=layer.timeout_s,
            environment=test_environment(runtime, Path(scratch)),
            log=LOGS / f"{layer.name}.log",
            what=layer.name,
        )
        outcome = _outcome(layer, status, report, keyword)
    outcome = dataclasses.replace(outcome, seconds=time.monotonic() - started)
    say(
        f"{layer.name}: {outcome.passed} passed, {outcome.failed} failed, {outcome.skipped} skipped"
        f" in {outcome.seconds:.0f} s {outcome.note}"
    )
    if outcome.failed:
        say(f"{layer.name} failed; its output:\n{_failures(output)}")
    return outcome


def _pytest(layer: Layer, python: Path, report: Path, keyword: str) -> list[str | Path]:
    # The slowest tests are named in every log.
    command: list[str | Path] = [python, "-m", "pytest", *layer.paths, "-q", "--durations=5"]
    command += [f"--junitxml={report}", f"--timeout={TEST_TIMEOUT_S}", "-p", "no:cacheprovider"]
    return [*command, "-k", keyword] if keyword else command


def test_environment(runtime: Path, scratch: Path) -> dict[str, str]:
    """Return the environment variables of a test process, without the developer's settings.

    Args:
        runtime: Python with torch, for tests that start the real worker.
        scratch: Temporary folder for Blender's settings.
    """
    return clean_environment(
        {
            "CSTALK_PYTHON": "",  # a setting of the developer would decide what is tested
            "OMP_NUM_THREADS": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "CSTALK_ENV_HOME": str(environments.home()),
            "CSTALK_TEST_RUNTIME_PYTHON": str(runtime),
            "BLENDER_USER_RESOURCES": str(scratch / "blender"),
        }
    )


def _without_python(layer: Layer, version: pythons.Version) -> Outcome:
    note = f"no Python {version[0]}.{version[1]} on this machine"
    if os.environ.get("CI", "").lower() in ("true", "1"):
        say(f"{layer.name}: FAILED, {note}, and CI must run every layer")
        return Outcome(layer.name, failed=1, note=note)
    say(f"{layer.name}: SKIPPED, {note}")
    return Outcome(layer.name, skipped=1, note=note)


def _outcome(layer: Layer, status: int, report: Path, keyword: str) -> Outcome:
    """Return the counts of pytest's report; a process that crashed adds one failure."""
    if status == NO_TESTS_COLLECTED and keyword:
        return Outcome(layer.name, note="(no test matches)")
    counts = _counts(report)
    if counts is None:
        return Outcome(layer.name, failed=1, note=f"(the process ended with status {status})")
    passed, failed, skipped = counts
    if passed == 0 and failed == 0 and not keyword:
        return Outcome(layer.name, failed=1, skipped=skipped, note="(no test ran)")
    if status not in (0, 1) or (status == 1 and failed == 0):
        return Outcome(layer.name, passed, failed + 1, skipped, note=f"(exit status {status})")
    return Outcome(layer.name, passed, failed, skipped)


def _counts(report: Path) -> tuple[int, int, int] | None:
    """Return (passed, failed, skipped) of a JUnit report; None when there is none."""
    try:
        suites = list(ElementTree.parse(report).getroot().iter("testsuite"))
    except (OSError, ElementTree.ParseError):
        return None
    total, failures, errors, skipped = (
        sum(int(suite.get(key, "0")) for suite in suites)
        for key in ("tests", "failures", "errors", "skipped")
    )
    failed = failures + errors
    return max(total - failed - skipped, 0), failed, skipped


def _failures(output: str) -> str:
    """Return the failures in pytest's output, or its last lines."""
    # From the failures on; the progress dots before say nothing.
    found = re.search(r"^=+ (FAILURES|ERRORS) =+$", output, re.MULTILINE)
    text = output[found.start() :] if found else output
    return "\n".join("    " + line for line in text.splitlines()[-200:])


def _summary(outcomes: Sequence[Outcome]) -> str:
    width = max(len(outcome.layer) for outcome in outcomes)
    lines = [f"{'layer':{width}}  passed  failed  skipped  seconds"]
    for x in outcomes:
        counts = f"{x.passed:6}  {x.failed:6}  {x.skipped:7}  {x.seconds:7.0f}"
        lines.append(f"{x.layer:{width}}  {counts}  {x.note}".rstrip())
    passed, failed, skipped = (
        sum(getattr(outcome, key) for outcome in outcomes)
        for key in ("passed", "failed", "skipped")
    )
    return "\n".join([*lines, "", f"{passed} passed, {failed} failed, {skipped} skipped"])
