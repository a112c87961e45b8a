"""Every rig family is recognised by its names, and an invalid table is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from cstalk_blender.rig.mapping import families
from cstalk_blender.rig.mapping.recognise import part_of, recognise
from cstalk_blender.rig.mapping.routing import evaluate
from tests.fakes.family_names import ARKIT, FLAME, LISTS, OCULUS, SPELLINGS


@pytest.mark.parametrize("case", SPELLINGS)
def test_arkit_is_whole_in_every_spelling(case):
    family, spell = SPELLINGS[case]
    found = recognise(("Basis", *map(spell, ARKIT)))
    assert found.family.name == family
    assert [(r.channel, r.target) for r in found.routing.routes] == [(n, spell(n)) for n in ARKIT]
    assert (dict(found.doubts), dict(found.missing)) == ({}, {})


@pytest.mark.parametrize("case", LISTS)
def test_every_family_is_known_and_covered(case):
    family, names, channels = LISTS[case]
    found = recognise(names)
    assert found.family.name == family
    assert found.found == channels
    assert found.found + len(found.missing) == found.total == 52
    assert set(found.routing.shape_names) <= set(names[1:])


@pytest.mark.parametrize("case", LISTS)
def test_the_order_of_shape_keys_does_not_matter(case):
    _family, names, _channels = LISTS[case]
    forward, backward = recognise(names), recognise(names[::-1])
    assert forward.routing == backward.routing


@pytest.mark.parametrize("case", [c for c in LISTS if LISTS[c][2] == 52])
def test_left_stays_left(case):
    _family, names, _channels = LISTS[case]
    for route in recognise(names).routing.routes:
        side = {"Left": "l", "Right": "r"}.get(route.channel[-5:].removeprefix("t"), "")
        ends = route.target.lower().removesuffix("_div2").removesuffix(".001")
        if side and not route.channel.startswith(("jaw", "eyeLook")) and len(route.channel) > 10:
            assert ends.endswith((side, {"l": "left", "r": "right"}[side])), route


def test_eyes_look_in_towards_the_nose():
    pairs = {r.channel: r.target for r in recognise(LISTS["CC4"][1]).routing.routes}
    assert pairs["eyeLookInLeft"] == "Eye_L_Look_R"
    assert pairs["eyeLookOutRight"] == "Eye_R_Look_R"
    pairs = {r.channel: r.target for r in recognise(LISTS["MetaHuman"][1]).routing.routes}
    assert pairs["eyeLookInLeft"] == "CTRL_expressions_eyeLookRightL"
    assert pairs["eyeLookOutRight"] == "CTRL_expressions_eyeLookRightR"
    pairs = {r.channel: r.target for r in recognise(LISTS["SRanipal"][1]).routing.routes}
    assert pairs["eyeLookInLeft"] == "Eye_Left_Right"


def test_one_channel_moves_all_keys_that_make_it():
    routes = recognise(LISTS["Daz 9"][1]).routing.of("mouthClose")
    assert sorted(route.target for route in routes) == [
        f"facs_bs_MouthClose{end}" for end in ("LowerLeft", "LowerRight", "UpperLeft", "UpperRight")
    ]


def test_channels_of_both_sides_add_up_on_a_key_that_has_no_sides():
    routing = recognise(LISTS["Faceshift"][1]).routing
    values = np.array([[1.0, 1.0], [1.0, 0.0]], np.float32)
    sums = evaluate(routing, values, ["mouthUpperUpLeft", "mouthUpperUpRight"])
    assert {goal.name: list(v) for goal, v in sums.items()} == {"LipsUpperUp": [1.0, 0.5]}


def test_ape_shape_takes_over_from_the_open_jaw():
    routing = recognise(LISTS["SRanipal"][1]).routing
    values = np.array([[0.6, 0.6], [0.6, 0.0]], np.float32)
    found = {g.name: v for g, v in evaluate(routing, values, ["jawOpen", "mouthClose"]).items()}
    np.testing.assert_allclose(found["Jaw_Open"], [0.0, 0.6], atol=1e-6)
    np.testing.assert_allclose(found["Mouth_Ape_Shape"], [0.6, 0.0], atol=1e-6)


def test_sounds_are_left_alone_where_the_mouth_has_movements():
    found = recognise(("Basis", *ARKIT, *OCULUS[1:]))
    assert found.routing.shape_names == ARKIT
    assert not found.doubts


def test_sounds_speak_for_a_face_whose_names_move_only_eyes_and_brows():
    upper = [name for name in ARKIT if not name.startswith(("mouth", "jaw"))]
    found = recognise(("Basis", *upper, *OCULUS[1:]))
    assert "viseme_aa" in {route.target for route in found.routing.of("jawOpen")}
    assert found.routing.of("eyeBlinkLeft")[0].target == "eyeBlinkLeft"
    assert "Oculus" in found.doubts["jawOpen"]


@pytest.mark.parametrize("names", ["A I U E O", "AI E O U MBP FV L WQ", "E I O U PP FF TH"])
def test_sounds_without_one_that_opens_the_mouth_as_we_know_it_do_not_speak(names):
    found = recognise(("Basis", *names.split()))
    assert found.family is None
    assert not found.routing


def test_flame_asks_for_the_solver():
    found = recognise(FLAME)
    assert found.family.name == "flame"
    assert found.needs_solver
    assert not found.routing
    assert "Fit This Face" in found.family.advice


def test_stray_names_make_no_face():
    names = ("Basis", "smile", "Key 1", "O", "E", "blink", "Exp1", "Wind", "CloseMouth_L")
    found = recognise(names)
    assert found.family is None
    assert not found.routing
    assert found.missing["jawOpen"] == "no shape key has a known name"


def test_teeth_with_one_key_are_part_of_a_face():
    assert recognise(("Basis", "Jaw_Open")).routing.shape_names == ("Jaw_Open",)


def test_nothing_is_taken_back_that_is_not_given():
    assert recognise(("Basis", "Jaw_Open", "Teeth_Up")).routing.channels == ("jawOpen",)
    found = recognise(("Basis", "viseme_aa", "viseme_O", "viseme_U", "viseme_E", "viseme_I"))
    assert {r.target for r in found.routing.of("jawOpen")} == {"viseme_aa"}
    assert not found.routing.of("mouthRollUpper")


def test_lacking_keys_are_doubted_by_name():
    names = tuple(name for name in LISTS["CC4"][1] if name != "Mouth_Funnel_Up_L")
    assert recognise(names).doubts == {
        "mouthFunnel": '3 of 4 keys exist; "Mouth_Funnel_Up_L" is missing'
    }


def test_two_keys_spelled_alike_are_doubted():
    assert recognise(("Basis", "Jaw Open", "JAW OPEN", "mouthClose")).doubts == {
        "jawOpen": '"Jaw Open" is used, not "JAW OPEN"'
    }


def test_missing_channels_say_which_key_was_looked_for():
    names = tuple(name for name in LISTS["CC4"][1] if name != "Mouth_Close")
    assert recognise(names).missing == {"mouthClose": 'there is no key "Mouth_Close"'}
    assert recognise(LISTS["SRanipal"][1]).missing["noseSneerLeft"] == "SRanipal has no key for it"


def test_every_table_of_ours_names_its_keys_once_and_apart():
    tables = families.shipped_families()
    assert len({table.name for table in tables}) == len(tables) >= 15
    for table in tables:
        assert table.kind == "basis" or len(table.channels) >= 8, table.name


OWN = {
    "format": 1,
    "name": "studio",
    "title": "Our studio",
    "channels": {"jawOpen": {"Mund_auf": 0.8}, "mouthClose": "Mund_zu", "mouthPucker": "Kuss"},
}


def test_a_table_of_ones_own_is_found(tmp_path):
    (tmp_path / "studio.json").write_text(json.dumps(OWN), encoding="utf-8")
    own, refused = families.own_families(tmp_path)
    assert refused == ()
    found = recognise(("Basis", "mund_AUF", "Mund_zu", "Kuss"), own)
    assert found.family.is_own
    assert found.routing.of("jawOpen")[0].gain == 0.8
    assert found.routing.of("jawOpen")[0].target == "mund_AUF"


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"name": ""},
        {"title": 7},
        {"kind": "magic"},
        {"channels": {"jawOpened": "x"}},
        {"channels": {"jawOpen": {"x": float("nan")}}},
        {"channels": {"jawOpen": {"x": 10**400}}},
        {"channels": {"jawOpen": {"x": True}}},
        {"channels": {"jawOpen": []}},
        {"channels": {"jawOpen": {}}},
        {"channels": {"jawOpen": "x" * 300}},
        {"channels": {"jawOpen": "a\nb"}},
        {"channels": []},
        {"channels": {}},
        {"bounds": [1, 0]},
        {"marks": "Exp1"},
        {"doubtful": {"jawOpen": 3}},
    ],
    ids=str,
)
def test_a_table_that_is_not_in_order_is_refused_and_the_others_are_read(tmp_path, change):
    (tmp_path / "a.json").write_text(json.dumps(OWN | change), encoding="utf-8")
    (tmp_path / "b.json").write_text(json.dumps(OWN), encoding="utf-8")
    own, refused = families.own_families(tmp_path)
    assert [table.name for table in own] == ["studio"]
    assert refused[0].code == "bad-family"
    assert "a.json" in str(refused[0])
    assert refused[0].hint


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"[" * 100_000, b"[1]", b"0" * 1_000_001])
def test_what_is_no_json_is_refused(tmp_path, data):
    (tmp_path / "a.json").write_bytes(data)
    own, refused = families.own_families(tmp_path)
    assert (own, len(refused)) == ((), 1)


@pytest.mark.parametrize(
    "name, part",
    [
        ("CC_Base_Teeth", "teeth"),
        ("Genesis9Eyelashes", "lashes"),
        ("Hero Tongue", "tongue"),
        ("G9EyebrowFibers", "brows"),
        ("EyeLeft", "eyes"),
        ("Head.001", "head"),
        ("Wolf3D_Avatar", "other"),
    ],
)
def test_parts_are_known_by_the_names_of_their_meshes(name, part):
    assert part_of(name, "Mesh.004") == part
