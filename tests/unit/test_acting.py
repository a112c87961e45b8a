"""Laws of acting: emotion over a line, gaze, head motion and asymmetry, on made signals."""

from __future__ import annotations

import numpy as np
import pytest

from model_runtime.acting import (
    around,
    asymmetry,
    dynamics,
    gaze,
    head,
    idle,
    layers,
    look,
    prosody,
)
from model_runtime.curves.rig import load_rig
from model_runtime.curves.track import CurveTrack
from model_runtime.errors import BadArgument
from model_runtime.protocol import NATURAL_ACTING, Acting, LookKey

RATE = 16_000


def speech(*spans: tuple[float, float], seconds: float, level: float = 0.3) -> np.ndarray:
    """A buzzing voice at 120 Hz in the spans, silence elsewhere."""
    times = np.arange(int(seconds * RATE)) / RATE
    voice = sum(np.sin(2 * np.pi * 120 * k * times) / k for k in range(1, 12))
    gate = np.zeros(len(times))
    for start, end in spans:
        gate[int(start * RATE) : int(end * RATE)] = 1
    syllables = 0.6 + 0.4 * np.sin(2 * np.pi * 3.1 * times)
    return (level * voice / 3 * gate * syllables).astype(np.float32)


def measured(samples: np.ndarray) -> prosody.Prosody:
    """Cues of some samples, one frame for 20 ms."""
    return prosody.measure_prosody(
        lambda first, count: samples[first : first + count], len(samples), len(samples) // 320
    )


@pytest.fixture(scope="module")
def two_phrases() -> prosody.Prosody:
    """Speech from 1 to 3 s and from 4 to 6 s of 8 s."""
    return measured(speech((1, 3), (4, 6), seconds=8))


def neutral_track(seconds: float = 8.0, fps: float = 60.0) -> CurveTrack:
    """Curves of arkit52 at 0.2, as a model would give them."""
    names = tuple(channel.name for channel in load_rig("arkit52").channels)
    return CurveTrack(np.full((int(seconds * fps), len(names)), 0.2, np.float32), names, fps)


def test_phrases_are_found_within_a_few_frames(two_phrases: prosody.Prosody) -> None:
    found = [(p.start_s, p.end_s) for p in two_phrases.phrases]
    assert len(found) == 2
    np.testing.assert_allclose(found, [(1, 3), (4, 6)], atol=0.08)


def test_a_pause_of_a_stop_closure_ends_no_phrase() -> None:
    assert len(measured(speech((1, 2), (2.15, 3), seconds=4)).phrases) == 1


def test_silence_has_no_phrases_and_no_activity() -> None:
    cues = measured(np.zeros(3 * RATE, np.float32))
    assert cues.phrases == ()
    assert cues.stresses == ()
    assert not cues.activity.any()


def test_every_phrase_has_a_stress(two_phrases: prosody.Prosody) -> None:
    for phrase in two_phrases.phrases:
        assert any(phrase.start_s <= s.time_s <= phrase.end_s for s in two_phrases.stresses)


def test_loudness_of_the_whole_clip_does_not_change_its_cues() -> None:
    loud, faint = (measured(speech((1, 3), seconds=4, level=lv)) for lv in (0.3, 0.03))
    np.testing.assert_allclose(loud.activity, faint.activity, atol=0.05)


def test_emotion_starts_low_rises_with_the_voice_and_relaxes_after_it(
    two_phrases: prosody.Prosody,
) -> None:
    level = dynamics.emotion_level(two_phrases, seed=3)
    assert level[: int(0.5 * 50)].max() < 0.5
    assert level[int(1.8 * 50) : (3 * 50)].min() > 0.65
    assert level[-1] < 0.55
    assert level.max() <= 1.5


def test_strength_zero_holds_the_emotion_as_a_pose(two_phrases: prosody.Prosody) -> None:
    np.testing.assert_array_equal(dynamics.emotion_level(two_phrases, seed=3, strength=0), 1.0)


