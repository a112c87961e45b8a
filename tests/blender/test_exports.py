"""A clip in a file of its own: the whole character, a clip name, no file of somebody else."""

from __future__ import annotations

import json

import addon_utils
import bpy
import pytest

from cstalk_blender.errors import BakeFailed
from cstalk_blender.rig.clips import exports
from tests.fakes.faces import make_face, wave_track

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Blender's exporters


@pytest.fixture
def character():
    """A head with an armature, a body that it deforms and hair on the head, and a bystander."""
    head, body, hair = make_face("Anna"), make_face("Body", []), make_face("Hair", [])
    armature = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
    bpy.context.scene.collection.objects.link(armature)
    head.parent = armature
    body.modifiers.new("Armature", "ARMATURE").object = armature
    hair.parent = head
    make_face("Bystander", [])
    return head


def export(head, path, kind):
    exports.export_line(
        [head], wave_track(seconds=0.5), path, kind=kind, scene=bpy.context.scene, line="anna_021"
    )


def test_a_glb_holds_the_whole_character_and_one_named_animation(character, work):
    addon_utils.enable("io_scene_gltf2")
    export(character, work / "a.glb", "GLTF")
    data = (work / "a.glb").read_bytes()
    content = json.loads(data[20 : 20 + int.from_bytes(data[12:16], "little")])
    assert {node["name"] for node in content["nodes"]} == {"Anna", "Body", "Hair", "Rig"}
    assert [clip["name"] for clip in content["animations"]] == ["anna_021"]


def test_an_fbx_holds_the_whole_character_and_one_named_take(character, work):
    addon_utils.enable("io_scene_fbx")
    export(character, work / "a.fbx", "FBX")
    data = (work / "a.fbx").read_bytes()
    for name in (b"Anna", b"Body", b"Hair", b"Rig"):
        assert name + b"\x00\x01Model" in data
    assert b"Bystander" not in data
    assert b"anna_021\x00\x01AnimStack" in data
    assert bpy.context.scene.name == "Scene"


def test_a_file_of_somebody_else_is_not_overwritten(character, work):
    path = work / "a.blend"
    path.write_bytes(b"mine")
    with pytest.raises(BakeFailed, match="was not written by CSTalk"):
        export(character, path, "BLEND")
    assert path.read_bytes() == b"mine"
    assert len(bpy.data.actions) == 0


@pytest.mark.fault("an exported file is edited, then exported again")
def test_our_own_file_is_replaced_until_somebody_changes_it(character, work):
    path = work / "a.blend"
    export(character, path, "BLEND")
    export(character, path, "BLEND")
    path.write_bytes(path.read_bytes() + b"!")
    with pytest.raises(BakeFailed, match="changed since"):
        export(character, path, "BLEND")
