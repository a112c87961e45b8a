"""Laws of reference motion: articulation, closing lips, acting."""

from __future__ import annotations

from itertools import pairwise

import pytest

torch = pytest.importorskip("torch")

from model_runtime.protocol import EMOTIONS  # noqa: E402
from model_runtime.training.alignment.forced import PhoneTime  # noqa: E402
from model_runtime.training.preparation.items import spread_controls  # noqa: E402
from model_runtime.training.reference.articulation import (  # noqa: E402
    BILABIALS,
    CALIBRATED,
    load_articulation,
    phone_envelope,
    units_of,
)
from model_runtime.training.reference.lips import arkit_lips, close_lips, column, tuck_lip  # noqa: E402
from model_runtime.training.reference.motion import Script, act  # noqa: E402

FRAMES = 100


def said(*phones: str, each_s: float = 0.12) -> list[PhoneTime]:
    return [
        PhoneTime(phone, 0.2 + i * each_s, 0.2 + (i + 1) * each_s, "word", -10.0)
        for i, phone in enumerate(phones)
    ]


def mouth_of(phones: list[PhoneTime]) -> torch.Tensor:
    model = load_articulation(CALIBRATED)
    with torch.no_grad():
        controls = model.articulate(units_of(phones), torch.zeros(FRAMES))
    return torch.from_numpy(spread_controls(controls.numpy(), model.controls))


def script_of(phones: list[PhoneTime]) -> Script:
    closure = phone_envelope(phones, BILABIALS, FRAMES, ramp_s=0.055)
    tuck = phone_envelope(phones, frozenset("fv"), FRAMES, ramp_s=0.06)
    ones = torch.ones(1, FRAMES)
    return Script(mouth_of(phones)[None], closure[None], tuck[None], ones, 0.5 * ones, 0 * ones)


def emotion_of(name: str, intensity: float) -> torch.Tensor:
    weights = torch.zeros(1, FRAMES, len(EMOTIONS))
    weights[..., EMOTIONS.index(name)] = intensity
    return weights


def middle(phone: PhoneTime) -> int:
    return round(25 * (phone.start_s + phone.end_s))


def test_open_vowel_opens_wider_than_a_close_one() -> None:
    phones = said("aa", "t", "iy")
    gap = arkit_lips().gaps(mouth_of(phones))[:, 0]
    assert gap[middle(phones[0])] > 1.3 * gap[middle(phones[2])]


def test_rounded_vowel_is_narrower_than_a_spread_one() -> None:
    phones = said("iy", "t", "uw")
    width = arkit_lips().widths(mouth_of(phones)).mean(1)
    assert width[middle(phones[2])] < width[middle(phones[0])] - 0.05


def test_calibration_leaves_widths_as_they_were_set_by_hand() -> None:
    hand, fitted = load_articulation(None), load_articulation(CALIBRATED)
    held = hand.group_of == hand.groups.index("width")
    assert torch.allclose(fitted.targets[:, held], hand.targets[:, held], atol=1e-4)
    assert torch.allclose(fitted.loudness_gain[held], hand.loudness_gain[held], atol=1e-4)
    assert not torch.allclose(fitted.targets[:, ~held], hand.targets[:, ~held], atol=0.02)


def test_diphthong_moves_from_open_to_close() -> None:
    phones = said("ay", each_s=0.3)
    jaw = mouth_of(phones)[:, column("jawOpen")]
    assert jaw[round(50 * 0.27)] > jaw[round(50 * 0.46)] + 0.05


def test_mouth_is_shut_long_after_the_last_phone() -> None:
    phones = [*said("aa"), PhoneTime("sil", 0.32, 2.0, "", -5.0)]
    assert mouth_of(phones)[60:].abs().max() < 1e-3


@pytest.mark.parametrize("emotion", EMOTIONS)
@pytest.mark.parametrize("bilabial", ["m", "b", "p"])
def test_lips_meet_at_bilabials_on_every_rig_whatever_is_felt(emotion: str, bilabial: str) -> None:
    phones = said("aa", bilabial, "ae")
    curves = act(script_of(phones), emotion_of(emotion, 1.0), torch.randn(1, FRAMES, 4))
    gap = arkit_lips().gaps(curves)[0, middle(phones[1])]
    assert (gap <= 0.02).all(), gap


def test_a_smile_widens_round_lips_less_than_half_as_much_as_spread_ones() -> None:
    widened = []
    for vowel in ("iy", "uw"):
        phones = said(vowel, each_s=0.3)
        script, style = script_of(phones), torch.zeros(1, FRAMES, 4)
        felt, calm = (act(script, emotion_of("happy", i), style) for i in (1.0, 0.0))
        wider = arkit_lips().widths(felt) - arkit_lips().widths(calm)
        widened.append(float(wider[0, middle(phones[0])].mean()))
    assert 0 < widened[1] < 0.5 * widened[0], widened


def test_labiodental_tucks_the_lower_lip_without_shutting_the_mouth() -> None:
    phones = said("aa", "f", "ae")
    curves = act(script_of(phones), emotion_of("neutral", 0), torch.zeros(1, FRAMES, 4))[0]
    frame = middle(phones[1])
    assert curves[frame, column("mouthRollLower")] >= 0.5
    assert -0.05 < arkit_lips().gaps(curves)[frame].mean() < 0.12


def test_closing_changes_nothing_where_closure_is_nil() -> None:
    curves = torch.rand(FRAMES, 52)
    assert torch.equal(close_lips(curves, torch.zeros(FRAMES)), curves)
    assert torch.equal(tuck_lip(curves, torch.zeros(FRAMES)), curves)


def test_intensity_nil_equals_neutral() -> None:
    script, style = script_of(said("aa", "m")), torch.randn(1, FRAMES, 4)
    neutral = act(script, emotion_of("neutral", 1.0), style)
    assert torch.equal(act(script, emotion_of("angry", 0.0), style), neutral)


@pytest.mark.parametrize("emotion", EMOTIONS[1:])
def test_upper_face_moves_further_from_neutral_with_intensity(emotion: str) -> None:
    script, style = script_of(said("aa", "t", "iy")), torch.zeros(1, FRAMES, 4)
    upper = [i for i in range(52) if i < 14 or i >= 41]
    neutral = act(script, emotion_of("neutral", 0), style)
    away = [
        (act(script, emotion_of(emotion, i), style) - neutral)[..., upper].abs().mean()
        for i in (0.25, 0.5, 0.75, 1.0)
    ]
    assert all(a < b for a, b in pairwise(away)), away


def test_two_styles_give_two_readings_of_one_line() -> None:
    script = script_of(said("aa", "t", "iy"))
    one, other = (
        act(script, emotion_of("sad", 1.0), torch.full((1, FRAMES, 4), value))
        for value in (-1.0, 1.0)
    )
    assert (one - other).abs().max() > 0.05


def test_curves_stay_within_bounds() -> None:
    script = script_of(said("aa", "m", "uw", "f", "iy"))
    for emotion in EMOTIONS:
        curves = act(script, emotion_of(emotion, 1.5), 3 * torch.randn(1, FRAMES, 4))
        assert curves.min() >= 0
        assert curves.max() <= 1
