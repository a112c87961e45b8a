"""Laws of decoding: any decoder may read a file, its length is what decodes, and a hang ends."""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model_runtime.arrays import FloatArray
from model_runtime.audio import decoding
from model_runtime.audio.decoders import (
    Decoded,
    MissingDecoderError,
    Resources,
    own_wav,
    soundfile,
)
from model_runtime.audio.store import SpeechStore, load_speech
from model_runtime.errors import BadAudio, Cancelled
from tests.conftest import ROOT
from tests.fakes.sounds import RATE, voice, wav_bytes, write_wav

CASES = ROOT.parent / "shared" / "cases"
WHOLE = wav_bytes(voice(1))
HEADER = 44


def resized(data_size: int, riff_size: int | None = None) -> bytes:
    """The same samples with other sizes in the header."""
    riff = WHOLE[4:8] if riff_size is None else struct.pack("<I", riff_size)
    return b"RIFF" + riff + WHOLE[8:40] + struct.pack("<I", data_size) + WHOLE[HEADER:]


@pytest.mark.fault("audio: a header whose length is unknown, estimated or wrong")
@pytest.mark.parametrize(
    "size", [0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFF000, 0x80000000, 0x7FFFFFFF, 0x7FFFF000, 0x7FFF0000, 0]
)
def test_a_wav_header_that_cannot_know_its_length_is_read_to_the_end(
    tmp_path: Path, size: int
) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(resized(size, riff_size=size))
    speech = load_speech(path)
    assert (speech.duration_s, speech.warnings) == (1.0, ())
    np.testing.assert_allclose(speech.samples, voice(1), atol=1e-4)


@pytest.mark.fault("audio: samples that the header promises are missing")
@pytest.mark.parametrize(
    "missing, text", [(1, "6.25e-05"), (1600, "0.1"), (12_000, "0.75"), (15_900, "0.994")]
)
def test_missing_samples_give_a_warning_with_their_seconds(
    tmp_path: Path, missing: int, text: str
) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(WHOLE[: -2 * missing])
    speech = load_speech(path)
    assert speech.duration_s == pytest.approx(1 - missing / RATE, abs=1e-9)
    assert speech.warnings == (f"a.wav: the last {text} s that its header states are missing",)


