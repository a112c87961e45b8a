"""Driven rigs: the key is where the driver starts, the mesh follows, and Clear puts all back."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from cstalk_blender import compat
from cstalk_blender.errors import BakeFailed
from cstalk_blender.rig.binding import targets
from cstalk_blender.rig.keys import bake, memory, ownership
from cstalk_blender.rig.verify import check
from tests.fakes.faces import ARKIT, evaluated_heights, make_action, make_face, wave_track

JAW, SMILE = ARKIT.index("jawOpen"), ARKIT.index("mouthSmileLeft")


@pytest.fixture
def body():
    """An armature with the bones of a face board, and a property for the jaw."""
    armature = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
    bpy.context.scene.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    for name in ("slider", "jaw", "spine"):
        bone = armature.data.edit_bones.new(name)
        bone.head, bone.tail = (0, 0, 0), (0, 0, 1)
    bpy.ops.object.mode_set(mode="OBJECT")
    add_property(armature)
    return armature


def add_property(owner):
    """A custom property that the next evaluation knows of; Blender does not notice by itself."""
    owner["jaw"] = 0.0
    owner.update_tag()
    bpy.context.view_layer.update()


def drive(face, shape, target, path="", *, expression="v", bone="", transform="LOC_Y"):
    """Put a driver on a shape key: of a property, or of a bone's transform."""
    curve = face.data.shape_keys.key_blocks[shape].driver_add("value")
    variable = curve.driver.variables.new()
    variable.name = "v"
    if bone:
        variable.type = "TRANSFORMS"
        variable.targets[0].bone_target = bone
        variable.targets[0].transform_type = transform
        variable.targets[0].transform_space = "LOCAL_SPACE"
    variable.targets[0].id = target
    if not bone:
        variable.targets[0].data_path = path
    curve.driver.expression = expression
    bpy.context.view_layer.update()


def bake_on(*faces, peak=1.0):
    """Bake the wave on some faces."""
    curves = wave_track(peak=peak)
    return curves, bake.bake_track(faces, curves, start_frame=1, frame_rate=24.0, line="x")


def follows(face, curves, column, *, vertex=None):
    """Assert that the mesh follows a channel."""
    for frame in (0, 7, 13):
        height = evaluated_heights(face, 1 + frame)[column if vertex is None else vertex]
        assert height == pytest.approx(float(curves.values[frame, column]), abs=3e-3)


@pytest.mark.parametrize("expression", ["v", "v * 0.5", "1 - v", "v / 30 + 0.1"])
def test_property_behind_a_driver_is_keyed_and_the_mesh_follows(body, expression):
    face = make_face()
    drive(face, "jawOpen", body, '["jaw"]', expression=expression)
    curves, report = bake_on(face)
    assert report.rerouted == ("jawOpen",)
    assert report.driven == ()
    assert report.channels == 52
    follows(face, curves, JAW)
    checked = check.check_faces(
        [face], curves, bpy.context.scene, start_frame=1, frame_rate=24.0, left_out=report.driven
    )
    assert checked == check.CheckReport(True, ())


def test_bone_behind_a_driver_is_keyed_and_the_mesh_follows(body):
    face = make_face()
    drive(face, "jawOpen", body, bone="slider", transform="LOC_Y", expression="v * 4")
    curves, _report = bake_on(face)
    follows(face, curves, JAW)


@pytest.mark.parametrize("mode", ["XYZ", "QUATERNION", "AXIS_ANGLE"])
def test_turning_bone_behind_a_driver_is_keyed_in_its_rotation_mode(body, mode):
    body.pose.bones["jaw"].rotation_mode = mode
    face = make_face()
    drive(face, "jawOpen", body, bone="jaw", transform="ROT_X", expression="v * 2")
    curves, _report = bake_on(face)
    follows(face, curves, JAW)


