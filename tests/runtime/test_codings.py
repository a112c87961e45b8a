"""A table of codings: what ffmpeg can write is accepted, at its length and without an offset."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from model_runtime.arrays import FloatArray
from model_runtime.audio import decoding
from model_runtime.audio.decoders import own_wav, soundfile
from model_runtime.audio.store import load_speech
from model_runtime.errors import BadAudio
from tests.fakes.codings import Coding, codings, encode_all
from tests.fakes.sounds import RATE, voice, write_wav

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not on the PATH"),
]
FAINT = frozenset({"libspeex", "pcm_u8-22050-1ch.voc"})
"""Codings that ffmpeg itself does not restore: their similarity is not tested."""
WITHOUT_FFMPEG = 80
"""Codings at least that the runtime reads by itself and with soundfile."""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Coding]]:
    """Folder with one clip in every coding."""
    folder = tmp_path_factory.mktemp("codings")
    source = write_wav(folder / "source.wav", voice(3, rate=48_000), rate=48_000)
    (folder / "out").mkdir()
    return folder / "out", encode_all(source, folder / "out")


def offset_ms(samples: FloatArray, reference: FloatArray) -> float:
    """Return the delay of ``samples``, from the peak of the cross-correlation."""
    size = 1 << 18
    spectrum = np.fft.rfft(samples, size) * np.conj(np.fft.rfft(reference, size))
    peak = int(np.fft.irfft(spectrum, size).argmax())
    return (peak if peak < size // 2 else peak - size) / RATE * 1000


def played(folder: Path, codings_here: list[Coding]) -> dict[str, FloatArray]:
    """Samples by name as ffmpeg plays them, which is what Blender plays; one call for all."""
    command = ["ffmpeg", "-nostdin", "-v", "error"]
    for coding in codings_here:
        command += ["-i", str(folder / coding.name)]
    targets = [folder / f"{index}.f32" for index in range(len(codings_here))]
    for index, target in enumerate(targets):
        command += [
            "-map",
            f"{index}:a:0",
            "-ac",
            "1",
            "-ar",
            str(RATE),
            "-f",
            "f32le",
            str(target),
        ]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    samples = [np.fromfile(target, np.float32) for target in targets]
    return {coding.name: part for coding, part in zip(codings_here, samples, strict=True)}


def test_the_table_has_at_least_110_codings(written: tuple[Path, list[Coding]]) -> None:
    assert len({coding.name for coding in codings()}) == len(codings()) >= 110
    assert len(written[1]) >= 110


def test_every_coding_is_accepted_at_its_length_without_an_offset(
    written: tuple[Path, list[Coding]],
) -> None:
    folder, codings_here = written
    references, wrong = played(folder, codings_here), {}
    for coding in codings_here:
        speech, reference = load_speech(folder / coding.name), references[coding.name]
        offset = offset_ms(speech.samples, reference)
        count = min(len(speech.samples), len(reference))
        likeness = float(np.corrcoef(speech.samples[:count], reference[:count])[0, 1])
        is_alike = likeness > 0.98 or coding.codec in FAINT or coding.name in FAINT
        is_right = abs(speech.duration_s - 3) < 0.15 and abs(offset) < 1 and is_alike
        if not is_right or speech.warnings:
            wrong[coding.name] = (speech.duration_s, offset, likeness, speech.warnings)
    assert not wrong


def test_most_codings_need_no_ffmpeg(
    written: tuple[Path, list[Coding]], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("soundfile")
    monkeypatch.setattr(decoding, "DECODERS", (own_wav, soundfile))
    folder, codings_here = written
    read = 0
    for coding in codings_here:
        with contextlib.suppress(BadAudio):
            read += abs(load_speech(folder / coding.name).duration_s - 3) < 0.15
    assert read >= WITHOUT_FFMPEG
