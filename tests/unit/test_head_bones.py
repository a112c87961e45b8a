"""Neck and head are found among the bones of every rig family."""

from __future__ import annotations

import dataclasses

import pytest

from cstalk_blender.rig.mapping import head_bones


@dataclasses.dataclass(frozen=True)
class Bone:
    """Name and parent, as a bone of Blender has them."""

    name: str
    parent: Bone | None = None


def chain(*names: str) -> list[Bone]:
    """Bones that each carry the next."""
    bones: list[Bone] = []
    for name in names:
        bones.append(Bone(name, bones[-1] if bones else None))
    return bones


@pytest.mark.parametrize(
    "names, found",
    [
        (("Hips", "Spine2", "Neck", "Head", "HeadTop_End"), ("Neck", "Head")),  # Ready Player Me
        (
            ("mixamorig:Spine2", "mixamorig:Neck", "mixamorig:Head", "mixamorig:HeadTop_End"),
            ("mixamorig:Neck", "mixamorig:Head"),
        ),
        (("J_Bip_C_UpperChest", "J_Bip_C_Neck", "J_Bip_C_Head"), ("J_Bip_C_Neck", "J_Bip_C_Head")),
        (
            ("CC_Base_Spine02", "CC_Base_NeckTwist01", "CC_Base_NeckTwist02", "CC_Base_Head"),
            ("CC_Base_NeckTwist01", "CC_Base_Head"),
        ),
        (("chestUpper", "neckLower", "neckUpper", "head", "upperTeeth"), ("neckLower", "head")),
        (("spine_05", "neck_01", "neck_02", "head"), ("neck_01", "head")),  # MetaHuman
        (("spine.003", "spine.004", "spine.005", "spine.006"), ("spine.004", "spine.006")),
        (("chest", "head"), ("head",)),
        (("chest", "neck"), ("neck",)),
        (("root", "forearm.L", "headband", "neckerchief"), ()),
    ],
)
def test_neck_and_head_of_a_family(names: tuple[str, ...], found: tuple[str, ...]) -> None:
    assert tuple(bone.name for bone in head_bones.chain_of(chain(*names))) == found


def test_controls_of_a_generated_rigify_rig_come_before_what_follows_them() -> None:
    root = Bone("root")
    neck, head = Bone("neck", root), Bone("head", Bone("MCH-ROT-head", root))
    bones = [root, Bone("ORG-spine.006", root), Bone("DEF-spine.006", root), neck, head]
    assert head_bones.chain_of(bones) == (neck, head)
    assert not head_bones.carries(neck, head)
    neck_of_mixamo, head_of_mixamo = chain("Neck", "Head")
    assert head_bones.carries(neck_of_mixamo, head_of_mixamo)
