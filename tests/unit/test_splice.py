"""Only the changed stretch of fitted curves gets new keys."""

from __future__ import annotations

import numpy as np
import pytest

from cstalk_blender.direct.few_keys import FittedCurve, evaluate, fit_region
from cstalk_blender.direct.splice import EarlierFit, changed_range_or_none, splice_region
from tests.unit.test_few_keys import speech_like

TOLERANCE = 0.01


def spliced(before: np.ndarray, after: np.ndarray) -> tuple[list[FittedCurve], list[FittedCurve]]:
    """Fits of the curves before, and of those after with unchanged keys kept."""
    old = fit_region(before, tolerance=TOLERANCE)
    halves = before.astype(np.float16), after.astype(np.float16)
    earlier = [
        EarlierFit(one, changed_range_or_none(halves[0][:, c], halves[1][:, c]))
        for c, one in enumerate(old)
    ]
    scales = [1.0] * after.shape[1]
    return old, splice_region(after, scales, earlier, tolerance=TOLERANCE)


def corrected(values: np.ndarray, first: int, last: int) -> np.ndarray:
    """Other values of the first three channels between two samples."""
    out = values.copy()
    length = last + 1 - first
    out[first : last + 1, :3] += 0.3 * np.hanning(length + 2)[1:-1, None]
    return out


@pytest.mark.parametrize("first, last", [(200, 240), (0, 30), (500, 539), (0, 539)])
def test_keys_beside_the_changed_stretch_stay_to_the_bit(first: int, last: int) -> None:
    before = speech_like()
    after = corrected(before, first, last)
    old, new = spliced(before, after)
    for channel, (a, b) in enumerate(zip(old, new, strict=True)):
        assert np.all(np.diff(b.frames) > 0)
        error = np.abs(evaluate(b, len(after)) - after[:, channel]).max()
        assert error == pytest.approx(b.error)
        assert error <= TOLERANCE + 1e-9
        if channel >= 3:
            np.testing.assert_array_equal(a.frames, b.frames)
            np.testing.assert_array_equal(a.right, b.right)
            continue
        for is_outside in (lambda f: f < first, lambda f: f > last):
            mine, theirs = is_outside(a.frames), is_outside(b.frames)
            added = set(b.frames[theirs].tolist()) - set(a.frames[mine].tolist())
            assert added <= {first - 1, last + 1}
            same = np.isin(b.frames, a.frames[mine])
            np.testing.assert_array_equal(b.values[same], a.values[mine])
        # The curve outside, not only its keys.
        outside = np.r_[0:first, last + 1 : len(after)]
        played = evaluate(a, len(after))[outside], evaluate(b, len(after))[outside]
        np.testing.assert_allclose(*played, rtol=0, atol=1e-12)


def test_keys_of_changed_channels_are_new_on_common_frames() -> None:
    before = speech_like()
    _old, new = spliced(before, corrected(before, 200, 240))
    inside = [set(c.frames[(c.frames > 200) & (c.frames < 240)].tolist()) for c in new[:3]]
    assert len(set().union(*inside)) < 15


def test_a_flat_channel_begins_to_move() -> None:
    before = np.full((300, 1), 0.3)
    after = before.copy()
    after[100:140, 0] += 0.3 * np.hanning(40)
    _old, (curve,) = spliced(before, after)
    assert curve.error <= TOLERANCE
    assert curve.values[0] == 0.3


def test_unchanged_curves_have_no_range() -> None:
    values = np.zeros(5, np.float16)
    assert changed_range_or_none(values, values) is None
    other = values.copy()
    other[[1, 3]] = 1
    assert changed_range_or_none(values, other) == (1, 3)
