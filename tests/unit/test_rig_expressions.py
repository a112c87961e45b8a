"""Drivers' expressions are evaluated, inverted where they can be, and never executed."""

from __future__ import annotations

import numpy as np
import pytest

from cstalk_blender.rig.fitting.expressions import NotInvertible, evaluate, invert, names_in


@pytest.mark.parametrize(
    "expression",
    [
        "v",
        "v * 0.5 + 0.1",
        "-v / 30",
        "1 - v",
        "radians(v) * 2",
        "clamp(v * 2)",
        "min(max(v, 0), 1)",
        "max(0, -v)",
        "v if v > 0 else 0",
        "v ** 3",
    ],
)
def test_source_found_for_a_value_gives_that_value(expression: str) -> None:
    def follow(places: np.ndarray) -> np.ndarray:
        return evaluate(expression, "v", places)

    found = invert(follow, -2.0, 2.0)
    reached = follow(np.linspace(-2.0, 2.0, 500))
    wanted = np.linspace(max(0.0, reached.min()), min(1.0, reached.max()), 50)
    np.testing.assert_allclose(follow(found(wanted)), wanted, atol=2e-3)


def test_straight_drivers_go_on_beyond_the_limits_of_their_source() -> None:
    found = invert(lambda places: 0.5 * places + 0.1, -1.0, 1.0)
    assert found(np.array([2.1]))[0] == pytest.approx(4.0)
    assert found.rest == pytest.approx(-0.2)
    assert found.side == 0


def test_half_of_a_slider_knows_its_side_and_rests_at_its_corner() -> None:
    up = invert(lambda places: np.maximum(places, 0.0), -1.0, 1.0)
    down = invert(lambda places: np.maximum(-places, 0.0), -1.0, 1.0)
    assert (up.side, down.side) == (1, -1)
    assert up.rest == pytest.approx(0.0, abs=1e-3)
    assert down.rest == pytest.approx(0.0, abs=1e-3)
    assert down(np.array([0.5]))[0] == pytest.approx(-0.5, abs=1e-3)


@pytest.mark.parametrize(
    "expression, words",
    [
        ("__import__('os').system('true')", "not supported"),
        ("v.real", "not supported"),
        ("[v][0]", "not supported"),
        ("frame * v", "not supported"),
        ("min(v, key=v)", "not supported"),
        ("abs(v, v)", "too few or too many"),
        ("v +", "cannot be parsed"),
    ],
)
def test_what_is_no_plain_arithmetic_is_refused(expression: str, words: str) -> None:
    with pytest.raises(NotInvertible, match=words):
        evaluate(expression, "v", np.zeros(3))


@pytest.mark.parametrize(
    "expression, words", [("0.3", "does not depend"), ("v * v", "rises and falls")]
)
def test_what_has_no_way_back_is_refused_with_the_reason(expression: str, words: str) -> None:
    with pytest.raises(NotInvertible, match=words):
        invert(lambda places: evaluate(expression, "v", places), -1.0, 1.0)


def test_names_of_an_expression_are_its_variables_and_functions() -> None:
    assert names_in("a * 2 + max(b, 1)") == {"a", "b", "max"}
    assert names_in("a *") == set()
