"""Run ``python -m model_runtime benchmark``: the cost of a performance here, beside a peer."""

from __future__ import annotations

import argparse
import contextlib
import csv
import dataclasses
import importlib.metadata
import importlib.util
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from ...audio.store import SAMPLE_RATE, load_speech
from ...checkpoint.folder import default_checkpoint, load_checkpoint
from ...cli.console import Parser, print_line
from ...engines.factory import AUTO, DEVICE_NAMES, open_engine
from ...errors import BadArgument
from ...files import check_writable, replace_file
from ..data.sounds import write_wav
from ..table import aligned
from . import acting_timing, batch_timing, without_torch
from .batch_timing import BatchTiming
from .timing_child import PEER

ROOT = Path(__file__).resolve().parents[3]
DEFAULT_DATA = ROOT.parent / "shared" / "data"
# The demo's speech is in the repository: the benchmark needs no data folder.
DEMO_SPEECH = ROOT / "demo" / "speech"
SHORT_S, LONG_S = 5, 60  # lengths of the sounds, in seconds
TIMEOUT_S = 600  # of one engine; a machine that needs longer is no place for it
ALONE: Final = "numpy, torch not installed"
BAR: Final = (
    "60 s of sound on two CPU cores, warm: <= 0.5 s with torch, <= 1.5 s built in; "
    "built in from a cold start to a 5 s line: <= 1.5 s, peak <= 300 MB"
)


@dataclasses.dataclass(frozen=True)
class Timing:
    """Durations of one engine in seconds of wall clock."""

    name: str
    device: str
    cold_s: float
    """From the start of a fresh process to the first finished line of 5 s."""
    short_s: float
    """A line of 5 s, warm."""
    long_s: float
    """60 s of sound, warm."""
    peak_mb: float | None
    """Largest resident memory of the process; None where the system does not say."""


@dataclasses.dataclass(frozen=True)
class Benchmark:
    """Everything the command prints."""

    machine: dict[str, str]
    model: str
    timings: tuple[Timing, ...]
    recorded: dict[str, float]
    """Seconds for 60 s of sound that others took elsewhere, as recorded in the data folder."""
    skipped: tuple[str, ...]
    batch: BatchTiming | None = None


def main(arguments: Sequence[str]) -> int:
    """Run the command. Raises BadArgument, BadOutput, BadWeights."""
    options = _parser().parse_args(arguments)
    if options.json is not None:
        check_writable(options.json)
    if options.acting:
        print_line(_acting_text(options.model))
        return 0
    result = measure(options.model, options.data, device=options.device, lines=options.lines)
    print_line(as_text(result).rstrip("\n"))
    if options.json is not None:
        text = json.dumps(dataclasses.asdict(result), indent=1, ensure_ascii=False)
        replace_file(options.json, (text + "\n").encode("utf-8"))
    return 0


def _acting_text(model: Path) -> str:
    """Return the cost of acting on 60 s of speech with the built-in engine."""
    engine = open_engine(load_checkpoint(model), engine="numpy", device="cpu")
    with tempfile.TemporaryDirectory(prefix="cstalk-benchmark-") as work:
        _short, long = _write_speech(Path(work))
        return acting_timing.as_text(acting_timing.time_acting(engine, long))


