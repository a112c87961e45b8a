"""Create stand-ins for every rig family: the demo head under other names, split as they say.

What each key does is written down here from what its maker calls it, apart from the tables under
test. A line is a key and what it does on the demo head: ``*`` is either side, ``0.7 browDown*`` a
part of a movement, ``mouthFunnel@u*`` the upper lip's half of one side of it. A key of a family
that has no line here moves the whole head, so that nobody plays it unseen.
"""

from __future__ import annotations

import re

import bpy
import numpy as np
from numpy.typing import NDArray

from cstalk_blender.demo_head import demo_head_geometry
from tests.fakes.family_names import ARKIT, LISTS, SPELLINGS

Array = NDArray[np.float64]

STRAY = (0.0, 0.05, 0.0)
"""Metres by which a key that must not be used moves the head."""
MIDLINE = 0.004
"""Half width of the transition from left to right, in metres."""
SIDES = ("Left", "Right")

_LETTERS = """
Eye_Blink_* eyeBlink*
Eye_Squint_* eyeSquint*
Eye_Wide_* eyeWide*
Brow_Raise_Inner_* browInnerUp@*
Brow_Raise_Outer_* browOuterUp*
Cheek_Raise_* cheekSquint*
Mouth_Smile_* mouthSmile*
Mouth_Frown_* mouthFrown*
Mouth_Dimple_* mouthDimple*
Mouth_* mouth*
"""
"""Names that Character Creator 3 and 4 share."""

