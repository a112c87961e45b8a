"""Laws of decoding, mixing and level."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from model_runtime.audio.level import level_gain
from model_runtime.audio.store import SpeechStore, load_speech
from model_runtime.errors import BadArgument, BadAudio
from tests.fakes.sounds import RATE, voice, wav_bytes, write_wav

INNER = slice(500, -500)


@pytest.mark.parametrize(
    "bits, is_float, tolerance",
    [
        (8, False, 0.01),
        (16, False, 0.0001),
        (24, False, 1e-06),
        (32, False, 1e-06),
        (32, True, 1e-07),
        (64, True, 1e-07),
    ],
)
@pytest.mark.parametrize("extensible", [False, True])
def test_every_sample_format_gives_the_same_sound(
    tmp_path: Path, bits: int, is_float: bool, tolerance: float, extensible: bool
) -> None:
    samples = voice(0.5)
    path = write_wav(
        tmp_path / "a.wav", samples, bits=bits, is_float=is_float, extensible=extensible
    )
    np.testing.assert_allclose(load_speech(path).samples, samples, atol=tolerance)


@pytest.mark.parametrize("rate", [8000, 11_025, 22_050, 44_100, 48_000, 96_000])
def test_every_rate_comes_to_16_khz_at_its_exact_duration(tmp_path: Path, rate: int) -> None:
    times = np.arange(rate + 7) / rate
    path = write_wav(tmp_path / "a.wav", 0.5 * np.sin(2 * np.pi * 440 * times), rate=rate, bits=24)
    speech = load_speech(path)
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(len(speech.samples)) / RATE)
    np.testing.assert_allclose(speech.samples[INNER], expected[INNER], atol=1e-4)
    assert speech.duration_s == pytest.approx((rate + 7) / rate, abs=1e-9)


@pytest.mark.parametrize("channels", [2, 8])
def test_channels_are_averaged(tmp_path: Path, channels: int) -> None:
    samples = voice(0.5)
    weights = np.linspace(0.5, 1.5, channels)
    path = write_wav(tmp_path / "a.wav", samples[:, None] * weights, bits=24)
    np.testing.assert_allclose(load_speech(path).samples, samples, atol=1e-5)


def test_channels_that_cancel_each_other_are_not_averaged(tmp_path: Path) -> None:
    samples = voice(0.5)
    path = write_wav(tmp_path / "a.wav", np.stack([samples, -0.9 * samples], axis=1), bits=24)
    np.testing.assert_allclose(load_speech(path).samples, samples, atol=1e-5)


def test_a_piece_is_the_same_as_cutting_the_whole(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", voice(3, level=0.05), bits=24)
    whole = load_speech(path)
    piece = load_speech(path, start_s=1.25, duration_s=0.5)
    np.testing.assert_array_equal(piece.samples, whole.samples[20_000:28_000])
    assert piece.duration_s == 0.5
    assert load_speech(path, start_s=2.5, duration_s=9).duration_s == 0.5
    assert load_speech(path, start_s=2.5, duration_s=1e308).duration_s == 0.5


def test_names_in_any_script_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "録音 ü"
    folder.mkdir()
    assert load_speech(write_wav(folder / "日本語 é.wav", voice(0.3))).duration_s == 0.3


def test_a_header_that_does_not_know_its_length_is_read_to_the_end(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", voice(0.5), data_size=0xFFFFFFFF)
    assert load_speech(path).duration_s == 0.5


def test_chunks_before_the_samples_are_passed_over(tmp_path: Path) -> None:
    odd = b"LIST" + (5).to_bytes(4, "little") + b"hello\0"
    path = write_wav(tmp_path / "a.wav", voice(0.5), before_data=odd)
    np.testing.assert_allclose(load_speech(path).samples, voice(0.5), atol=1e-4)


SOUND = wav_bytes(voice(0.5))
BAD_FILES = {
    "empty": (b"", "empty"),
    "text": (b"This is not audio at all, only its name ends in .wav", "cannot be decoded"),
    "header only": (SOUND[:44], "no audio samples|cannot be decoded"),
    "half a header": (SOUND[:30], "cannot be decoded"),
    "no samples": (wav_bytes(np.zeros(0)), "no audio samples|cannot be decoded"),
    "digital silence": (wav_bytes(np.zeros(RATE)), "silent"),
    "constant": (wav_bytes(np.full(RATE, 0.25)), "silent"),
    "giant rate": (wav_bytes(voice(0.5), rate=486_555_264), "486555264 Hz|cannot be decoded"),
    "rate of nothing": (wav_bytes(voice(0.5), rate=0), "at 0 Hz|cannot be decoded"),
    "no channels": (SOUND[:22] + b"\0\0" + SOUND[24:], "0 channels|cannot be decoded"),
    "huge chunk": (SOUND[:16] + b"\xff\xff\xff\x7f" + SOUND[20:], "cannot be decoded"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_refused_with_a_reason_and_a_hint(tmp_path: Path, name: str) -> None:
    data, reason = BAD_FILES[name]
    path = tmp_path / "bad.wav"
    path.write_bytes(data)
    with pytest.raises(BadAudio, match=reason) as caught:
        load_speech(path)
    assert caught.value.hint
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadAudio, match="Audio file not found"):
        load_speech(tmp_path / "no.wav")
    with pytest.raises(BadAudio, match="is a folder"):
        load_speech(tmp_path)


def test_a_piece_shorter_than_a_sample_says_so(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", voice(0.5))
    with pytest.raises(BadArgument, match="shorter than one sample"):
        load_speech(path, duration_s=1e-7)


@pytest.mark.parametrize(
    "start_s, duration_s",
    [(-1, None), (float("nan"), None), (0, 0), (0, -1), (99, None), (1e308, None)],
)
def test_a_piece_that_cannot_be_is_refused(
    tmp_path: Path, start_s: float, duration_s: float | None
) -> None:
    path = write_wav(tmp_path / "a.wav", voice(0.5))
    with pytest.raises(BadArgument):
        load_speech(path, start_s=start_s, duration_s=duration_s)


@pytest.mark.parametrize(
    "form, subtype", [("FLAC", "PCM_24"), ("OGG", "VORBIS"), ("AIFF", "PCM_16")]
)
def test_soundfile_reads_what_wav_does_not(tmp_path: Path, form: str, subtype: str) -> None:
    soundfile = pytest.importorskip("soundfile")
    samples = voice(1, rate=44_100)
    path = tmp_path / f"a.{form.lower()}"
    soundfile.write(path, samples, 44_100, subtype=subtype, format=form)
    wav = load_speech(write_wav(tmp_path / "a.wav", samples, rate=44_100, bits=24))
    speech = load_speech(path)
    assert speech.duration_s == pytest.approx(wav.duration_s, abs=1e-3)
    correlation = np.corrcoef(speech.samples, wav.samples[: len(speech.samples)])[0, 1]
    assert correlation > 0.99


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not on the PATH")
@pytest.mark.parametrize("ending", ["mp3", "m4a", "mp4"])
def test_ffmpeg_reads_what_soundfile_does_not(tmp_path: Path, ending: str) -> None:
    wav = write_wav(tmp_path / "a b'c ü.wav", voice(1, rate=44_100), rate=44_100)
    path = tmp_path / f"-a b'c ü.{ending}"
    command = ["ffmpeg", "-v", "error", "-i", wav, "-b:a", "192k", f"file:{path}"]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    speech, reference = load_speech(path), load_speech(wav)
    length = min(len(speech.samples), len(reference.samples))
    correlation = np.corrcoef(speech.samples[:length], reference.samples[:length])[0, 1]
    assert correlation > 0.98  # no delay either


@pytest.mark.parametrize("name", ["not numbers", "infinite"])
def test_samples_that_are_not_numbers_become_silence_with_a_warning(
    tmp_path: Path, name: str
) -> None:
    samples = voice(0.5).astype(np.float64)
    samples[1000:1020] = {"not numbers": np.nan, "infinite": 1e300}[name]
    path = write_wav(tmp_path / "a.wav", samples, bits=64, is_float=True)
    speech = load_speech(path)
    assert not speech.samples[1000:1020].any()
    np.testing.assert_allclose(speech.samples[:1000], samples[:1000], atol=1e-6)
    assert speech.warnings == ("a.wav: 20 samples are not numbers and were replaced by silence",)


def test_fifty_milliseconds_and_integers_stored_as_float_are_accepted(tmp_path: Path) -> None:
    assert load_speech(write_wav(tmp_path / "a.wav", voice(0.05))).duration_s == 0.05
    loud = write_wav(tmp_path / "b.wav", voice(2) * 2**31, bits=32, is_float=True)
    with (
        SpeechStore.open(loud) as store,
        SpeechStore.open(write_wav(tmp_path / "c.wav", voice(2), bits=32, is_float=True)) as plain,
    ):
        np.testing.assert_allclose(
            store.read_levelled(0, 32_000), plain.read_levelled(0, 32_000), atol=1e-4
        )


@pytest.mark.parametrize("rate", [1_000, 383_999, 767_999])
def test_unusual_rates_are_accepted_at_their_exact_duration(tmp_path: Path, rate: int) -> None:
    times = np.arange(rate) / rate
    path = write_wav(tmp_path / "a.wav", 0.5 * np.sin(2 * np.pi * 100 * times), rate=rate)
    speech = load_speech(path)
    assert speech.duration_s == 1.0
    expected = 0.5 * np.sin(2 * np.pi * 100 * np.arange(len(speech.samples)) / RATE)
    np.testing.assert_allclose(speech.samples[2000:-2000], expected[2000:-2000], atol=2e-3)


def test_a_store_gives_any_range_and_the_level_of_speech(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", voice(2, rate=44_100), rate=44_100)
    whole = load_speech(path).samples
    with SpeechStore.open(path) as store:
        levelled = whole * level_gain(whole)
        np.testing.assert_array_equal(store.read_levelled(700, 900), levelled[700:1600])
        np.testing.assert_array_equal(store.read(1000, 500), whole[1000:1500])
        np.testing.assert_array_equal(store.read(store.sample_count - 3, 500), whole[-3:])
