"""Time one engine, or the peer, in a process of its own, for ``benchmark``.

A process of its own, so that the cold start is one, and peak memory is that of this engine alone.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
import wave
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

REPEATS = 3  # timed runs of each length; the median counts
PEER = "pocketsphinx"


def main(arguments: Sequence[str]) -> int:
    """Time ``ENGINE DEVICE MODEL SHORT.wav LONG.wav`` and print one JSON line."""
    engine, device, model, short, long = arguments
    run, where = _peer() if engine == PEER else _engine(engine, device, Path(model))
    # The first run ends the cold start.
    run(Path(short))
    ready = time.time()
    answer: dict[str, Any] = {
        "ready_at": ready,
        "device": where,
        "short_s": _median_seconds(run, Path(short)),
        "long_s": _median_seconds(run, Path(long)),
        "peak_mb": _peak_megabytes(),
    }
    sys.stdout.write(json.dumps(answer) + "\n")
    return 0


def _engine(engine: str, device: str, model: Path) -> tuple[Callable[[Path], object], str]:
    from ...checkpoint.folder import load_checkpoint
    from ...engines.factory import open_engine
    from ...generate import perform
    from ...protocol import Performance

    opened = open_engine(load_checkpoint(model), engine=engine, device=device)
    return lambda path: perform(Performance(audio=path), opened), opened.device


def _peer() -> tuple[Callable[[Path], object], str]:
    """Find phones by pocketsphinx, as Rhubarb's phonetic recogniser does; no curves are made."""
    from pocketsphinx import Decoder, get_model_path

    language_model = str(Path(get_model_path()) / "en-us" / "en-us-phone.lm.bin")
    # allphone: phones without words, as Rhubarb's phonetic recogniser asks for them.
    decoder = Decoder(samprate=16000, loglevel="FATAL", allphone=language_model, lm=None)

    def decode(path: Path) -> object:
        with wave.open(str(path), "rb") as file:
            samples = file.readframes(file.getnframes())
        decoder.start_utt()
        decoder.process_raw(samples, full_utt=True)
        decoder.end_utt()
        return decoder.seg()

    return decode, "cpu, 1 thread"


def _median_seconds(run: Callable[[Path], object], path: Path) -> float:
    seconds = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        run(path)
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def _peak_megabytes() -> float | None:
    """Return the largest resident memory so far; None on Windows."""
    try:
        import resource
    except ImportError:
        return None
    # ru_maxrss is in bytes on macOS and in kilobytes on Linux.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