def test_up_and_down_on_one_slider_do_not_compete(body):
    face = make_face("Face", ["mouthSmileLeft", "mouthFrownLeft"])
    drive(face, "mouthSmileLeft", body, bone="slider", expression="max(v, 0)")
    drive(face, "mouthFrownLeft", body, bone="slider", expression="max(-v, 0)")
    curves = wave_track(channels=("mouthSmileLeft", "mouthFrownLeft"))
    half = curves.values.copy()
    half[:24, 0], half[24:, 1] = 0.0, 0.0
    curves = curves.replaced(values=half)
    bake.bake_track([face], curves, start_frame=1, frame_rate=24.0, line="x")
    for frame in (5, 12, 30, 40):
        np.testing.assert_allclose(
            evaluated_heights(face, 1 + frame)[:2], curves.values[frame], atol=5e-3
        )


def test_driver_behind_a_driver_is_followed(body):
    face = make_face()
    add_property(body.data)
    drive(face, "jawOpen", body, '["jaw"]')
    curve = body.driver_add('["jaw"]')
    variable = curve.driver.variables.new()
    variable.name = "v"
    variable.targets[0].id_type = "ARMATURE"
    variable.targets[0].id, variable.targets[0].data_path = body.data, '["jaw"]'
    curve.driver.expression = "v * 2"
    curves, _report = bake_on(face)
    follows(face, curves, JAW)
    assert ownership.own_action_or_none(body.data) is not None


def test_teeth_that_follow_the_heads_key_need_no_keys_of_their_own():
    head = make_face("Head")
    teeth = make_face("Teeth", ["jawOpen"], parent=head)
    curve = teeth.data.shape_keys.key_blocks["jawOpen"].driver_add("value")
    variable = curve.driver.variables.new()
    variable.name = "v"
    variable.targets[0].id_type = "KEY"
    variable.targets[0].id = head.data.shape_keys
    variable.targets[0].data_path = 'key_blocks["jawOpen"].value'
    curve.driver.expression = "v"
    bpy.context.view_layer.update()
    curves, report = bake_on(*targets.face_objects(head))
    assert report.rerouted == ("jawOpen",)
    follows(head, curves, JAW)
    follows(teeth, curves, JAW, vertex=0)
    assert ownership.own_action_or_none(teeth.data.shape_keys) is None


@pytest.mark.parametrize(
    "expression, words", [("v * v", "rises and falls"), ("0.25", "no variable"), ("v + frame", "")]
)
def test_driver_without_a_way_back_is_refused_with_its_reason(body, expression, words):
    face = make_face()
    drive(face, "jawOpen", body, '["jaw"]', expression=expression)
    _curves, report = bake_on(face)
    assert report.driven == ("jawOpen",)
    assert words in report.refused[0]
    assert "jawOpen" in report.refused[0]


def test_driver_of_two_variables_is_refused_with_their_number(body):
    face = make_face("Face", ["jawOpen"])
    drive(face, "jawOpen", body, '["jaw"]', expression="v + w")
    second = face.data.shape_keys.animation_data.drivers[0].driver.variables.new()
    second.name = "w"
    second.targets[0].id, second.targets[0].data_path = body, '["jaw"]'
    with pytest.raises(BakeFailed, match="2 variables at once"):
        bake_on(face)


def test_body_goes_on_moving_below_the_performance_and_is_whole_after_clear(body):
    face = make_face()
    drive(face, "jawOpen", body, '["jaw"]')
    spine = body.pose.bones["spine"]
    for frame, place in ((1, 0.0), (21, 2.0)):
        spine.location.x = place
        spine.keyframe_insert("location", index=0, frame=frame)
    artist = body.animation_data.action
    slot = compat.slot_name(body)
    curves, _report = bake_on(face)
    follows(face, curves, JAW)
    bpy.context.scene.frame_set(21)
    assert spine.location.x == pytest.approx(2.0)
    assert bake.clear_bake([face]).objects == ("Face",)
    assert body.animation_data.action == artist
    assert compat.slot_name(body) == slot
    assert len(body.animation_data.nla_tracks) == 0
    assert not artist.use_fake_user


