"""Hand edits are listed, pinned and discarded one by one; none is lost without being discarded."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from cstalk_blender import api
from cstalk_blender.direct.direction import Direction, RegionSettings
from cstalk_blender.package import track
from cstalk_blender.ui.panels import edits as panels
from tests.blender.test_fitted_keys import FPS, curves_of, talking
from tests.blender.test_hand_edits import edit
from tests.fakes.faces import make_face
from tests.fakes.panel_layouts import said

SEQUENCES = 200
STEPS = 5
CHANNELS = ("jawOpen", "browInnerUp", "noseSneerLeft", "mouthSmileLeft")
FRAMES = 60
ROUND = 0.014
"""Error of a bake: the tolerance of fitted keys, and rounding of float16."""


@pytest.fixture
def face(addon):
    """A face with a performance in fitted keys."""
    bpy.context.scene.render.fps = int(FPS)
    face = make_face()
    api.bake(face, talking(seed=1), name="line")
    bpy.ops.ed.undo_push(message="Baked")
    return face


def value(face, channel="jawOpen", frame=31.0):
    return curves_of(face)[channel].evaluate(frame)


def test_edits_are_listed_with_channel_and_frames(face):
    assert api.hand_edits(face) == []
    assert "No hand edits" in said(panels.CSTALK_PT_edits)
    edit(face, frame=31.0, value=0.9)
    edit(face, channel="browInnerUp", frame=100.0, value=0.9)
    found = api.hand_edits(face)
    assert [one.channel for one in found] == ["jawOpen", "browInnerUp"]
    assert found[0].first_frame <= 31.0 <= found[0].last_frame
    assert found[1].first_frame <= 100.0 <= found[1].last_frame
    assert "browInnerUp" in said(panels.CSTALK_PT_edits)


def test_carried_edits_stay_listed(face):
    edit(face)
    api.direct(face, Direction(regions={"brows": RegionSettings(strength=0.5)}))
    api.bake(face, talking(seed=2), name="line")
    assert [one.channel for one in api.hand_edits(face)] == ["jawOpen"]


@pytest.mark.parametrize("key_rate", ["FITTED", "SCENE"])
def test_a_discarded_edit_is_generated_again_and_others_stay(addon, key_rate):
    bpy.context.scene.render.fps = int(FPS)
    bpy.context.scene.cstalk.key_rate = key_rate
    face = make_face()
    api.bake(face, talking(seed=1), name="line")
    before = value(face)
    edit(face, frame=31.0, value=0.9)
    edit(face, frame=100.0, value=0.8)
    first, second = api.hand_edits(face)
    api.discard_edits(face, [first])
    assert value(face) == pytest.approx(before, abs=ROUND)
    assert value(face, frame=100.0) == pytest.approx(0.8, abs=ROUND)
    left = api.hand_edits(face)
    assert [(one.first_frame, one.last_frame) for one in left] == [
        (second.first_frame, second.last_frame)
    ]


def test_discard_all_leaves_pinned_edits(face):
    edit(face, frame=31.0, value=0.9)
    edit(face, frame=100.0, value=0.8)
    _first, second = api.hand_edits(face)
    names = {"owner": second.owner, "label": second.label, "frame": second.first_frame}
    assert bpy.ops.cstalk.edit_pin(**names) == {"FINISHED"}
    # Pins stay when the take is generated again, and when a slider moves.
    api.bake(face, talking(seed=2), name="line", start_frame=1)
    face.cstalk_direction.brows.strength = 0.5
    assert [one.is_pinned for one in api.hand_edits(face)] == [False, True]
    assert bpy.ops.cstalk.edits_discard() == {"FINISHED"}
    assert value(face, frame=100.0) == pytest.approx(0.8, abs=2 * ROUND)
    assert [one.is_pinned for one in api.hand_edits(face)] == [True]
    (left,) = api.hand_edits(face)
    names["frame"] = left.first_frame
    assert bpy.ops.cstalk.edit_pin(**names) == {"FINISHED"}
    assert bpy.ops.cstalk.edit_discard(**names) == {"FINISHED"}
    assert api.hand_edits(face) == []
    with pytest.raises(RuntimeError, match="edit is gone"):
        bpy.ops.cstalk.edit_discard(**names)


def test_an_adopted_edit_stays_and_is_not_listed(face):
    edit(face, frame=31.0, value=0.9)
    edit(face, frame=100.0, value=0.8)
    _first, second = api.hand_edits(face)
    names = {"owner": second.owner, "label": second.label, "frame": second.first_frame}
    assert bpy.ops.cstalk.edit_adopt(**names) == {"FINISHED"}
    assert [one.is_adopted for one in api.hand_edits(face, with_adopted=True)] == [False, True]
    assert len(api.hand_edits(face)) == 1
    assert "Adopted: 1" in said(panels.CSTALK_PT_edits)
    # Another performance of the take, a slider and Discard All leave it.
    api.bake(face, talking(seed=2), name="line", start_frame=1)
    face.cstalk_direction.brows.strength = 0.5
    assert bpy.ops.cstalk.edits_discard() == {"FINISHED"}
    assert value(face, frame=100.0) == pytest.approx(0.8, abs=2 * ROUND)
    assert api.hand_edits(face) == []
    api.bake(face, talking(seed=3), name="line", start_frame=1)
    assert value(face, frame=100.0) == pytest.approx(0.8, abs=2 * ROUND)
    assert api.hand_edits(face) == []
    assert bpy.ops.cstalk.edits_release() == {"FINISHED"}
    assert len(api.hand_edits(face)) == 1
    assert bpy.ops.cstalk.edits_discard() == {"FINISHED"}
    assert api.hand_edits(face, with_adopted=True) == []


def test_jump_goes_to_the_first_frame(face):
    edit(face)
    (one,) = api.hand_edits(face)
    bpy.ops.cstalk.edit_jump(owner=one.owner, label=one.label, frame=one.first_frame)
    assert bpy.context.scene.frame_current == round(one.first_frame)


def test_undo_brings_a_discarded_edit_back(face):
    edit(face)
    bpy.ops.ed.undo_push(message="Edit")
    bpy.ops.cstalk.edits_discard()
    bpy.ops.ed.undo_push(message="Discard All")
    assert api.hand_edits(face) == []
    bpy.ops.ed.undo()
    assert value(bpy.data.objects["Face"]) == pytest.approx(0.9)


def test_other_settings_of_keys_refuse_to_discard(face):
    edit(face)
    bpy.context.scene.cstalk.key_rate = "SCENE"
    with pytest.raises(api.SessionError, match="other settings") as error:
        api.discard_edits(face, api.hand_edits(face))
    assert "Update Keys" in error.value.hint
    assert value(face) == pytest.approx(0.9)


def test_the_border_is_as_long_as_it_is_set(face):
    spans = []
    for border in (0.0, 400.0):
        bpy.context.scene.cstalk.key_rate = "SCENE"
        bpy.context.scene.cstalk.edit_blend_ms = border
        made = make_face(f"Face {border}")
        api.bake(made, talking(seed=1), name="line")
        for frame in range(60, 70):
            edit(made, frame=float(frame), value=0.9)
        api.bake(made, talking(seed=2), name="line")
        plain = talking(seed=2).values[:, talking().channels.index("jawOpen")]
        played = np.array([value(made, frame=1.0 + i) for i in range(len(plain))])
        spans.append(int((np.abs(played - plain) > 1e-3).sum()))
    # 400 ms are ten frames at 24 a second, on either side.
    assert 10 <= spans[0] <= 12
    assert spans[0] + 12 <= spans[1] <= spans[0] + 20


def short(seed: int) -> track.CurveTrack:
    """Return 60 frames of four channels."""
    full = talking(seconds=FRAMES / FPS, seed=seed)
    columns = [full.channels.index(name) for name in CHANNELS]
    return track.CurveTrack(full.values[:, columns], CHANNELS, FPS)


def change(face, random: np.random.Generator) -> tuple[str, float]:
    """Change, add or delete keys as an artist does; return channel and frame of the change."""
    channel = str(random.choice(CHANNELS))
    frame = float(random.integers(2, FRAMES))
    curve = curves_of(face)[channel]
    points = curve.keyframe_points
    kind = random.integers(3)
    if kind == 0 and len(points) > 4:
        point = points[int(random.integers(1, len(points) - 1))]
        frame = float(point.co.x)
        points.remove(point)
    elif kind == 1:
        point = points[int(random.integers(len(points)))]
        frame = float(point.co.x)
        point.co.y += float(random.choice([-0.4, 0.4]))
    else:
        points.insert(frame, float(random.uniform(-0.5, 1.5)))
    curve.update()
    return channel, frame


def write_again(face, random: np.random.Generator) -> None:
    """Do one of what writes keys: a slider, another performance of the take, another take."""
    kind = random.integers(4)
    if kind == 0:
        region = str(random.choice(["brows", "jaw", "mouth", "nose"]))
        getattr(face.cstalk_direction, region).strength = float(random.uniform(0.2, 1.8))
    elif kind == 1:
        api.bake(face, short(int(random.integers(1000))), name="line")
    elif kind == 2:
        api.direct(face)
    else:
        before = face.cstalk_takes.active
        api.bake(face, short(int(random.integers(1000))), name="line", new_take=True)
        other = face.cstalk_takes.active
        api.play_take(face, before)
        api.delete_take(face, other)


def played_edits(face) -> dict[tuple[str, float], float]:
    """Return the value of every changed frame of every channel."""
    return {
        (one.channel, frame): value(face, one.channel, frame)
        for one in api.hand_edits(face)
        for frame in np.arange(one.first_frame, one.last_frame + 0.5)
    }


@pytest.mark.parametrize("block", range(4))
@pytest.mark.parametrize("key_rate", ["FITTED", "SCENE"])
def test_no_edit_is_lost_in_random_sequences(addon, block, key_rate):
    bpy.context.scene.render.fps = int(FPS)
    bpy.context.scene.cstalk.key_rate = key_rate
    for number in range(SEQUENCES // 8):
        random = np.random.default_rng([block, number, len(key_rate)])
        face = make_face(f"Face {number}", CHANNELS)
        face.hide_render = True
        api.bake(face, short(number), name="line")
        changed: set[str] = set()
        for _step in range(STEPS):
            changed.add(change(face, random)[0])
            before = played_edits(face)
            write_again(face, random)
            for (channel, frame), expected in before.items():
                played = value(face, channel, frame)
                assert played == pytest.approx(expected, abs=ROUND), (number, channel, frame)
        assert {one.channel for one in api.hand_edits(face)} <= changed
        bpy.data.objects.remove(face)
