"""Test that Blender decodes the files that the worker cannot decode."""

from __future__ import annotations

import shutil
import struct
import subprocess
import wave
from pathlib import Path

import bpy
import numpy as np
import pytest

from cstalk_blender.dialogue import lines
from cstalk_blender.errors import BadSound
from cstalk_blender.jobs import generate as jobs
from cstalk_blender.jobs.batch.audio import BatchAudio
from cstalk_blender.jobs.request import request_for
from cstalk_blender.package import protocol
from cstalk_blender.scene import audio_decode as sound_decode
from tests.fakes.faces import make_face

ROOT = Path(__file__).resolve().parents[2]
SPEECH = ROOT / "demo" / "speech" / "line.wav"
KINDS = ("mp3", "flac", "ogg", "m4a")


def needs_aud():
    return pytest.importorskip("aud", reason="this Blender was built without sound")


@pytest.fixture
def sound(work):
    """The demo's line in another format."""
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        pytest.skip("no ffmpeg to make the file with")

    def make(kind: str) -> Path:
        path = work / f"台詞 ü.{kind}"
        subprocess.run([ffmpeg, "-v", "error", "-i", str(SPEECH), str(path)], check=True)
        return path

    return make


@pytest.fixture
def no_ffmpeg(monkeypatch):
    monkeypatch.setattr(sound_decode.shutil, "which", lambda _name: None)


def samples(path: Path) -> np.ndarray:
    with wave.open(str(path), "rb") as file:
        data = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return data.reshape(-1, file.getnchannels())[:, 0] / 32768.0


@pytest.mark.parametrize("kind", KINDS)
def test_blender_hears_what_was_recorded(kind, sound, no_ffmpeg, work):
    needs_aud()
    path = sound_decode.for_model(sound(kind), work)
    assert path.suffix == ".wav"
    assert path.stem == "台詞 ü"
    heard, recorded = samples(path), samples(SPEECH)
    frames = min(len(heard), len(recorded))
    assert abs(len(heard) - len(recorded)) < 0.15 * 16_000
    lags = [
        np.corrcoef(np.roll(heard[:frames], -lag), recorded[:frames])[0, 1] for lag in range(40)
    ]
    assert max(lags) > 0.95


def test_a_sound_is_decoded_once(sound, no_ffmpeg, work):
    needs_aud()
    given = sound("mp3")
    first = sound_decode.for_model(given, work)
    made = first.stat().st_mtime_ns
    assert sound_decode.for_model(given, work) == first
    assert first.stat().st_mtime_ns == made


def test_wav_and_a_machine_with_ffmpeg_need_no_help(sound, no_ffmpeg, work, monkeypatch):
    assert sound_decode.for_model(SPEECH, work) == SPEECH
    given = sound("mp3")
    monkeypatch.setattr(sound_decode.shutil, "which", lambda name: f"/usr/bin/{name}")
    assert sound_decode.for_model(given, work) == given
    assert not (work / sound_decode.FOLDER).exists()


def test_wav_with_another_codec_than_plain_samples_is_decoded_by_blender(no_ffmpeg, work):
    needs_aud()
    path = work / "law.wav"
    law = bytes(range(128, 256)) * 125  # A-law, a second at 16 kHz
    form = struct.pack("<HHIIHH", 6, 1, 16_000, 16_000, 1, 8)
    chunks = b"fmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", 16_000) + law
    path.write_bytes(b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks)
    decoded = sound_decode.for_model(path, work)
    assert decoded != path
    assert len(samples(decoded)) == 16_000


@pytest.mark.parametrize("frames, kept", [(-1, 65_536), (0, 65_536), (99, 99), (99_999, 65_536)])
def test_the_padding_of_the_last_block_is_dropped(work, frames, kept):
    padded, copy = work / "padded.wav", work / "copy.wav"
    with wave.open(str(padded), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(2 * 65_536))
    sound_decode._keep_frames(padded, copy, frames)
    assert len(samples(copy)) == kept


CASES = ROOT.parent / "shared" / "cases" / "audio"


@pytest.mark.fault("audio: Blender states no length, or a wrong one")
@pytest.mark.skipif(not CASES.is_dir(), reason="../shared/cases is absent")
@pytest.mark.parametrize("name, seconds", [("flac_pipe.flac", 8.95), ("mp3_vbr_noxing.mp3", 9.04)])
def test_files_without_a_length_are_decoded_whole(no_ffmpeg, work, name, seconds):
    needs_aud()
    path = sound_decode.for_model(CASES / name, work)
    with wave.open(str(path), "rb") as file:
        assert file.getnframes() / file.getframerate() == pytest.approx(seconds, abs=0.05)


def test_what_blender_cannot_read_is_left_to_the_model(no_ffmpeg, work):
    broken = work / "broken.mp3"
    broken.write_bytes(b"ID3" + bytes(100))
    absent = work / "absent.mp3"
    assert sound_decode.for_model(broken, work) == broken
    assert sound_decode.for_model(absent, work) == absent


@pytest.mark.fault("audio: no space for the file that Blender decodes")
def test_full_disk_is_told_before_blender_would_be_ended_by_its_decoder(
    no_ffmpeg, work, monkeypatch
):
    needs_aud()
    law = work / "law.wav"
    form = struct.pack("<HHIIHH", 6, 1, 16_000, 16_000, 1, 8)
    chunks = b"fmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", 800) + bytes(800)
    law.write_bytes(b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks)
    nearly_full = shutil._ntuple_diskusage(2**30, 2**30 - 1000, 1000)
    monkeypatch.setattr(sound_decode.shutil, "disk_usage", lambda _folder: nearly_full)
    with pytest.raises(BadSound, match=r"No space to decode law\.wav"):
        sound_decode.for_model(law, work)
    # in a batch, the line fails and the others go on
    given = lines.planned(
        [lines.Row(1, str(law), "law", "law"), lines.Row(2, str(SPEECH), "b", "b")]
    )
    audio = BatchAudio(given, work)
    while not audio.is_ready:
        audio.step(1.0)
    audio.close()
    assert [bool(line.row.problem) for line in audio.ready] == [True, False]
    assert "No space" in audio.ready[0].row.problem
    assert not [path for path in work.rglob("*") if path.is_file() and path != law]


def test_a_compressed_line_makes_the_face_move_without_ffmpeg(addon, sound, no_ffmpeg, monkeypatch):
    needs_aud()
    given = sound("mp3")
    monkeypatch.setenv("PATH", str(given.parent))
    monkeypatch.delenv("CSTALK_PYTHON", raising=False)
    face = make_face()
    order = request_for(bpy.context.scene, face, protocol.Performance(given), start_frame=1)
    assert order.line == "台詞 ü"
    studio = jobs.current_job()
    studio.start(order)
    studio.wait()
    assert studio.error is None
    assert studio.outcome is not None
    assert studio.outcome.check.moved