def measure(
    model: Path, data: Path, *, device: str = AUTO, lines: int = batch_timing.LINES
) -> Benchmark:
    """Time every engine that is installed, and the peer, each in a fresh process.

    Args:
        model: Checkpoint folder.
        data: The shared data folder, for Rhubarb's recorded times; may be absent.
        device: Where torch runs; the numpy engine always takes the CPU.
        lines: Lines of 5 s that a batch makes; 0 leaves it out.

    Raises:
        BadWeights: Not a checkpoint.
        BadArgument: No speech to time with.
    """
    checkpoint = load_checkpoint(model)
    facts = machine_facts()
    timings, skipped = [], []
    with tempfile.TemporaryDirectory(prefix="cstalk-benchmark-") as work:
        short, long = _write_speech(Path(work))
        # numpy twice: with site-packages, and alone as inside Blender.
        for name, module, where in (
            ("numpy", "numpy", "cpu"),
            (ALONE, "numpy", "cpu"),
            ("torch", "torch", device),
            (PEER, "pocketsphinx", "cpu"),
        ):
            if importlib.util.find_spec(module) is None:
                skipped.append(f"{name}: not installed in this Python")
                continue
            engine = module if name == ALONE else name
            answer = _timed(name, [engine, where, str(model), str(short), str(long)])
            # A fault of one engine must not hide the figures of the others.
            timings.append(answer) if isinstance(answer, Timing) else skipped.append(answer)
        batch = None
        if lines:
            found = batch_timing.time_batch(model, short, device=device, lines=lines)
            batch = found if isinstance(found, BatchTiming) else None
            skipped += [found] if isinstance(found, str) else []
    recorded = _recorded(data / "eval" / "rhubarb" / "times.tsv")
    if not recorded:
        skipped.append(f"Rhubarb's recorded times: no {data / 'eval' / 'rhubarb' / 'times.tsv'}")
    title = f"{checkpoint.name}, {checkpoint.parameter_count / 1e6:.2f} M parameters"
    return Benchmark(facts, title, tuple(timings), recorded, tuple(skipped), batch)


def as_text(result: Benchmark) -> str:
    """Return the machine, and a table of engines and peer with their ratios."""
    peer, torch = (
        next((timing for timing in result.timings if timing.name == name), None)
        for name in (PEER, "torch")
    )
    title = ["", "device", "cold start", "5 s line", "60 s", "x real time", "peak MB"]
    rows = [[*title, "x torch", "x peer"]]
    for timing in result.timings:
        rows.append(
            [
                "pocketsphinx, phones only (peer)" if timing is peer else f"CSTalk, {timing.name}",
                timing.device,
                f"{timing.cold_s:.2f} s",
                f"{timing.short_s:.3f} s",
                f"{timing.long_s:.3f} s",
                f"{LONG_S / timing.long_s:.0f}",
                "-" if timing.peak_mb is None else f"{timing.peak_mb:.0f}",
                "" if torch is None else f"{torch.long_s / timing.long_s:.2f}",
                "" if peer is None else f"{peer.long_s / timing.long_s:.1f}",
            ]
        )
    for name, seconds in result.recorded.items():
        speed = f"{LONG_S / seconds:.0f}"
        rows.append([name, "recorded elsewhere", "", "", f"{seconds:.1f} s", speed, "", "", ""])
    facts = [f"{name}: {value}" for name, value in result.machine.items()]
    lines = [*facts, f"model: {result.model}", f"bar: {BAR}", "", aligned(rows)]
    if result.batch is not None:
        lines += ["", *_batch_lines(result.batch)]
    lines += [f"Skipped: {line}" for line in result.skipped]
    return "\n".join(lines) + "\n"


def _batch_lines(timing: BatchTiming) -> list[str]:
    """Return the batch in words, beside the same lines one by one in the same run."""
    peak = "" if timing.peak_mb is None else f", peak {timing.peak_mb:.0f} MB"
    return [
        f"bar: {batch_timing.BAR}",
        f"batch, {timing.lines} lines of {SHORT_S} s, {timing.title}: {timing.batch_s:.1f} s "
        f"({timing.lines * SHORT_S / timing.batch_s:.0f} x real time), {timing.processor_s:.1f} s "
        f"of processor{peak}",
        f"  one by one: {timing.single_s:.1f} s; "
        f"the batch is {timing.single_s / timing.batch_s:.2f} times as fast",
    ]


