"""List the shape-key names of every rig family, independent of the tables under test.

Where a family spells the ARKit names by a rule the rule makes the list; the others are the lists of
their makers, with the keys that we do not use among them.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from cstalk_blender.package import rigs

ARKIT = rigs.load_rig("arkit52").channel_names


def _capital(name: str) -> str:
    return name[0].upper() + name[1:]


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _title(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", _capital(name))


def _sides(name: str, left: str, right: str) -> str:
    return re.sub("Right$", right, re.sub("Left$", left, name))


def _side_first(name: str, mark: str) -> str:
    bare = _sides(name, "", "")
    return name if bare == name or name in _TO_A_SIDE else name[len(bare)] + mark + bare


_TO_A_SIDE = ("jawLeft", "jawRight", "mouthLeft", "mouthRight")
"""Directions, which do not name a side of the face."""


SPELLINGS: dict[str, tuple[str, Callable[[str], str]]] = {
    "exact": ("arkit", str),
    "Live Link": ("livelink", _capital),
    "_L _R": ("arkit_underscore_sides", lambda n: _sides(n, "_L", "_R")),
    ".L .R": ("arkit_dotted_sides", lambda n: _sides(n, ".L", ".R")),
    "snake": ("arkit_snake", _snake),
    "dotted": ("arkit", lambda n: "blendShape2." + n),
    "prefixed": ("arkit", lambda n: "Hero Head_" + n),
    "prefixed and _L": ("arkit", lambda n: "Face_" + _sides(n, "_L", "_R")),
    "shouted": ("arkit", lambda n: _snake(n).upper()),
    "ActorCore": ("actorcore", lambda n: f"A{ARKIT.index(n) + 1:02d}_{_title(n)}"),
    "CC ARKit": ("cc_arkit", lambda n: _title(_sides(n, "_L", "_R")).replace("__", "_")),
    "numbered": ("arkit", lambda n: f"{ARKIT.index(n) + 1:02d}_{n}"),
    "side first": ("arkit", lambda n: _side_first(n, "_")),
    "side first with a point": ("arkit", lambda n: _side_first(n, ".")),
    "Blender copies": ("arkit", lambda n: n + ".001"),
}
"""Spellings of ARKit's names in other families: the family and the rule."""


def _pairs(text: str, *sides: str) -> list[str]:
    return [name.replace("*", side) for name in _words(text) for side in (sides or ("L", "R"))]


def _words(text: str) -> list[str]:
    return text.split()


def _once(names: list[str]) -> tuple[str, ...]:
    return ("Basis", *dict.fromkeys(names))