def test_emotion_never_jumps(two_phrases: prosody.Prosody) -> None:
    level = dynamics.emotion_level(two_phrases, seed=3)
    assert np.abs(np.diff(level)).max() < 0.06  # a share of 3 a second


def test_a_clip_without_speech_keeps_its_emotion() -> None:
    cues = measured(np.zeros(2 * RATE, np.float32))
    np.testing.assert_array_equal(dynamics.emotion_level(cues, seed=0), 1.0)


def test_eyes_are_on_the_listener_as_a_phrase_ends(two_phrases: prosody.Prosody) -> None:
    for seed in range(40):
        fixations = gaze.plan_fixations(8.0, two_phrases.phrases, seed=seed)
        for phrase in two_phrases.phrases:
            last = max(
                (f for f in fixations if f.start_s <= phrase.end_s - 0.05), key=lambda f: f.start_s
            )
            assert last.is_contact, (seed, phrase)


def test_a_saccade_of_ten_degrees_takes_43_milliseconds() -> None:
    fixations = (gaze.Fixation(0.0, 0.0, 0.0), gaze.Fixation(1.0, 10.0, 0.0))
    times = np.arange(0.9, 1.1, 0.001)
    angles = gaze.gaze_angles(fixations, times, seed=0)
    moving = times[(angles[:, 0] > 0.5) & (angles[:, 0] < 9.5)]
    assert 0.02 < moving[-1] - moving[0] < 0.043
    assert abs(angles[-1, 0] - 10) < 0.3


def test_a_look_to_the_left_turns_the_left_eye_out_and_the_right_eye_in() -> None:
    values = gaze.look_values(np.array([[15.0, 0.0]]))
    assert values["eyeLookOutLeft"][0] == values["eyeLookInRight"][0] == pytest.approx(0.5)
    assert not values["eyeLookInLeft"].any()
    assert not values["eyeLookOutRight"].any()


def test_lowered_eyes_lower_the_lids() -> None:
    values = gaze.look_values(np.array([[0.0, -30.0]]))
    assert values["eyeBlinkLeft"][0] == pytest.approx(0.25)


def test_the_head_is_nearly_still_in_silence(two_phrases: prosody.Prosody) -> None:
    angles = head.head_angles(two_phrases, {}, seed=5)
    speaking, silent = angles[int(1.2 * 50) : int(2.8 * 50)], angles[-50:]
    assert np.ptp(silent, axis=0).max() < 1.6
    assert np.ptp(speaking, axis=0).max() > 2.0


def test_head_motion_of_speech_lies_in_the_range_of_filmed_speakers(
    two_phrases: prosody.Prosody,
) -> None:
    cues = measured(speech(*((k + 0.2, k + 3.4) for k in range(0, 40, 4)), seconds=40))
    spread = head.head_angles(cues, {}, seed=2).std(0)
    low, high = np.array([1.1, 1.3, 1.5]), np.array([8.6, 6.3, 7.3])  # yaw, pitch, roll in degrees
    assert (spread > low).all()
    assert (spread < high).all()


def test_anger_moves_the_head_more_and_sadness_lowers_it(two_phrases: prosody.Prosody) -> None:
    full = np.ones(two_phrases.frames)
    calm, angry, sad = (
        head.head_angles(two_phrases, emotions, seed=1)
        for emotions in ({}, {"angry": full}, {"sad": full})
    )
    assert angry.std(0).min() > calm.std(0).min()
    assert sad[:, 1].mean() > calm[:, 1].mean() + 3  # degrees downwards


def test_sides_differ_a_little_and_lips_that_must_meet_do_not() -> None:
    track = asymmetry.vary_sides(neutral_track(), seed=4)
    smile = track.column("mouthSmileLeft") / track.column("mouthSmileRight")
    assert smile.min() > 0.7
    assert smile.max() < 1.4
    assert abs(smile - 1).max() > 0.02
    np.testing.assert_array_equal(
        track.column("mouthPressLeft"), neutral_track().column("mouthPressLeft")
    )


