"""Known phones hold the mouth: contacts, shapes, and nothing elsewhere."""

from __future__ import annotations

import numpy as np

from model_runtime.curves.rig import load_rig
from model_runtime.postprocess.articulation import hold_articulation
from model_runtime.text.track import Phone

CHANNELS = tuple(load_rig("arkit52").channel_names)


def held(*phones: Phone, value: float = 0.4, frames: int = 100) -> dict[str, np.ndarray]:
    """Curves at one value, held to phones, by channel."""
    values = np.full((frames, len(CHANNELS)), value, np.float32)
    out = hold_articulation(values, CHANNELS, phones, frame_rate=50.0)
    return {name: out[:, i] for i, name in enumerate(CHANNELS)}


def test_lips_meet_in_the_middle_of_a_bilabial() -> None:
    curves = held(Phone("m", 0.9, 1.02))
    middle = slice(47, 50)
    assert (curves["mouthClose"] >= curves["jawOpen"] + 0.02)[middle].all()
    assert curves["mouthLowerDownLeft"][middle].max() < 1e-6


def test_frames_away_from_the_phone_are_untouched() -> None:
    before = np.float32(0.4)
    curves = held(Phone("m", 0.9, 1.02), Phone("f", 1.1, 1.2))
    for values in curves.values():
        assert (values[:38] == before).all()
        assert (values[68:] == before).all()


def test_f_rolls_the_lower_lip_within_the_accepted_range_and_does_not_close_the_mouth() -> None:
    curves = held(Phone("f", 0.9, 1.04), value=0.2)
    assert 0.35 <= curves["mouthRollLower"][48] <= 0.8
    assert curves["mouthClose"][48] <= 0.2 + 1e-6


def test_other_phones_lose_their_lip_roll() -> None:
    assert held(Phone("s", 0.9, 1.04), value=0.6)["mouthRollLower"][48] <= 0.21


def test_a_smile_gives_way_in_a_rounded_vowel_and_stays_a_little() -> None:
    curves = held(Phone("uw", 0.9, 1.06), value=0.3)
    assert curves["mouthPucker"][49] >= 0.36
    assert 0.06 < curves["mouthSmileLeft"][49] < 0.12


def test_the_tongue_shows_in_th() -> None:
    assert held(Phone("th", 0.9, 1.0), value=0.0)["tongueOut"][47] > 0.3


def test_a_phone_between_two_frames_is_still_held() -> None:
    curves = held(Phone("b", 0.905, 0.915))
    assert (curves["mouthClose"] - curves["jawOpen"]).max() > -0.02


def test_doubtful_phones_are_left_to_the_network() -> None:
    curves = held(Phone("m", 0.9, 1.02, confidence=0.1))
    assert (curves["mouthClose"] == np.float32(0.4)).all()


def test_curves_of_another_rig_pass_through() -> None:
    values = np.full((50, 2), 0.5, np.float32)
    out = hold_articulation(values, ("Exp1", "Jaw"), [Phone("m", 0.4, 0.6)], frame_rate=50.0)
    np.testing.assert_array_equal(out, values)


def test_transitions_have_no_corners() -> None:
    curves = held(Phone("m", 0.9, 1.02))
    assert np.abs(np.diff(curves["mouthClose"])).max() < 0.4


def closing(phone: Phone, frame_rate: float = 50.0) -> tuple[np.ndarray, np.ndarray]:
    """MouthClose and jawOpen of an open mouth that is held to one phone."""
    values = np.zeros((round(2 * frame_rate), len(CHANNELS)), np.float32)
    values[:, CHANNELS.index("jawOpen")] = 0.6
    out = hold_articulation(values, CHANNELS, [phone], frame_rate=frame_rate)
    return out[:, CHANNELS.index("mouthClose")], out[:, CHANNELS.index("jawOpen")]


def test_closed_lips_are_pressed_a_little_beyond_contact() -> None:
    shut, jaw = closing(Phone("p", 0.9, 1.02))
    assert abs(float((shut - jaw)[48]) - 0.03) < 1e-6


def test_a_closure_between_two_frames_is_complete_on_the_nearest() -> None:
    shut, jaw = closing(Phone("b", 0.906, 0.912))
    assert (shut - jaw).max() > 0.029


def test_lips_take_some_hundredths_of_a_second_to_close_and_to_part() -> None:
    shut, _jaw = closing(Phone("p", 0.9, 1.02), frame_rate=200.0)
    moving = (shut > 0.1 * shut.max()) & (shut < 0.9 * shut.max())
    closing_frames = int(moving[: shut.argmax()].sum())
    parting_frames = int(moving[shut.argmax() :].sum())
    assert 5 <= closing_frames <= 12  # of 5 ms
    assert 5 <= parting_frames <= closing_frames


def test_sh_protrudes_the_lips() -> None:
    curves = held(Phone("sh", 0.9, 1.06), value=0.0)
    assert curves["mouthPucker"][49] >= 0.18
    assert curves["mouthFunnel"][49] >= 0.1
