"""Measure what the add-on costs inside Blender, as a table and as JSON. Standard library only.

The work is done by one thread, so its processor time is compared with the limit: the best of
several runs, since a busy machine stretches wall time. The cost of Blender itself to enable an
extension is measured with one that does nothing.
"""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import re
import tempfile
from pathlib import Path
from typing import Any

from .. import environments, extension
from ..console import ROOT, BuildError, clean_environment, run, say

SCRIPT = Path(__file__).with_name("addon_costs.py")
SPEECH = ROOT / "demo" / "speech" / "line.wav"
# An install and five starts of Blender on a busy machine.
TIMEOUT_S = 600.0
# The best of several: other processes only ever make a run slower.
STARTS, PERFORMANCES = 5, 3
EMPTY = "cstalk_nothing"
"""An extension that does nothing."""
ENABLE_MS, TICK_MS, BAKE_MS, LAYERS_MS, PREVIEW_MS = 50.0, 20.0, 60.0, 30.0, 4.0
"""Limits in milliseconds."""


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    target: str
    measured: str
    is_met: bool


def run_benchmark(version: str, destination: Path) -> tuple[str, bool]:
    """Measure in one version of Blender.

    Args:
        version: Version of the Blender environment, as ``5.2``.
        destination: JSON file to write.

    Returns:
        The table; always True, since a benchmark does not fail.

    Raises:
        BuildError: No such Blender, or it could not be measured.
    """
    python = environments.ensure(f"bpy-{version}")
    with tempfile.TemporaryDirectory(prefix="cstalk-benchmark-") as name:
        # From the zip, not from the checkout: users enable an installed extension.
        archive = extension.make_zip(Path(name) / "cstalk.zip")
        # Installed once: the first import compiles bytecode, which a user has on the disk.
        _measure(python, Path(name), "install", archive)
        say(f"Enabling in {STARTS} fresh Blenders")
        enabled = [_measure(python, Path(name), "enable") for _ in range(STARTS)]
        # After CSTalk was measured: the empty extension must not be enabled with it.
        _write_empty(Path(name))
        empty = [_measure(python, Path(name), "enable", EMPTY) for _ in range(STARTS)]
        say(f"One performance, tick by tick, in {PERFORMANCES} fresh Blenders")
        works = [_measure(python, Path(name), "work", SPEECH) for _ in range(PERFORMANCES)]
    rows = _rows(enabled, empty, works)
    work = works[0]
    record = {
        "blender": work["version"],
        "enable": [{key: run[key] for key in ("enable_s", "enable_cpu_s")} for run in enabled],
        "empty": [{key: run[key] for key in ("enable_s", "enable_cpu_s")} for run in empty],
        "ticks": [{key: run[key] for key in ("ticks_s", "ticks_cpu_s")} for run in works],
        "rows": [dataclasses.asdict(row) for row in rows],
        **{key: work[key] for key in ("bake_s", "bake_cpu_s", "made", "handlers")},
    }
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        destination.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise BuildError(f"Cannot write {destination}: {error}", hint="Check --out") from error
    return _table(rows, str(work["version"])), True


def _measure(python: Path, home: Path, *arguments: str | Path) -> dict[str, Any]:
    status, output = run(
        [python, SCRIPT, *arguments],
        timeout_s=TIMEOUT_S,
        environment=clean_environment(
            {
                # Preferences of the developer must not count.
                "BLENDER_USER_RESOURCES": str(home / "blender"),
                "HOME": str(home),
                # Empty: bytecode is written, as for a user.
                "PYTHONDONTWRITEBYTECODE": "",
                # Empty: a setting of the developer would choose the worker's Python.
                "CSTALK_PYTHON": "",
                # One thread: processor time is compared, and threads would hide or double it.
                "OMP_NUM_THREADS": "1",
            }
        ),
    )
    # Blender prints lines of its own before the result.
    lines = [line for line in output.splitlines() if line.startswith("{")]
    if status != 0 or not lines:
        raise BuildError(f"Blender could not be measured ({arguments[0]}):\n{output[-3000:]}")
    return dict(json.loads(lines[-1]))


def _write_empty(home: Path) -> None:
    """Write an extension with CSTalk's manifest and two functions that do nothing."""
    folder = home / "blender" / "extensions" / "user_default" / EMPTY
    folder.mkdir(parents=True)
    manifest = (ROOT / "blender_manifest.toml").read_text(encoding="utf-8")
    # The manifest of CSTalk, so that Blender checks and reads as much for either.
    manifest = re.sub(r'^id = ".*"$', f'id = "{EMPTY}"', manifest, flags=re.MULTILINE)
    (folder / "blender_manifest.toml").write_text(manifest, encoding="utf-8")
    code = "def register():\n    pass\n\n\ndef unregister():\n    pass\n"
    (folder / "__init__.py").write_text(code, encoding="utf-8")


