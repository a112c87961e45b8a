"""Each metric on hand-made curves whose answer is known."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from model_runtime.arrays import DoubleArray
from model_runtime.curves.track import CurveTrack
from model_runtime.errors import BadArgument
from model_runtime.evaluation.metrics import motion as motion_metrics
from model_runtime.evaluation.metrics import speech as metrics
from model_runtime.evaluation.metrics.mesh import MeshRig
from model_runtime.evaluation.metrics.speech import LipCurves

FPS = 100.0


@dataclasses.dataclass(frozen=True)
class Phone:
    phone: str
    start_s: float
    end_s: float


def phones_of(*names: str, length_s: float = 0.1) -> list[Phone]:
    """Phones of one length, one after another from 0 s on."""
    return [Phone(name, i * length_s, (i + 1) * length_s) for i, name in enumerate(names)]


def lips_of(gap: DoubleArray, **others: DoubleArray) -> LipCurves:
    still = {"width": np.ones_like(gap), "teeth_gap": gap, "protrusion": np.zeros_like(gap)}
    return LipCurves(FPS, gap, **(still | others))


def gap_of(levels: dict[str, float], phones: list[Phone], rest: float = 0.0) -> DoubleArray:
    """A gap that holds a level through each phone."""
    gap = np.full(round(phones[-1].end_s * FPS), rest)
    for phone in phones:
        gap[round(phone.start_s * FPS) : round(phone.end_s * FPS)] = levels[phone.phone]
    return gap


WORDS = phones_of("sil", "m", "aa", "p", "iy", "b", "ao", "sil")
LEVELS = {"sil": 0.0, "m": 0.0, "p": 0.0, "b": 0.0, "aa": 2.0, "ao": 2.0, "iy": 1.0}


def test_perfectly_closing_track_closes_every_bilabial():
    minima = metrics.bilabial_minima(lips_of(gap_of(LEVELS, WORDS)), WORDS)
    assert len(minima) == 3
    assert metrics.closure_rate(minima) == 1.0


def test_one_open_bilabial_of_three_is_counted():
    phones = phones_of("sil", "m", "m", "p", "aa", "aa", "sil")
    gap = gap_of(LEVELS | {"p": 0.6}, phones)
    gap[round(0.28 * FPS) : round(0.42 * FPS)] = 0.6  # open over the whole margin of /p/, too
    rate = metrics.closure_rate(metrics.bilabial_minima(lips_of(gap), phones))
    assert rate == pytest.approx(2 / 3)


@pytest.mark.parametrize("level, closed", [(0.29, 1.0), (0.31, 0.0)])
def test_closed_means_under_fifteen_percent_of_the_reference(level: float, closed: float):
    phones = phones_of("aa", "aa", "m", "aa", "aa")
    gap = gap_of({"aa": 2.0, "m": level}, phones)
    lips = lips_of(gap)
    assert metrics.gap_reference(lips, phones) == pytest.approx(2.0)
    assert metrics.closure_rate(metrics.bilabial_minima(lips, phones)) == closed


def test_contact_within_twenty_milliseconds_of_the_phone_counts_and_later_does_not():
    phones = [Phone("aa", 0.0, 0.5), Phone("m", 0.5, 0.6), Phone("aa", 0.6, 1.0)]
    for contact_s, closed in ((0.62, 1.0), (0.64, 0.0)):
        gap = np.full(100, 2.0)
        gap[round(contact_s * FPS)] = 0.0
        assert metrics.closure_rate(metrics.bilabial_minima(lips_of(gap), phones)) == closed


def test_a_mouth_that_never_opens_scores_no_closure_and_only_mistakes():
    phones = phones_of("m", "aa", "t")
    lips = lips_of(np.zeros(30))
    assert metrics.closure_rate(metrics.bilabial_minima(lips, phones)) == 0.0
    assert metrics.mistake_rate(metrics.lingual_maxima(lips, phones)) == 1.0


def test_lingual_is_a_mistake_only_when_it_never_rises_over_a_tenth():
    phones = [Phone("aa", 0.0, 0.2), Phone("t", 0.21, 0.29), Phone("n", 0.31, 0.39)]
    gap = np.full(40, 2.0)
    gap[20:40] = 0.1  # under a tenth of 2
    gap[35] = 0.3  # but /n/ opens once
    assert metrics.mistake_rate(metrics.lingual_maxima(lips_of(gap), phones)) == 0.5


def test_linguals_of_forty_milliseconds_count_and_shorter_ones_do_not():
    gap = np.full(100, 2.0)
    phones = [Phone("aa", 0.0, 0.5), Phone("t", 0.5, 0.54), Phone("d", 0.6, 0.63)]
    assert len(metrics.lingual_maxima(lips_of(gap), phones)) == 1


def test_auc_is_one_for_parted_values_half_for_equal_ones_and_nan_for_none():
    assert metrics.auc(np.array([2.0, 3.0]), np.array([0.0, 1.0])) == 1.0
    assert metrics.auc(np.array([0.0, 1.0]), np.array([2.0, 3.0])) == 0.0
    assert metrics.auc(np.ones(3), np.ones(4)) == 0.5
    assert metrics.auc(np.array([1.0, 3.0]), np.array([2.0])) == 0.5
    assert math.isnan(metrics.auc(np.ones(3), np.array([])))


def test_width_is_read_in_the_middle_half_of_a_phone():
    phones = [Phone("iy", 0.0, 0.4), Phone("uw", 0.4, 0.8)]
    width = np.concatenate([np.full(10, 0.2), np.full(20, 1.2), np.full(10, 0.2), np.full(40, 0.7)])
    lips = lips_of(np.ones(80), width=width)
    assert metrics.phone_widths(lips, phones, metrics.SPREAD) == pytest.approx([1.2], abs=0.06)
    assert metrics.phone_widths(lips, phones, metrics.ROUNDED) == pytest.approx([0.7])


def test_expected_openness_is_one_in_long_open_vowels_and_zero_in_bilabials_and_silence():
    phones = phones_of("sil", "aa", "m", "s", length_s=0.3)
    expected = metrics.expected_openness(phones, fps=FPS, frames=120)
    assert expected[[15, 45, 75, 105]] == pytest.approx([0.0, 1.0, 0.0, 0.35], abs=1e-9)
    assert 0.2 < expected[30] < 0.8, "the step is smoothed"


@pytest.mark.parametrize("shift_frames", [-7, 0, 4, 20])
def test_a_shifted_curve_lags_by_its_shift(shift_frames: int):
    base = np.random.default_rng(1).standard_normal(400)
    leader = np.convolve(base, np.hanning(15), mode="same")
    follower = np.roll(leader, shift_frames)
    assert metrics.lag_s(follower, leader, fps=FPS) == pytest.approx(shift_frames / FPS)


def test_correlation_is_one_for_scaled_copies_and_zero_for_a_still_curve():
    curve = np.sin(np.arange(50) / 5)
    assert metrics.correlation(3 * curve + 1, curve) == pytest.approx(1.0)
    assert metrics.correlation(-curve, curve) == pytest.approx(-1.0)
    assert metrics.correlation(np.ones(50), curve) == 0.0


def test_acceleration_energy_of_a_parabola_is_its_curvature_squared_at_any_rate():
    for fps in (50.0, 100.0):
        time_s = np.arange(40) / fps
        values = np.stack([1.5 * time_s**2, np.zeros(40)], axis=1)
        energy = motion_metrics.acceleration_energy(values, fps=fps)
        assert energy == pytest.approx((3.0**2 + 0) / 2)


def test_motion_range_is_that_of_the_middle_ninety_percent():
    values = np.linspace(0, 1, 101)[:, None]
    assert motion_metrics.motion_range(values) == pytest.approx([0.9])


def test_vertex_errors_follow_their_definitions():
    reference = np.zeros((2, 3, 3))
    predicted = reference.copy()
    predicted[0, 1] = [3.0, 4.0, 0.0]  # one vertex of one frame is 5 off
    assert motion_metrics.lip_vertex_error(predicted, reference) == pytest.approx(25 / 2)
    assert motion_metrics.eye_vertex_error(predicted, reference) == pytest.approx(25 / 2)
    assert motion_metrics.mean_vertex_error(predicted, reference) == pytest.approx(5 / 6)
    opening = motion_metrics.mouth_opening_difference(np.array([1.0, 0.0]), np.zeros(2))
    assert opening == pytest.approx(0.5)


def test_dynamics_deviation_is_positive_where_the_prediction_moves_less():
    moving = np.zeros((4, 1, 3))
    moving[1::2, 0, 0] = 2.0  # squared displacement 0 4 0 4: standard deviation 2
    still = np.zeros((4, 1, 3))
    assert motion_metrics.upper_face_dynamics_deviation(still, moving) == pytest.approx(2.0)
    assert motion_metrics.upper_face_dynamics_deviation(moving, still) == pytest.approx(-2.0)
    assert motion_metrics.upper_face_dynamics_deviation(moving, moving) == 0.0


def test_beats_of_a_curve_are_the_moments_between_moves():
    position = np.concatenate([np.sin(np.linspace(-np.pi / 2, np.pi / 2, 21))] * 2)
    position[21:] = 1.0 - (position[21:] + 1)
    beats = motion_metrics.motion_beats_s(position[:, None], fps=FPS)
    assert any(abs(beat - 0.2) <= 0.015 for beat in beats)


def test_beat_consistency_is_one_on_the_beat_and_falls_with_distance():
    sound = np.array([0.5, 1.0, 1.5])
    assert motion_metrics.beat_consistency(sound, sound) == pytest.approx(1.0)
    off = motion_metrics.beat_consistency(np.array([1.0]), np.array([1.1]))
    assert off == pytest.approx(math.exp(-0.5))
    assert motion_metrics.beat_consistency(sound, np.array([])) == 0.0


def test_speech_lip_correlation_ignores_scale():
    loudness = np.random.default_rng(0).standard_normal(60)
    assert motion_metrics.speech_lip_correlation(loudness, 5 * loudness) == pytest.approx(1.0)


def test_region_distance_is_zero_for_equal_and_two_for_opposite_co_movement():
    wave = np.sin(np.arange(200) / 7)
    together = np.stack([wave, wave], axis=1)
    opposite = np.stack([wave, -wave], axis=1)
    distance = motion_metrics.region_correlation_distance
    assert distance(together, together, [0, 1]) == pytest.approx(0.0, abs=1e-12)
    assert distance(opposite, together, [0, 1]) == pytest.approx(2.0)
    still = np.zeros_like(together)
    assert distance(still, together, [0, 1]) == pytest.approx(1.0), "no motion, no correlation"


def toy_head() -> MeshRig:
    """A mouth of four vertices and a chin: every distance can be read off."""
    neutral = np.array([[0, 0.01, 1], [0, -0.01, 1], [2, 0, 0], [-2, 0, 0], [0, -5, 0]], np.float32)
    moves = {
        "jawOpen": {1: (0, -4, -1), 4: (0, -4, 0)},
        "mouthUpperUpLeft": {0: (0, 1, 0)},
        "mouthUpperUpRight": {0: (0, 1, 0)},
        "mouthLowerDownLeft": {1: (0, -1, 0), 4: (0, -0.01, 0)},
        "mouthLowerDownRight": {1: (0, -1, 0), 4: (0, -0.01, 0)},
        "mouthPucker": {2: (-1, 0, 0), 3: (1, 0, 0)},
        "mouthRollLower": {1: (0, 0, -0.5)},
        "mouthStretchLeft": {1: (0, 0, -0.2), 2: (0.5, 0, 0)},
    }
    deltas = np.zeros((len(moves), len(neutral), 3), np.float32)
    for shape, moved in enumerate(moves.values()):
        for vertex, offset in moved.items():
            deltas[shape, vertex] = offset
    return MeshRig(list(moves), neutral, deltas)


def test_lips_and_corners_are_found_by_what_moves_them():
    marks = toy_head().landmarks
    assert (marks.upper, marks.lower, marks.corner_left, marks.corner_right) == (0, 1, 2, 3)


def test_mesh_measures_gap_width_teeth_and_protrusion_of_known_poses():
    channels = ("jawOpen", "mouthPucker", "mouthRollLower", "noShapeOfTheMesh")
    values = np.array([[0, 0, 0, 1], [0.5, 0, 0, 0], [0, 1, 0, 0], [0.5, 0, 1, 0]], np.float32)
    lips = toy_head().measure(CurveTrack(values, channels, FPS))
    assert lips.gap == pytest.approx([0.02, 2.02, 0.02, 2.02])
    assert lips.width == pytest.approx([1.0, 1.0, 0.5, 1.0])
    assert lips.teeth_gap == pytest.approx([0.02, 2.02, 0.02, 2.02])
    assert lips.protrusion == pytest.approx([0.0, -0.25, 0.0, -0.5]), "jaw and roll draw it back"


def test_mesh_clips_values_as_a_shape_key_does():
    track = CurveTrack(np.array([[3.0], [-2.0]], np.float32), ("jawOpen",), FPS)
    assert toy_head().gap(track) == pytest.approx([4.02, 0.02])


def test_mesh_without_the_shapes_that_show_the_lips_is_refused():
    with pytest.raises(BadArgument, match="mouthUpperUpLeft"):
        MeshRig(["jawOpen"], np.zeros((2, 3), np.float32), np.zeros((1, 2, 3), np.float32))
