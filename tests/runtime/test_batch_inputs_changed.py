"""A batch that is resumed generates a line again when its audio file has changed."""

from __future__ import annotations

import os
from pathlib import Path

from tests.fakes.sounds import voice, write_wav
from tests.runtime.test_batch_files import ended, lines, output  # noqa: F401 fixtures
from tests.runtime.test_batch_trouble import order_for


def test_an_audio_file_that_is_replaced_under_its_name_is_generated_again(
    lines: Path,  # noqa: F811
    output: Path,  # noqa: F811
    checkpoint: Path,
) -> None:
    ended(order_for(lines, output, checkpoint))
    before = (output / "one.npz").read_bytes()
    audio = lines / "one.wav"
    times = audio.stat()
    write_wav(audio, voice(0.4, seed=77))
    # a copy that keeps the time, and a file of the same size: only the contents tell
    os.utime(audio, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert audio.stat().st_size == times.st_size
    again = ended(order_for(lines, output, checkpoint, resume=True))
    assert {name: one["outcome"] for name, one in again.items()} == {
        "one.wav": "done",
        "two.wav": "skipped",
    }
    assert (output / "one.npz").read_bytes() != before
