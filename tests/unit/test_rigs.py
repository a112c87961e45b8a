"""Laws of the rig definitions in ``model_runtime/rigs``, and that no network knows one by name."""

from __future__ import annotations

import ast
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from model_runtime.curves.formats import livelink as format_livelink
from model_runtime.curves.rig import RIG_FOLDER, load_rig, rig_names, rig_of_file
from model_runtime.curves.track import CurveTrack
from model_runtime.errors import BadArgument
from model_runtime.protocol import DEFAULT_RIG

ROOT = Path(__file__).resolve().parents[2]
RUNTIME = ROOT / "model_runtime"
LIVE_LINK_COLUMNS = """
EyeBlinkLeft EyeLookDownLeft EyeLookInLeft EyeLookOutLeft EyeLookUpLeft EyeSquintLeft EyeWideLeft
EyeBlinkRight EyeLookDownRight EyeLookInRight EyeLookOutRight EyeLookUpRight EyeSquintRight
EyeWideRight JawForward JawRight JawLeft JawOpen MouthClose MouthFunnel MouthPucker MouthRight
MouthLeft MouthSmileLeft MouthSmileRight MouthFrownLeft MouthFrownRight MouthDimpleLeft
MouthDimpleRight MouthStretchLeft MouthStretchRight MouthRollLower MouthRollUpper MouthShrugLower
MouthShrugUpper MouthPressLeft MouthPressRight MouthLowerDownLeft MouthLowerDownRight
MouthUpperUpLeft MouthUpperUpRight BrowDownLeft BrowDownRight BrowInnerUp BrowOuterUpLeft
BrowOuterUpRight CheekPuff CheekSquintLeft CheekSquintRight NoseSneerLeft NoseSneerRight TongueOut
HeadYaw HeadPitch HeadRoll LeftEyeYaw LeftEyePitch LeftEyeRoll RightEyeYaw RightEyePitch
RightEyeRoll
"""
"""Columns 3 on of a Live Link Face CSV, as importers of it list them."""
REGION_SIZES = {
    "arkit52": {"brow": 5, "eye": 14, "cheek": 3, "nose": 2, "jaw": 4, "mouth": 23, "tongue": 1},
    "flame": {"expression": 100, "jaw": 3},
    "metahuman": {
        "mouth": 90, "eye": 23, "jaw": 12, "tongue": 9, "brow": 8, "nose": 8, "neck": 8,
        "eyelashes": 4, "teeth": 6, "ear": 2, "switch": 4,
    },
}  # fmt: skip
ALL_RIGS = pytest.mark.parametrize("name", rig_names())


@ALL_RIGS
def test_mirroring_channels_twice_gives_them_back(name: str) -> None:
    by_name = {channel.name: channel for channel in load_rig(name).channels}
    for channel in by_name.values():
        other = by_name[channel.mirror]
        assert other.mirror == channel.name
        assert other.mirror_sign == channel.mirror_sign
        assert channel.mirror_sign in (1.0, -1.0)


@ALL_RIGS
def test_mirrored_channels_share_region_and_range(name: str) -> None:
    by_name = {channel.name: channel for channel in load_rig(name).channels}
    for channel in by_name.values():
        other = by_name[channel.mirror]
        assert other.region == channel.region
        ends = sorted((channel.mirror_sign * other.minimum, channel.mirror_sign * other.maximum))
        assert ends == [channel.minimum, channel.maximum], channel.name


@ALL_RIGS
def test_regions_divide_the_channels(name: str) -> None:
    rig = load_rig(name)
    columns = [column for region in rig.regions for column in rig.region_columns(region)]
    assert sorted(columns) == list(range(len(rig.channels)))
    assert all(rig.region_columns(region) for region in rig.regions)


@ALL_RIGS
def test_bounds_are_ordered_and_hold_the_neutral_face(name: str) -> None:
    low, high = load_rig(name).bounds()
    assert (low < high).all()
    assert (low <= 0).all()
    assert (high > 0).all()


@ALL_RIGS
def test_file_is_named_for_its_rig_and_says_where_it_comes_from(name: str) -> None:
    data = json.loads((RIG_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    assert data["name"] == name
    assert len(data["source"]) > 20


@ALL_RIGS
def test_channel_names_make_a_curve_track(name: str) -> None:
    names = load_rig(name).channel_names
    assert CurveTrack(np.zeros((2, len(names)), np.float32), names, 60.0).frame_count == 2


@pytest.mark.parametrize("name", REGION_SIZES)
def test_regions_have_the_published_sizes(name: str) -> None:
    rig = load_rig(name)
    assert Counter(channel.region for channel in rig.channels) == REGION_SIZES[name]


def test_live_link_channels_stand_in_the_order_of_its_csv() -> None:
    names = load_rig("livelink61").channel_names
    assert [name[0].upper() + name[1:] for name in names] == LIVE_LINK_COLUMNS.split()
    assert names == (
        *rig_of_file(format_livelink.FILE_KIND).channel_names,
        *format_livelink.ROTATIONS,
    )


def test_an_unknown_rig_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(BadArgument, match="nobody") as caught:
        load_rig("nobody")
    assert "metahuman" in caught.value.hint


def test_no_code_names_a_rig_but_the_one_default() -> None:
    files = sorted(RUNTIME.rglob("*.py"))
    assert len(files) > 60
    named = [f"{path.name}: {text}" for path in files for text in _rig_names_in(path)]
    assert named == [f"protocol.py: {DEFAULT_RIG}"]


def test_the_search_for_rig_names_finds_one(tmp_path: Path) -> None:
    (tmp_path / "knows.py").write_text('RIG = "flame"\n"""flame in prose"""\n', encoding="utf-8")
    assert _rig_names_in(tmp_path / "knows.py") == ["flame"]


def _rig_names_in(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    constants = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    names = rig_names()  # lists a folder: once a file, not once a constant
    return [value for value in constants if value in names]
