"""Takes: kept beside each other, switched by assignment, restored exactly, deleted if ours."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from cstalk_blender import api, compat
from cstalk_blender.direct.direction import Direction, RegionSettings
from cstalk_blender.jobs import takes as face_takes
from cstalk_blender.rig.keys import ownership
from cstalk_blender.scene import predictions
from cstalk_blender.ui.operators import generate as operators
from cstalk_blender.ui.panels import takes as panels
from tests.blender.test_fitted_keys import FPS, curves_of, talking
from tests.blender.test_hand_edits import edit
from tests.fakes.faces import evaluated_heights, make_action, make_face, write_wav
from tests.fakes.panel_layouts import said


def bake(face, seed=0, *, new=True, name="line.wav"):
    """Bake six seconds into a take; return its identity."""
    api.bake(face, talking(seed=seed), name=name, new_take=new)
    return face.cstalk_takes.active


def digests(face):
    """Return what every curve of a face plays."""
    return {name: ownership.digest(curve) for name, curve in curves_of(face).items()}


@pytest.fixture
def face(addon):
    """A face that plays the second of two takes."""
    bpy.context.scene.render.fps = int(FPS)
    face = make_face()
    bake(face, 1)
    bake(face, 2)
    bpy.ops.ed.undo_push(message="Two takes")
    return face


def identities(face):
    return [item.take for item in face.cstalk_takes.items]


class TakeRows:
    """The rows of the list and all takes in full: a list cannot be drawn without a window."""

    def draw(self, context):
        held = context.view_layer.objects.active.cstalk_takes
        for item in held.items:
            panels.CSTALK_UL_takes.draw_item(
                None, context, self.layout, held, item, 0, None, "index"
            )
            panels.draw_take(self.layout, item, 40)


def reopened(work):
    path = str(work / "takes.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    return bpy.data.objects["Face"]


def test_switching_back_and_forth_plays_the_same_keys(face):
    first, second = identities(face)
    two = digests(face)
    heights = evaluated_heights(face, 30)
    api.play_take(face, first)
    one = digests(face)
    assert one != two
    assert np.abs(evaluated_heights(face, 30) - heights).max() > 0.05
    api.play_take(face, second)
    assert digests(face) == two
    assert np.array_equal(evaluated_heights(face, 30), heights)
    api.play_take(face, first)
    assert digests(face) == one


def test_generate_replaces_the_take_unless_a_new_one_is_asked_for(face):
    first, second = identities(face)
    bake(face, 3, new=False)
    assert identities(face) == [first, second]
    assert face.cstalk_takes.active == second
    assert len(bpy.data.actions) == (2 if compat.shares_actions() else len(bpy.data.actions))
    api.play_take(face, first)
    bake(face, 4, new=False)
    assert identities(face) == [first, second]
    assert face.cstalk_takes.active == first


def test_hand_edits_stay_with_their_take(face):
    first, second = identities(face)
    edit(face, value=0.9)
    api.play_take(face, first)
    assert abs(curves_of(face)["jawOpen"].evaluate(31.0) - 0.9) > 0.1
    api.play_take(face, second)
    assert curves_of(face)["jawOpen"].evaluate(31.0) == pytest.approx(0.9)
    assert [one.is_edited for one in api.takes(face)] == [False, True]
    bake(face, 3)
    assert abs(curves_of(face)["jawOpen"].evaluate(31.0) - 0.9) > 0.1
    assert [one.is_edited for one in api.takes(face)] == [False, True, False]


def test_settings_of_direct_stay_with_their_take(face):
    first, second = identities(face)
    api.direct(face, Direction(regions={"brows": RegionSettings(strength=0.25)}))
    directed = digests(face)
    api.play_take(face, first)
    # The settings were those of both takes when the second was made.
    assert face.cstalk_direction.brows.strength == 1.0
    api.direct(face, Direction(regions={"jaw": RegionSettings(strength=0.5)}))
    api.play_take(face, second)
    assert face.cstalk_direction.brows.strength == 0.25
    assert face.cstalk_direction.jaw.strength == 1.0
    assert digests(face) == directed
    face.cstalk_direction.brows.strength = 1.0
    assert digests(face) != directed
    api.play_take(face, first)
    assert face.cstalk_direction.jaw.strength == 0.5
    assert predictions.load_or_none(face).id == face.cstalk_takes.items[0].prediction


def test_takes_survive_saving_without_a_fake_user(face, work):
    first, second = identities(face)
    two = digests(face)
    for action in bpy.data.actions:
        action.use_fake_user = False
    again = reopened(work)
    api.play_take(again, first)
    one = digests(again)
    assert one != two
    again = reopened(work)
    assert digests(again) == one
    api.play_take(again, second)
    assert digests(again) == two


def test_takes_are_appended_with_their_face(face, work):
    first, _second = identities(face)
    two = digests(face)
    path = str(work / "takes.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_homefile(use_empty=True)
    with bpy.data.libraries.load(path) as (_there, here):
        here.objects = ["Face"]
    again = here.objects[0]
    bpy.context.scene.collection.objects.link(again)
    assert digests(again) == two
    api.play_take(again, first)
    assert digests(again) != two


def test_undo_and_redo_switch_back_and_forth(face):
    first, second = identities(face)
    two = digests(face)
    bpy.ops.cstalk.take_play(take=first)
    bpy.ops.ed.undo_push(message="Play Take")
    one = digests(face)
    bpy.ops.ed.undo()
    again = bpy.data.objects["Face"]
    assert (again.cstalk_takes.active, digests(again)) == (second, two)
    bpy.ops.ed.redo()
    again = bpy.data.objects["Face"]
    assert (again.cstalk_takes.active, digests(again)) == (first, one)


@pytest.mark.parametrize("copies_actions", [True, False])
def test_a_duplicate_has_takes_of_its_own(face, copies_actions):
    first, second = identities(face)
    two = digests(face)
    twin = face.copy()
    twin.data = face.data.copy()
    bpy.context.scene.collection.objects.link(twin)
    if copies_actions:
        animation = twin.data.shape_keys.animation_data
        slot = compat.slot_name(twin.data.shape_keys)
        compat.assign_action(twin.data.shape_keys, animation.action.copy(), slot)
    face_takes.switch(twin, first)
    assert set(identities(twin)).isdisjoint({first, second}) or twin.cstalk_takes.active == first
    edit(twin, value=0.9)
    assert digests(face) == two
    api.play_take(face, first)
    assert abs(curves_of(face)["jawOpen"].evaluate(31.0) - 0.9) > 0.1
    assert set(identities(face)).isdisjoint(identities(twin))


def test_clear_removes_the_take_that_plays_and_says_that_others_stay(studio):
    bpy.context.scene.render.fps = int(FPS)
    face = make_face()
    key = face.data.shape_keys
    own = make_action("Mine", key, "jawOpen", 0.3)
    bake(face, 1)
    bake(face, 2)
    first, _second = identities(face)
    one = {}
    assert bpy.ops.cstalk.clear() == {"FINISHED"}
    assert key.animation_data.action == own
    assert identities(face) == [first]
    assert face.cstalk_takes.active == ""
    api.play_take(face, first)
    one = digests(face)
    assert one
    assert key.animation_data.action != own
    bpy.ops.cstalk.clear()
    assert key.animation_data.action == own
    assert not identities(face)
    assert predictions.size_bytes(face) == 0
    assert [action.name for action in bpy.data.actions] == ["Mine"]


def test_deleting_removes_what_is_ours_alone(face):
    first, second = identities(face)
    assert api.delete_take(face, first) == []
    assert identities(face) == [second]
    assert len(face.cstalk_predictions.items) == 1
    assert {action[ownership.TAKE] for action in bpy.data.actions} == {second}
    bake(face, 3)
    api.play_take(face, second)
    edit(face)
    third = identities(face)[1]
    api.play_take(face, third)
    kept = api.delete_take(face, second)
    assert "edited" in kept[0]
    assert {action[ownership.TAKE] for action in bpy.data.actions} == {second, third}
    assert bpy.ops.cstalk.take_delete() == {"FINISHED"}
    assert not identities(face)
    assert not bpy.ops.cstalk.take_delete.poll()


def test_carried_edits_keep_a_deleted_take(face):
    first, second = identities(face)
    edit(face)
    bake(face, 5, new=False)
    api.play_take(face, first)
    assert "hand edits" in api.delete_take(face, second)[0]
    assert second in {action[ownership.TAKE] for action in bpy.data.actions}


def test_curves_of_the_user_stay_in_every_take(addon):
    bpy.context.scene.render.fps = int(FPS)
    face = make_face(shapes=[*talking().channels, "wink"])
    first = bake(face, 1)
    key = face.data.shape_keys
    key.key_blocks["wink"].keyframe_insert("value", frame=1)

    def paths():
        return {curve.data_path for curve in compat.curves_of(key)}

    assert 'key_blocks["wink"].value' in paths()
    bake(face, 2)
    assert 'key_blocks["wink"].value' in paths()
    api.play_take(face, first)
    assert 'key_blocks["wink"].value' in paths()


def test_ranges_of_sliders_follow_the_take(addon):
    bpy.context.scene.render.fps = int(FPS)
    face = make_face()
    loud = talking(seed=1)
    api.bake(face, loud.replaced(values=loud.values * 2), name="a", new_take=True)
    block = face.data.shape_keys.key_blocks["jawOpen"]
    wide = block.slider_max
    assert wide > 1.0
    bake(face, 2)
    assert block.slider_max == 1.0
    api.play_take(face, identities(face)[0])
    assert block.slider_max == wide
    bpy.ops.cstalk.clear()
    assert block.slider_max == 1.0


def test_deleted_actions_are_named_and_nothing_changes(face):
    first, second = identities(face)
    two = digests(face)
    bpy.data.actions.remove(face.cstalk_takes.items[0].players[0].action)
    with pytest.raises(api.SessionError, match="were deleted"):
        api.play_take(face, first)
    assert (face.cstalk_takes.active, digests(face)) == (second, two)
    with pytest.raises(api.SessionError, match="no such take"):
        api.play_take(face, "other")
    assert api.delete_take(face, first) == []


def test_a_performance_of_an_older_file_becomes_a_take(face):
    face.cstalk_takes.items.clear()
    face.cstalk_takes.active = ""
    two = digests(face)
    bake(face, 3)
    old, _new = identities(face)
    api.play_take(face, old)
    assert digests(face) == two


def test_names_and_ratings_are_the_users(face):
    first, _second = identities(face)
    item = face.cstalk_takes.items[1]
    item.name, item.rating = "The good one", 5
    api.play_take(face, first)
    found = api.takes(face)
    assert [(one.name, one.rating) for one in found][1] == ("The good one", 5)
    assert [one.is_playing for one in found] == [True, False]
    assert len(found[0].created) == 16
    text = said(TakeRows)
    assert "The good one" in text
    assert "Rating" in text
    assert "line.wav" in text


def test_generate_makes_a_new_take_and_try_five_makes_five(studio, work):
    face = make_face()
    scene = bpy.context.scene
    operators.load_audio(scene, write_wav(work / "line.wav"))
    bpy.ops.cstalk.generate()
    bpy.ops.cstalk.generate()
    assert [one.name for one in api.takes(face)] == ["Neutral, seed 0"]
    scene.cstalk.new_take = True
    scene.cstalk.emotion, scene.cstalk.intensity = "happy", 0.8
    bpy.ops.cstalk.generate()
    assert [one.name for one in api.takes(face)] == ["Neutral, seed 0", "Happy 0.8, seed 0"]
    assert bpy.ops.cstalk.try_five() == {"FINISHED"}
    found = api.takes(face)
    assert [one.seed for one in found] == [0, 0, 1, 2, 3, 4, 5]
    assert found[-1].is_playing
    assert studio.fraction == 0.0
    assert len({one.identity for one in found}) == 7
    api.play_take(face, found[0].identity)
    assert face.cstalk_result.title == "Neutral, line.wav"
    assert "Seed 0, 20" in said(TakeRows)


def test_a_failure_ends_the_queue(studio, use_worker, work):
    make_face()
    operators.load_audio(bpy.context.scene, write_wav(work / "line.wav"))
    use_worker("broken_track")
    with pytest.raises(RuntimeError):
        bpy.ops.cstalk.try_five()
    assert not studio.is_busy
    assert not api.takes(bpy.data.objects["Face"])


def test_another_clip_keeps_the_take_that_plays_without_being_asked(face):
    first_line = face.cstalk_takes.active
    one = digests(face)
    count = len(face.cstalk_takes.items)
    second_line = bake(face, 3, new=False, name="another line.wav")
    assert len(face.cstalk_takes.items) == count + 1
    assert predictions.entry_or_none(face) is not None
    # The same clip again replaces its own take alone.
    assert bake(face, 4, new=False, name="another line.wav") == second_line
    assert len(face.cstalk_takes.items) == count + 1
    api.play_take(face, first_line)
    assert digests(face) == one
