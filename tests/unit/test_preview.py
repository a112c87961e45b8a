"""Curves of a preview at any scene frame."""

from __future__ import annotations

import numpy as np
import pytest

from cstalk_blender.direct.preview import SampledCurves

CURVES = SampledCurves(
    np.array([10.0, 12.0, 13.0]), np.array([[0, 1], [1, 0], [0.5, 0.5]], np.float32)
)


@pytest.mark.parametrize(
    "frame, row",
    [(10, [0, 1]), (11, [0.5, 0.5]), (12, [1, 0]), (12.25, [0.875, 0.125]), (13, [0.5, 0.5])],
)
def test_rows_are_met_and_linear_between(frame, row):
    assert CURVES.at(frame).tolist() == row


@pytest.mark.parametrize("frame, row", [(-5, [0, 1]), (99, [0.5, 0.5])])
def test_end_poses_continue(frame, row):
    assert CURVES.at(frame).tolist() == row


def test_one_row_plays_at_every_frame():
    assert SampledCurves(np.array([3.0]), np.ones((1, 2), np.float32)).at(7).tolist() == [1, 1]
