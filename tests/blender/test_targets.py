"""Every mesh of a face is found and known: below armatures and parents, in collections, alone."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from cstalk_blender.package import track
from cstalk_blender.rig.binding import library, targets
from cstalk_blender.rig.keys import bake
from tests.fakes.faces import ARKIT, evaluated_heights, make_face, wave_track
from tests.fakes.family_names import CC4, DAZ9, FACESHIFT, FLAME, SRANIPAL
from tests.fakes.public_rigs import CHANNELS, build_or_skip


@pytest.fixture(autouse=True)
def no_presets(tmp_path, monkeypatch):
    monkeypatch.setattr(library, "folder", lambda kind: tmp_path / kind)


def make_armature(name="Rig"):
    armature = bpy.data.objects.new(name, bpy.data.armatures.new(name))
    bpy.context.scene.collection.objects.link(armature)
    return armature


def make_part(name, shapes, **options):
    return make_face(name, [shape for shape in shapes if shape != "Basis"], **options)


def parts_of(*roots):
    return [(p.face.name, p.part, p.recognition.found) for p in targets.find_parts(roots)]


def activate(target):
    bpy.context.view_layer.objects.active = target
    for other in bpy.context.view_layer.objects:
        other.select_set(other == target)


def test_all_parts_of_a_character_are_found_below_its_armature():
    armature = make_armature()
    make_part("CC_Base_Teeth", ["Jaw_Open"], parent=armature)
    make_part("CC_Base_Tongue", ["Tongue_Out", "Tongue_Up"], parent=armature)
    make_part("Camila_Eyelash", ["Eye_Blink_L", "Eye_Blink_R"], parent=armature)
    make_part("CC_Base_Body", CC4, parent=armature)
    make_part("Shirt", ["Wind"], parent=armature)
    assert parts_of(armature) == [
        ("CC_Base_Body", "head", 52),
        ("Camila_Eyelash", "lashes", 2),
        ("CC_Base_Teeth", "teeth", 1),
        ("CC_Base_Tongue", "tongue", 1),
    ]


def test_meshes_that_an_armature_bends_without_being_their_parent_are_found():
    armature = make_armature()
    for name, shapes in (("Head", DAZ9), ("Genesis9Mouth", ["facs_bs_JawOpen"])):
        bent = make_part(name, shapes)
        bent.modifiers.new("Armature", "ARMATURE").object = armature
    assert [name for name, _part, _found in parts_of(armature)] == ["Head", "Genesis9Mouth"]
    head = bpy.data.objects["Head"]
    assert [face.name for face in targets.face_objects(head)] == ["Head", "Genesis9Mouth"]


def test_children_of_one_parent_are_one_face():
    root = bpy.data.objects.new("glTF", None)
    bpy.context.scene.collection.objects.link(root)
    head = make_part("Wolf3D_Head", ARKIT, parent=root)
    make_part("Wolf3D_Teeth", ARKIT, parent=root)
    assert [f.name for f in targets.face_objects(head)] == ["Wolf3D_Head", "Wolf3D_Teeth"]


def test_teeth_of_the_same_collection_go_along_and_another_head_does_not():
    head = make_part("Hero", ARKIT)
    make_part("Hero teeth", ["jawOpen"])
    make_part("Sidekick", ARKIT)
    assert [face.name for face in targets.face_objects(head)] == ["Hero", "Hero teeth"]


def test_objects_of_one_key_count_once():
    armature = make_armature()
    head = make_part("Head", ARKIT, parent=armature)
    twin = bpy.data.objects.new("Twin", head.data)
    twin.parent = armature
    bpy.context.scene.collection.objects.link(twin)
    assert len(parts_of(armature)) == 1


def test_active_armature_stands_for_its_best_face():
    armature = make_armature()
    make_part("Teeth", ["JawOpen"], parent=armature)
    head = make_part("Head", FACESHIFT, parent=armature)
    activate(armature)
    assert targets.default_target_or_none(bpy.context) == head


def test_selected_meshes_stand_in_when_the_active_one_is_no_face_of_its_own():
    lamp = bpy.data.objects.new("Lamp", bpy.data.lights.new("Lamp", "POINT"))
    bpy.context.scene.collection.objects.link(lamp)
    head = make_part("Head", SRANIPAL)
    activate(lamp)
    assert targets.default_target_or_none(bpy.context) is None
    head.select_set(True)
    assert targets.default_target_or_none(bpy.context) == head


def test_with_nothing_active_the_collection_is_searched():
    head = make_part("Head", ARKIT)
    activate(None)
    assert targets.default_target_or_none(bpy.context) == head


def test_a_mesh_without_a_face_is_told_why_and_not_swapped_for_another():
    make_part("Head", ARKIT)
    body = make_part("Body", ["Muscles"])
    activate(body)
    assert targets.default_target_or_none(bpy.context) == body
    assert "None of the 1 shape keys of 'Body'" in str(targets.problem_or_none(body))


def test_a_flame_head_is_found_as_a_part_though_names_do_not_move_it():
    face = make_part("Flame", FLAME)
    assert [(p.face, p.recognition.needs_solver) for p in targets.find_parts([face])] == [
        (face, True)
    ]


def test_a_family_with_many_keys_per_channel_is_baked_and_moves():
    face = make_part("Head", DAZ9)
    values = np.zeros((2, 2), np.float32)
    values[1] = 0.5
    curves = track.CurveTrack(values, ("mouthClose", "jawOpen"), 24.0)
    report = bake.bake_track([face], curves, start_frame=1, frame_rate=24.0, line="line")
    assert report.channels == 2
    names = targets.shape_names(face)[1:]
    heights = dict(zip(names, evaluated_heights(face, 2.0), strict=False))
    for end in ("LowerLeft", "LowerRight", "UpperLeft", "UpperRight"):
        assert heights["facs_bs_MouthClose" + end] == pytest.approx(0.5, abs=1e-4)


def test_gains_reach_the_mesh():
    face = make_part("Head", FACESHIFT)
    channels = ("mouthUpperUpLeft", "mouthUpperUpRight")
    curves = track.CurveTrack(np.array([[0.0, 0.0], [0.8, 0.4]], np.float32), channels, 24.0)
    bake.bake_track([face], curves, start_frame=1, frame_rate=24.0, line="line")
    heights = dict(zip(targets.shape_names(face)[1:], evaluated_heights(face, 2.0), strict=False))
    assert heights["LipsUpperUp"] == pytest.approx(0.6, abs=1e-4)


@pytest.mark.data
@pytest.mark.parametrize("head", CHANNELS)
def test_public_heads_are_covered_without_a_click(head):
    face = build_or_skip(head)
    routing = targets.routing_of(face)
    assert len(routing.channels) == CHANNELS[head]
    assert set(routing.shape_names) <= set(ARKIT), "visemes are left alone beside movements"
    assert targets.find_parts([face])[0].recognition.family.name == "arkit"


@pytest.mark.data
def test_face_cap_is_covered_under_its_own_names():
    face = build_or_skip("Face Cap", own_names=True)
    found = targets.find_parts([face])[0].recognition
    assert found.family.name == "arkit_underscore_sides"
    assert (found.found, dict(found.doubts)) == (51, {})


@pytest.mark.data
@pytest.mark.parametrize("head", CHANNELS)
def test_public_heads_open_their_jaw_when_it_is_performed(head):
    face = build_or_skip(head)
    curves = wave_track(channels=("jawOpen",), seconds=1.0)
    bake.bake_track([face], curves, start_frame=1, frame_rate=24.0, line="line")
    rest, wide = evaluated_heights(face, 1.0), evaluated_heights(face, 13.0)
    assert (rest - wide).max() > 0.01, "the chin falls by more than a centimetre"


def test_a_mesh_without_vertices_is_no_face_and_no_error():
    mesh = bpy.data.meshes.new("Empty")
    empty = bpy.data.objects.new("Empty", mesh)
    bpy.context.scene.collection.objects.link(empty)
    for name in ("Basis", "jawOpen"):
        empty.shape_key_add(name=name)
    assert not targets.routing_of(empty)
    assert targets.problem_or_none(empty) is not None