def test_samples_end_where_a_smaller_size_says_and_other_chunks_follow(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(WHOLE + b"LIST" + (4).to_bytes(4, "little") + b"INFO")
    assert load_speech(path).duration_s == 1.0


@pytest.mark.fault("audio: a chunk of odd length without its padding byte")
@pytest.mark.parametrize("is_padded", [False, True])
def test_an_odd_chunk_is_passed_over_with_or_without_its_padding_byte(
    tmp_path: Path, is_padded: bool
) -> None:
    chunk = b"LIST" + (5).to_bytes(4, "little") + b"hello" + b"\0" * is_padded
    path = write_wav(tmp_path / "a.wav", voice(0.5), before_data=chunk)
    np.testing.assert_allclose(load_speech(path).samples, voice(0.5), atol=1e-4)


@pytest.mark.parametrize("magic", [b"RF64", b"BW64"])
def test_64_bit_sizes_are_read(tmp_path: Path, magic: bytes) -> None:
    data = WHOLE[HEADER:]
    sizes = struct.pack("<QQQI", len(WHOLE) + 36, len(data), len(data) // 2, 0)
    chunk = b"ds64" + struct.pack("<I", len(sizes)) + sizes
    path = tmp_path / "a.wav"
    tail = b"LIST" + (4).to_bytes(4, "little") + b"INFO"
    path.write_bytes(
        magic + b"\xff" * 4 + b"WAVE" + chunk + WHOLE[12:40] + b"\xff" * 4 + data + tail
    )
    speech = load_speech(path)
    assert (speech.duration_s, speech.warnings) == (1.0, ())


@pytest.mark.parametrize("bits, is_float", [(16, False), (32, True)])
def test_wave64_is_read(tmp_path: Path, bits: int, is_float: bool) -> None:
    plain = wav_bytes(voice(1), bits=bits, is_float=is_float)
    form, data = plain[20:36], plain[HEADER:]

    def chunk(name: bytes, body: bytes) -> bytes:
        size = struct.pack("<Q", 24 + len(body))
        return name + b"\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a" + size + body

    riff = b"riff" + bytes(12) + struct.pack("<Q", len(plain)) + b"wave" + bytes(12)
    path = tmp_path / "a.w64"
    path.write_bytes(riff + chunk(b"fmt ", form) + chunk(b"fact", bytes(8)) + chunk(b"data", data))
    np.testing.assert_allclose(load_speech(path).samples, voice(1), atol=1e-4)
    assert load_speech(path).warnings == ()


def of_blocks(*blocks: FloatArray, then: Exception | None = None, stated: int | None = None) -> Any:
    def decoder(_path: Path, _resources: Resources) -> Decoded:
        def yielded() -> Iterator[FloatArray]:
            yield from (block[:, None] for block in blocks)
            if then is not None:
                raise then

        return Decoded(RATE, yielded(), stated)

    return decoder


def raising(error: Exception) -> Any:
    def decoder(_path: Path, _resources: Resources) -> Decoded:
        raise error

    return decoder


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file whose bytes no decoder of the test looks at."""
    path = tmp_path / "a.xyz"
    path.write_bytes(b"anything")
    return path


@pytest.mark.fault("audio: a decoder raises anything at all")
@pytest.mark.parametrize(
    "error",
    [ValueError("x"), OSError(5, "x"), EOFError(), RuntimeError(), struct.error(), IndexError()],
    ids=repr,
)
def test_any_exception_of_a_decoder_means_that_the_next_is_asked(
    file: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(decoding, "DECODERS", (raising(error), of_blocks(voice(1))))
    np.testing.assert_array_equal(load_speech(file).samples, voice(1))


def test_the_decoder_that_reads_most_is_taken(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    half, whole = voice(1)[:8000], voice(1)
    broken = of_blocks(half, then=OSError("bad block"), stated=16_000)
    monkeypatch.setattr(decoding, "DECODERS", (broken, of_blocks(whole, stated=16_000)))
    speech = load_speech(file)
    assert (speech.duration_s, speech.warnings) == (1.0, ())
    monkeypatch.setattr(decoding, "DECODERS", (broken, raising(OSError("no")), of_blocks(half)))
    speech = load_speech(file)
    assert speech.duration_s == 0.5
    assert speech.warnings == ("a.xyz: the last 0.5 s that its header states are missing",)


def test_damage_without_a_stated_length_gives_a_warning(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "DECODERS", (of_blocks(voice(1), then=OSError("bad")),))
    assert load_speech(file).warnings == ("a.xyz is damaged after 1 s, and the rest is missing",)
    assert load_speech(file, duration_s=0.5).warnings == ()


@pytest.mark.fault("audio: nothing, silence or no audio track")
def test_what_yields_nothing_is_refused_by_its_cause(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for decoders, text in (
        ((of_blocks(),), "contains no audio samples"),
        ((raising(ValueError("bad magic")),), "cannot be decoded as audio .*bad magic"),
        ((raising(MissingDecoderError()), raising(OSError())), "cannot be decoded as audio"),
        ((of_blocks(np.zeros(999, np.float32)),), "is silent"),
    ):
        monkeypatch.setattr(decoding, "DECODERS", decoders)
        with pytest.raises(BadAudio, match=text) as caught:
            load_speech(file)
        assert caught.value.hint


@pytest.mark.fault("audio: a pipe, socket or device in place of a file")
@pytest.mark.skipif(os.name != "posix", reason="POSIX file types")
def test_fifos_sockets_and_devices_are_refused_without_reading_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "fifo.wav")
    with socket.socket(socket.AF_UNIX) as server:
        monkeypatch.chdir(tmp_path)  # the path of a socket has a limit
        server.bind("s.wav")
        for path in (tmp_path / "fifo.wav", tmp_path / "s.wav", Path("/dev/zero")):
            with pytest.raises(BadAudio, match="pipe, socket or device"):
                load_speech(path)


@pytest.mark.fault("audio: a read that hangs")
def test_a_read_that_hangs_can_be_cancelled(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    def hangs(_path: Path, resources: Resources) -> Decoded:
        resources.interrupts.append(released.set)
        released.wait(30)
        raise OSError("interrupted")

    monkeypatch.setattr(decoding, "DECODERS", (hangs,))
    calls = []

    def watch(seconds: float) -> None:
        calls.append(seconds)
        if len(calls) == 3:
            raise Cancelled("enough")

    with pytest.raises(Cancelled), SpeechStore.open(file, watch=watch):
        pass
    assert calls == [0.0, 0.0, 0.0]
    assert released.is_set()


@pytest.mark.fault("audio: a chained Ogg file")
def test_all_links_of_a_chained_ogg_are_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = pytest.importorskip("soundfile")
    monkeypatch.setattr(decoding, "DECODERS", (own_wav, soundfile))
    parts = []
    for seed, (seconds, rate) in enumerate(((1.0, 16_000), (0.5, 16_000), (1.5, 44_100))):
        part = tmp_path / f"{seed}.ogg"
        library.write(part, voice(seconds, rate=rate, seed=seed), rate, format="OGG")
        parts.append(part)
    path = tmp_path / "chained.ogg"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    speech = load_speech(path)
    assert speech.duration_s == pytest.approx(3.0, abs=1e-3)
    second = load_speech(parts[2]).samples
    assert np.corrcoef(speech.samples[-len(second) + 500 : -500], second[500:-500])[0, 1] > 0.99


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not on the PATH")
def test_a_video_without_sound_is_refused_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.mp4"
    source = ("-f", "lavfi", "-i", "color=size=16x16:duration=0.2:rate=10")
    command = ["ffmpeg", "-v", "error", *source, "-c:v", "mpeg4", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    for decoders in (decoding.DECODERS, (own_wav, soundfile)):
        monkeypatch.setattr(decoding, "DECODERS", decoders)
        with pytest.raises(BadAudio, match=r"a\.mp4 has no audio track"):
            load_speech(path)


LENGTHS = {
    "cbr_without_xing.mp3": 4.1,
    "flac_pipe.flac": 8.9525,
    "mp3_22k_noxing.mp3": 9.0,
    "mp3_ff_pipe.mp3": 9.0,
    "mp3_id3v1_noxing.mp3": 9.0,
    "mp3_leading_zeros.mp3": 9.0,
    "mp3_vbr_noxing.mp3": 9.0,
    "tts_44100_128k.mp3": 9.0,
    "qt_wide_first.mov": 8.96,
    "vid.avi": 9.0,
    "01_size_ffffffff.wav": 4.0,
    "02_size_7fffffff.wav": 4.0,
    "04_size_0.wav": 4.0,
    "wav_bw64.wav": 8.9525,
    "wav_data_minus_1sample.wav": 8.9525,
    "wav_espeak_stdout.wav": 3.4381,
    "wav_oddchunk_unpadded.wav": 8.9525,
    "wav_size0_data0_unfinalised.wav": 8.9525,
}
"""Seconds that decode; codecs add up to 0.08 s of padding."""


@pytest.mark.fault("audio: files of other programs (../shared/cases)")
@pytest.mark.data
@pytest.mark.parametrize("name", LENGTHS)
def test_files_of_other_programs_are_accepted_at_their_real_length(name: str) -> None:
    path = next(CASES.glob(f"*/{name}"), None)
    if path is None:
        pytest.skip(f"{name} is not in {CASES}")
    if path.suffix in (".mov", ".avi") and shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not on the PATH")
    assert load_speech(path).duration_s == pytest.approx(LENGTHS[name], abs=0.08)


@pytest.mark.data
@pytest.mark.parametrize(
    "name, text",
    [
        ("fuzz_runtime_ValueError_aifc.aifc", "cannot be decoded"),
        ("fuzz_blender_RuntimeError_alaw.wav", "cannot be decoded"),
        ("fuzz_blender_RuntimeError_base.wav", "cannot be decoded"),
        ("vid_nosound.mp4", "has no audio track"),
    ],
)
def test_files_that_hold_no_audio_are_refused_in_one_line(name: str, text: str) -> None:
    path = next(CASES.glob(f"*/{name}"), None)
    if path is None:
        pytest.skip(f"{name} is not in {CASES}")
    with pytest.raises(BadAudio, match=text) as caught:
        load_speech(path)
    assert "\n" not in str(caught.value)
