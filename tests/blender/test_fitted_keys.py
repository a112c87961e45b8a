"""Few Bezier keys in place of one a frame: Blender's own playback stays within the tolerance."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from cstalk_blender import compat
from cstalk_blender.rig.binding import targets
from cstalk_blender.rig.drive import plan
from cstalk_blender.rig.keys import bake, ownership
from model_runtime.curves.track import CurveTrack
from tests.fakes.faces import ARKIT, make_face

FPS = 24.0
TOLERANCE = 0.01


def talking(seconds: float = 6.0, fps: float = FPS, seed: int = 0) -> CurveTrack:
    """Bumps as of a talking face; the last channel rests."""
    random = np.random.default_rng(seed)
    times = np.arange(int(seconds * fps)) / fps
    values = np.zeros((len(times), len(ARKIT)))
    for channel in range(len(ARKIT) - 1):
        for centre in np.arange(0.2, seconds, 0.35):
            width = random.uniform(0.07, 0.15)
            values[:, channel] += random.uniform(0, 0.6) * np.exp(
                -0.5 * ((times - centre) / width) ** 2
            )
    return CurveTrack(np.clip(values, 0, 1).astype(np.float32), tuple(ARKIT), fps)


def baked(face, track: CurveTrack, tolerance: float | None = TOLERANCE, start: float = 1.0):
    """The report of a bake."""
    faces = targets.face_objects(face, with_companions=False)
    return bake.bake_track(
        faces, track, start_frame=start, frame_rate=FPS, line="line", tolerance=tolerance
    )


def curves_of(face) -> dict[str, bpy.types.FCurve]:
    """F-curves of the face by channel."""
    key = face.data.shape_keys
    holder = compat.curve_holder(key.animation_data.action, key)
    paths = {plan.value_path(name): name for name in ARKIT}
    return {paths[curve.data_path]: curve for curve in holder.fcurves}


def played(face, track: CurveTrack, start: float = 1.0) -> np.ndarray:
    """Return the values that Blender plays at each frame of the track, shape (frames, channels)."""
    curves = curves_of(face)
    frames = start + np.arange(track.frame_count) * FPS / track.fps
    return np.stack([[curves[name].evaluate(f) for f in frames] for name in track.channels], 1)


@pytest.fixture
def face(addon):
    """A face with ARKit's shape keys."""
    return make_face()


@pytest.mark.parametrize("start", [1.0, 10.25, -20.0])
def test_playback_stays_within_the_tolerance(face, start):
    track = talking()
    report = baked(face, track, start=start)
    error = np.abs(played(face, track, start) - track.values).max()
    assert error <= TOLERANCE + 2e-4  # Blender keeps handles as float32
    assert report.fit_error <= TOLERANCE


def test_far_fewer_keys_lie_on_the_curves(face):
    track = talking()
    report = baked(face, track)
    total = sum(len(curve.keyframe_points) for curve in curves_of(face).values())
    assert report.keys == total
    assert total < 0.45 * track.values.size  # at 24 frames a second; at 60 a quarter
    assert f"{total} keys within" in report.summary()


def test_a_channel_at_rest_has_one_key(face):
    baked(face, talking())
    assert len(curves_of(face)[ARKIT[-1]].keyframe_points) == 1


def test_nothing_is_left_selected(face):
    baked(face, talking())
    points = [p for curve in curves_of(face).values() for p in curve.keyframe_points]
    assert not any(p.select_control_point for p in points)


def test_a_closure_of_the_lips_is_exact(face):
    track = talking()
    values = track.values.copy()
    jaw, shut = ARKIT.index("jawOpen"), ARKIT.index("mouthClose")
    values[:, jaw], values[:, shut] = 0.3, 0.0
    times = np.arange(len(values))
    values[:, shut] = 0.32 * np.exp(-0.5 * ((times - 60) / 2.0) ** 2)
    values[:, jaw] = 0.3 + 0.05 * np.sin(times / 7)
    track = track.replaced(values=values.astype(np.float32))
    baked(face, track)
    closed = bake.closed_frames(track)
    assert len(closed) == 1
    gap = (played(face, track)[:, jaw] - played(face, track)[:, shut])[closed[0]]
    assert gap == pytest.approx(float((values[:, jaw] - values[:, shut])[closed[0]]), abs=1e-5)