CC4 = _once(
    _pairs(
        """Brow_Raise_Inner_* Brow_Raise_Outer_* Brow_Drop_* Brow_Compress_* Eye_Blink_*
        Eye_Squint_* Eye_Wide_* Eye_*_Look_L Eye_*_Look_R Eye_*_Look_Up Eye_*_Look_Down
        Ear_Up_* Ear_Down_* Ear_Out_* Nose_Sneer_* Nose_Nostril_Raise_* Nose_Nostril_Dilate_*
        Nose_Crease_* Nose_Nostril_Down_* Nose_Nostril_In_* Nose_Tip_* Cheek_Raise_* Cheek_Suck_*
        Cheek_Puff_* Mouth_Smile_* Mouth_Smile_Sharp_* Mouth_Frown_* Mouth_Stretch_*
        Mouth_Dimple_* Mouth_Press_* Mouth_Tighten_* Mouth_Blow_* Mouth_Pucker_Up_*
        Mouth_Pucker_Down_* Mouth_Funnel_Up_* Mouth_Funnel_Down_* Mouth_Roll_In_Upper_*
        Mouth_Roll_In_Lower_* Mouth_Roll_Out_Upper_* Mouth_Roll_Out_Lower_* Mouth_Push_Upper_*
        Mouth_Push_Lower_* Mouth_Pull_Upper_* Mouth_Pull_Lower_* Mouth_Upper_* Mouth_Lower_*
        Mouth_Up_Upper_* Mouth_Down_Lower_* Tongue_Bulge_* Eyelash_Upper_Up_* Neck_Tighten_*"""
    )
    + _words(
        """Mouth_Up Mouth_Down Mouth_L Mouth_R Mouth_Shrug_Upper Mouth_Shrug_Lower Mouth_Drop_Upper
    Mouth_Drop_Lower Mouth_Chin_Up Mouth_Close Mouth_Contract Jaw_Open Jaw_Forward Jaw_Backward
    Jaw_L Jaw_R Jaw_Up Jaw_Down Neck_Swallow_Up Neck_Swallow_Down Head_Turn_Up Head_Turn_Down
    Tongue_Out Tongue_In Tongue_Up Tongue_Down Tongue_Mid_Up Tongue_Tip_Up Tongue_Tip_Down
    Tongue_Narrow Tongue_Wide Tongue_Roll V_Open V_Explosive V_Dental_Lip V_Tight_O V_Tight V_Wide
    V_Affricate V_Lip_Open V_Tongue_up V_Tongue_Raise V_Tongue_Out"""
    )
)
CC3 = _once(
    _pairs(
        """Brow_Raise_* Brow_Raise_Inner_* Brow_Raise_Outer_* Brow_Drop_* Cheek_Raise_*
        Cheek_Blow_* Eye_Blink_* Eye_Wide_* Eye_Squint_* Nose_Flank_Raise_* Mouth_Smile_*
        Mouth_Frown_* Mouth_Dimple_* Mouth_Snarl_Upper_* Mouth_Snarl_Lower_* Mouth_*"""
    )
    + _words(
        """Open Explosive Dental_Lip Tight-O Tight Wide Affricate Lip_Open Eyes_Blink Cheeks_Suck
    Nose_Scrunch Nose_Flanks_Raise Nose_Nostrils_Flare Mouth_Smile Mouth_Frown Mouth_Blow
    Mouth_Pucker Mouth_Pucker_Open Mouth_Widen Mouth_Widen_Sides Mouth_Plosive Mouth_Lips_Tight
    Mouth_Lips_Tuck Mouth_Lips_Open Mouth_Lips_Part Mouth_Bottom_Lip_Down Mouth_Top_Lip_Up
    Mouth_Top_Lip_Under Mouth_Bottom_Lip_Under Mouth_Bottom_Lip_Bite Mouth_Down Mouth_Up
    Mouth_Lips_Jaw_Adjust Mouth_Bottom_Lip_Trans Mouth_Skewer Mouth_Open"""
    )
)
DAZ9 = _once(
    [
        "facs_bs_" + name
        for name in _pairs(
            """BrowDown* BrowInnerUp* BrowOuterUp* BrowSqueeze* EyeBlink* EyeLookDown* EyeLookIn*
            EyeLookOut* EyeLookUp* EyeSquint* EyelidOpenUpper* EyelidOpenLower* CheekPuff*
            CheekSquint* CheekHollow* NoseSneer* MouthSmile* MouthSmileWiden* MouthFrown*
            MouthCloseLower* MouthCloseUpper* MouthPurseLower* MouthPurseUpper*
            MouthFunnelLower* MouthFunnelUpper* MouthForwardLower* MouthForwardUpper*
            MouthCompressLower* MouthCompressUpper* MouthLipsPart* MouthWiden* MouthPressLower*
            MouthPressUpper* MouthRollLower* MouthRollUpper* MouthShrugLower* MouthShrugUpper*
            MouthUpperUp* MouthLowerDown* MouthStretch* MouthDimple* JawClench*""",
            "Left",
            "Right",
        )
        + _words(
            """JawOpen JawOpenWide JawForward JawRecess JawLeft JawRight MouthLeft MouthRight
            MouthLipsPartCenter TongueOut TongueUp"""
        )
    ]
)
DAZ8 = _once(
    [
        f"facs_bs_{name}_div2"
        for name in _pairs(
            """BrowDown* BrowOuterUp* EyeSquint* EyeLookIn* EyeLookOut* CheekSquint* NoseSneer*
        MouthSmile* MouthFrown* MouthDimple* MouthStretch* MouthPress* MouthLowerDown*
        MouthUpperUp*""",
            "Left",
            "Right",
        )
    ]
    + [
        f"facs_bs_Mouth{name}_div2"
        for name in _words(
            "Close Funnel Pucker Left Right RollLower RollUpper ShrugLower ShrugUpper"
        )
    ]
    + [
        f"facs_jnt_{name}"
        for name in _pairs("EyeLookUp* EyeLookDown* EyeBlink* EyesWide*", "Left", "Right")
    ]
    + [f"facs_jnt_Jaw{name}" for name in _words("Open Forward Left Right")]
    + ["facs_ctrl_BrowInnerUp", "facs_ctrl_CheekPuff", "facs_bs_TongueOut"]
)
METAHUMAN = _once(
    [
        "CTRL_expressions_" + name
        for name in _pairs(
            """browDown* browLateral* browRaiseIn* browRaiseOuter* earUp* eyeBlink* eyeWiden*
            eyeSquintInner* eyeCheekRaise* eyeLookUp* eyeLookDown* eyeLookLeft* eyeLookRight*
            eyeLidPress* noseWrinkle* noseWrinkleUpper* noseNostrilDilate* mouthCheekBlow*
            mouthCheekSuck* mouthLipsBlow* mouthUpperLipRaise* mouthLowerLipDepress*
            mouthCornerPull* mouthStretch* mouthDimple* mouthCornerDepress* mouthPressU*
            mouthPressD* mouthLipsPurseU* mouthLipsPurseD* mouthLipsTowardsU* mouthLipsTowardsD*
            mouthFunnelU* mouthFunnelD* mouthLipsTogetherU* mouthLipsTogetherD*
            mouthUpperLipBite* mouthLowerLipBite* mouthSharpCornerPull* mouthUpperLipRollIn*
            mouthUpperLipRollOut* mouthLowerLipRollIn* mouthLowerLipRollOut* mouthStickyUC*
            jawChinRaiseD* jawChinRaiseU* jawClench*"""
        )
        + _words("""mouthLeft mouthRight mouthUp mouthDown jawOpen jawLeft jawRight jawFwd jawBack
        tongueUp tongueDown tongueLeft tongueRight tongueOut tongueIn""")
    ]
)
FACESHIFT = _once(
    _pairs(
        """BrowsD_* BrowsU_* CheekSquint_* EyeBlink_* EyeDown_* EyeIn_* EyeOpen_* EyeOut_*
        EyeSquint_* EyeUp_* LipsStretch_* MouthDimple_* MouthFrown_* MouthSmile_*"""
    )
    + _words(
        """BrowsU_C ChinLowerRaise ChinUpperRaise JawChew JawFwd JawLeft JawOpen JawRight LipsFunnel
    LipsLowerClose LipsLowerDown LipsLowerOpen LipsPucker LipsUpperClose LipsUpperOpen LipsUpperUp
    MouthLeft MouthRight Puff Sneer"""
    )
)
UNIFIED = _once(
    _pairs(
        """EyeLookOut* EyeLookIn* EyeLookUp* EyeLookDown* EyeClosed* EyeSquint* EyeWide*
        EyeDilation* EyeConstrict* BrowPinch* BrowLowerer* BrowInnerUp* BrowOuterUp* NoseSneer*
        NasalDilation* CheekSquint* CheekPuff* CheekSuck* LipSuckUpper* LipSuckLower*
        LipSuckCorner* LipFunnelUpper* LipFunnelLower* LipPuckerUpper* LipPuckerLower*
        MouthUpperUp* MouthLowerDown* MouthUpperDeepen* MouthUpper* MouthLower* MouthCornerPull*
        MouthCornerSlant* MouthFrown* MouthStretch* MouthDimple* MouthPress* MouthTightener*""",
        "Right",
        "Left",
    )
    + _words("""JawOpen MouthClosed JawRight JawLeft JawForward JawBackward JawClench
    JawMandibleRaise MouthRaiserUpper MouthRaiserLower TongueOut TongueUp TongueDown TongueRight
    TongueLeft TongueRoll""")
)
SRANIPAL = _once(
    _pairs(
        """Eye_*_Blink Eye_*_Wide Eye_*_Squeeze Eye_*_Up Eye_*_Down Eye_*_Left Eye_*_Right
        Eye_*_Frown Eye_*_Dilation Mouth_Upper_* Mouth_Lower_* Mouth_Smile_* Mouth_Sad_*
        Cheek_Puff_* Mouth_Upper_Up* Mouth_Lower_Down*""",
        "Left",
        "Right",
    )
    + _words("""Jaw_Right Jaw_Left Jaw_Forward Jaw_Open Mouth_Ape_Shape Mouth_Upper_Overturn
    Mouth_Lower_Overturn Mouth_Pout Cheek_Suck Mouth_Upper_Inside Mouth_Lower_Inside
    Mouth_Lower_Overlay Tongue_LongStep1 Tongue_LongStep2 Tongue_Down Tongue_Up Tongue_Right
    Tongue_Left Tongue_Roll""")
)
VROID = _once(
    [
        "Fcl_" + name
        for name in _words(
            """ALL_Neutral ALL_Angry ALL_Fun ALL_Joy ALL_Sorrow ALL_Surprised BRW_Angry
        BRW_Fun BRW_Joy BRW_Sorrow BRW_Surprised EYE_Natural EYE_Angry EYE_Close EYE_Close_R
        EYE_Close_L EYE_Fun EYE_Joy EYE_Joy_R EYE_Joy_L EYE_Sorrow EYE_Surprised EYE_Spread
        EYE_Iris_Hide EYE_Highlight_Hide MTH_Close MTH_Up MTH_Down MTH_Angry MTH_Small MTH_Large
        MTH_Neutral MTH_Fun MTH_Joy MTH_Sorrow MTH_Surprised MTH_SkinFung MTH_SkinFung_R
        MTH_SkinFung_L MTH_A MTH_I MTH_U MTH_E MTH_O HA_Hide HA_Fung1 HA_Short"""
        )
    ]
)
VROID_LONG = ("Basis", *("Face.M_F00_000_00_" + name for name in VROID[1:]))
VISEMES = _words("sil PP FF TH DD kk CH SS nn RR aa E I O U")
OCULUS = _once(["viseme_" + name for name in VISEMES])
VRCHAT_VISEMES = _once(
    ["vrc.v_" + n for n in _words("sil pp ff th dd kk ch ss nn rr aa e ih oh ou")]
)
VRM = _once(
    _words(
        """happy angry sad relaxed surprised aa ih ou ee oh blink blinkLeft blinkRight lookUp
    lookDown lookLeft lookRight neutral"""
    )
)
MAKEHUMAN = _once(
    _pairs(
        """brow_mid_down_* brow_mid_up_* brow_outer_down_* brow_outer_up_* cheek_balloon_*
        cheek_narrow_* cheek_squint_* cheek_up_* lips_mid_lower_down_* lips_mid_lower_up_*
        lips_mid_upper_down_* lips_mid_upper_up_* mouth_corner_down_* mouth_corner_in_*
        mouth_corner_up_* mouth_down_* mouth_narrow_* mouth_up_* mouth_wide_*""",
        "left",
        "right",
    )
    + _words(
        """blink brow_squeeze lips_lower_in lips_lower_out lips_part lips_upper_in lips_upper_out
    mouth_open nose_wrinkle rest tongue_back_up tongue_out tongue_up tongue_wide"""
    )
)
MMD = _once(
    _words("あ い う え お まばたき ウィンク ウィンク右 びっくり 怒り 困る 上 下 にやり にこり")
)
FLAME = _once(
    [f"Shape{i}" for i in range(1, 301)]
    + [f"Exp{i}" for i in range(1, 101)]
    + [f"Pose{i}" for i in range(1, 19)]
)

