"""Run the command ``selftest``: compare an engine with the built-in one."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import platform
import tempfile
import time
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..arrays import FloatArray
from ..audio.store import SAMPLE_RATE
from ..checkpoint.folder import default_checkpoint, load_checkpoint
from ..engines.base import Engine
from ..engines.factory import AUTO, DEVICE_NAMES, ENGINE_NAMES, open_engine
from ..errors import EngineUnavailable
from ..generate import perform
from ..protocol import Performance
from .console import Parser, print_line

# Engines add products in another order, which float32 rounds differently.
TOLERANCE_CPU = 1e-4
TOLERANCE_GPU = 5e-3
"""GPUs may round products to 10 bits (TF32); 1/200 of the range of a shape is not visible."""
VOICE_S = 3.0


@dataclasses.dataclass(frozen=True)
class SelfTest:
    """Result of a self-test."""

    engine: str
    device: str
    reason: str
    """Reason why no faster device was used; empty if there is none."""
    torch: str
    numpy: str
    python: str
    seconds: float
    """Wall-clock seconds for 3 s of audio, after a warm-up."""
    difference: float
    """Largest difference from the curves of the built-in engine."""


def main(arguments: Sequence[str]) -> int:
    """Run the command. Raises BadArgument, BadWeights, EngineUnavailable."""
    parser = Parser(
        prog="python -m model_runtime selftest",
        description="Process 3 s of a synthetic voice and compare with the built-in engine.",
    )
    parser.add_argument("--engine", choices=ENGINE_NAMES, default=AUTO)
    parser.add_argument("--device", choices=DEVICE_NAMES, default=AUTO)
    parser.add_argument("--model", type=Path, default=default_checkpoint(), metavar="FOLDER")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    result = run(options.model, engine=options.engine, device=options.device)
    if options.json:
        print_line(json.dumps(dataclasses.asdict(result)))
    else:
        print_line(
            f"{result.engine} on {result.device}: {VOICE_S:g} s of audio in "
            f"{result.seconds:.2f} s, differs from the built-in engine by {result.difference:.1e}"
        )
    return 0


def run(model: Path, *, engine: str = AUTO, device: str = AUTO) -> SelfTest:
    """Run the chosen engine and the built-in one on a synthetic voice.

    Args:
        model: Checkpoint folder.
        engine: See ``open_engine``.
        device: See ``open_engine``.

    Raises:
        EngineUnavailable: The engine does not load, or its curves differ from the built-in ones.
        BadArgument, BadWeights: See ``open_engine`` and ``load_checkpoint``.
    """
    checkpoint = load_checkpoint(model)
    # Both from one checkpoint, so that weights are no difference.
    builtin = open_engine(checkpoint, engine="numpy")
    chosen = open_engine(checkpoint, engine=engine, device=device)
    with tempfile.TemporaryDirectory(prefix="cstalk-selftest-") as folder:
        sound = Path(folder) / "voice.wav"
        _write_voice(sound)
        expected = _curves(sound, builtin)
        _curves(sound, chosen)  # warm-up: kernels are compiled, caches filled
        started = time.perf_counter()
        actual = _curves(sound, chosen)
        seconds = time.perf_counter() - started
    difference = float(np.abs(actual - expected).max())
    limit = TOLERANCE_CPU if chosen.device.startswith("cpu") else TOLERANCE_GPU
    if not difference <= limit:  # True for NaN too
        raise EngineUnavailable(
            f"The {chosen.name} engine on {chosen.device} is wrong: its curves differ from "
            f"those of the built-in engine by {difference:.3g}",
            hint="Use the built-in engine, update the graphics driver, or repair the runtime",
        )
    return SelfTest(
        engine=chosen.name,
        device=chosen.device,
        reason=_reason(chosen),
        torch=importlib.metadata.version("torch") if chosen.name == "torch" else "",
        numpy=np.__version__,
        python=platform.python_version(),
        seconds=seconds,
        difference=difference,
    )


def _reason(engine: Engine) -> str:
    if engine.name != "torch" or not engine.device.startswith("cpu"):
        return ""
    from ..engines.device import missing_devices

    return "; ".join(missing_devices().values())


def _curves(sound: Path, engine: Engine) -> FloatArray:
    return perform(Performance(audio=sound, emotion_keys=()), engine).values


def _write_voice(path: Path) -> None:
    """Write a 120 Hz pulse train through two moving formants, three syllables per second."""
    times = np.arange(int(VOICE_S * SAMPLE_RATE)) / SAMPLE_RATE
    voice = np.zeros_like(times)
    first = 500 + 250 * np.sin(2 * np.pi * 1.5 * times)
    second = 1500 + 600 * np.sin(2 * np.pi * 1.1 * times)
    # Harmonics up to 3.5 kHz: what the mouth shapes.
    for harmonic in range(1, 30):
        pitch = 120.0 * harmonic
        gain = np.exp(-(((pitch - first) / 120) ** 2)) + 0.5 * np.exp(
            -(((pitch - second) / 180) ** 2)
        )
        voice += gain * np.sin(2 * np.pi * pitch * times)
    # Pauses between the syllables, so that the features see silence as well.
    voice *= np.clip(np.sin(2 * np.pi * 3 * times) + 0.6, 0, 1)
    samples = np.round(voice / np.abs(voice).max() * 12_000).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(samples.tobytes())
