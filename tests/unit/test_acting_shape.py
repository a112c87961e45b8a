"""Laws of the time course of acting, on cues that are written out frame by frame."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from model_runtime.acting import asymmetry, dynamics, gaze, head, layers, plan
from model_runtime.acting.prosody import Phrase, Prosody, Stress
from model_runtime.curves.track import CurveTrack
from model_runtime.protocol import NATURAL_ACTING

RATE = 50
SECONDS = 12
BEGIN_S, END_S = 2.0, 8.0


def cues(*stresses: Stress) -> Prosody:
    """Speech without pitch or loudness of its own from 2 to 8 s."""
    nothing = np.zeros(SECONDS * RATE)
    activity = nothing.copy()
    activity[round(BEGIN_S * RATE) : round(END_S * RATE)] = 1
    return Prosody(nothing, nothing, activity, (Phrase(BEGIN_S, END_S),), stresses)


def level_at(level: np.ndarray, seconds: float) -> float:
    return float(level[round(seconds * RATE)])


def test_an_emotion_begins_to_rise_before_the_voice() -> None:
    level = dynamics.emotion_level(cues(), seed=1)
    assert level_at(level, BEGIN_S - 0.2) < 0.45
    assert level_at(level, BEGIN_S - 0.02) > 0.5


def test_an_emotion_rises_within_half_a_second_and_relaxes_more_slowly() -> None:
    level = dynamics.emotion_level(cues(), seed=1)
    assert level_at(level, BEGIN_S + 0.5) > 0.85
    trace, full = 0.35, level_at(level, END_S - 0.1)
    assert level_at(level, END_S + 0.3) - trace > 0.45 * (full - trace)
    assert level_at(level, END_S + 3.0) - trace < 0.2 * (full - trace)


def test_an_emotion_peaks_on_the_stressed_word() -> None:
    plain = dynamics.emotion_level(cues(), seed=1)
    stressed = dynamics.emotion_level(cues(Stress(5.0, 1.0)), seed=1)
    more = stressed - plain
    assert 4.8 < float(more.argmax()) / RATE < 5.5
    assert 0.15 < more.max() <= 0.4
    assert abs(level_at(more, 2.5)) < 0.02


def test_two_readings_of_an_emotion_differ_by_a_few_per_cent() -> None:
    one, two = (dynamics.emotion_level(cues(), seed=seed) for seed in (1, 2))
    ratio = (one / two)[round(3 * RATE) : round(7.5 * RATE)]
    assert 0.01 < ratio.std() < 0.2


def test_raised_eyes_widen_the_lids() -> None:
    values = gaze.look_values(np.array([[0.0, 25.0]]))
    assert values["eyeWideLeft"][0] == values["eyeWideRight"][0] == pytest.approx(0.30)


def test_the_head_nods_down_on_a_stressed_word() -> None:
    stressed, plain = (
        head.head_angles(some, {}, seed=3)[:, 1] for some in (cues(Stress(5.0, 1.0)), cues())
    )
    nod = stressed - plain
    assert float(nod.argmax()) / RATE == pytest.approx(5.0, abs=0.02)
    assert 2.0 <= nod.max() <= 4.0  # half to all of 4 degrees


def test_the_head_rises_with_the_voice() -> None:
    high = dataclasses.replace(cues(), pitch=np.ones(SECONDS * RATE))
    raised, plain = (head.head_angles(some, {}, seed=3)[:, 1] for some in (high, cues()))
    assert level_at(plain - raised, 5.0) == pytest.approx(0.8, abs=0.01)


def test_the_difference_between_the_sides_changes_slowly() -> None:
    names = ("mouthSmileLeft", "mouthSmileRight")
    flat = CurveTrack(np.full((3000, 2), 0.5, np.float32), names, 50.0)
    track = asymmetry.vary_sides(flat, seed=4)
    ratio = track.column(names[0]) / track.column(names[1])
    assert ratio.std() > 0.02
    assert np.abs(np.diff(ratio)).max() < 0.02


def contact_share(emotion: str) -> float:
    """Share of the fixations on the listener, over many seeds."""
    found = []
    for seed in range(30):
        weights = {emotion: np.full(SECONDS * RATE, 0.8)}
        fixations = layers.plan_gaze(layers.Direction(cues(), weights, seed))
        ends = [*(f.start_s for f in fixations[1:]), float(SECONDS)]
        found += [(end - f.start_s, f.is_contact) for f, end in zip(fixations, ends, strict=True)]
    return sum(s for s, is_contact in found if is_contact) / sum(s for s, _ in found)


def test_the_angry_look_at_the_listener_and_the_sad_look_away() -> None:
    assert contact_share("angry") > contact_share("sad") + 0.15


def test_blinks_may_accompany_large_saccades_alone() -> None:
    looks = [gaze.Fixation(0, 0, 0), gaze.Fixation(1, 10, 0), gaze.Fixation(2, 12, 2)]
    assert layers.gaze_shifts_s(looks).tolist() == [1.0]


def test_one_lid_lags_the_other_by_eight_milliseconds_at_full_asymmetry() -> None:
    acting = dataclasses.replace(NATURAL_ACTING, asymmetry=1.0)
    made = plan.ActingPlan(acting, layers.Direction(cues(), {}), (), np.ones(1, np.float32))
    assert made.lid_lag_s == 0.008
