"""Presets of a direction are files that come back as written, and nothing else is read as one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cstalk_blender.direct import preset_files
from cstalk_blender.direct.direction import Direction, RegionSettings, from_json
from cstalk_blender.direct.preset_files import BadDirectionFile, DirectionPreset

PRESET = DirectionPreset(
    "Mürrisch / leise",
    Direction(regions={"brows": RegionSettings(strength=0.5)}, jaw_range=0.75),
    "Calm brows",
)


def test_a_preset_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    path = preset_files.save(tmp_path / "new", PRESET)
    assert preset_files.load(path) == PRESET
    assert path.name == "Mürrisch_leise.json"
    assert preset_files.own(tmp_path / "new") == {"Mürrisch_leise.json": PRESET}


def test_the_extension_has_five_presets_that_change_something() -> None:
    found = preset_files.bundled()
    assert [preset.name for preset in found.values()] == [
        "Subtle",
        "Stage",
        "Cartoon",
        "Whisper",
        "Anime",
    ]
    assert all(preset.direction != Direction() and preset.description for preset in found.values())


def test_saving_again_replaces_a_preset_and_never_another_file(tmp_path: Path) -> None:
    preset_files.save(tmp_path, PRESET)
    path = preset_files.save(tmp_path, DirectionPreset(PRESET.name, Direction(blink=0.5)))
    assert preset_files.load(path).direction.blink == 0.5
    with pytest.raises(BadDirectionFile, match="holds the preset"):
        preset_files.save(tmp_path, DirectionPreset("Mürrisch : leise", Direction()))
    (tmp_path / "mine.json").write_text("{}")
    with pytest.raises(BadDirectionFile, match="Not a preset"):
        preset_files.save(tmp_path, DirectionPreset("mine", Direction()))
    assert (tmp_path / "mine.json").read_text() == "{}"


def test_other_files_are_left_out_of_the_menu(tmp_path: Path) -> None:
    preset_files.save(tmp_path, PRESET)
    (tmp_path / "a.json").write_text("{}")
    (tmp_path / "b.txt").write_text("b")
    assert list(preset_files.own(tmp_path)) == ["Mürrisch_leise.json"]
    assert preset_files.own(tmp_path / "missing") == {}


def test_an_edited_file_is_read_again(tmp_path: Path) -> None:
    path = preset_files.save(tmp_path, PRESET)
    assert preset_files.own(tmp_path)[path.name].direction.jaw_range == 0.75
    path.write_bytes(preset_files.encode(DirectionPreset("Longer name", Direction(jaw_range=1.5))))
    assert preset_files.own(tmp_path)[path.name].direction.jaw_range == 1.5


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"content": "cstalk-mapping"},
        {"name": ""},
        {"name": "a\nb"},
        {"name": "x" * 64},
        {"name": 3},
        {"description": "x" * 501},
        {"settings": None},
        {"settings": {"overall": {"strength": 99}}},
    ],
)
def test_other_content_is_refused(change: dict[str, object]) -> None:
    data = {**json.loads(preset_files.encode(PRESET)), **change}
    with pytest.raises(BadDirectionFile, match=r"a\.json"):
        preset_files.decode(json.dumps(data).encode(), "a.json")


@pytest.mark.parametrize("data", [b"", b"\xff", b"[" * 100_000, b"null"])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(BadDirectionFile):
        preset_files.decode(data, "a.json")


def test_missing_and_large_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadDirectionFile, match="Cannot read"):
        preset_files.load(tmp_path / "missing.json")
    (tmp_path / "large.json").write_bytes(b" " * 1_000_001)
    with pytest.raises(BadDirectionFile, match="1000000 bytes"):
        preset_files.load(tmp_path / "large.json")


def test_files_hold_only_what_differs_from_neutral() -> None:
    data = json.loads(preset_files.encode(PRESET))
    assert data["settings"] == {"jaw_range": 0.75, "regions": {"brows": {"strength": 0.5}}}
    assert from_json(data["settings"]) == PRESET.direction


@pytest.mark.parametrize("name", ["other.json", "../own.json", "link.json", "missing.json", ""])
def test_only_own_presets_are_deleted(tmp_path, name):
    folder = tmp_path / "presets"
    outside = preset_files.save(tmp_path, DirectionPreset("own", Direction()))
    preset_files.save(folder, PRESET)
    (folder / "other.json").write_text("{}")
    (folder / "link.json").symlink_to(outside)
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(preset_files.BadDirectionFile, match="not found"):
        preset_files.delete(folder, name)
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == before
    preset_files.delete(folder, "Mürrisch_leise.json")
    assert len(before) - 1 == len({path for path in tmp_path.rglob("*") if path.is_file()})
