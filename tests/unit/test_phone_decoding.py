"""Phones decoded from posteriors alone: order, times, least durations, an hour."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from model_runtime.config import PHONES
from model_runtime.text.decode import decode_phones, decoded_track
from model_runtime.training.phone_bigram import count_pairs, log_probabilities
from tests.unit.test_script_alignment import posteriors_of


def names(posteriors: np.ndarray) -> list[str]:
    return [segment.name for segment in decode_phones(posteriors)]


def test_clear_phones_are_found_at_their_frames() -> None:
    segments = decode_phones(posteriors_of("we move", pause_frames=10))
    assert [s.name for s in segments] == ["sil", "w", "iy", "m", "uw", "v", "sil"]
    assert [s.first for s in segments] == [0, 10, 15, 22, 27, 32, 37]  # two frames between words
    assert segments[-1].stop == 49
    assert all(s.confidence > 0.5 for s in segments)


def test_segments_cover_every_frame_and_neighbours_differ() -> None:
    random = np.random.default_rng(1).dirichlet(np.full(len(PHONES), 0.1), 500)
    segments = decode_phones(random.astype(np.float32))
    assert segments[0].first == 0
    assert segments[-1].stop == 500
    for before, after in itertools.pairwise(segments):
        assert before.stop == after.first
        assert before.name != after.name


def test_one_frame_of_another_phone_is_no_phone() -> None:
    posteriors = posteriors_of("we move")
    posteriors[17] = 0.001
    posteriors[17, PHONES.index("b")] = 0.96
    assert "b" not in names(posteriors)


def test_no_phone_is_shorter_than_forty_milliseconds() -> None:
    random = np.random.default_rng(2).dirichlet(np.full(len(PHONES), 0.05), 400)
    segments = decode_phones(random.astype(np.float32))
    assert min(s.stop - s.first for s in segments) >= 2
    assert min(s.stop - s.first for s in segments if s.name == "sil") >= 4


@pytest.mark.parametrize("frames", [0, 1, 3])
def test_very_short_clips_have_at_most_one_phone(frames: int) -> None:
    uniform = np.full((frames, len(PHONES)), 1 / len(PHONES), np.float32)
    assert len(decode_phones(uniform)) == (1 if frames else 0)


def test_track_without_script_has_phones_and_no_words() -> None:
    track = decoded_track(posteriors_of("we move"), 50.0)
    assert track.words == ()
    assert track.phones[1].name == "w"
    assert track.phones[1].start_s == pytest.approx(0.2)
    assert track.phones[1].end_s == pytest.approx(0.3)
    assert track.phones[-1].end_s == pytest.approx(track.duration_s)


def test_posteriors_of_other_phones_are_refused() -> None:
    with pytest.raises(ValueError, match="40"):
        decode_phones(np.zeros((5, 12), np.float32))


def test_bigram_prefers_what_follows_in_words() -> None:
    counts = count_pairs([[("s", "t", "aa"), ("s", "t", "iy")]])
    logs = log_probabilities(np.zeros_like(counts), counts)
    after_s = logs[PHONES.index("s")]
    assert after_s.argmax() == PHONES.index("t")
    np.testing.assert_allclose(np.exp(logs).sum(1)[PHONES.index("s")], 1.0, atol=1e-5)
