"""A range limits the layers of Direct to a stretch of the clip, with soft borders."""

from __future__ import annotations

import numpy as np
import pytest

from cstalk_blender.direct.direction import Direction, RegionSettings, as_json, from_json
from cstalk_blender.direct.layers import apply
from cstalk_blender.direct.prediction import Prediction
from model_runtime.curves.layered import LayeredCurves
from tests.unit.test_layers import columns, directed, talking

RANGED = {"range_start_s": 2.0, "range_end_s": 4.0, "range_border_ms": 200.0}
INSIDE, BEFORE, AFTER = slice(100, 201), slice(0, 90), slice(211, None)
"""Frames of `RANGED` at 50 a second, and those beyond its borders."""


@pytest.mark.parametrize(
    "settings",
    [
        {"strength": 0.3},
        {"emotion": 0.0},
        {"offset": 0.4},
        {"timing_ms": 60.0},
        {"smoothing_ms": 40.0},
        {"is_muted": True},
    ],
)
@pytest.mark.parametrize("region", ["", "brows", "jaw"])
def test_a_range_is_whole_within_and_nothing_beyond_its_borders(region, settings):
    made = talking()
    everywhere = directed(region, made, **settings)
    ranged = directed(region, made, **settings, **RANGED)
    np.testing.assert_array_equal(ranged[INSIDE], everywhere[INSIDE])
    np.testing.assert_array_equal(ranged[BEFORE], made.values[BEFORE])
    np.testing.assert_array_equal(ranged[AFTER], made.values[AFTER])
    assert not np.array_equal(everywhere[BEFORE], made.values[BEFORE])


def test_a_range_fades_without_a_step():
    made = talking()
    share = directed("brows", made, strength=0.0, **RANGED)[:, columns("brows")]
    share = share / made.values[:, columns("brows")]
    steps = np.abs(np.diff(share, axis=0))
    assert 0.05 < steps.max() < np.pi / 2 / 10 + 1e-3  # ten frames of a raised cosine


def test_the_range_of_a_region_leaves_the_layers_of_the_face():
    made = talking()
    overall = RegionSettings(strength=0.5)
    direction = Direction(
        overall=overall, regions={"brows": RegionSettings(strength=0.0, **RANGED)}
    )
    values = apply(made, direction).values[:, columns("brows")]
    assert not values[INSIDE].any()
    np.testing.assert_allclose(values[BEFORE], made.values[BEFORE][:, columns("brows")] * 0.5)


def test_a_range_counts_in_seconds_of_the_audio_file():
    made = talking()
    later = Prediction.of(
        LayeredCurves.without_layers(made.curves().replaced(values=made.values, start_s=1.0))
    )
    values = directed("brows", later, strength=0.0, **RANGED)[:, columns("brows")]
    assert not values[50:151].any()
    assert values[:40].all()


def test_presets_hold_no_range_and_takes_do():
    direction = Direction(overall=RegionSettings(strength=0.5, **RANGED))
    assert from_json(as_json(direction)) == direction
    bare = direction.with_ranges(Direction())
    assert as_json(bare) == {"overall": {"strength": 0.5}}
    assert bare.with_ranges(direction).overall == direction.overall
