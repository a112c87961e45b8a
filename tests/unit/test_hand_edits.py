"""Laws of hand edits: found exactly, kept bit by bit, blended at their borders, never lost."""

from __future__ import annotations

import numpy as np
import pytest

from cstalk_blender.direct.edits import Edit, find_edits, keep_edits


@pytest.mark.parametrize("block", range(20))
def test_no_random_edit_is_lost(block: int) -> None:
    for seed in range(50 * block, 50 * (block + 1)):
        random = np.random.default_rng(seed)
        generated = random.uniform(0.1, 0.9, 150)
        played = generated.copy()
        for _ in range(random.integers(1, 6)):
            first = int(random.integers(0, 145))
            last = min(149, first + int(random.integers(0, 12)))
            played[first : last + 1] += random.choice([-1, 1]) * random.uniform(0.02, 0.4)
        edits = find_edits(generated, played, 0.012)
        new = random.uniform(0, 1, 150)
        kept = keep_edits(new, played, edits, 5)
        changed = np.abs(played - generated) > 0.012
        np.testing.assert_array_equal(kept[changed], played[changed])
        near = np.zeros(150, bool)
        for edit in edits:
            near[max(0, edit.first - 5) : edit.last + 6] = True
        np.testing.assert_array_equal(kept[~near], new[~near])


def test_the_error_of_fitted_keys_is_no_edit() -> None:
    generated = np.linspace(0, 1, 60)
    assert find_edits(generated, generated + 0.0099, 0.012) == []


def test_edits_a_few_frames_apart_are_one() -> None:
    played = np.zeros(50)
    played[[10, 12, 30]] = 0.5
    assert find_edits(np.zeros(50), played, 0.01) == [Edit(10, 12), Edit(30, 30)]


def test_an_edit_passes_smoothly_into_the_new_curve() -> None:
    kept = keep_edits(np.zeros(40), np.ones(40), [Edit(15, 20)], 5)
    assert kept[15:21].tolist() == [1.0] * 6
    assert (np.diff(kept[9:16]) > 0).all()
    assert not kept[:10].any()


def test_without_edits_the_new_curve_is_returned() -> None:
    new = np.arange(5.0)
    assert keep_edits(new, np.zeros(5), [], 3) is new