_CC4 = (
    _LETTERS
    + """
Brow_Drop_* 0.85 browDown*
Brow_Compress_* 0.4 browDown*
Eye_L_Look_L eyeLookOutLeft
Eye_L_Look_R eyeLookInLeft
Eye_R_Look_L eyeLookInRight
Eye_R_Look_R eyeLookOutRight
Eye_*_Look_Up eyeLookUp*
Eye_*_Look_Down eyeLookDown*
Nose_Sneer_* noseSneer*
Cheek_Puff_* cheekPuff@*
Mouth_Stretch_* mouthStretch*
Mouth_Press_* mouthPress*
Mouth_Pucker_Up_* mouthPucker@u*
Mouth_Pucker_Down_* mouthPucker@d*
Mouth_Funnel_Up_* mouthFunnel@u*
Mouth_Funnel_Down_* mouthFunnel@d*
Mouth_Roll_In_Upper_* mouthRollUpper@*
Mouth_Roll_In_Lower_* mouthRollLower@*
Mouth_Up_Upper_* mouthUpperUp*
Mouth_Down_Lower_* mouthLowerDown*
Mouth_Shrug_Upper mouthShrugUpper
Mouth_Shrug_Lower mouthShrugLower
Mouth_Close mouthClose
Jaw_Open jawOpen
Jaw_Forward jawForward
Jaw_* jaw*
Tongue_Out tongueOut
"""
)
_CC3 = (
    _LETTERS
    + """
Brow_Drop_* browDown*
Cheek_Blow_* cheekPuff@*
Nose_Flank_Raise_* noseSneer*
Mouth_Pucker mouthPucker
Mouth_Pucker_Open mouthFunnel
Mouth_Widen_Sides mouthStretchLeft + mouthStretchRight
Mouth_Lips_Tight mouthPressLeft + mouthPressRight
Mouth_Bottom_Lip_Down mouthLowerDownLeft + mouthLowerDownRight
Mouth_Top_Lip_Up mouthUpperUpLeft + mouthUpperUpRight
Mouth_Top_Lip_Under mouthRollUpper
Mouth_Bottom_Lip_Under mouthRollLower
Mouth_Lips_Jaw_Adjust mouthClose
Mouth_Open 0.9 jawOpen
"""
)
_DAZ9 = """
BrowDown* browDown*
BrowInnerUp* browInnerUp@*
EyelidOpenUpper* 0.7 eyeWide*
EyelidOpenLower* 0.3 eyeWide*
CheekPuff* cheekPuff@*
MouthCloseLower* mouthClose@d*
MouthCloseUpper* mouthClose@u*
MouthPurseLower* mouthPucker@d*
MouthPurseUpper* mouthPucker@u*
MouthFunnelLower* mouthFunnel@d*
MouthFunnelUpper* mouthFunnel@u*
MouthPressLower* 0.5 mouthPress*
MouthPressUpper* 0.5 mouthPress*
MouthRollLower* mouthRollLower@*
MouthRollUpper* mouthRollUpper@*
MouthShrugLower* mouthShrugLower@*
MouthShrugUpper* mouthShrugUpper@*
"""
_METAHUMAN = """
browDown* 0.7 browDown*
browLateral* 0.3 browDown*
browRaiseIn* browInnerUp@*
browRaiseOuter* browOuterUp*
eyeWiden* eyeWide*
eyeSquintInner* eyeSquint*
eyeCheekRaise* cheekSquint*
eyeLookLeftL eyeLookOutLeft
eyeLookRightL eyeLookInLeft
eyeLookLeftR eyeLookInRight
eyeLookRightR eyeLookOutRight
eyeBlink* eyeBlink*
eyeLookUp* eyeLookUp*
eyeLookDown* eyeLookDown*
noseWrinkle* noseSneer*
mouthCheekBlow* cheekPuff@*
mouthUpperLipRaise* mouthUpperUp*
mouthLowerLipDepress* mouthLowerDown*
mouthCornerPull* mouthSmile*
mouthCornerDepress* mouthFrown*
mouthStretch* mouthStretch*
mouthDimple* mouthDimple*
mouthPressU* 0.5 mouthPress*
mouthPressD* 0.5 mouthPress*
mouthLipsPurseU* mouthPucker@u*
mouthLipsPurseD* mouthPucker@d*
mouthFunnelU* mouthFunnel@u*
mouthFunnelD* mouthFunnel@d*
mouthLipsTogetherU* mouthClose@u*
mouthLipsTogetherD* mouthClose@d*
mouthUpperLipRollIn* mouthRollUpper@*
mouthLowerLipRollIn* mouthRollLower@*
jawChinRaiseD* mouthShrugLower@*
jawChinRaiseU* mouthShrugUpper@*
jawFwd jawForward
"""
_FACESHIFT = """
BrowsD_* browDown*
BrowsU_* browOuterUp*
BrowsU_C browInnerUp
EyeDown_* eyeLookDown*
EyeIn_* eyeLookIn*
EyeOpen_* eyeWide*
EyeOut_* eyeLookOut*
EyeUp_* eyeLookUp*
LipsStretch_* mouthStretch*
ChinLowerRaise mouthShrugLower
ChinUpperRaise mouthShrugUpper
JawFwd jawForward
LipsFunnel mouthFunnel
LipsPucker mouthPucker
LipsLowerClose mouthClose@d + 0.3 mouthRollLower
LipsUpperClose mouthClose@u + 0.3 mouthRollUpper
LipsLowerDown mouthLowerDownLeft + mouthLowerDownRight
LipsUpperUp mouthUpperUpLeft + mouthUpperUpRight
Puff cheekPuff
Sneer noseSneerLeft + noseSneerRight
"""
_UNIFIED = """
EyeClosed* eyeBlink*
BrowPinch* 0.3 browDown*
BrowLowerer* 0.7 browDown*
BrowInnerUp* browInnerUp@*
CheekPuff* cheekPuff@*
LipSuckUpper* mouthRollUpper@*
LipSuckLower* mouthRollLower@*
LipFunnelUpper* mouthFunnel@u*
LipFunnelLower* mouthFunnel@d*
LipPuckerUpper* mouthPucker@u*
LipPuckerLower* mouthPucker@d*
MouthUpper* mouth*@u
MouthLower* mouth*@d
MouthCornerPull* 0.8 mouthSmile*
MouthCornerSlant* 0.2 mouthSmile*
MouthClosed mouthClose
MouthRaiserUpper mouthShrugUpper
MouthRaiserLower mouthShrugLower
"""
_SRANIPAL = """
Eye_*_Blink eyeBlink*
Eye_*_Wide eyeWide*
Eye_*_Squeeze eyeSquint*
Eye_*_Up eyeLookUp*
Eye_*_Down eyeLookDown*
Eye_Left_Left eyeLookOutLeft
Eye_Left_Right eyeLookInLeft
Eye_Right_Left eyeLookInRight
Eye_Right_Right eyeLookOutRight
Eye_*_Frown browDown*
Mouth_Upper_* mouth*@u
Mouth_Lower_* mouth*@d
Mouth_Smile_* mouthSmile*
Mouth_Sad_* mouthFrown*
Cheek_Puff_* cheekPuff@*
Mouth_Upper_Up* mouthUpperUp*
Mouth_Lower_Down* mouthLowerDown*
Jaw_* jaw*
Jaw_Forward jawForward
Jaw_Open jawOpen
Mouth_Ape_Shape jawOpen + mouthClose
Mouth_Upper_Overturn mouthFunnel@u
Mouth_Lower_Overturn mouthFunnel@d
Mouth_Pout mouthPucker
Mouth_Upper_Inside mouthRollUpper
Mouth_Lower_Inside mouthRollLower
Mouth_Lower_Overlay mouthShrugLower
Tongue_LongStep1 0.5 tongueOut
Tongue_LongStep2 0.5 tongueOut
"""
_MAKEHUMAN = """
mouth_open jawOpen
lips_mid_lower_up_* mouthClose@d*
lips_mid_upper_down_* mouthClose@u*
lips_mid_lower_down_* mouthLowerDown*
lips_mid_upper_up_* mouthUpperUp*
mouth_corner_up_* mouthSmile*
mouth_corner_down_* mouthFrown*
mouth_corner_in_* mouthDimple*
mouth_wide_* mouthStretch*
mouth_narrow_* mouthPucker@*
lips_lower_in mouthRollLower
lips_upper_in mouthRollUpper
lips_lower_out mouthFunnel@d
lips_upper_out mouthFunnel@u
cheek_up_* cheekSquint*
cheek_squint_* eyeSquint*
cheek_balloon_* cheekPuff@*
brow_mid_down_* 0.7 browDown*
brow_outer_down_* 0.3 browDown*
brow_mid_up_* browInnerUp@*
brow_outer_up_* browOuterUp*
brow_squeeze 0.2 browDownLeft + 0.2 browDownRight
nose_wrinkle noseSneerLeft + noseSneerRight
blink eyeBlinkLeft + eyeBlinkRight
tongue_out tongueOut
"""
_VOWELS = {
    "A": "0.75 jawOpen",
    "I": "0.15 jawOpen + 0.6 mouthStretchLeft + 0.6 mouthStretchRight",
    "U": "0.15 jawOpen + 0.9 mouthPucker",
    "E": "0.35 jawOpen + 0.4 mouthStretchLeft + 0.4 mouthStretchRight",
    "O": "0.45 jawOpen + 0.8 mouthFunnel",
}
_VROID = (
    "\n".join(f"MTH_{vowel} {does}" for vowel, does in _VOWELS.items())
    + """
EYE_Close_L eyeBlinkLeft
EYE_Close_R eyeBlinkRight
EYE_Spread eyeWideLeft + eyeWideRight
MTH_Fun mouthSmileLeft + mouthSmileRight
MTH_Sorrow mouthFrownLeft + mouthFrownRight
BRW_Angry browDownLeft + browDownRight
BRW_Sorrow browInnerUp
BRW_Surprised browOuterUpLeft + browOuterUpRight
"""
)
_VRM = (
    "\n".join(
        f"{name} {_VOWELS[vowel]}"
        for name, vowel in zip(("aa", "ih", "ou", "ee", "oh"), "AIUEO", strict=True)
    )
    + """
blinkLeft eyeBlinkLeft
blinkRight eyeBlinkRight
"""
)
_MMD = (
    "\n".join(f"{kana} {_VOWELS[v]}" for kana, v in zip("あいうえお", "AIUEO", strict=True))
    + """
まばたき eyeBlinkLeft + eyeBlinkRight
ウィンク eyeBlinkLeft
ウィンク右 eyeBlinkRight
びっくり eyeWideLeft + eyeWideRight
怒り browDownLeft + browDownRight
困る browInnerUp
上 browOuterUpLeft + browOuterUpRight
にやり mouthSmileLeft + mouthSmileRight
"""
)
_OCULUS = f"""
PP 0.3 mouthPressLeft + 0.3 mouthPressRight + 0.2 mouthRollUpper + 0.2 mouthRollLower
FF 0.8 mouthRollLower + 0.2 mouthUpperUpLeft + 0.2 mouthUpperUpRight
TH 0.2 jawOpen + 0.4 tongueOut
CH 0.1 jawOpen + 0.5 mouthFunnel
aa {_VOWELS["A"]}
E {_VOWELS["E"]}
I {_VOWELS["I"]}
O {_VOWELS["O"]}
U {_VOWELS["U"]}
"""

