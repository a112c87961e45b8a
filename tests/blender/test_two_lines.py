"""A performance and lines of a batch on one head: each plays in its own frames."""

from __future__ import annotations

import bpy
import pytest

from cstalk_blender.rig.clips import strips
from cstalk_blender.rig.keys import bake
from tests.fakes.faces import ARKIT, evaluated_heights, make_face, wave_track

JAW = ARKIT.index("jawOpen")
LABEL = strips.Label("line", "line", "batch")
PERFORMED, SPOKEN, BETWEEN = 7, 106, (70, 170)
"""Frames in the performance, in the line, and where neither plays."""


def perform(face):
    """Two seconds from frame 1 on."""
    bake.bake_track([face], wave_track(), start_frame=1, frame_rate=24.0, line="first")


def place(face):
    """Two seconds as a strip, from frame 100 on."""
    return strips.place_line([face], wave_track(), LABEL, start_frame=100, frame_rate=24.0)


def jaw(face, frame):
    return float(evaluated_heights(face, frame)[JAW])


@pytest.mark.parametrize("order", [(perform, place), (place, perform)])
def test_both_play_in_their_frames_and_the_face_rests_between(order):
    face = make_face()
    for one in order:
        one(face)
    bpy.context.scene.frame_set(PERFORMED)
    assert jaw(face, PERFORMED) > 0.3
    assert jaw(face, SPOKEN) > 0.3
    assert [jaw(face, frame) for frame in BETWEEN] == pytest.approx([0.0, 0.0], abs=1e-4)


def test_the_face_rests_as_before_the_performance_at_any_frame_of_placing():
    face = make_face()
    face.data.shape_keys.key_blocks["jawOpen"].value = 0.125
    perform(face)
    bpy.context.scene.frame_set(PERFORMED)
    place(face)
    assert jaw(face, BETWEEN[0]) == pytest.approx(0.125, abs=1e-4)


def test_removing_one_leaves_the_other_and_clears_all_in_the_end():
    face = make_face()
    animation = lambda: face.data.shape_keys.animation_data  # noqa: E731
    perform(face)
    place(face)
    strips.clear_lines([face])
    assert jaw(face, PERFORMED) > 0.3
    place(face)
    bake.clear_bake([face])
    assert jaw(face, SPOKEN) > 0.3
    assert animation().action_extrapolation == "HOLD"
    strips.clear_lines([face])
    assert jaw(face, SPOKEN) == pytest.approx(0.0, abs=1e-4)