LISTS: dict[str, tuple[str, tuple[str, ...], int]] = {
    "CC4": ("cc4", CC4, 52),
    "CC3": ("cc3", CC3, 38),
    "Daz 9": ("daz_genesis9", DAZ9, 52),
    "Daz 9 glTF": ("daz_genesis9", ("Basis", *("Genesis9__" + n for n in DAZ9[1:])), 52),
    "Daz 8.1": ("daz_genesis8", DAZ8, 52),
    "MetaHuman": ("metahuman", METAHUMAN, 52),
    "MetaHuman lower case": ("metahuman", tuple(n.lower() for n in METAHUMAN), 52),
    "Faceshift": ("faceshift", FACESHIFT, 49),
    "VRChat Unified": ("vrchat_unified", UNIFIED, 52),
    "SRanipal": ("sranipal", SRANIPAL, 38),
    "VRoid": ("vroid", VROID, 19),
    "VRoid with mesh name": ("vroid", VROID_LONG, 19),
    "MMD": ("mmd", MMD, 17),
    "Oculus": ("oculus_visemes", OCULUS, 13),
    "Oculus plain": ("oculus_visemes", _once(VISEMES), 13),
    "VRM": ("vrm", VRM, 8),
    "VRChat visemes": ("oculus_visemes", VRCHAT_VISEMES, 13),
    "MakeHuman": ("makehuman", MAKEHUMAN, 36),
}
"""Family, names of a full rig, and the channels that it covers."""
