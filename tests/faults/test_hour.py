"""An hour of speech in one file is generated within bounded memory."""

from __future__ import annotations

import math
import os
import subprocess
import wave
from pathlib import Path

import numpy as np
import pytest

from model_runtime.curves.formats.registry import read_curves
from tests.conftest import ROOT
from tests.fakes.sounds import voice
from tests.faults.conftest import IS_WHOLE, command, environment

SECONDS = 3600 if IS_WHOLE else 300
PEAK_BYTES = 700_000_000
"""An hour of curves at 60 fps is 45 MB, of audio 230 MB; neither may be in memory many times."""
LIMIT_S = 1700.0


@pytest.fixture
def hour(tmp_path: Path) -> Path:
    """Write the audio block by block."""
    block = (voice(20) * 32_000).astype("<i2").tobytes()
    with wave.open(str(tmp_path / "hour.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        for _ in range(SECONDS // 20):
            file.writeframes(block)
    return tmp_path / "hour.wav"


@pytest.mark.slow
@pytest.mark.timeout(LIMIT_S)
@pytest.mark.skipif(os.name != "posix", reason="measures the peak of memory by wait4")
@pytest.mark.fault("an hour of speech in one piece")
def test_an_hour_of_speech_is_acted_whole(checkpoint, hour, tmp_path, observed):
    output = tmp_path / "hour.npz"
    process = subprocess.Popen(
        command(checkpoint, "generate", str(hour), "-o", str(output), "--fps", "60"),
        cwd=ROOT,
        env=environment(),
        stderr=subprocess.DEVNULL,
    )
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    track = read_curves(output)
    assert track.values.shape == (math.ceil(SECONDS * 60), 55)
    assert np.isfinite(track.values).all()
    peak = usage.ru_maxrss * 1024
    assert peak < PEAK_BYTES
    observed(f"{SECONDS} s of speech: {track.frame_count} frames, peak {peak / 1e6:.0f} MB")
