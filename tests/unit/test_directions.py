"""Directions are stored as plain data and come back; other data are refused."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from cstalk_blender.direct.direction import (
    BadDirection,
    ChannelSettings,
    Direction,
    RegionSettings,
    as_json,
    from_json,
)


def test_directions_come_back_from_plain_data() -> None:
    direction = Direction(
        overall=RegionSettings(strength=0.5, is_mirrored=True),
        regions={"brows": RegionSettings(timing_ms=-40, is_muted=True)},
        channels={"jawOpen": ChannelSettings(gain=-1)},
        jaw_range=0.75,
    )
    assert from_json(as_json(direction)) == direction
    assert as_json(Direction()) == {}
    assert from_json({}) == Direction()
    assert as_json(direction) == {
        "overall": {"strength": 0.5, "is_mirrored": True},
        "regions": {"brows": {"timing_ms": -40.0, "is_muted": True}},
        "channels": {"jawOpen": {"gain": -1.0}},
        "jaw_range": 0.75,
    }


def test_a_curve_is_saved_as_its_mean() -> None:
    ramp = np.linspace(0, 1, 5, dtype=np.float32)
    direction = Direction(overall=RegionSettings(strength=ramp), blink=ramp)
    assert as_json(direction) == {"overall": {"strength": 0.5}, "blink": 0.5}


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {"overall": 3},
        {"regions": {"ears": {}}},
        {"overall": {"strength": "1"}},
        {"overall": {"strength": True}},
        {"overall": {"strength": 3.1}},
        {"overall": {"strength": float("nan")}},
        {"overall": {"is_muted": 1}},
        {"overall": {"speed": 1}},
        {"speed": 1},
        {"channels": {"jawOpen": {"gain": 9}}},
        {"channels": {"x" * 300: {}}},
        {"jaw_range": -1},
    ],
)
def test_other_data_are_refused(data: object) -> None:
    with pytest.raises(BadDirection):
        from_json(data)


def test_settings_are_plain_values() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        RegionSettings().strength = 2.0  # type: ignore[misc]
