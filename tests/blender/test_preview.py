"""Live Preview shows what Bake would write, and changes nothing of the file."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from cstalk_blender import compat
from cstalk_blender.errors import SessionError
from cstalk_blender.jobs import direct, open_jobs
from cstalk_blender.rig.keys import ownership
from cstalk_blender.ui.panels import direct as panels
from tests.blender.test_direct import TOLERANCE, face, perform  # noqa: F401
from tests.blender.test_fitted_keys import curves_of
from tests.fakes.faces import evaluated_heights, make_face
from tests.fakes.panel_layouts import said

FRAMES = (20, 47, 90)
SAME = TOLERANCE + 2e-3
"""Of heights: the preview shows samples, the bake fitted keys."""


def shown(target: bpy.types.Object) -> np.ndarray:
    """Heights of all vertices at some frames."""
    return np.stack([evaluated_heights(target, frame) for frame in FRAMES])


def now(target: bpy.types.Object) -> np.ndarray:
    """Heights without a change of frame."""
    bpy.context.view_layer.update()
    mesh = target.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    return np.array([vertex.co.z for vertex in mesh.vertices])


def digests(target: bpy.types.Object) -> dict[str, str]:
    return {name: ownership.digest(curve) for name, curve in curves_of(target).items()}


def start(target: bpy.types.Object) -> None:
    assert bpy.ops.cstalk.direct_preview() == {"FINISHED"}
    assert direct.is_previewed(target)


def test_the_preview_shows_what_bake_writes(face):  # noqa: F811
    keys, played = digests(face), shown(face)
    start(face)
    face.cstalk_direction.overall.strength = 0.25
    previewed = shown(face)
    assert digests(face) == keys
    assert np.abs(previewed - played).max() > 0.1
    assert bpy.ops.cstalk.direct_preview_bake() == {"FINISHED"}
    assert not direct.is_previewed(face)
    assert digests(face) != keys
    assert np.abs(shown(face) - previewed).max() <= SAME


def test_a_strength_above_one_is_not_clamped(face):  # noqa: F811
    start(face)
    face.cstalk_direction.overall.strength = 2.0
    face.cstalk_direction.brows.offset = 0.5
    previewed = shown(face)
    bpy.ops.cstalk.direct_preview_bake()
    assert np.abs(shown(face) - previewed).max() <= 2 * SAME


def test_frames_between_are_previewed(face):  # noqa: F811
    start(face)
    face.cstalk_direction.overall.strength = 0.5
    halves = [evaluated_heights(face, frame) for frame in (20, 20.5, 21)]
    assert np.allclose(halves[1], (halves[0] + halves[2]) / 2, atol=1e-5)


def test_a_slider_shows_at_once_without_a_change_of_frame(face):  # noqa: F811
    bpy.context.scene.frame_set(47)
    start(face)
    before = now(face)
    face.cstalk_direction.overall.strength = 0.0
    assert np.abs(now(face)).max() < 1e-6
    assert np.abs(before).max() > 0.1


def test_discard_restores_settings_and_plays_the_keys(face):  # noqa: F811
    keys, played = digests(face), shown(face)
    face_settings = face.cstalk_direction
    start(face)
    face_settings.overall.strength = 0.0
    face_settings.brows.mute = True
    assert bpy.ops.cstalk.direct_preview_discard() == {"FINISHED"}
    assert (face_settings.overall.strength, face_settings.brows.mute) == (1.0, False)
    assert np.allclose(now(face), played[-1], atol=1e-6)
    assert np.allclose(shown(face), played, atol=1e-6)
    assert digests(face) == keys


def test_hand_edits_are_previewed(face):  # noqa: F811
    curve = curves_of(face)["jawOpen"]
    for point in curve.keyframe_points:
        if 40 <= point.co.x <= 60:
            point.co.y = point.handle_left.y = point.handle_right.y = 0.9
    curve.update()
    start(face)
    face.cstalk_direction.brows.strength = 0.5
    previewed = shown(face)
    bpy.ops.cstalk.direct_preview_bake()
    assert np.abs(shown(face) - previewed).max() <= 2 * SAME


def test_no_f_curve_of_the_file_is_muted(face):  # noqa: F811
    start(face)
    shown(face)
    assert not any(curve.mute for curve in curves_of(face).values())
    assert ownership.own_action_or_none(face.data.shape_keys) is not None


def test_a_muted_curve_of_the_user_stays_muted(face):  # noqa: F811
    curves_of(face)["jawOpen"].mute = True
    start(face)
    shown(face)
    bpy.ops.cstalk.direct_preview_discard()
    assert [n for n, curve in curves_of(face).items() if curve.mute] == ["jawOpen"]


def test_changes_of_the_scene_do_not_end_the_preview(face):  # noqa: F811
    start(face)
    face.cstalk_direction.overall.strength = 0.0
    bpy.context.scene.frame_set(47)
    # A changed Action is copied and evaluated again, and another object rebuilds the graph.
    ownership.own_action_or_none(face.data.shape_keys).update_tag()
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("other", None))
    bpy.context.view_layer.update()
    assert np.abs(now(face)).max() < 1e-6


def test_a_saved_file_plays_its_keys(face, work):  # noqa: F811
    keys, played, name = digests(face), shown(face), face.name
    start(face)
    face.cstalk_direction.overall.strength = 0.0
    shown(face)
    bpy.ops.wm.save_as_mainfile(filepath=str(work / "a.blend"))
    assert direct.is_previewed(face)
    bpy.ops.wm.open_mainfile(filepath=str(work / "a.blend"))
    opened = bpy.data.objects[name]
    assert not direct.is_previewed(opened)
    assert np.allclose(shown(opened), played, atol=1e-6)
    assert digests(opened) == keys


def test_undo_takes_back_a_slider_within_the_preview(face):  # noqa: F811
    name = face.name
    start(face)
    bpy.ops.ed.undo_push(message="before")
    at_one = shown(face)
    face.cstalk_direction.overall.strength = 0.0
    bpy.ops.ed.undo_push(message="slider")
    bpy.ops.ed.undo()
    restored = bpy.data.objects[name]
    assert direct.is_previewed(restored)
    assert restored.cstalk_direction.overall.strength == 1.0
    assert np.allclose(shown(restored), at_one, atol=1e-6)
    bpy.ops.ed.redo()
    assert np.abs(shown(bpy.data.objects[name])).max() < 1e-6


def test_bake_is_one_undo_step(face):  # noqa: F811
    name, keys = face.name, digests(face)
    start(face)
    face.cstalk_direction.overall.strength = 0.5
    bpy.ops.ed.undo_push(message="slider")
    bpy.ops.cstalk.direct_preview_bake()
    bpy.ops.ed.undo_push(message="bake")
    bpy.ops.ed.undo()
    assert digests(bpy.data.objects[name]) == keys


def test_a_removed_face_ends_the_preview(face):  # noqa: F811
    start(face)
    mesh = face.data
    bpy.data.objects.remove(face)
    bpy.data.meshes.remove(mesh)
    bpy.context.scene.frame_set(30)
    assert open_jobs.PREVIEW.current.error is not None
    assert all("cstalk" not in h.__module__ for h in bpy.app.handlers.frame_change_pre)


def test_another_bake_ends_the_preview(face):  # noqa: F811
    start(face)
    perform(face)
    bpy.context.scene.frame_set(30)
    assert not direct.is_previewed(face)


def test_clear_ends_the_preview(face):  # noqa: F811
    start(face)
    bpy.ops.cstalk.clear()
    assert not direct.is_previewed(face) or open_jobs.PREVIEW.current.error is None
    bpy.context.scene.frame_set(30)
    assert not direct.is_previewed(face)
    assert np.abs(now(face)).max() < 1e-6


def test_presets_are_previewed_and_not_written(face):  # noqa: F811
    keys, played = digests(face), shown(face)
    start(face)
    bpy.ops.cstalk.direct_preset(preset="whisper")
    assert digests(face) == keys
    assert np.abs(shown(face) - played).max() > 0.05


def test_disabling_the_add_on_returns_to_the_keys():
    import cstalk_blender

    cstalk_blender.register()
    try:
        target = make_face()
        perform(target)
        played = shown(target)
        start(target)
        target.cstalk_direction.overall.strength = 0.0
    finally:
        cstalk_blender.unregister()
    assert np.allclose(shown(target), played, atol=1e-6)
    names = [name for name in dir(bpy.app.handlers) if not name.startswith("_")]
    lists = [one for name in names if isinstance(one := getattr(bpy.app.handlers, name), list)]
    assert not [h for one in lists for h in one if "cstalk" in getattr(h, "__module__", "")]


def test_the_page_has_bake_and_discard_while_it_is_previewed(face):  # noqa: F811
    assert "Live Preview" in said(panels.CSTALK_PT_direct)
    assert not bpy.ops.cstalk.direct_preview_bake.poll()
    start(face)
    text = said(panels.CSTALK_PT_direct)
    assert "Live Preview" not in text
    assert "Bake" in text
    assert "Discard" in text


def push_down(face: bpy.types.Object, channel: str) -> bpy.types.NlaTrack:  # noqa: F811
    """Give a face an NLA strip of the user that moves one channel."""
    key = face.data.shape_keys
    action = bpy.data.actions.new("User")
    curve = compat.curve_holder(action, key).fcurves.new(f'key_blocks["{channel}"].value')
    curve.keyframe_points.insert(1, 0.4)
    curve.keyframe_points.insert(100, 0.6)
    track = key.animation_data.nla_tracks.new()
    compat.add_strip(track, action, compat.slot_of_action(action, key))
    return track


def test_a_strip_on_another_channel_plays_on(face):  # noqa: F811
    face.shape_key_add(name="user", from_mix=False)
    push_down(face, "user")
    start(face)
    face.cstalk_direction.overall.strength = 0.25
    previewed = shown(face)
    assert bpy.ops.cstalk.direct_preview_bake() == {"FINISHED"}
    assert np.abs(shown(face) - previewed).max() <= SAME
    assert 0.4 <= face.data.shape_keys.key_blocks["user"].value <= 0.6


def test_a_strip_on_the_same_channels_is_named_and_muting_it_is_enough(face):  # noqa: F811
    track = push_down(face, "jawOpen")
    with pytest.raises(SessionError, match="User") as caught:
        open_jobs.PREVIEW.current.start(face, bpy.context.scene)
    assert track.name in caught.value.hint
    assert not direct.is_previewed(face)
    track.mute = True
    start(face)
    face.cstalk_direction.overall.strength = 0.25
    previewed = shown(face)
    assert bpy.ops.cstalk.direct_preview_bake() == {"FINISHED"}
    assert np.abs(shown(face) - previewed).max() <= SAME