HEADS: dict[str, tuple[str, tuple[str, str], str]] = {
    "CC4": ("", ("L", "R"), _CC4),
    "CC3": ("", ("L", "R"), _CC3),
    "Daz 9": ("facs_bs_", SIDES, _DAZ9),
    "Daz 8.1": ("", SIDES, "facs_jnt_EyesWide* eyeWide*"),
    "MetaHuman": ("CTRL_expressions_", ("L", "R"), _METAHUMAN),
    "Faceshift": ("", ("L", "R"), _FACESHIFT),
    "VRChat Unified": ("", SIDES, _UNIFIED),
    "SRanipal": ("", SIDES, _SRANIPAL),
    "VRoid": ("Fcl_", SIDES, _VROID),
    "VRM": ("", SIDES, _VRM),
    "MMD": ("", SIDES, _MMD),
    "Oculus": ("viseme_", SIDES, _OCULUS),
    "MakeHuman": ("", ("left", "right"), _MAKEHUMAN),
}
"""Prefix of the lines' names, the form of the sides, and the lines."""
CASES = (*SPELLINGS, *HEADS)


def make_family_head(case: str) -> bpy.types.Object:
    """Return the stand-in of a case: a linked, active mesh with all keys of its family."""
    head = demo_head_geometry()
    mesh = bpy.data.meshes.new(case)
    mesh.from_pydata(head.neutral.tolist(), [], head.faces)
    face = bpy.data.objects.new(case, mesh)
    bpy.context.scene.collection.objects.link(face)
    bpy.context.view_layer.objects.active = face
    face.shape_key_add(name="Basis", from_mix=False)
    for name, motion in motions_of(case).items():
        block = face.shape_key_add(name=name, from_mix=False)
        block.data.foreach_set("co", (head.neutral + motion).astype(np.float32).ravel())
        block.value = 0.0  # Blender 5.0 makes new shapes at full strength
    return face


