"""Texts of labels."""

from __future__ import annotations

import pytest

from cstalk_blender import text


def test_long_list_names_the_first_and_counts_the_rest() -> None:
    assert text.listed(["a"]) == "a"
    assert text.listed(["a", "b", "c", "d"]) == "a, b, c, d"
    assert text.listed(["a", "b", "c", "d", "e", "f"]) == "a, b, c, d and 2 more"
    assert text.quoted(["a", "b", "c"]) == '"a", "b" and 1 more'


def test_one_has_a_singular() -> None:
    assert [text.counted(n, "line") for n in (0, 1, 2)] == ["0 lines", "1 line", "2 lines"]


@pytest.mark.parametrize(
    "seconds, words",
    [(0.4, "0 s"), (99.4, "99 s"), (100, "1:40 min"), (3599, "59:59 min"), (3720, "1:02 h")],
)
def test_duration_is_written_in_its_largest_unit(seconds: float, words: str) -> None:
    assert text.clock(seconds) == words
