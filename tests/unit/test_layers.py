"""Each layer does what it says, and nothing where it is neutral."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cstalk_blender.direct.direction import (
    ChannelSettings,
    Direction,
    RegionSettings,
)
from cstalk_blender.direct.layers import apply, closed_lips
from cstalk_blender.direct.prediction import Prediction
from cstalk_blender.direct.regions import REGIONS, table_of
from model_runtime.curves.layered import LayeredCurves
from model_runtime.curves.rig import load_rig
from model_runtime.curves.track import CurveTrack

ARKIT = load_rig("arkit52").channel_names
HEAD = ("headYaw", "headPitch", "headRoll")
CHANNELS = (*ARKIT, *HEAD)
FPS = 50.0
FRAMES = 500
JAW, SEAL = CHANNELS.index("jawOpen"), CHANNELS.index("mouthClose")


def talking(seed: int = 0, rate: float = FPS, has_emotion: bool = True) -> Prediction:
    """Ten seconds of a moving face whose lips meet every 0.4 s and whose lids close twice."""
    random, frames = np.random.default_rng(seed), round(10 * rate)
    times = np.arange(frames)[:, None] / rate
    values = 0.3 + 0.25 * np.sin(
        2 * np.pi * (random.uniform(0.3, 3, 55) * times + random.uniform(0, 1, 55))
    )
    jaw = 0.5 - 0.4 * np.cos(2 * np.pi * times[:, 0] / 0.4)
    values[:, JAW] = jaw
    values[:, SEAL] = np.where(jaw < 0.2, jaw, 0.0)
    for lid in ("eyeBlinkLeft", "eyeBlinkRight"):
        blink = sum(np.exp(-0.5 * ((times[:, 0] - at) / 0.04) ** 2) for at in (3.0, 7.0))
        values[:, CHANNELS.index(lid)] = blink
    values[:, 52:] -= 0.3
    full = CurveTrack(values.astype(np.float32), CHANNELS, rate, request={"rig": "arkit52"})
    if not has_emotion:
        return Prediction.of(LayeredCurves.without_layers(full))
    speech = np.maximum(values - 0.1 * random.uniform(0, 1, 55), np.minimum(values, 0))
    speech[:, [JAW, SEAL]] = values[:, [JAW, SEAL]]
    return Prediction.of(LayeredCurves(full, full.replaced(values=speech.astype(np.float32))))


def directed(region: str = "", prediction: Prediction | None = None, **settings: Any) -> np.ndarray:
    """Values after the settings of one region, or over all."""
    given = RegionSettings(**settings)
    direction = Direction(regions={region: given}) if region else Direction(overall=given)
    return apply(prediction or talking(), direction).values


def columns(region: str) -> np.ndarray:
    return table_of("arkit52", CHANNELS).columns[region]


def others(region: str) -> np.ndarray:
    return np.setdiff1d(np.arange(len(CHANNELS)), columns(region))


def test_neutral_settings_return_the_prediction_bit_by_bit() -> None:
    made = apply(talking(), Direction())
    np.testing.assert_array_equal(made.values, talking().values)
    assert (made.channels, made.fps, made.start_s) == (CHANNELS, FPS, 0.0)
    assert made.request == {"rig": "arkit52"}


def test_curves_that_are_neutral_at_every_frame_change_nothing() -> None:
    ones, zeros = np.ones(FRAMES, np.float32), np.zeros(FRAMES, np.float32)
    given = RegionSettings(strength=ones, emotion=ones, speech=ones, offset=zeros)
    direction = Direction(
        overall=given,
        regions=dict.fromkeys(REGIONS, given),
        channels={"jawOpen": ChannelSettings()},
        lip_tightness=zeros,
        jaw_range=ones,
        blink=ones,
        asymmetry=ones,
    )
    np.testing.assert_array_equal(apply(talking(), direction).values, talking().values)


def test_every_channel_of_the_shipped_model_has_one_region() -> None:
    found = np.concatenate([columns(region) for region in REGIONS])
    assert sorted(found) == list(range(55))
    assert len(columns("gaze")) == 8
    assert [CHANNELS[c] for c in columns("head")] == list(HEAD)
    assert "mouthClose" in [CHANNELS[c] for c in columns("jaw")]


@pytest.mark.parametrize("region", REGIONS)
def test_strength_multiplies_one_region_and_no_other(region: str) -> None:
    before, after = talking().values, directed(region, strength=0.5)
    np.testing.assert_allclose(after[:, columns(region)], 0.5 * before[:, columns(region)])
    np.testing.assert_array_equal(after[:, others(region)], before[:, others(region)])


def test_strength_over_all_multiplies_with_that_of_a_region() -> None:
    direction = Direction(
        overall=RegionSettings(strength=0.5), regions={"brows": RegionSettings(strength=0.5)}
    )
    after = apply(talking(), direction).values
    brows = columns("brows")
    np.testing.assert_allclose(after[:, brows], 0.25 * talking().values[:, brows])
    np.testing.assert_allclose(
        after[:, others("brows")], 0.5 * talking().values[:, others("brows")]
    )


def test_strength_stays_within_the_bounds_of_the_rig() -> None:
    after = directed(strength=3.0)[:, :52]
    assert after.min() >= 0
    assert after.max() <= 1


def test_strength_over_time_holds_for_its_frame() -> None:
    ramp = np.linspace(0, 1, FRAMES, dtype=np.float32)
    after = directed("brows", strength=ramp)
    expected = ramp[:, None] * talking().values[:, columns("brows")]
    np.testing.assert_allclose(after[:, columns("brows")], expected, atol=1e-6)


def test_curves_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        directed("brows", strength=np.ones(7, np.float32))


@pytest.mark.parametrize("region", REGIONS)
def test_mute_restores_rest_and_leaves_the_others(region: str) -> None:
    after = directed(region, is_muted=True, strength=2.0, offset=0.5)
    assert not after[:, columns(region)].any()
    np.testing.assert_array_equal(after[:, others(region)], talking().values[:, others(region)])


def test_mute_over_all_is_a_face_at_rest() -> None:
    assert not directed(is_muted=True).any()


def test_solo_holds_all_other_regions_at_rest() -> None:
    after = directed("mouth", is_solo=True)
    assert not after[:, others("mouth")].any()
    np.testing.assert_array_equal(after[:, columns("mouth")], talking().values[:, columns("mouth")])


def test_solo_of_a_muted_region_is_rest() -> None:
    assert not directed("mouth", is_solo=True, is_muted=True).any()


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.5, 2.0])
def test_emotion_strength_lies_on_the_line_from_speech_through_the_performance(
    share: float,
) -> None:
    made = talking()
    after = directed("brows", emotion=share)[:, columns("brows")]
    speech, full = (v[:, columns("brows")] for v in (made.speech, made.values))
    expected = np.clip(speech + share * (full - speech), 0, 1)
    np.testing.assert_allclose(after, expected, atol=1e-6)


def test_emotion_0_is_the_speech_bit_by_bit() -> None:
    np.testing.assert_array_equal(directed(emotion=0.0), talking().speech)


def test_emotion_alone_is_what_it_adds_to_the_speech() -> None:
    after = directed("cheeks", speech=0.0)[:, columns("cheeks")]
    made = talking()
    added = (made.values - made.speech)[:, columns("cheeks")]
    np.testing.assert_allclose(after, np.clip(added, 0, 1), atol=1e-6)


def test_emotion_strength_changes_nothing_where_emotion_is_not_known_apart() -> None:
    plain = talking(has_emotion=False)
    np.testing.assert_array_equal(directed(prediction=plain, emotion=2.0), plain.values)


@pytest.mark.parametrize("milliseconds", [20.0, -20.0, 100.0, -340.0, 500.0])
def test_whole_frames_of_timing_move_the_curves_bit_by_bit(milliseconds: float) -> None:
    frames = round(milliseconds * FPS / 1000)
    after, before = directed(timing_ms=milliseconds), talking().values
    if frames > 0:
        np.testing.assert_array_equal(after[frames:], before[:-frames])
        np.testing.assert_array_equal(after[:frames], np.repeat(before[:1], frames, 0))
    else:
        np.testing.assert_array_equal(after[:frames], before[-frames:])
        np.testing.assert_array_equal(after[frames:], np.repeat(before[-1:], -frames, 0))


@pytest.mark.parametrize("milliseconds", [7.0, -33.0, 111.0])
def test_timing_between_frames_moves_a_peak_by_that_time(milliseconds: float) -> None:
    times = np.arange(FRAMES) / FPS
    bump = np.exp(-0.5 * ((times - 5.0) / 0.2) ** 2).astype(np.float32)[:, None]
    made = Prediction.of(LayeredCurves.without_layers(CurveTrack(bump, ("browInnerUp",), FPS)))
    after = directed("brows", prediction=made, timing_ms=milliseconds)[:, 0]
    expected = np.exp(-0.5 * ((times - 5.0 - milliseconds / 1000) / 0.2) ** 2)
    np.testing.assert_allclose(after, expected, atol=2e-3)


def test_times_of_region_and_face_add_up() -> None:
    direction = Direction(
        overall=RegionSettings(timing_ms=40), regions={"brows": RegionSettings(timing_ms=-40)}
    )
    after = apply(talking(), direction).values
    np.testing.assert_array_equal(after[:, columns("brows")], talking().values[:, columns("brows")])
    np.testing.assert_array_equal(after[2:, JAW], talking().values[:-2, JAW])


@pytest.mark.parametrize("milliseconds", [20.0, 60.0, 200.0])
def test_smoothing_keeps_every_closure_of_the_lips(milliseconds: float) -> None:
    before, after = talking().values, directed(smoothing_ms=milliseconds)
    closed = closed_lips(CHANNELS, before)
    assert len(closed) > 20
    for column in (JAW, SEAL):
        np.testing.assert_array_equal(after[closed, column], before[closed, column])


def test_smoothing_keeps_the_lids_of_a_blink_closed() -> None:
    after = directed("eyes", smoothing_ms=200.0)
    lid = after[:, CHANNELS.index("eyeBlinkLeft")]
    assert lid[round(3 * FPS)] == 1.0
    assert lid[round(7 * FPS)] == 1.0


def test_smoothing_has_no_delay_and_removes_what_is_fast() -> None:
    times = np.arange(FRAMES) / FPS
    slow, fast = np.sin(2 * np.pi * 0.3 * times), np.sin(2 * np.pi * 12 * times)
    values = (0.5 + 0.2 * slow + 0.2 * fast).astype(np.float32)[:, None]
    made = Prediction.of(LayeredCurves.without_layers(CurveTrack(values, ("browInnerUp",), FPS)))
    after = directed("brows", prediction=made, smoothing_ms=60.0)[:, 0]
    inner = slice(50, -50)
    np.testing.assert_allclose(after[inner], (0.5 + 0.2 * slow)[inner], atol=5e-3)


def test_a_constant_face_stays_under_smoothing() -> None:
    values = np.full((100, 1), 0.3, np.float32)
    made = Prediction.of(LayeredCurves.without_layers(CurveTrack(values, ("browInnerUp",), FPS)))
    after = directed("brows", prediction=made, smoothing_ms=300.0)
    np.testing.assert_allclose(after, made.values, atol=1e-6)


def test_mirrored_twice_is_the_prediction() -> None:
    once = directed(is_mirrored=True)
    again = Prediction.of(
        LayeredCurves.without_layers(CurveTrack(once, CHANNELS, FPS, request={"rig": "arkit52"}))
    )
    np.testing.assert_array_equal(directed(prediction=again, is_mirrored=True), talking().values)
    direction = Direction(
        overall=RegionSettings(is_mirrored=True),
        regions=dict.fromkeys(REGIONS, RegionSettings(is_mirrored=True)),
    )
    np.testing.assert_array_equal(apply(talking(), direction).values, talking().values)


def test_mirror_exchanges_left_and_right_and_negates_turns() -> None:
    before, after = talking().values, directed(is_mirrored=True)
    for left, right in (("mouthSmileLeft", "mouthSmileRight"), ("jawLeft", "jawRight")):
        np.testing.assert_array_equal(
            after[:, CHANNELS.index(left)], before[:, CHANNELS.index(right)]
        )
    np.testing.assert_array_equal(after[:, JAW], before[:, JAW])
    np.testing.assert_array_equal(after[:, 52], -before[:, 52])
    np.testing.assert_array_equal(after[:, 53], before[:, 53])


def test_asymmetry_0_is_symmetric_and_minus_1_is_mirrored() -> None:
    none = apply(talking(), Direction(asymmetry=0.0)).values
    left, right = CHANNELS.index("mouthSmileLeft"), CHANNELS.index("mouthSmileRight")
    np.testing.assert_allclose(none[:, left], none[:, right], atol=1e-6)
    other = apply(talking(), Direction(asymmetry=-1.0)).values
    face = np.setdiff1d(np.arange(52), columns("gaze"))
    np.testing.assert_allclose(other[:, face], directed(is_mirrored=True)[:, face], atol=1e-6)
    np.testing.assert_array_equal(other[:, 52:], talking().values[:, 52:])


@pytest.mark.parametrize("factor", [0.0, 0.5, 1.5])
def test_closed_lips_stay_closed_in_every_range_of_the_jaw(factor: float) -> None:
    closed = closed_lips(CHANNELS, talking().values)
    after = apply(talking(), Direction(jaw_range=factor)).values
    gap = after[closed, JAW] - after[closed, SEAL]
    assert gap.max() < 0.02 * max(1.0, factor)
    expected = np.clip(factor * talking().values[:, JAW], 0, 1)
    np.testing.assert_allclose(after[:, JAW], expected, atol=1e-6)


@pytest.mark.parametrize("region", ["jaw", "mouth"])
def test_closed_lips_stay_closed_under_strengths(region: str) -> None:
    closed = closed_lips(CHANNELS, talking().values)
    after = directed(region, strength=0.5)
    assert (after[closed, JAW] - after[closed, SEAL]).max() < 0.02


def test_an_offset_opens_the_jaw_but_not_closed_lips() -> None:
    before, after = talking().values, directed("jaw", offset=0.2)
    closed = closed_lips(CHANNELS, before)
    np.testing.assert_allclose(after[:, JAW], np.clip(before[:, JAW] + 0.2, 0, 1), atol=1e-6)
    assert (after[closed, JAW] - after[closed, SEAL]).max() < 0.03
    wide = before[:, JAW].argmax()
    assert after[wide, JAW] - after[wide, SEAL] > before[wide, JAW] - before[wide, SEAL]


def test_offsets_raise_brows_and_corners_and_look_up() -> None:
    before, after = talking().values, directed("brows", offset=0.1)
    for name, change in (("browInnerUp", 0.1), ("browOuterUpLeft", 0.1), ("browDownLeft", -0.1)):
        column = CHANNELS.index(name)
        np.testing.assert_allclose(
            after[:, column], np.clip(before[:, column] + change, 0, 1), atol=1e-6
        )
    pitch = CHANNELS.index("headPitch")
    head = directed("head", offset=1.0)[:, pitch] - before[:, pitch]
    np.testing.assert_allclose(head, -0.35, atol=1e-6)


def test_tight_lips_press_more_and_part_less_and_closures_stay() -> None:
    before = talking().values
    after = apply(talking(), Direction(lip_tightness=1.0)).values
    press, part = CHANNELS.index("mouthPressLeft"), CHANNELS.index("mouthLowerDownLeft")
    np.testing.assert_allclose(after[:, press], np.clip(2 * before[:, press], 0, 1), atol=1e-6)
    np.testing.assert_allclose(after[:, part], 0.5 * before[:, part], atol=1e-6)
    np.testing.assert_array_equal(after[:, [JAW, SEAL]], before[:, [JAW, SEAL]])


def test_blink_strength_multiplies_the_lids_alone() -> None:
    before, after = talking().values, apply(talking(), Direction(blink=0.5)).values
    lids = [CHANNELS.index(name) for name in ("eyeBlinkLeft", "eyeBlinkRight")]
    np.testing.assert_allclose(after[:, lids], 0.5 * before[:, lids])
    rest = np.setdiff1d(np.arange(55), lids)
    np.testing.assert_array_equal(after[:, rest], before[:, rest])


def test_gain_and_offset_of_a_channel_come_after_the_layers() -> None:
    direction = Direction(
        regions={"brows": RegionSettings(strength=0.5)},
        channels={"browInnerUp": ChannelSettings(gain=0.5, offset=0.1)},
    )
    after = apply(talking(), direction).values
    column = CHANNELS.index("browInnerUp")
    np.testing.assert_allclose(
        after[:, column], 0.25 * talking().values[:, column] + 0.1, atol=1e-6
    )


def test_layers_act_in_the_stated_order() -> None:
    direction = Direction(
        regions={
            "mouth": RegionSettings(
                is_mirrored=True, timing_ms=40, emotion=0.5, strength=0.5, offset=0.1
            )
        },
        channels={"mouthSmileLeft": ChannelSettings(gain=0.5)},
    )
    made, after = talking(), apply(talking(), direction).values
    left, right = CHANNELS.index("mouthSmileLeft"), CHANNELS.index("mouthSmileRight")
    full, speech = made.values[:-2, right], made.speech[:-2, right]
    expected = 0.5 * (0.5 * (speech + 0.5 * (full - speech)) + 0.1)
    np.testing.assert_allclose(after[2:, left], np.clip(expected, 0, 1), atol=1e-6)


def test_channels_of_other_rigs_have_their_regions_and_unknown_ones_none() -> None:
    table = table_of("metahuman", ("CTRL_L_brow_down-translateY", "own_curl", "jawOpen"))
    assert table.region_of == ("brows", "", "jaw")
    assert table.offsets.tolist() == [1.0, 0.0, 1.0]


def test_unknown_channels_obey_what_acts_over_all_alone() -> None:
    values = np.full((5, 1), 4.0, np.float32)
    made = Prediction.of(LayeredCurves.without_layers(CurveTrack(values, ("own_curl",), FPS)))
    np.testing.assert_allclose(directed(prediction=made, strength=2.0), 8.0)