def machine_facts() -> dict[str, str]:
    """Return processor, cores, system, Python, numpy and torch: what a figure depends on."""
    # Affinity: containers and job queues give fewer cores than the machine has.
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    facts = {
        "processor": _processor(),
        "cores": f"{usable} usable of {os.cpu_count()}",
        "system": platform.platform(),
        "python": platform.python_version(),
    }
    for package in ("numpy", "torch"):
        found = importlib.util.find_spec(package) is not None
        facts[package] = importlib.metadata.version(package) if found else "not installed"
    # A busy machine explains a slow run.
    if hasattr(os, "getloadavg"):
        facts["load"] = f"{os.getloadavg()[0]:.1f} processes over the minute before the start"
    return facts


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m model_runtime benchmark",
        description="Time each engine in a fresh process, beside a peer.",
    )
    parser.add_argument("--model", type=Path, default=default_checkpoint(), metavar="FOLDER")
    parser.add_argument("--device", choices=DEVICE_NAMES, default=AUTO, help="where torch runs")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="data folder (%(default)s)")
    parser.add_argument(
        "--lines",
        type=int,
        default=batch_timing.LINES,
        help=f"lines of {SHORT_S} s in the batch; 0 leaves it out (%(default)s)",
    )
    parser.add_argument(
        "--acting", action="store_true", help="print what eyes, head and idle cost, and end"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    return parser


def _timed(name: str, arguments: list[str]) -> Timing | str:
    """Return the timing of one child process, or why there is none."""
    module = f"{__package__}.timing_child"
    try:
        with contextlib.ExitStack() as stack:
            command, variables = [sys.executable, "-m", module], dict(os.environ)
            if name == ALONE:
                command = without_torch.command(module)
                variables = stack.enter_context(without_torch.numpy_alone())
            # Wall clock, since the child reports its own: monotonic clocks of two processes need
            # not agree.
            started = time.time()
            done = subprocess.run(
                [*command, *arguments],
                cwd=ROOT,
                env=variables,
                capture_output=True,
                text=True,
                timeout=TIMEOUT_S,
                check=False,
            )
    # Windows without developer mode makes no links.
    except OSError as error:  # no links on this system
        return f"{name}: {error}"
    except subprocess.TimeoutExpired:
        return f"{name}: took over {TIMEOUT_S} s"
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        return f"{name}: {last[0]}"
    # The last line: libraries may print before.
    answer = json.loads(done.stdout.splitlines()[-1])
    return Timing(
        name=name,
        device=answer["device"],
        cold_s=answer["ready_at"] - started,
        short_s=answer["short_s"],
        long_s=answer["long_s"],
        peak_mb=answer["peak_mb"],
    )


def _write_speech(folder: Path) -> tuple[Path, Path]:
    """Write the demo's line, repeated, as two WAV files of 5 and 60 s."""
    found = sorted(DEMO_SPEECH.glob("*.wav"))
    if not found:
        raise BadArgument(f"No speech in {DEMO_SPEECH}", hint="Run benchmark in a checkout")
    line = load_speech(found[0]).samples
    # Repeated until it is long enough; the content hardly changes the cost.
    long = np.tile(line, -(-LONG_S * SAMPLE_RATE // len(line)))
    paths = []
    for seconds in (SHORT_S, LONG_S):
        path = folder / f"speech-{seconds}s.wav"
        write_wav(path, long[: seconds * SAMPLE_RATE])
        paths.append(path)
    return paths[0], paths[1]


def _recorded(path: Path) -> dict[str, float]:
    """Return Rhubarb's recorded seconds for 60 s of audio, by recogniser; empty without file."""
    if not path.is_file():
        return {}
    wall: dict[str, float] = {}
    sound: dict[str, float] = {}
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            name = f"Rhubarb 1.14, {row['recognizer']}"
            wall[name] = wall.get(name, 0.0) + float(row["wall_s"])
            sound[name] = sound.get(name, 0.0) + float(row["audio_s"])
    # In proportion: recorded clips are shorter than a minute.
    return {name: wall[name] / sound[name] * LONG_S for name in sorted(wall)}


def _processor() -> str:
    """Name of the CPU: Linux says it in /proc/cpuinfo, others through ``platform``."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