def _longest_ticks(works: list[dict[str, Any]]) -> tuple[tuple[float, float], ...]:
    """Return the longest waiting and key-writing ticks, (CPU, wall) in ms: the best of all runs."""
    longest: tuple[list[tuple[float, ...]], ...] = ([], [])
    for one in works:
        ticks = list(zip(one["ticks_cpu_s"], one["ticks_s"], strict=True))
        first = len(ticks) - one["heavy_ticks"]
        # Ticks after the result write keys, those before wait for the worker.
        for kind, own in zip(longest, (ticks[:first], ticks[first:]), strict=True):
            kind.append(tuple(1e3 * max(column) for column in zip(*own, strict=True)))
    best = (tuple(min(column) for column in zip(*kind, strict=True)) for kind in longest)
    return tuple((cpu, wall) for cpu, wall in best)


def _rows(
    enabled: list[dict[str, Any]], empty: list[dict[str, Any]], works: list[dict[str, Any]]
) -> list[Row]:
    enable = min(1e3 * run["enable_s"] for run in enabled)
    enable_cpu = min(1e3 * run["enable_cpu_s"] for run in enabled)
    empty_cpu = min(1e3 * run["enable_cpu_s"] for run in empty)
    work = works[0]
    (wait_cpu, wait), (bring_cpu, bring) = _longest_ticks(works)
    bake, bake_cpu = (
        1e3 * min(s for one in works for s in one[k]) for k in ("bake_s", "bake_cpu_s")
    )
    before, after = (1e6 * s for s in work["frame_change_s"])
    timers = work["timer_before"] or work["timer_after"]
    # Handlers on load or save cost nothing while a scene plays.
    per_frame = [name for name in work["handlers"] if "frame" in name or "depsgraph" in name]
    return [
        Row(
            "enable, in a Blender that just started",
            f"<= {ENABLE_MS:.0f} ms",
            f"{enable_cpu:.0f} ms (wall {enable:.0f} ms; one that does nothing {empty_cpu:.0f} ms)",
            enable_cpu <= ENABLE_MS,
        ),
        Row(
            "timers while nothing runs",
            "none",
            "one" if timers else "none",
            not timers,
        ),
        Row(
            "handlers called on each frame or change",
            "none",
            ", ".join(per_frame) or "none",
            not per_frame,
        ),
        Row(
            "frame change, disabled / enabled",
            "the same",
            f"{before:.1f} / {after:.1f} µs",
            not per_frame,
        ),
        Row(
            f"longest of {len(work['ticks_s']) - work['heavy_ticks']} waiting ticks",
            f"<= {TICK_MS:.0f} ms",
            f"{wait_cpu:.0f} ms (wall {wait:.0f} ms)",
            wait_cpu <= TICK_MS,
        ),
        Row(
            f"longest of {work['heavy_ticks']} ticks that write keys ({work['made']})",
            f"<= {TICK_MS:.0f} ms",
            f"{bring_cpu:.0f} ms (wall {bring:.0f} ms)",
            bring_cpu <= TICK_MS,
        ),
        Row(
            "bake of 52 shapes, 3,600 keys each",
            f"<= {BAKE_MS:.0f} ms",
            f"{bake_cpu:.0f} ms (wall {bake:.0f} ms)",
            bake_cpu <= BAKE_MS,
        ),
        *(_direct_row(works), _preview_row(works)),
    ]


def _preview_row(works: list[dict[str, Any]]) -> Row:
    added = 1e3 * min(one["preview_cpu_s"] for one in works)
    return Row(
        "Live Preview beside a frame change, 50,000 vertices",
        f"<= {PREVIEW_MS:.0f} ms",
        f"{added:.1f} ms",
        added <= PREVIEW_MS,
    )


def _direct_row(works: list[dict[str, Any]]) -> Row:
    layers, region, face = (
        1e3 * min(one[key] for one in works)
        for key in ("layers_cpu_s", "region_cpu_s", "face_cpu_s")
    )
    return Row(
        "all layers on ten seconds of 52 channels",
        f"<= {LAYERS_MS:.0f} ms",
        f"{layers:.0f} ms (with fitted keys: one region {region:.0f} ms, face {face:.0f} ms)",
        layers <= LAYERS_MS,
    )


def _table(rows: list[Row], version: str) -> str:
    widths = [max(len(getattr(row, key)) for row in rows) for key in ("what", "target", "measured")]
    lines = [
        f"Blender {version}, {platform.machine()} with {os.cpu_count()} cores, {platform.system()}"
    ]
    for row in rows:
        cells = (row.what, row.target, row.measured)
        text = "  ".join(f"{cell:{width}}" for cell, width in zip(cells, widths, strict=True))
        lines.append(f"{text}  {'met' if row.is_met else 'NOT met'}")
    return "\n".join(lines)