def test_an_edited_handle_counts_as_an_edit(face):
    baked(face, talking())
    action = face.data.shape_keys.animation_data.action
    assert ownership.edited_curves(action) == []
    curve = curves_of(face)["jawOpen"]
    curve.keyframe_points[2].handle_right.y += 0.2
    assert len(ownership.edited_curves(action)) == 1


def test_a_key_per_frame_stays_linear(face):
    report = baked(face, talking(), tolerance=None)
    points = curves_of(face)["jawOpen"].keyframe_points
    assert len(points) == talking().frame_count
    assert {p.interpolation for p in points} == {"LINEAR"}
    assert report.fit_error == 0.0


def keys_of(face) -> dict[str, np.ndarray]:
    """Frame, value and handles of each key by channel, shape (keys, 6)."""
    out = {}
    for name, curve in curves_of(face).items():
        parts = []
        for field in ("co", "handle_left", "handle_right"):
            points = np.empty(2 * len(curve.keyframe_points), np.float32)
            curve.keyframe_points.foreach_get(field, points)
            parts.append(points.reshape(-1, 2))
        out[name] = np.concatenate(parts, 1)
    return out


def with_other_word(track: CurveTrack, first: int, last: int) -> CurveTrack:
    """The track with another mouth between two frames."""
    values = track.values.copy()
    values[first : last + 1, :20] = 0.5 * np.hanning(last + 3 - first)[1:-1, None]
    return track.replaced(values=values)


@pytest.mark.parametrize("tolerance", [TOLERANCE, None])
def test_keys_beside_a_corrected_word_stay_to_the_bit(face, tolerance):
    track = talking()
    baked(face, track, tolerance)
    before, shown = keys_of(face), played(face, track)
    report = baked(face, with_other_word(track, 60, 72), tolerance)
    after = keys_of(face)
    outside = np.r_[0:60, 73 : track.frame_count]
    np.testing.assert_allclose(played(face, track)[outside], shown[outside], rtol=0, atol=1e-6)
    assert any(not np.array_equal(old, after[name]) for name, old in before.items())
    assert report.fit_error <= TOLERANCE + 1e-4
    for name, old in before.items():
        new = after[name]
        # Fitted keys may have one more on either side, where the word begins and ends.
        mine, theirs = (k[(k[:, 0] < 60) | (k[:, 0] > 74)] for k in (old, new))
        np.testing.assert_array_equal(mine[:, :2], theirs[:, :2])
        if tolerance is None:  # linear keys have no handles that count
            continue
        # Handles too, but of the keys beside the word, whose interval may be divided.
        left, right = old[old[:, 0] < 60][:-1], old[old[:, 0] > 74][1:]
        np.testing.assert_array_equal(left, new[: len(left)])
        np.testing.assert_array_equal(right, new[len(new) - len(right) :])


def test_a_correction_that_is_taken_back_plays_the_first_curves(face):
    track = talking()
    baked(face, track)
    baked(face, with_other_word(track, 60, 72))
    baked(face, track)
    assert np.abs(played(face, track) - track.values).max() <= TOLERANCE + 1e-4


def test_a_curve_that_the_artist_edited_keeps_the_edit_beside_a_correction(face):
    track = talking()
    baked(face, track)
    curve = curves_of(face)[ARKIT[0]]
    curve.keyframe_points.insert(100.0, 0.9)
    report = baked(face, with_other_word(track, 60, 72))
    assert report.edits
    assert curves_of(face)[ARKIT[0]].evaluate(100.0) == pytest.approx(0.9, abs=0.03)