def test_clear_puts_the_property_back_and_leaves_no_trace(body):
    face = make_face()
    drive(face, "jawOpen", body, '["jaw"]')
    body["jaw"] = 0.375
    bake_on(face)
    bpy.context.scene.frame_set(13)
    assert bake.has_bake(face)
    bake.clear_bake([face])
    assert body["jaw"] == pytest.approx(0.375)
    assert memory.MEMORY not in body
    assert not bake.has_bake(face)
    assert len(bpy.data.actions) == 0


def test_face_of_drivers_alone_is_performed_and_cleared(body):
    face = make_face("Face", ["jawOpen"])
    drive(face, "jawOpen", body, '["jaw"]')
    curves, report = bake_on(face)
    assert report.objects == ("Face",)
    follows(face, curves, JAW, vertex=0)
    assert bake.has_bake(face)
    assert bake.clear_bake([face]).objects == ("Face",)


def linked_hero(work):
    """The face Hero, linked from a file of its own into an empty one."""
    make_face("Hero")
    library = str(work / "hero.blend")
    bpy.ops.wm.save_as_mainfile(filepath=library)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    with bpy.data.libraries.load(library, link=True) as (_source, found):
        found.objects = ["Hero"]
    bpy.context.scene.collection.objects.link(found.objects[0])
    return found.objects[0]


def test_face_that_is_merely_linked_is_refused_with_a_way_out(work):
    problem = targets.problem_or_none(linked_hero(work))
    assert problem is not None
    assert "linked" in str(problem)
    assert "Make Local" in problem.hint
    assert "override" in problem.hint


def overridden_hero(work):
    """An override of Hero as the Outliner makes it, in which Blender leaves the mesh linked."""
    return linked_hero(work).override_hierarchy_create(
        bpy.context.scene, bpy.context.view_layer, do_fully_editable=True
    )


def test_override_of_the_object_leaves_its_keys_linked_and_is_refused(work):
    face = overridden_hero(work)
    assert face.override_library is not None
    assert face.data.override_library is None
    problem = targets.problem_or_none(face)
    assert problem is not None
    assert "linked" in str(problem)
    assert "override" in problem.hint


def test_keys_on_an_overridden_mesh_would_be_lost_at_saving_and_are_refused(work):
    face = overridden_hero(work)
    face.data.override_create(remap_local_usages=True)
    assert face.data.override_library is not None
    assert face.data.shape_keys.is_editable
    problem = targets.problem_or_none(face)
    assert problem is not None
    assert "override" in str(problem)
    bake_on(face)  # what the refusal saves a person from
    bpy.ops.wm.save_as_mainfile(filepath=str(work / "shot.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(work / "shot.blend"))
    face = next(o for o in bpy.context.scene.objects if o.name == "Hero")
    assert not bake.has_bake(face)


@pytest.mark.parametrize("overridden", [False, True])
def test_what_the_refusals_advise_keeps_a_performance_through_save_and_reload(work, overridden):
    face = overridden_hero(work) if overridden else linked_hero(work)
    for other in bpy.context.selected_objects:
        other.select_set(False)
    bpy.context.view_layer.objects.active = face
    face.select_set(True)
    if overridden:
        bpy.ops.object.make_single_user(type="SELECTED_OBJECTS", object=True, obdata=True)
    else:
        bpy.ops.object.make_local(type="SELECT_OBDATA")
    face = next(o for o in bpy.context.scene.objects if o.name == "Hero" and o.library is None)
    assert targets.problem_or_none(face) is None
    curves, _report = bake_on(face)
    follows(face, curves, JAW)
    bpy.ops.wm.save_as_mainfile(filepath=str(work / "shot.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(work / "shot.blend"))
    face = next(o for o in bpy.context.scene.objects if o.name == "Hero" and o.library is None)
    follows(face, curves, JAW)


def test_action_of_the_artist_on_shape_keys_is_not_mixed_in():
    face = make_face()
    make_action("Artist", face.data.shape_keys, "browInnerUp", 0.5)
    bake_on(face)
    assert len(face.data.shape_keys.animation_data.nla_tracks) == 0
