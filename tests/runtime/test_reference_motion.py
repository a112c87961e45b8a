"""Check reference motion: articulation, lip closure, emotion."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import pytest

torch = pytest.importorskip("torch")

from model_runtime.choices import EMOTIONS  # noqa: E402
from model_runtime.training.alignment.forced import PhoneTime  # noqa: E402
from model_runtime.training.preparation.items import spread_controls  # noqa: E402
from model_runtime.training.reference.articulation import (  # noqa: E402
    BILABIALS,
    CALIBRATED,
    load_articulation,
    phone_envelope,
    units_of,
)
from model_runtime.training.reference.expression_blending import (  # noqa: E402
    Demands,
    blend_expression,
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


ROUND_PHONES = ("uw", "w", "ow", "uh", "sh", "ch", "jh")


@pytest.mark.parametrize("emotion", EMOTIONS)
@pytest.mark.parametrize("phone", ROUND_PHONES)
def test_round_phones_stay_narrower_than_rest_under_every_emotion(emotion: str, phone: str) -> None:
    phones = said("t", phone, "n", each_s=0.14)
    curves = act(script_of(phones), emotion_of(emotion, 1.0), torch.zeros(1, FRAMES, 4))
    around = slice(middle(phones[1]) - 1, middle(phones[1]) + 2)
    narrowest = arkit_lips().widths(curves)[0, around].mean(1).min()
    assert narrowest < -0.02, float(narrowest)


def test_smile_widens_spread_vowels_and_not_rounded_ones() -> None:
    widened = []
    for vowel in ("iy", "uw"):
        phones = said(vowel, each_s=0.3)
        script, style = script_of(phones), torch.zeros(1, FRAMES, 4)
        happy, calm = (act(script, emotion_of("happy", i), style) for i in (1.0, 0.0))
        wider = arkit_lips().widths(happy) - arkit_lips().widths(calm)
        widened.append(float(wider[0, middle(phones[0])].mean()))
    assert widened[0] > 0.08
    assert abs(widened[1]) < 0.25 * widened[0], widened


@pytest.mark.parametrize(
    "phone, least, most",
    [
        ("uw", 0.80, 0.95),
        ("w", 0.80, 0.95),
        ("sh", 0.82, 0.95),
        ("r", 0.85, 0.97),
        ("aa", 0.88, 0.99),
        ("iy", 0.98, 1.08),
        ("s", 0.93, 1.02),
        ("m", 0.93, 1.03),
    ],
)
def test_lip_width_of_plain_speech_is_a_talking_persons(
    phone: str, least: float, most: float
) -> None:
    phones = said("t", phone, "n", each_s=0.14)
    width = 1 + arkit_lips().widths(mouth_of(phones))[middle(phones[1]), 0]
    assert least < width < most


@pytest.mark.parametrize("phone", ["th", "dh"])
def test_tongue_shows_in_a_dental_fricative_most_in_its_middle(phone: str) -> None:
    phones = said("ah", phone, "ah", each_s=0.08)
    tongue = mouth_of(phones)[:, column("tongueOut")]
    assert tongue[middle(phones[1])] >= 0.25
    assert abs(int(tongue.argmax()) - middle(phones[1])) <= 1
    assert tongue[middle(phones[0])] < 0.5 * tongue.max()


def test_lower_lip_does_not_roll_in_phones_without_labial_contact() -> None:
    for phone in ("aa", "iy", "uw", "s", "sh", "t", "th", "r", "w"):
        phones = said("t", phone, "n", each_s=0.14)
        assert mouth_of(phones)[middle(phones[1]), column("mouthRollLower")] < 0.05


def test_emotion_counts_frame_by_frame() -> None:
    script, style = script_of(said("aa", "m", "iy")), torch.zeros(1, FRAMES, 4)
    ramp = emotion_of("angry", 1.0) * torch.linspace(0, 1, FRAMES)[None, :, None]
    varied = act(script, ramp, style)
    for frame in (0, 20, 60, 99):
        held = act(script, emotion_of("angry", float(ramp[0, frame].max())), style)
        assert torch.allclose(varied[0, frame], held[0, frame], atol=1e-5)


@pytest.mark.parametrize("emotion, factor", [("angry", 1.3), ("fearful", 1.3), ("happy", 1.25)])
def test_strong_emotion_opens_speech_further(emotion: str, factor: float) -> None:
    phones = said("t", "aa", "n")
    script, style = script_of(phones), torch.zeros(1, FRAMES, 4)
    jaw = [
        act(script, emotion_of(emotion, i), style)[0, middle(phones[1]), column("jawOpen")]
        for i in (0.0, 1.0)
    ]
    assert jaw[1] > factor * jaw[0]


@pytest.mark.parametrize("pair", [("fearful", "surprised"), ("angry", "disgusted")])
def test_upper_faces_of_related_emotions_differ(pair: tuple[str, str]) -> None:
    script, style = script_of(said("aa", "t", "iy")), torch.zeros(1, FRAMES, 4)
    upper = [i for i in range(52) if i < 14 or i >= 41]
    calm = act(script, emotion_of("neutral", 0), style)
    moved = torch.stack(
        [(act(script, emotion_of(e, 1.0), style) - calm)[0, :, upper].mean(0) for e in pair]
    )
    assert torch.corrcoef(moved)[0, 1] < 0.5


def test_anger_presses_the_lips_in_pauses_and_parts_them_in_speech() -> None:
    script = script_of([PhoneTime("sil", 0.0, 2.0, "", -5.0)])
    style, angry = torch.zeros(1, FRAMES, 4), emotion_of("angry", 1.0)
    nothing = torch.zeros(1, FRAMES)
    silent = dataclasses.replace(script, activity=nothing, emphasis=nothing)
    speaking, pausing = (act(s, angry, style)[0, 50] for s in (script, silent))
    assert pausing[column("mouthPressLeft")] > 0.25 > 0.02 > speaking[column("mouthPressLeft")]
    assert speaking[column("mouthUpperUpLeft")] > 0.25 > 0.02 > pausing[column("mouthUpperUpLeft")]


@pytest.mark.parametrize("emotion, mouth", [("happy", "mouthSmileLeft"), ("sad", "mouthFrownLeft")])
def test_a_weak_emotion_shows_round_the_eyes_before_the_mouth(emotion: str, mouth: str) -> None:
    script = script_of([PhoneTime("sil", 0.0, 2.0, "", -5.0)])
    style = torch.zeros(1, FRAMES, 4)
    upper = {"happy": "cheekSquintLeft", "sad": "browInnerUp"}[emotion]
    calm, weak, full = (act(script, emotion_of(emotion, i), style)[0, 50] for i in (0.0, 0.3, 1.0))
    shares = [
        float((weak - calm)[column(name)] / (full - calm)[column(name)]) for name in (upper, mouth)
    ]
    assert shares[0] > 0.29 > shares[1] > 0.15, shares


def test_closed_lips_are_narrower_than_an_open_vowel() -> None:
    phones = said("t", "m", "aa", each_s=0.14)
    curves = act(script_of(phones), emotion_of("neutral", 0), torch.zeros(1, FRAMES, 4))[0]
    width = 1 + arkit_lips().widths(curves)[:, 0]
    assert 0.93 < width[middle(phones[1])] < width[middle(phones[2])] < 0.99


def test_a_short_spread_vowel_is_wider_than_rest() -> None:
    phones = said("k", "ih", "n", each_s=0.07)
    width = 1 + arkit_lips().widths(mouth_of(phones))[middle(phones[1]), 0]
    assert 1.02 < width < 1.06, float(width)


def test_contempt_is_one_sided() -> None:
    script, style = script_of(said("t")), torch.zeros(1, FRAMES, 4)
    curves = act(script, emotion_of("contemptuous", 1.0), style)[0, -1]
    assert curves[column("mouthSmileLeft")] > curves[column("mouthSmileRight")] + 0.25


def test_brows_rise_with_emphasis_and_lower_with_falling_pitch() -> None:
    still = torch.zeros(1, FRAMES)
    script = script_of([PhoneTime("sil", 0.0, 2.0, "", -5.0)])
    emphatic = dataclasses.replace(script, emphasis=still + 1.0, pitch=still)
    low = dataclasses.replace(script, emphasis=still, pitch=still - 1.5)
    faces = [
        act(s, emotion_of("neutral", 0), torch.zeros(1, FRAMES, 4))[0, 50] for s in (emphatic, low)
    ]
    assert faces[0][column("browInnerUp")] > 0.3 > 0.1 > faces[1][column("browInnerUp")]
    assert faces[1][column("browDownLeft")] > 0.3


def test_labiodental_rolls_the_lower_lip_to_the_teeth_without_closing_the_mouth() -> None:
    phones = said("aa", "f", "ae")
    curves = act(script_of(phones), emotion_of("neutral", 0), torch.zeros(1, FRAMES, 4))[0]
    frame = middle(phones[1])
    assert 0.35 <= curves[frame, column("mouthRollLower")] <= 0.8
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


STYLE = torch.zeros(1, FRAMES, 4)


def styled(column_number: int, value: float) -> torch.Tensor:
    """A style with one column that is not 0."""
    style = STYLE.clone()
    style[..., column_number] = value
    return style


def test_emphasis_opens_speech_and_lifts_the_expression() -> None:
    script = script_of(said("t", "aa", "n"))
    loud = dataclasses.replace(script, emphasis=script.emphasis + 0.5)
    frame = middle(said("t", "aa", "n")[1])
    plain, opened = (act(s, emotion_of("neutral", 0), STYLE)[0] for s in (script, loud))
    assert opened[frame, column("jawOpen")] > 1.05 * plain[frame, column("jawOpen")]
    felt, lifted = (act(s, emotion_of("happy", 1), STYLE)[0] for s in (script, loud))
    cheek = column("cheekSquintLeft")
    assert lifted[0, cheek] > 1.05 * felt[0, cheek]


def test_a_style_changes_strength_and_sides_of_an_expression() -> None:
    script, happy = script_of(said("aa", "t", "iy")), emotion_of("happy", 1)
    left, right = column("mouthSmileLeft"), column("mouthSmileRight")
    plain = act(script, happy, STYLE)[0, 0]
    assert act(script, happy, styled(0, 1.0))[0, 0, left] > 1.02 * plain[left]
    leaning = act(script, happy, styled(2, 1.0))[0, 0]
    assert leaning[left] - leaning[right] > 0.02 + plain[left] - plain[right]


def test_f_keeps_its_contact_whatever_the_mouth_does() -> None:
    phones = said("uw", "f", "uw")
    frame = middle(phones[1])
    for emotion in ("neutral", "happy", "disgusted"):
        curves = act(script_of(phones), emotion_of(emotion, 1), STYLE)[0]
        assert curves[frame, column("mouthRollLower")] >= 0.55
        assert curves[frame, column("mouthFunnel")] < 0.02
        assert curves[frame, column("mouthLowerDownLeft")] < 0.02


def test_an_expression_gives_way_where_the_lips_are_busy() -> None:
    speech = torch.zeros(1, 1, 52)
    busy = speech.clone()
    busy[..., column("jawOpen")] = 0.8
    smile = torch.zeros(1, 1, 52)
    smile[..., [column("mouthSmileLeft"), column("mouthSmileRight")]] = 0.6
    nothing, full = torch.zeros(1, 1), torch.ones(1, 1)
    free = Demands(nothing, nothing, nothing)
    left = column("mouthSmileLeft")
    assert blend_expression(speech, smile, free)[0, 0, left] == pytest.approx(0.6)
    assert blend_expression(busy, smile, free)[0, 0, left] == pytest.approx(0.6 * 0.76)
    # Shares of smile that stay in a complete closure, labiodental and rounding.
    for demands, kept in (
        (Demands(nothing, full, nothing), 0.75),
        (Demands(nothing, nothing, full), 0.75),
        (Demands(full, nothing, nothing), 0.15),
    ):
        found = blend_expression(speech, smile, demands)[0, 0]
        assert found[left] == pytest.approx(0.6 * kept, rel=1e-3)
    assert found[column("mouthPucker")] > 0.01  # what widening is left is taken back
