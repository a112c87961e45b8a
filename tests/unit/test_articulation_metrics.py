"""Laws of the measures of articulation, on tables and curves whose answers are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model_runtime.arrays import DoubleArray
from model_runtime.curves.track import CurveTrack
from model_runtime.evaluation.data.clips import SpokenClip
from model_runtime.evaluation.metrics import articulation, life, phone_head, pulses
from model_runtime.evaluation.metrics.intervals import bootstrap_mean, wilson
from model_runtime.evaluation.metrics.measures import MEASURES, Bar, mean_figure, share_figure
from model_runtime.evaluation.metrics.mesh import MeshRig
from model_runtime.evaluation.metrics.phone_classes import CLASS_BY_KEY, class_means
from model_runtime.evaluation.metrics.phone_table import COLUMNS, PhoneTable, phone_table
from model_runtime.training.alignment.forced import PhoneTime

FPS = 60.0


def table(*rows: tuple[str, dict[str, float]], seconds: float = 0.1) -> PhoneTable:
    """A table of phones with some values given, the others 0."""
    values = np.array([[given.get(name, 0.0) for name in COLUMNS] for _phone, given in rows])
    return PhoneTable(
        phones=np.array([phone for phone, _given in rows]),
        clips=np.zeros(len(rows), np.int64),
        seconds=np.full(len(rows), seconds),
        values=values,
        points=np.zeros((len(rows), 6)),
    )


def test_a_rounded_phone_counts_by_its_mean_and_a_glide_by_its_narrowest_moment():
    rows = table(
        ("uw", {"width": 0.99, "narrowest": 0.90}),
        ("uw", {"width": 1.00, "narrowest": 0.90}),
        ("sh", {"width": 1.05, "narrowest": 0.90}),
        ("w", {"width": 1.20, "narrowest": 0.99}),
        ("ow", {"width": 1.20, "narrowest": 1.00}),
        ("iy", {"width": 1.20, "narrowest": 1.10}),
    )
    assert articulation.unrounded(rows).tolist() == [False, True, True, False, True]


def test_only_r_itself_must_be_narrow():
    rows = table(("r", {"width": 0.99}), ("r", {"width": 1.0}), ("er", {"width": 0.5}))
    assert articulation.narrow_r(rows).tolist() == [True, False]


@pytest.mark.parametrize(
    "roll, teeth, expected",
    [
        (0.35, 0.14, True),
        (0.80, -0.2, True),
        (0.34, 0.0, False),
        (0.81, 0.0, False),
        (0.5, 0.15, False),
    ],
)
def test_a_labiodental_is_a_mild_roll_with_the_lip_at_the_teeth(
    roll: float, teeth: float, expected: bool
):
    rows = table(("f", {"largest_roll": roll, "least_teeth_gap": teeth}), ("s", {}))
    assert articulation.labiodental(rows).tolist() == [expected]


def test_a_lip_rolled_on_average_is_a_mistake_in_all_but_labials_and_silence():
    rows = table(
        *((phone, {"roll": 0.26}) for phone in ("m", "b", "p", "f", "v", "sil", "aa", "t"))
    )
    assert articulation.rolled_elsewhere(rows).tolist() == [True, True]
    assert not articulation.rolled_elsewhere(table(("aa", {"roll": 0.25}))).any()


def test_a_tongue_is_visible_from_fifteen_hundredths_on():
    rows = table(
        ("th", {"largest_tongue": 0.15}),
        ("dh", {"largest_tongue": 0.14}),
        ("l", {"largest_tongue": 1.0}),
    )
    assert articulation.visible_tongue(rows).tolist() == [True, False]


def test_lips_that_never_opened_have_not_closed_either():
    rows = table(("m", {"least_gap": 0.149}), ("b", {"least_gap": 0.15}), ("p", {}))
    rows.values[2, COLUMNS.index("least_gap")] = np.nan
    assert articulation.closed(rows).tolist() == [True, False, False]


def mouths(spread: float) -> PhoneTable:
    """Twelve sentences of all visemes whose mouths lie in one place each, give or take."""
    random = np.random.default_rng(3)
    phones = ["m", "f", "uw", "aa", "iy", "sh", "s", "th", "r"]
    centres = random.normal(size=(len(phones), 30))
    rows = [(phone, number) for number in range(12) for phone in phones]
    points = np.array([centres[phones.index(p)] for p, _n in rows])
    points = points + spread * random.normal(size=points.shape)
    return PhoneTable(
        phones=np.array([phone for phone, _number in rows]),
        clips=np.array([number for _phone, number in rows]),
        seconds=np.full(len(rows), 0.1),
        values=np.zeros((len(rows), len(COLUMNS))),
        points=points,
    )


def test_mouths_of_their_own_are_read_and_mouths_all_alike_are_guessed():
    own, classes = articulation.viseme_hits(mouths(spread=0.01))
    assert articulation.balanced_accuracy(own, classes) == 1.0
    alike, classes = articulation.viseme_hits(mouths(spread=50.0))
    assert articulation.balanced_accuracy(alike, classes) < 0.3


def test_one_sentence_cannot_be_read_by_what_it_says_itself():
    rows = mouths(spread=0.01)
    single = PhoneTable(
        rows.phones, np.zeros_like(rows.clips), rows.seconds, rows.values, rows.points
    )
    hits, _classes = articulation.viseme_hits(single)
    assert not len(hits)


def test_a_viseme_seen_once_cannot_be_read_and_disturbs_no_other():
    rows = mouths(spread=0.01)
    phones = rows.phones.copy()
    phones[phones == "th"] = "sil"
    phones[0] = "th"
    few = PhoneTable(phones, rows.clips, rows.seconds, rows.values, rows.points)
    hits, classes = articulation.viseme_hits(few)
    dental = list(articulation.VISEMES).index("th")
    assert not hits[classes == dental].any()
    assert hits[classes != dental].all()


def test_balanced_accuracy_counts_a_rare_class_as_much_as_a_common_one():
    hits = np.array([True] * 9 + [False])
    classes = np.array([0] * 9 + [1])
    assert articulation.balanced_accuracy(hits, classes) == 0.5


def test_phone_table_measures_the_middle_and_the_margins_of_a_phone(tmp_path: Path):
    neutral = np.array([[0, 0.01, 1], [0, -0.01, 1], [2, 0, 0], [-2, 0, 0]], np.float32)
    names = ["jawOpen", "mouthPucker", "mouthUpperUpLeft", "mouthLowerDownLeft", "mouthRollLower"]
    names += ["mouthUpperUpRight", "mouthLowerDownRight"]
    deltas = np.zeros((len(names), 4, 3), np.float32)
    deltas[0, 1, 1], deltas[1, 2, 0], deltas[1, 3, 0] = -4.0, -1.0, 1.0
    deltas[1, :2, 2] = 0.5
    deltas[2, 0, 1], deltas[3, 1, 1] = 1.0, -1.0
    deltas[4, 1, 2] = -0.5
    head = MeshRig(names, neutral, deltas, lips=(0, 1))
    values = np.zeros((60, 3), np.float32)  # aa for half a second, then uw
    values[:30, 0], values[30:, 1] = 0.5, 0.6
    values[45, 2] = 0.7
    track = CurveTrack(values, ("jawOpen", "mouthPucker", "mouthRollLower"), FPS)
    phones = (PhoneTime("aa", 0.0, 0.5, "", 0.0), PhoneTime("uw", 0.5, 1.0, "", 0.0))
    clip = SpokenClip("a", tmp_path, "s", "en", phones)
    rows = phone_table(head, [(clip, track)])
    assert rows.phones.tolist() == ["aa", "uw"]
    assert rows.column("width") == pytest.approx([1.0, 0.7])
    assert rows.column("gap") == pytest.approx([1.0, 0.0], abs=0.02)
    assert rows.column("jaw") == pytest.approx([0.5, 0.0])
    assert rows.column("pucker") == pytest.approx([0.0, 0.6])
    assert rows.column("largest_roll") == pytest.approx([0.0, 0.7])
    assert rows.column("roll")[1] < 0.1, "one frame of a middle of fifteen"
    assert rows.column("protrusion")[1] > 0.28
    means = class_means(rows)
    assert means["round"][:2] == pytest.approx((0.7, 0.6))
    assert np.isnan(means["fv"][0])


def test_the_person_hardly_widens_the_mouth_in_any_class():
    assert CLASS_BY_KEY["round"].person[0] == 0.96
    assert CLASS_BY_KEY["spread"].a2f[0] == 1.01
    assert all(len(row.person) == len(row.a2f) == 6 for row in CLASS_BY_KEY.values())


def square(rise: int, hold: int, fall: int, *, high: float = 1.0, length: int = 60) -> DoubleArray:
    """A value that rises over some frames, holds and falls."""
    parts = [np.zeros(10), np.linspace(0, high, rise + 1)[1:], np.full(hold, high)]
    parts += [np.linspace(high, 0, fall + 1)[1:], np.zeros(length)]
    return np.concatenate(parts)[:length, None]


@pytest.mark.parametrize(
    "rise, hold, fall, high, count",
    [
        (1, 5, 1, 1.0, 1),
        (4, 5, 4, 1.0, 1),
        (20, 5, 1, 1.0, 0),
        (1, 5, 20, 1.0, 0),
        (1, 5, 1, 0.94, 0),
        (1, 60, 1, 1.0, 0),
    ],
)
def test_a_pulse_rises_and_falls_within_eighty_milliseconds(
    rise: int, hold: int, fall: int, high: float, count: int
):
    assert pulses.pulse_count(square(rise, hold, fall, high=high), fps=FPS) == count


def test_pulses_are_counted_in_every_channel_and_speed_is_a_second():
    twice = np.tile(square(1, 3, 1), (1, 2))
    assert pulses.pulse_count(twice, fps=FPS) == 2
    assert pulses.speeds(twice, fps=FPS).max() == 60.0
    assert pulses.over_one(np.array([[0.5, 1.0], [0.2, 1.01]])).tolist() == [False, True]


def face(**channels: DoubleArray) -> CurveTrack:
    values = np.stack(list(channels.values()), axis=1).astype(np.float32)
    return CurveTrack(values, tuple(channels), FPS)


def test_a_blink_is_counted_once_however_long_the_lid_stays_down():
    lid = np.concatenate([square(3, 4, 6)[:, 0], square(3, 20, 6)[:, 0]])
    track = face(eyeBlinkLeft=lid, eyeBlinkRight=lid * 0.95)
    assert life.blink_count(track) == 2
    assert life.lid_difference(track) == pytest.approx(0.05)
    assert life.blink_count(face(eyeBlinkLeft=np.minimum(lid, 0.6))) == 0


def test_an_expression_that_rises_starts_low_and_one_that_is_worn_does_not():
    times = np.arange(120) / FPS
    neutral = face(browInnerUp=np.zeros(120), jawOpen=times)
    rising = face(browInnerUp=times, jawOpen=times)
    worn = face(browInnerUp=np.full(120, 0.4), jawOpen=0 * times)
    level = life.expression_level(rising, neutral, ("browInnerUp",))
    assert level.mean() == pytest.approx(1.0)
    assert life.onset_level(level, fps=FPS) < 0.15
    assert level.std() > 0.5
    level = life.expression_level(worn, neutral, ("browInnerUp",))
    assert life.onset_level(level, fps=FPS) == pytest.approx(1.0)
    assert level.std() == pytest.approx(0.0, abs=1e-6)


def test_still_eyes_do_not_deviate_and_a_mirrored_mouth_correlates_fully():
    wave = 0.5 + 0.5 * np.sin(np.arange(100) / 7)
    track = face(eyeLookInLeft=np.zeros(100), mouthSmileLeft=wave, mouthSmileRight=0.5 * wave,
                 mouthStretchLeft=wave, mouthStretchRight=-wave,
                 mouthUpperUpLeft=wave, mouthUpperUpRight=np.zeros(100))  # fmt: skip
    assert life.mean_deviation(track, "eyeLook") == 0.0
    assert life.mean_deviation(track, "brow") == 0.0
    assert life.mirror_correlation(track) == pytest.approx(0.0, abs=1e-6), "+1 and -1; one is still"


def test_a_head_that_turns_by_ten_degrees_a_second_moves_at_that_speed():
    yaw = np.radians(10) * np.arange(120) / FPS
    still = np.zeros(120)
    found = life.head_motion(face(headYaw=yaw, headPitch=still, headRoll=still))
    assert found is not None
    (turned, nodded, tilted), speed = found
    assert speed == pytest.approx(10.0, rel=1e-3)
    assert turned == pytest.approx(20 / np.sqrt(12), rel=1e-2)
    assert (nodded, tilted) == (0.0, 0.0)
    assert life.head_motion(face(headYaw=yaw)) is None


def test_phone_head_counts_frames_of_speech_only_and_scores_groups_by_f1():
    phones = [PhoneTime("sil", 0, 0.2, "", 0), PhoneTime("m", 0.2, 0.4, "", 0)]
    labels = phone_head.frame_labels(phones, frames=25, frame_rate=50)
    assert labels.tolist() == ["sil"] * 10 + ["m"] * 10 + [""] * 5
    detected = np.array(["m"] * 10 + ["b"] * 4 + ["m"] * 4 + ["t"] * 2 + ["m"] * 5)
    assert phone_head.right_in_speech(labels, detected).mean() == 0.4
    # 8 of 10 frames of m/b/p found, 10 frames of silence taken for one: P 8/18, R 8/10.
    assert phone_head.f1(labels, detected, ("m", "b", "p")) == pytest.approx(16 / 28)
    assert np.isnan(phone_head.f1(labels, detected, ("zh",)))
    posteriors = np.array([[0.2, 0.3, 0.5]])
    assert phone_head.group_probability(posteriors, ("f", "sil", "v"), ("f", "v")) == 0.7


def test_wilson_intervals_are_those_of_the_tables():
    assert wilson(114, 134) == pytest.approx((0.781, 0.901), abs=1e-3)
    assert wilson(0, 10) == pytest.approx((0.0, 0.278), abs=1e-3)
    assert all(np.isnan(wilson(0, 0)))


def test_the_interval_of_a_mean_covers_it_and_needs_two_values():
    values = np.random.default_rng(0).normal(3, 1, 100)
    low, high = bootstrap_mean(values)
    assert low < values.mean() < high
    assert high - low == pytest.approx(2 * 1.96 / 10, rel=0.2)
    assert all(np.isnan(bootstrap_mean(np.array([1.0]))))


def test_figures_carry_their_cases_and_pass_over_what_is_not_known():
    figure = share_figure(np.array([True, True, False, False]))
    assert (figure.value, figure.count) == (0.5, 4)
    assert np.isnan(share_figure(np.zeros(0, bool)).value)
    assert mean_figure([1.0, float("nan"), 3.0]).value == 2.0


@pytest.mark.parametrize(
    "bar, value, passes, attained",
    [
        (Bar(low=0.8), 0.8, True, 1.0),
        (Bar(low=0.8), 0.4, False, 0.5),
        (Bar(low=0.8), -0.4, False, 0.0),
        (Bar(high=0.1), 0.1, True, 1.0),
        (Bar(high=0.1), 0.4, False, 0.25),
        (Bar(0.9, 1.0), 1.0, True, 1.0),
        (Bar(0.9, 1.0), 1.05, False, 0.5),
        (Bar(0.9, 1.0), 2.0, False, 0.0),
        (Bar(low=0.8), float("nan"), False, 0.0),
    ],
)
def test_a_bar_is_met_at_its_bound_and_missed_by_degrees(
    bar: Bar, value: float, passes: bool, attained: float
):
    assert bar.passes(value) is passes
    assert bar.attainment(value) == pytest.approx(attained)


def test_bars_are_those_of_the_document():
    bars = {measure.key: measure.bar("dev") for measure in MEASURES}
    assert bars["unrounded"] == Bar(high=0.15)
    assert bars["unrounded_emotion"] == Bar(high=0.30)
    assert bars["labiodental"] == Bar(low=0.70)
    assert bars["readability"] == Bar(low=0.80)
    assert bars["readability_emotion"] == Bar(low=0.77)
    assert bars["width_open"] == Bar(0.93, 0.98)
    assert bars["grid_s1_gap"] == Bar(low=0.85)
    assert bars["unseen_width"] == Bar(low=0.48)
    assert bars["nonspeech"] == Bar(high=0.05)
