"""A batch of sounds that its child has no decoder for: Blender decodes them, and tidies up."""

from __future__ import annotations

import csv
import shutil
import subprocess
import time
from pathlib import Path

import bpy
import pytest

from cstalk_blender import compat
from cstalk_blender.jobs.batch import audio as batch_audio
from cstalk_blender.jobs.batch import job as batch_job
from cstalk_blender.jobs.batch.request import LineStatus
from cstalk_blender.rig.clips import strips
from cstalk_blender.scene import audio_decode as sound_decode
from cstalk_blender.ui import line_list, line_requests
from tests.fakes.faces import make_face, write_wav
from tests.fakes.sessions import DEADLINE_S

SPEECH = Path(__file__).resolve().parents[2] / "demo" / "speech" / "line.wav"


@pytest.fixture
def folder(work, monkeypatch):
    """A line as mp3, one as wav and one that is broken; no ffmpeg for whoever bakes them."""
    pytest.importorskip("aud", reason="this Blender was built without sound")
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        pytest.skip("no ffmpeg to make the file with")
    folder = work / "lines"
    folder.mkdir()
    packed = folder / "anna_größe.mp3"
    subprocess.run([ffmpeg, "-v", "error", "-t", "2", "-i", str(SPEECH), str(packed)], check=True)
    write_wav(folder / "anna_wav.wav")
    (folder / "anna_zzz.mp3").write_bytes(b"ID3" + bytes(100))
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("CSTALK_PYTHON", raising=False)
    return folder


def listed(folder, work):
    """The list of the folder, for one face."""
    make_face("anna")
    settings = bpy.context.scene.cstalk_batch
    settings.folder, settings.output_folder = str(folder), str(work / "curves")
    line_list.fill(bpy.context.scene)
    return settings


def left_behind():
    """Return the folders that batches have left in Blender's temporary folder."""
    return list(Path(bpy.app.tempdir).glob(f"{batch_audio.PREFIX}*"))


def test_compressed_lines_are_made_by_the_real_child_and_nothing_is_left(addon, folder, work):
    listed(folder, work)
    bpy.ops.cstalk.batch_bake()
    batch = batch_job.current_job()
    assert batch.states["anna_größe"].status == LineStatus.DONE, batch.states["anna_größe"].message
    assert batch.states["anna_wav"].is_made
    assert batch.states["anna_zzz"].status == LineStatus.FAILED
    key = bpy.data.objects["anna"].data.shape_keys
    names = [strip.name for track in strips.our_tracks(key) for strip in track.strips]
    assert "anna anna_größe" in names
    assert left_behind() == []
    with (work / "curves" / "report.csv").open(encoding="utf-8", newline="") as stream:
        told = {row["audio"]: row["status"] for row in csv.DictReader(stream)}
    assert told["anna_größe.mp3"] == "done"  # not what Blender made of it
    assert told["anna_zzz.mp3"] == "failed"
    sounds = [s.sound.filepath for s in compat.placed_strips(bpy.context.scene)]
    assert str(folder / "anna_größe.mp3") in [bpy.path.abspath(path) for path in sounds]
    bpy.ops.cstalk.batch_bake()
    assert batch.states["anna_größe"].status == LineStatus.SKIPPED
    assert left_behind() == []


def test_window_is_given_back_between_two_sounds_and_cancel_ends_the_reading(
    batch, folder, work, monkeypatch
):
    monkeypatch.setattr(batch_job, "STEP_BUDGET_S", 0.0)
    listed(folder, work)
    batch.start(line_requests.request_of(bpy.context.scene))
    assert batch.worker_pid is None
    assert batch.stage_text == "Reading audio, 1 of 3"
    batch.tick()
    assert batch.stage_text == "Reading audio, 2 of 3"
    batch.cancel()
    deadline = time.monotonic() + DEADLINE_S
    while batch.is_busy:
        assert time.monotonic() < deadline
        batch.tick()
    assert batch.outcome == "cancelled"
    assert {state.status for state in batch.states.values()} == {LineStatus.CANCELLED}
    assert left_behind() == []
    bpy.ops.cstalk.batch_bake()
    assert batch.states["anna_größe"].status == LineStatus.DONE


def test_another_file_in_the_middle_of_reading_leaves_nothing(batch, folder, work, monkeypatch):
    monkeypatch.setattr(batch_job, "STEP_BUDGET_S", 0.0)
    listed(folder, work)
    batch.start(line_requests.request_of(bpy.context.scene))
    assert len(left_behind()) == 1
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    assert not batch.is_busy
    assert left_behind() == []


def test_the_child_gets_the_decoded_sound_and_blender_keeps_the_chosen_one(
    batch, folder, work, monkeypatch
):
    given = []
    decode = sound_decode.for_model

    def watched(path, temporary):
        given.append(decode(path, temporary))
        return given[-1]

    monkeypatch.setattr(sound_decode, "for_model", watched)
    listed(folder, work)
    bpy.ops.cstalk.batch_bake()
    assert [path.suffix for path in given] == [".wav", ".wav", ".mp3"]
    assert given[0].name == "anna_größe.wav"
    item = bpy.context.scene.cstalk_batch.lines["anna_größe"]
    assert item.audio == str(folder / "anna_größe.mp3")
