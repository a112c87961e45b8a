"""The check in pieces: the same as at once, a mesh at a time, whatever happens in between."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from cstalk_blender.demo_head import build_demo_head
from cstalk_blender.package import rigs, track
from cstalk_blender.rig.drive import mouth
from cstalk_blender.rig.keys import bake
from cstalk_blender.rig.verify import check
from cstalk_blender.ui import generate_requests
from cstalk_blender.ui.operators import generate as operators
from tests.fakes.faces import make_face, write_wav
from tests.fakes.sessions import tick_until


@pytest.fixture
def baked():
    """The demo head with 2 s of opening and closing, from frame 1 at 24 frames a second."""
    head = build_demo_head()
    channels = tuple(rigs.load_rig("arkit52").channel_names)
    values = np.zeros((48, len(channels)), np.float32)
    values[:, channels.index("jawOpen")] = 0.5 - 0.5 * np.cos(np.arange(48) * np.pi / 6)
    curves = track.CurveTrack(values, channels, 24.0)
    bake.bake_track([head], curves, start_frame=1, frame_rate=24.0, line="x")
    return head, curves


@pytest.fixture
def given(studio, work):
    """A studio whose performance was just given to the object ``Face``: the check is to come."""
    bpy.context.scene.render.fps = 24
    make_face()
    operators.load_audio(bpy.context.scene, write_wav(work / "line.wav"))
    bpy.ops.ed.undo_push(message="before")
    studio.start(generate_requests.request_of(bpy.context))
    tick_until(studio, lambda: studio._delivery is not None and studio._delivery.is_given)
    return studio


def check_job(head, curves):
    """A check that has not begun."""
    return check.CheckJob(
        lambda: ([head], bpy.context.scene), curves, start_frame=1, frame_rate=24.0
    )


def pieces(head, curves):
    """Step through a check; the current frame after each piece, and the report."""
    job = check_job(head, curves)
    frames = []
    while (report := job.step(0.0)) is None:
        frames.append(bpy.context.scene.frame_current)
    return frames, report


def test_no_piece_evaluates_more_than_one_mesh_at_one_frame(baked, monkeypatch):
    head, curves = baked
    seen = []
    evaluate = check.evaluate_mesh
    monkeypatch.setattr(
        check, "evaluate_mesh", lambda *given: (seen.append(given[2]), evaluate(*given))[1]
    )
    job = check_job(head, curves)
    most = 0
    while job.step(0.0) is None:
        most = max(most, len(seen))
        seen.clear()
    assert most == 1


def test_pieces_say_what_the_check_at_once_says(baked):
    head, curves = baked
    _frames, report = pieces(head, curves)
    at_once = check.check_faces([head], curves, bpy.context.scene, start_frame=1, frame_rate=24.0)
    assert report == at_once
    assert report.measures == at_once.measures
    assert report.measures


def test_the_playhead_stands_where_it_stood_after_each_piece(baked):
    bpy.context.scene.frame_set(7)
    frames, _report = pieces(*baked)
    assert set(frames) == {7}


def test_kept_rates_of_the_lip_gap_are_those_of_the_demo_head():
    measured = mouth.measured_rates()
    kept = {name: mouth.reference_rates().get(name, 0.0) for name in measured}
    assert kept == pytest.approx(measured, abs=1e-8)
    assert set(mouth.reference_rates()) <= set(measured)


@pytest.mark.fault("face deleted between two pieces of the check")
def test_a_face_that_goes_during_the_check_costs_the_check_alone(given, observed):
    given.tick()
    bpy.data.objects.remove(bpy.data.objects["Face"])
    tick_until(given, lambda: not given.is_busy)
    assert given.error is None
    assert "Not checked" in given.outcome.check.problems[0]
    observed(given.outcome.check.problems[0])


@pytest.mark.fault("undo between two pieces of the check")
def test_an_undo_during_the_check_costs_the_check_alone(given, observed):
    given.tick()
    bpy.ops.ed.undo()
    tick_until(given, lambda: not given.is_busy)
    assert given.error is None
    assert not bake.has_bake(bpy.data.objects["Face"])
    assert "Not checked" in given.outcome.check.problems[0]
    observed(given.outcome.check.problems[0])


def test_cancel_during_the_check_keeps_the_keys(given):
    given.tick()
    given.cancel()
    tick_until(given, lambda: not given.is_busy)
    assert bake.has_bake(bpy.data.objects["Face"])
