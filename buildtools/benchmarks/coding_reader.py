"""Read audio files with one Python and compare them with Blender's playback.

    python coding_reader.py FILES.json FOLDER            in a Python with bpy: read and play
    python coding_reader.py FILES.json FOLDER PLAYED     in the runtime's Python: read and compare

FILES.json is a list of paths. Samples and ``results.json`` are written into FOLDER; started by
`build.py codings`.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from model_runtime.audio.resample import Resampler
from model_runtime.audio.store import load_speech
from model_runtime.errors import RuntimeFault

RATE = 16_000
LONGEST_S = 30.0
"""Blender plays silence to the length of a header that is wrong."""
FAINT = 1e-4
"""Peak below which a file has nothing to align."""


def main(listed: str, folder: str, played: str = "") -> None:
    """Read all files.

    Args:
        listed: JSON file with the paths.
        folder: Existing folder for samples and results.
        played: Folder of an earlier run inside Blender; empty inside Blender.
    """
    paths = [Path(text) for text in json.loads(Path(listed).read_text(encoding="utf-8"))]
    target = Path(folder)
    locate = _for_blender() if not played else lambda path: path
    results = []
    for index, path in enumerate(paths):
        found = _read(path, locate, target / f"read{index}.npy")
        if not played:
            found["played_s"] = _play(path, target / f"played{index}.npy")
        else:
            found["offset_ms"] = _offset(target / f"read{index}.npy", played, index)
            found["blender_offset_ms"] = _offset(Path(played) / f"read{index}.npy", played, index)
        results.append(found)
    (target / "results.json").write_text(json.dumps(results), encoding="utf-8")


def _for_blender() -> Callable[[Path], Path]:
    """Return what the add-on does with a path before the model's process reads it."""
    import bpy  # noqa: F401 - makes aud importable

    from cstalk_blender.scene.audio_decode import for_model

    temporary = Path(tempfile.mkdtemp(prefix="cstalk-codings-"))
    return lambda path: for_model(path, temporary)


def _read(path: Path, locate: Callable[[Path], Path], samples: Path) -> dict[str, Any]:
    try:
        speech = load_speech(locate(path))
    except RuntimeFault as fault:
        return {"seconds": None, "note": str(fault)}
    np.save(samples, speech.samples)
    return {"seconds": round(speech.duration_s, 3), "note": "; ".join(speech.warnings)}


def _play(path: Path, samples: Path) -> float | None:
    """Write what Blender's sequencer plays; None if it plays nothing."""
    import aud

    try:
        # Stubs lack the constructor from a path.
        sound = aud.Sound(str(path)).limit(0, LONGEST_S).rechannel(1)  # type: ignore[call-arg]
        # Ours is a hundred times as fast as Audaspace's best, and has no delay.
        resampler = Resampler(int(sound.specs[0]), RATE)
        whole = np.asarray(sound.data(), np.float32).reshape(-1)
        data = np.concatenate([resampler.push(whole), resampler.flush()])
    except (aud.error, MemoryError, ValueError):
        return None
    if not len(data):
        return None
    np.save(samples, data)
    return round(len(data) / RATE, 3)


def _offset(read: Path, played: str, index: int) -> float | None:
    """Return how much later a file is read than played, in milliseconds; None without either."""
    reference = Path(played) / f"played{index}.npy"
    if not (read.is_file() and reference.is_file()):
        return None
    first, second = np.load(read), np.load(reference)
    if min(np.abs(first).max(initial=0.0), np.abs(second).max(initial=0.0)) < FAINT:
        return None
    size = 1 << int(len(first) + len(second)).bit_length()
    spectrum = np.fft.rfft(first, size) * np.conj(np.fft.rfft(second, size))
    peak = int(np.fft.irfft(spectrum, size).argmax())
    return round((peak if peak < size // 2 else peak - size) / RATE * 1000, 3)


if __name__ == "__main__":
    main(*sys.argv[1:])
