"""Faces as exporters leave them: keys without shape, shared meshes, pieces of a character."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from cstalk_blender import compat
from cstalk_blender.errors import BadTarget
from cstalk_blender.rig.binding import library, shapes, targets
from cstalk_blender.rig.binding.wiring import wiring_of
from cstalk_blender.rig.keys import bake
from tests.fakes.faces import ARKIT, evaluated_heights, make_face, wave_track

VISEMES = ("viseme_aa", "viseme_O", "viseme_U", "viseme_E", "viseme_I", "viseme_PP")


@pytest.fixture(autouse=True)
def no_presets(tmp_path, monkeypatch):
    monkeypatch.setattr(library, "folder", lambda kind: tmp_path / kind)


def empty(face, *names):
    """Take the shape out of shape keys."""
    for name in names:
        block = face.data.shape_keys.key_blocks[name]
        for point, rest in zip(block.data, block.relative_key.data, strict=True):
            point.co = rest.co
    shapes.forget_shapes()


def report_of(face, channel):
    """The line of the mapping panel for a channel."""
    return next(r for r in wiring_of(face).reports() if r.channel == channel)


def keyed(face):
    """Names of shape keys that play curves."""
    return {c.data_path.split('"')[1] for c in compat.curves_of(face.data.shape_keys)}


def armature_of(*meshes):
    """An armature that is the parent of meshes."""
    armature = bpy.data.objects.new("Armature", bpy.data.armatures.new("Armature"))
    bpy.context.scene.collection.objects.link(armature)
    for mesh in meshes:
        mesh.parent = armature
    return armature


def activate(target):
    bpy.context.view_layer.objects.active = target
    for other in bpy.context.view_layer.objects:
        other.select_set(other == target)


def bake_on(*faces):
    return bake.bake_track(
        faces, wave_track(seconds=0.5), start_frame=1, frame_rate=24.0, line="line"
    )


def test_a_key_that_moves_no_vertex_is_missing_by_name_and_gets_no_curve():
    face = make_face()
    empty(face, "cheekPuff")
    line = report_of(face, "cheekPuff")
    assert (line.status, line.reason) == ("missing", '"cheekPuff" moves no vertex')
    assert len(targets.routing_of(face).channels) == 51
    assert "cheekPuff" in bake_on(face).missing
    assert keyed(face) == set(ARKIT) - {"cheekPuff"}


def test_a_key_that_the_user_routes_by_hand_is_told_when_it_moves_no_vertex(addon):
    face = make_face()
    empty(face, "cheekPuff")
    row = face.data.shape_keys.cstalk_mapping.rows.add()
    row.channel, row.kind, row.target = "jawOpen", "shape", "cheekPuff"
    line = report_of(face, "jawOpen")
    assert (line.status, line.reason) == ("missing", 'the shape key "cheekPuff" moves no vertex')


@pytest.mark.fault("a rig whose jaw key moves no vertex")
def test_a_jaw_without_shape_is_opened_by_visemes():
    face = make_face("Face", [*ARKIT, *VISEMES])
    assert targets.routing_of(face).of("jawOpen")[0].target == "jawOpen"
    empty(face, "jawOpen")
    assert targets.routing_of(face).of("jawOpen")[0].target == "viseme_aa"
    bake_on(face)
    assert "jawOpen" not in keyed(face)
    column = [*ARKIT, *VISEMES].index("viseme_aa")
    assert max(evaluated_heights(face, frame)[column] for frame in range(1, 13)) > 0.9


def test_a_jaw_without_shape_is_opened_by_vroid_keys():
    face = make_face("Face", [*ARKIT, "Fcl_MTH_A", "Fcl_MTH_O", "Fcl_MTH_U", "Fcl_MTH_I"])
    empty(face, "jawOpen")
    assert targets.routing_of(face).of("jawOpen")[0].target == "Fcl_MTH_A"


def test_visemes_do_not_open_a_jaw_that_opens_by_itself():
    face = make_face("Face", [*ARKIT, *VISEMES])
    empty(face, "mouthPucker", "mouthFunnel")
    used = set(targets.routing_of(face).shape_names)
    assert not used & {"viseme_aa", "viseme_U", "viseme_O"}
    assert report_of(face, "mouthPucker").reason == '"mouthPucker" moves no vertex'


def test_a_key_without_shape_counts_when_a_driver_follows_it():
    face = make_face()
    armature = armature_of(face)
    curve = armature.driver_add("location", 2)
    variable = curve.driver.variables.new()
    variable.targets[0].id_type, variable.targets[0].id = "KEY", face.data.shape_keys
    variable.targets[0].data_path = 'key_blocks["jawOpen"].value'
    empty(face, "jawOpen", "cheekPuff")
    assert shapes.still_shapes(face) == ("cheekPuff",)


def test_a_key_hidden_by_its_vertex_group_moves_no_vertex():
    face = make_face()
    face.vertex_groups.new(name="nothing")
    face.data.shape_keys.key_blocks["jawOpen"].vertex_group = "nothing"
    shapes.forget_shapes()
    assert shapes.still_shapes(face) == ("jawOpen",)


@pytest.mark.fault("a rig whose shape keys move no vertex")
def test_a_mesh_with_all_names_and_no_shape_is_told_so():
    face = make_face()
    empty(face, *ARKIT)
    with pytest.raises(BadTarget, match="None of the 52 shape keys of 'Face' moves a vertex"):
        targets.face_objects(face)


def test_eyes_with_all_names_get_the_curves_of_their_gaze_alone():
    head, eye = make_face("Head"), make_face("EyeLeft")
    gaze = {name for name in ARKIT if name.startswith("eyeLook") and name.endswith("Left")}
    empty(eye, *(set(ARKIT) - gaze))
    armature_of(head, eye)
    faces = targets.face_objects(head)
    bake_on(*faces)
    assert (faces, keyed(eye)) == ([head, eye], gaze)


@pytest.mark.fault("a rig whose mesh is on two objects")
@pytest.mark.parametrize("active", ["Anna", "Bob"])
def test_one_mesh_on_two_objects_is_told_before_anything_is_baked(active):
    face = make_face("Anna")
    twin = face.copy()
    twin.name = "Bob"
    bpy.context.scene.collection.objects.link(twin)
    other = {"Anna": "Bob", "Bob": "Anna"}[active]
    with pytest.raises(BadTarget, match=f"shares its shape keys with '{other}'") as caught:
        targets.face_objects(bpy.data.objects[active])
    assert "Make Single User" in caught.value.hint
    activate(twin)
    bpy.ops.object.make_single_user(object=True, obdata=True)
    assert targets.problem_or_none(face) is None
    assert targets.problem_or_none(twin) is None


def test_a_twin_that_is_in_no_scene_is_no_twin():
    face = make_face("Anna")
    face.copy()
    assert targets.problem_or_none(face) is None


@pytest.mark.fault("another part of the character is active")
@pytest.mark.parametrize("piece", ["Body", "Hair", "EyeLeft", "Teeth", "Armature", "Head"])
def test_any_part_of_a_character_leads_to_its_face(piece):
    head = make_face("Head")
    body, eye = make_face("Body", []), make_face("EyeLeft", ["eyeLookUpLeft", "eyeLookDownLeft"])
    teeth, hair = make_face("Teeth", ["jawOpen"]), make_face("Hair", [])
    armature_of(head, body, eye, teeth)
    hair.parent = head
    activate(bpy.data.objects[piece])
    assert targets.default_target_or_none(bpy.context) == head


def test_a_body_leads_to_the_face_of_its_own_character():
    heads = []
    for name in ("Anna", "Bob"):
        heads.append(make_face(name))
        armature_of(heads[-1], make_face(f"{name} body", [])).name = f"{name} rig"
    cast = bpy.data.objects.new("Cast", None)
    bpy.context.scene.collection.objects.link(cast)
    for name in ("Anna rig", "Bob rig"):
        bpy.data.objects[name].parent = cast
    assert [
        targets.face_of_or_none(bpy.data.objects[f"{n} body"]) for n in ("Anna", "Bob")
    ] == heads
    assert targets.face_of_or_none(heads[1]) == heads[1]


def test_a_sculpted_key_counts_at_the_next_bake():
    face = make_face()
    empty(face, "jawOpen")
    assert "jawOpen" in shapes.still_shapes(face)
    face.data.shape_keys.key_blocks["jawOpen"].data[0].co.z = 1.0
    bake_on(face)
    assert "jawOpen" in keyed(face)
    assert np.isfinite(evaluated_heights(face, 3)).all()
