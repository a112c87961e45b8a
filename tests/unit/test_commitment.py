"""Laws of the mouth that commits to one phone."""

from __future__ import annotations

import numpy as np
import pytest

from model_runtime.config import PHONES
from model_runtime.curves.rig import load_rig
from model_runtime.postprocess import commitment
from model_runtime.postprocess.commitment import (
    commit_mouth,
    committed_posteriors,
    phone_shapes,
    silent_without_speech,
    with_known_phones,
)
from model_runtime.text.track import Phone

CHANNELS = tuple(load_rig("arkit52").channel_names)
JAW, CLOSE = CHANNELS.index("jawOpen"), CHANNELS.index("mouthClose")


def posteriors(frames: int = 40, **shares: float) -> np.ndarray:
    """The same probabilities in every frame."""
    out = np.zeros((frames, len(PHONES)), np.float32)
    for name, share in shares.items():
        out[:, PHONES.index(name)] = share
    return out


def committed(values: np.ndarray, phones: np.ndarray) -> np.ndarray:
    shapes = phone_shapes(CHANNELS, PHONES)
    assert shapes is not None
    return commit_mouth(values, phones, committed_posteriors(phones, shapes.bias), shapes)


def random_speech(frames: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(3)
    phones = random.dirichlet(np.full(len(PHONES), 0.1), size=frames).astype(np.float32)
    return random.uniform(0, 0.5, (frames, len(CHANNELS))).astype(np.float32), phones


def test_a_network_that_is_sure_keeps_its_curves() -> None:
    values, _ = random_speech(40)
    np.testing.assert_allclose(committed(values, posteriors(ae=1.0)), values, atol=2e-3)


def test_doubt_between_a_consonant_and_a_vowel_opens_or_lowers_the_jaw() -> None:
    values = np.full((40, len(CHANNELS)), 0.25, np.float32)
    assert committed(values, posteriors(aa=0.75, d=0.25))[20, JAW] > 0.27
    assert committed(values, posteriors(aa=0.1, d=0.9))[20, JAW] < 0.245


def test_the_face_above_the_mouth_is_untouched() -> None:
    values, phones = random_speech(60)
    upper = [i for i, name in enumerate(CHANNELS) if name.startswith(("brow", "eye", "nose"))]
    np.testing.assert_array_equal(committed(values, phones)[:, upper], values[:, upper])


def test_the_correction_has_no_delay() -> None:
    values, phones = random_speech(80)
    backwards = committed(values[::-1], phones[::-1])[::-1]
    np.testing.assert_allclose(committed(values, phones), backwards, atol=1e-6)


def test_a_change_of_phone_is_spread_over_frames() -> None:
    phones = np.concatenate([posteriors(20, aa=0.7, d=0.3), posteriors(20, aa=0.3, d=0.7)])
    values = np.zeros((40, len(CHANNELS)), np.float32)
    assert np.abs(np.diff(committed(values, phones)[:, JAW])).max() < 0.05


def test_blocks_give_the_same_curves_as_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    values, phones = random_speech(100)
    whole = committed(values, phones)
    monkeypatch.setattr(commitment, "BLOCK_FRAMES", 17)
    np.testing.assert_allclose(committed(values, phones), whole, atol=1e-6)


def test_a_script_decides_where_it_is_sure() -> None:
    doubt = posteriors(aa=0.5, m=0.5)
    known = with_known_phones(doubt, [Phone("m", 0.2, 0.4), Phone("spn", 0.4, 0.6)], PHONES, 50.0)
    assert known[15, PHONES.index("m")] == 1
    np.testing.assert_array_equal(known[20:], doubt[20:])
    np.testing.assert_allclose(known.sum(1), 1, atol=1e-6)


def test_doubtful_words_of_a_script_leave_the_audio_to_decide() -> None:
    doubt = posteriors(aa=0.5, m=0.5)
    known = with_known_phones(doubt, [Phone("m", 0.2, 0.4, confidence=0.1)], PHONES, 50.0)
    np.testing.assert_array_equal(known, doubt)


def test_no_speech_is_silence_and_speech_is_untouched() -> None:
    doubt = posteriors(2, aa=0.5, m=0.5)
    out = silent_without_speech(doubt, np.array([1.0, 0.0], np.float32), PHONES.index("sil"))
    np.testing.assert_array_equal(out[0], doubt[0])
    assert out[1, PHONES.index("sil")] == 1
    np.testing.assert_allclose(out.sum(1), 1)


def test_other_rigs_and_other_phones_are_left_alone() -> None:
    assert phone_shapes(("Exp1", "Jaw"), PHONES) is None
    assert phone_shapes(CHANNELS, ("sil", "bilabial click")) is None
