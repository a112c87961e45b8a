"""Shape keys are found by name in all common spellings, and never by position."""

from __future__ import annotations

import re

import pytest

from cstalk_blender.package import rigs
from cstalk_blender.rig.mapping.names import map_channels, spelling

RIG = rigs.load_rig("arkit52")
NAMES = RIG.channel_names


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def title_snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name[0].upper() + name[1:])


def short(name: str, left: str, right: str) -> str:
    return re.sub("Right$", right, re.sub("Left$", left, name))


SPELLINGS = {
    "exact": lambda n: n,
    "capital": lambda n: n[0].upper() + n[1:],
    "snake": snake,
    "upper snake": lambda n: snake(n).upper(),
    "spaces": lambda n: snake(n).replace("_", " "),
    "_L _R": lambda n: short(n, "_L", "_R"),
    ".L .R": lambda n: short(n, ".L", ".R"),
    ".l .r capital": lambda n: short(n[0].upper() + n[1:], ".l", ".r"),
    "L R": lambda n: short(n, "L", "R"),
    "_left": lambda n: short(n, "_left", "_right"),
    "dotted prefix": lambda n: "blendShape2." + n,
    "namespace": lambda n: "hero:" + n,
    "dotted prefix and .L": lambda n: "blendShapes." + short(n, ".L", ".R"),
    "_Lf _Rt": lambda n: short(n, "_Lf", "_Rt"),
    "numbers": lambda n: f"{NAMES.index(n) + 1:02d}-{n}",
    "numbers at the end": lambda n: f"{n}_{NAMES.index(n)}",
    "suffix": lambda n: n + "_geo",
    "side and suffix": lambda n: short(n, "_L", "_R") + "_geo",
    "prefix and suffix": lambda n: f"Face-{snake(n)}.geo2",
    "plain prefix": lambda n: "Face_" + n,
    "two prefixes": lambda n: "Hero Head_" + short(n, "_L", "_R"),
    "ActorCore": lambda n: f"A{NAMES.index(n) + 1:02d}_" + title_snake(n),
    "CC4": lambda n: title_snake(short(n, "_L", "_R")).replace("__", "_"),
    "Daz": lambda n: "facs_bs_" + n[0].upper() + n[1:],
    "Blender copies": lambda n: n + ".001",
}


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_every_channel_is_found_in_every_spelling(spell):
    mapping = map_channels(RIG, ["Basis", *map(spell, NAMES)])
    assert mapping.pairs == {name: spell(name) for name in NAMES}
    assert mapping.missing == ()
    assert mapping.ambiguous == {}


def test_order_of_shape_keys_does_not_matter():
    assert map_channels(RIG, NAMES[::-1]).pairs == map_channels(RIG, NAMES).pairs


def test_no_two_channels_share_a_spelling():
    assert len({spelling(name) for name in NAMES}) == len(NAMES)


def test_unknown_names_are_never_used():
    others = [
        "Basis",
        "viseme_aa",
        "Exp1",
        "smile",
        "CloseMouth_L",
        "Close_Mouth_L",
        "jaw",
        "Key 1",
    ]
    assert map_channels(RIG, others).pairs == {}


def test_missing_channels_are_named_and_counted_by_region():
    mapping = map_channels(RIG, [name for name in NAMES if name != "tongueOut"])
    assert mapping.missing == ("tongueOut",)
    assert (mapping.found, mapping.total) == (51, 52)
    assert mapping.coverage["tongue"] == (0, 1)
    assert all(
        found == total for region, (found, total) in mapping.coverage.items() if region != "tongue"
    )


def test_exact_name_beats_a_variant_without_ambiguity():
    mapping = map_channels(RIG, ["Jaw_Open", "jawOpen"])
    assert mapping.pairs == {"jawOpen": "jawOpen"}
    assert mapping.ambiguous == {}


def test_two_variants_are_reported_and_the_first_is_used():
    mapping = map_channels(RIG, ["Jaw_Open", "JAW_OPEN", "eyeBlink_L"])
    assert mapping.pairs == {"eyeBlinkLeft": "eyeBlink_L", "jawOpen": "Jaw_Open"}
    assert mapping.ambiguous == {"jawOpen": ("Jaw_Open", "JAW_OPEN")}


def test_no_shape_key_plays_two_channels():
    names = [spell(name) for spell in SPELLINGS.values() for name in NAMES]
    used = list(map_channels(RIG, names).pairs.values())
    assert len(used) == len(set(used)) == 52


def test_a_left_right_pair_is_no_shared_prefix():
    assert map_channels(RIG, ["Extra_mouth_L", "Extra_mouth_R"]).pairs == {}


def test_no_shape_keys_at_all():
    mapping = map_channels(RIG, [])
    assert (mapping.found, len(mapping.missing)) == (0, 52)
