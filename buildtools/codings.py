"""Read every audio coding with both Pythons and print a table. Standard library only.

ffmpeg writes three seconds of the demo's line in more than a hundred codings. The runtime's Python
has soundfile; Blender's has neither soundfile nor, in this run, ffmpeg, as on a plain computer.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import tempfile
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import environments
from .console import ROOT, BuildError, clean_environment, run, say

READER = Path(__file__).parent / "benchmarks" / "coding_reader.py"
SPEECH = ROOT / "demo" / "speech" / "line.wav"
CASES = ROOT.parent / "shared" / "cases"
CASE_FOLDERS = ("audio", "wav", "lists/lines")
EXCERPT_S = 3.0
TIMEOUT_S = 900.0
REFUSED = frozenset({"vid_nosound.mp4"})
"""Files that hold no audio: a refusal is right."""
DAMAGED = "fuzz_"
"""First letters of damaged files, of which either answer in one line is right."""
MISPLAYED = frozenset({"libspeex-16000-1ch.ogg"})
"""Files that Blender plays at half their speed: they are accepted, and not compared."""
LARGEST_OFFSET_MS = 1.0


@dataclasses.dataclass(frozen=True)
class Row:
    """One file, as both Pythons read it."""

    name: str
    seconds: float | None
    """With soundfile; None if it was refused."""
    offset_ms: float | None
    """Against Blender's playback; None if Blender plays nothing."""
    blender_seconds: float | None
    blender_offset_ms: float | None
    played_s: float | None
    note: str

    @property
    def is_right(self) -> bool:
        """True if both Pythons accept the file without an offset, or refuse one without audio."""
        found = (self.seconds, self.blender_seconds)
        if self.name in REFUSED:
            return found == (None, None)
        if self.name.startswith(DAMAGED):
            return True
        offsets = (self.offset_ms or 0.0, self.blender_offset_ms or 0.0)
        is_together = max(map(abs, offsets)) < LARGEST_OFFSET_MS
        return None not in found and (is_together or self.name in MISPLAYED)


def run_codings(version: str, destination: Path) -> tuple[str, bool]:
    """Write, read and compare all codings.

    Args:
        version: Version of the Blender environment, as ``5.1``.
        destination: JSON file for the table.

    Returns:
        The table; whether every file is accepted without an offset.

    Raises:
        BuildError: ffmpeg is missing, or a Python could not run.
    """
    with tempfile.TemporaryDirectory(prefix="cstalk-codings-") as name:
        folder = Path(name)
        files = _encoded(folder) + _cases()
        listed = folder / "files.json"
        listed.write_text(json.dumps([str(path) for path in files]), encoding="utf-8")
        played, read = folder / "played", folder / "read"
        hidden = _path_without_ffmpeg(folder / "bin")
        _run_reader(f"bpy-{version}", [listed, played], {"PATH": hidden})
        _run_reader("runtime", [listed, read, played], {})
        rows = _rows(files, _results(played), _results(read))
    destination.parent.mkdir(parents=True, exist_ok=True)
    texts = [dataclasses.asdict(row) for row in rows]
    destination.write_text(json.dumps(texts, indent=1, ensure_ascii=False), encoding="utf-8")
    return table(rows), all(row.is_right for row in rows)


def table(rows: Sequence[Row]) -> str:
    """Return the table in Markdown, wrong rows marked, with a line of totals."""
    lines = [
        "| file | soundfile: s | offset ms | Blender: s | offset ms | played: s | note |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = (
            *(row.name, _number(row.seconds, "refused"), _number(row.offset_ms, "-")),
            *(_number(row.blender_seconds, "refused"), _number(row.blender_offset_ms, "-")),
            *(_number(row.played_s, "nothing"), row.note.replace("|", "/")),
        )
        mark = "" if row.is_right else "**wrong** "
        lines.append(f"| {mark}{' | '.join(cells)} |")
    right = sum(row.is_right for row in rows)
    lines += ["", f"{len(rows)} files: {right} right, {len(rows) - right} wrong."]
    return "\n".join(lines)


def _encoded(folder: Path) -> list[Path]:
    if shutil.which("ffmpeg") is None:
        raise BuildError("ffmpeg is not on the PATH", hint="Install it: it writes the codings")
    from tests.fakes.codings import encode_all

    say("Writing the codings")
    target = folder / "codings"
    target.mkdir()
    return [target / coding.name for coding in encode_all(_excerpt(folder / "line.wav"), target)]


def _excerpt(target: Path) -> Path:
    """Write the first seconds of the demo's line."""
    with wave.open(str(SPEECH), "rb") as source, wave.open(str(target), "wb") as part:
        part.setparams(source.getparams())
        part.writeframes(source.readframes(round(EXCERPT_S * source.getframerate())))
    return target


def _cases() -> list[Path]:
    return [
        path for name in CASE_FOLDERS for path in sorted((CASES / name).glob("*")) if path.is_file()
    ]


def _path_without_ffmpeg(folder: Path) -> str:
    """Return a PATH with every program but ffmpeg, as links in ``folder``."""
    folder.mkdir()
    for place in os.environ.get("PATH", "").split(os.pathsep):
        for program in Path(place).glob("*") if Path(place).is_dir() else ():
            link = folder / program.name
            if not program.name.startswith("ff") and not os.path.lexists(link):
                link.symlink_to(program)
    return str(folder)


def _run_reader(environment: str, arguments: Sequence[Path], extra: dict[str, str]) -> None:
    python = environments.ensure(environment)
    arguments[1].mkdir()
    say(f"Reading with the Python of {environment}")
    status, output = run(
        [python, READER, *arguments],
        timeout_s=TIMEOUT_S,
        environment=clean_environment(extra),
        what="reading",
    )
    if status != 0:
        raise BuildError(f"The codings could not be read ({status}):\n{output[-2000:]}")


def _results(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    return found


def _rows(
    files: Sequence[Path], played: Sequence[dict[str, Any]], read: Sequence[dict[str, Any]]
) -> list[Row]:
    return [
        Row(
            name=path.name,
            seconds=mine["seconds"],
            offset_ms=mine["offset_ms"],
            blender_seconds=there["seconds"],
            blender_offset_ms=mine["blender_offset_ms"],
            played_s=there["played_s"],
            note=mine["note"] if mine["note"] == there["note"] else _both(mine, there),
        )
        for path, there, mine in zip(files, played, read, strict=True)
    ]


def _both(mine: dict[str, Any], there: dict[str, Any]) -> str:
    notes = (mine["note"], there["note"] and f"Blender: {there['note']}")
    return "; ".join(filter(None, notes))


def _number(value: float | None, otherwise: str) -> str:
    return otherwise if value is None else f"{value:.2f}"