def motions_of(case: str) -> dict[str, Array]:
    """Return the motion of the demo head's vertices for each key, (V, 3) or one for all."""
    head = demo_head_geometry()
    if case in SPELLINGS:
        _family, spell = SPELLINGS[case]
        return {spell(name): head.deltas[head.names.index(name)] for name in ARKIT}
    says = _lines(case)
    return {name: _motion(says.get(name) or _plain(name)) for name in LISTS[case][1][1:]}


def _lines(case: str) -> dict[str, str]:
    prefix, spelled, text = HEADS[case]
    says: dict[str, str] = {}
    for line in filter(None, text.splitlines()):
        name, _space, does = line.partition(" ")
        for own, side in zip(spelled, SIDES, strict=True):
            says.setdefault(prefix + name.replace("*", own), does.replace("*", side))
    return says


def _plain(name: str) -> str:
    """Return the ARKit channel that a key names plainly; else nothing."""
    name = re.sub(r"^(facs_(bs|jnt|ctrl)_|CTRL_expressions_)", "", name).removesuffix("_div2")
    name = re.sub(r"_?L$", "Left", re.sub(r"_?R$", "Right", name))
    name = name[0].lower() + name[1:]
    return name if name in ARKIT else ""


def _motion(does: str) -> Array:
    if not does:
        return np.array(STRAY)
    return np.sum([_term(term) for term in does.split(" + ")], axis=0)


def _term(term: str) -> Array:
    head = demo_head_geometry()
    part, _space, movement = term.rpartition(" ")
    channel, _at, where = movement.partition("@")
    x, z = head.neutral[:, 0], head.neutral[:, 2]
    lips = [head.landmarks[f"cstalk_lip_{lip}"][0] for lip in ("upper", "lower")]
    left = np.clip(0.5 + 0.5 * x / MIDLINE, 0.0, 1.0)
    share = np.full(len(x), float(part or 1.0))
    if where.endswith(SIDES):
        share *= left if where.endswith("Left") else 1.0 - left
    if where[:1] in ("u", "d"):
        share *= (z > z[lips].mean()) == (where[0] == "u")
    return np.asarray(share[:, None] * head.deltas[head.names.index(channel)])