def test_the_favoured_side_is_the_stronger_one() -> None:
    track = asymmetry.vary_sides(neutral_track(60), seed=4, favoured="right")
    assert track.column("mouthSmileRight").mean() > track.column("mouthSmileLeft").mean()


OFF = Acting()


def acted(acting: Acting, cues: prosody.Prosody, fps: float = 60.0, seed: int = 7):
    """Acting onto flat curves."""
    direction = layers.Direction(cues, {}, seed)
    rig = load_rig("arkit52")
    return layers.add_acting(
        neutral_track(fps=fps), rig, acting, direction, layers.plan_gaze(direction)
    )


def test_all_strengths_zero_leave_the_curves_bit_by_bit(two_phrases: prosody.Prosody) -> None:
    track = acted(OFF, two_phrases)
    assert track.channels == neutral_track().channels
    np.testing.assert_array_equal(track.values, neutral_track().values)


def test_head_channels_are_appended_in_radians(two_phrases: prosody.Prosody) -> None:
    track = acted(NATURAL_ACTING, two_phrases)
    assert track.channels[-3:] == ("headYaw", "headPitch", "headRoll")
    assert 0.01 < np.abs(track.values[:, -3:]).max() < 0.4


def test_the_same_seed_acts_alike_at_every_frame_rate(two_phrases: prosody.Prosody) -> None:
    fine, coarse = (acted(Acting(eyes=1, head=1), two_phrases, fps) for fps in (60.0, 30.0))
    np.testing.assert_allclose(fine.values[::2], coarse.values, atol=1e-5)


def test_another_seed_looks_elsewhere(two_phrases: prosody.Prosody) -> None:
    one, two = (acted(NATURAL_ACTING, two_phrases, seed=seed) for seed in (1, 2))
    assert np.abs(one.column("eyeLookOutLeft") - two.column("eyeLookOutLeft")).max() > 0.1


def test_eyes_hold_their_fixation_while_the_head_turns(two_phrases: prosody.Prosody) -> None:
    free = acted(Acting(eyes=1), two_phrases)
    turning = acted(Acting(eyes=1, head=1), two_phrases)
    yaw = np.rad2deg(turning.column("headYaw"))

    def to_left(track: CurveTrack) -> np.ndarray:
        return track.column("eyeLookOutLeft") - track.column("eyeLookInLeft")

    moved = 30 * (to_left(turning) - to_left(free))  # degrees
    np.testing.assert_allclose(moved, yaw, atol=0.05)


def test_a_waiting_face_blinks_looks_and_breathes_with_its_lips_closed() -> None:
    track = idle.idle_track(load_rig("arkit52"), 20.0, seed=3)
    assert track.frame_count == 1200
    assert track.column("eyeBlinkLeft").max() > 0.95
    assert track.column("eyeLookOutLeft").std() > 0.02
    assert np.ptp(track.column("headPitch")) > 0.005  # radians, a breath
    assert track.column("jawOpen").max() == 0


def test_a_listener_looks_at_the_speaker_more_than_somebody_who_waits() -> None:
    waiting, listening = (
        idle.idle_track(load_rig("arkit52"), 60.0, seed=3, scene=scene)
        for scene in (None, idle.listening_throughout(60.0))
    )

    def away(track: CurveTrack) -> float:
        sideways = track.column("eyeLookOutLeft") + track.column("eyeLookInLeft")
        return float((sideways > 0.12).mean())

    assert away(listening) < away(waiting)


LEFT_40 = (LookKey(0.0, 40.0, 0.0),)


def turned(track: CurveTrack) -> tuple[np.ndarray, np.ndarray]:
    """Degrees to the own left of the eyes in the head, and of the head."""
    eyes = 30 * (track.column("eyeLookOutLeft") - track.column("eyeLookInLeft"))
    return eyes, -np.rad2deg(track.column("headYaw"))


