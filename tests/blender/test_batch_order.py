"""Order of lines on the timeline: second folders, overlaps, and the fade of emotion at the ends."""

from __future__ import annotations

import bpy
import pytest

from cstalk_blender.errors import BadBatch
from cstalk_blender.rig.clips import strips
from cstalk_blender.ui import line_list, line_requests
from tests.fakes.faces import ARKIT, evaluated_heights, make_face, write_wav

JAW = ARKIT.index("jawOpen")
SMILE = ARKIT.index("mouthSmileLeft")
LINES = ("anna_01__happy_0.5", "bob_01", "sub/anna_02")


@pytest.fixture
def settings(batch, work):
    """Two faces at 24 frames a second, and three lines of two seconds, one in a subfolder."""
    (work / "lines" / "sub").mkdir(parents=True)
    for name in LINES:
        write_wav(work / "lines" / f"{name}.wav")
    scene = bpy.context.scene
    scene.render.fps = 24
    make_face("bob")
    make_face("anna")
    settings = scene.cstalk_batch
    settings.folder, settings.output_folder = str(work / "lines"), str(work / "curves")
    line_list.fill(scene)
    return settings


def bake():
    """Press the button; without a window it returns when all is done."""
    assert bpy.ops.cstalk.batch_bake() == {"FINISHED"}


def strips_on(name):
    """Name, first and last frame of each strip on our tracks of a face."""
    key = bpy.data.objects[name].data.shape_keys
    return [
        (strip.name, strip.frame_start, strip.frame_end)
        for nla_track in strips.our_tracks(key)
        for strip in nla_track.strips
    ]


def test_second_folder_follows_the_first_and_neither_moves_when_baked_again(settings, work):
    bake()
    first = strips_on("anna")
    (work / "more").mkdir()
    write_wav(work / "more" / "anna_03.wav")
    for folder in (work / "more", work / "lines", work / "more"):
        settings.folder = str(folder)
        line_list.fill(bpy.context.scene)
        bake()
        more = [one for one in strips_on("anna") if "anna_03" in one[0]]
        assert [one[1:] for one in more] == [(181.0, 228.0)]  # half a second after frame 168
        assert [one for one in strips_on("anna") if one not in more] == first


@pytest.mark.fault("a second batch would hide the lines of the first")
def test_second_folder_on_the_timeline_asks_before_it_hides_the_first(settings, work):
    settings.destination = "TIMELINE"
    bake()
    bob = bpy.data.objects["bob"].data.shape_keys.animation_data
    first = bob.action
    (work / "more").mkdir()
    write_wav(work / "more" / "bob_03.wav")
    settings.folder = str(work / "more")
    line_list.fill(bpy.context.scene)
    for destination in ("TIMELINE", "NLA"):
        settings.destination = destination
        with pytest.raises(BadBatch, match="The lines of lines on 'bob' would not play any more"):
            line_requests.request_of(bpy.context.scene)
    assert bob.action is first
    make_face("carl")  # another character speaks after the lines of the first folder
    settings.lines[0].character = bpy.data.objects["carl"]
    settings.destination = "TIMELINE"
    assert line_requests.request_of(bpy.context.scene).assignments[0].zero_frame == 188
    # 168 with the lines' end at rest 0.3 s later, and the gap of half a second


def test_second_folder_on_the_timeline_does_not_take_strips_off(settings, work):
    bake()
    before = strips_on("bob")
    (work / "more").mkdir()
    write_wav(work / "more" / "bob_03.wav")
    settings.folder, settings.destination = str(work / "more"), "TIMELINE"
    line_list.fill(bpy.context.scene)
    with pytest.raises(BadBatch, match="would not play any more"):
        line_requests.request_of(bpy.context.scene)
    assert strips_on("bob") == before


def test_emotion_fades_at_the_ends_of_a_line_and_the_lips_do_not(settings):
    bake()
    anna = bpy.data.objects["anna"]
    plain = [evaluated_heights(anna, frame)[JAW] for frame in (4, 8, 44)]
    smile = [evaluated_heights(anna, frame)[SMILE] for frame in (4, 8, 24, 44, 46)]
    # 0.3 s are 7 frames of 24: a raised cosine on a smile of 0.5
    assert smile == pytest.approx([0.1943, 0.5, 0.5, 0.3058, 0.0941], abs=2e-3)
    settings.fade_s = 0.5
    bake()
    assert evaluated_heights(anna, 8)[SMILE] == pytest.approx(0.3147, abs=2e-3)
    assert [evaluated_heights(anna, frame)[JAW] for frame in (4, 8, 44)] == pytest.approx(plain)


def test_lines_that_overlap_lie_on_tracks_of_their_own(settings, batch):
    for item in settings.lines:
        item.character, item.has_start, item.start_s = bpy.data.objects["anna"], True, 1.0
    bake()
    assert [(a, b) for _n, a, b in strips_on("anna")] == [(25.0, 72.0)] * 3
    assert len(list(strips.our_tracks(bpy.data.objects["anna"].data.shape_keys))) == 3