def test_eyes_and_head_together_reach_the_direction_they_look_in() -> None:
    scene = idle.IdleScene(look=LEFT_40)
    rig = load_rig("arkit52")
    plain, looking = (idle.idle_track(rig, 20.0, seed=3, scene=s) for s in (None, scene))
    gained = sum(turned(looking)) - sum(turned(plain))
    np.testing.assert_allclose(np.median(gained), 40, atol=1.0)
    assert np.median(turned(looking)[1] - turned(plain)[1]) == pytest.approx(21, abs=0.1)


def test_without_head_motion_the_eyes_reach_alone_what_they_can() -> None:
    track = idle.idle_track(
        load_rig("arkit52"),
        20.0,
        acting=Acting(eyes=1),
        scene=idle.IdleScene(look=(LookKey(0.0, 20.0, 0.0),)),
    )
    assert "headYaw" not in track.channels
    assert np.median(turned_eyes(track)) == pytest.approx(20, abs=3)


def turned_eyes(track: CurveTrack) -> np.ndarray:
    """Degrees of the left eye to the own left."""
    return 30 * (track.column("eyeLookOutLeft") - track.column("eyeLookInLeft"))


def test_the_head_follows_a_turn_later_and_without_a_jump() -> None:
    keys = (LookKey(4.9, 0, 0), LookKey(5.0, 40, 0))
    times = np.arange(600) / 60
    turns = look.head_turns(keys, times)
    yaw = -turns[:, 0]
    assert yaw[int(4.7 * 60)] < 1
    assert yaw[-1] == pytest.approx(21, abs=0.1)
    assert np.abs(np.diff(yaw)).max() * 60 < 80  # degrees a second
    assert not turns[:, 2].any()


def test_a_listener_nods_only_while_somebody_speaks() -> None:
    spans = (prosody.Phrase(5.0, 30.0),)
    nods = head.listener_nods(np.arange(40 * 60) / 60, spans, seed=2)
    assert np.abs(nods[: int(4.5 * 60)]).max() < 0.01
    assert nods[5 * 60 : 30 * 60].max() > 2
    assert nods[int(32.5 * 60) :].max() < 0.01


def test_waiting_keeps_the_frames_of_the_clip() -> None:
    track = neutral_track(2.0, fps=24.0)
    waits = around.waits_of(1.0, 2.0, 24.0)
    whole = around.extended_track(track, waits, seed=1)
    assert whole.frame_count == 24 + 48 + 48
    np.testing.assert_array_equal(whole.values[24:72], track.values)
    assert np.abs(np.diff(whole.column("mouthSmileLeft"))).max() < 0.02
    assert whole.column("jawOpen")[-1] == 0


def test_waiting_shifts_phrases_and_keeps_fixations_of_the_clip(
    two_phrases: prosody.Prosody,
) -> None:
    direction = layers.Direction(two_phrases, {"happy": np.ones(two_phrases.frames)}, seed=4)
    waits = around.waits_of(3.0, 1.0, 60.0)
    whole = around.extended_direction(direction, waits)
    assert whole.prosody.frames == two_phrases.frames + 200
    assert whole.first_s == -3.0
    assert whole.prosody.phrases[0].start_s == two_phrases.phrases[0].start_s + 3
    assert whole.emotions["happy"][0] < 0.01
    own = layers.plan_gaze(direction)
    extended = around.extended_fixations(own, waits, 8.0, seed=4)
    inside = [f for f in extended if 3 <= f.start_s < 11]
    assert [f.yaw_deg for f in inside] == [f.yaw_deg for f in own]


@pytest.mark.parametrize("seconds", [-0.1, float("nan"), 601.0])
def test_an_idle_time_out_of_range_is_refused(seconds: float) -> None:
    with pytest.raises(BadArgument, match="Idle time"):
        around.waits_of(seconds, 0.0, 60.0)
