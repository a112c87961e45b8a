"""Captures: landmarks, fits, lags and formats, on miniatures with known answers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("scipy", reason="captures are made with scipy")

from model_runtime.curves.rig import load_rig
from model_runtime.errors import BadCurves
from model_runtime.training.captures.basis import mouth_region
from model_runtime.training.captures.dataset import (
    CapturedClip,
    CapturedCorpus,
    co_movement,
    on_model_clock,
    write_corpus,
)
from model_runtime.training.captures.facegood import read_facegood, read_table, to_arkit
from model_runtime.training.captures.film_fit import fit_film
from model_runtime.training.captures.fit import FitProblem, fit_curves
from model_runtime.training.captures.grid import observed_channels, read_words
from model_runtime.training.captures.landmarks import (
    CHIN,
    LIP_LINES,
    MEASURES,
    STILL_POINTS,
    Film,
    FilmedClip,
    bridge,
    decode,
    measure,
    read_film,
    stabilise,
)
from model_runtime.training.captures.lip_models import load_lip_models, measure_lip_model
from model_runtime.training.captures.livelink_rom import read_livelink_rom, read_take
from model_runtime.training.captures.loudness import best_lag, lag_profile, measure_loudness
from model_runtime.training.captures.rig_mesh import find_lips, read_rig_mesh

NAMES = load_rig("arkit52").channel_names
FACE_CAP = "facecap_head_arkit52"


def problem(basis: np.ndarray, **changes: object) -> FitProblem:
    channels = basis.shape[1]
    values: dict[str, object] = {
        "basis": basis,
        "row_weights": np.ones(len(basis)),
        "sparse": np.zeros(channels),
        "ridge": np.zeros(channels),
        "lowest": np.zeros(channels),
        "smooth": 0.0,
        "mirrors": (),
        "even": 0.0,
    }
    return FitProblem(**{**values, **changes})  # type: ignore[arg-type]


def test_fit_finds_the_curves_that_made_the_motion() -> None:
    chance = np.random.default_rng(1)
    basis = chance.normal(size=(30, 6))
    truth = chance.uniform(0.0, 1.0, size=(3, 20, 6))
    fitted = fit_curves(problem(basis), truth @ basis.T, np.ones((3, 20)))
    np.testing.assert_allclose(fitted, truth, atol=2e-3)


def test_fit_keeps_to_its_bounds_where_the_motion_asks_for_more() -> None:
    basis = np.eye(2)
    wanted = np.tile([-0.7, 1.8], (1, 5, 1))
    fitted = fit_curves(problem(basis, lowest=np.array([-0.5, 0.0])), wanted, np.ones((1, 5)))
    np.testing.assert_allclose(fitted[0], np.tile([-0.5, 1.0], (5, 1)), atol=1e-6)


def test_fit_prefers_the_cheap_channel_of_two_that_do_the_same() -> None:
    basis = np.ones((3, 2))
    costs = np.array([0.001, 0.1])
    fitted = fit_curves(problem(basis, sparse=costs), np.full((1, 4, 3), 0.5), np.ones((1, 4)))
    np.testing.assert_allclose(fitted[0, :, 0], 0.5, atol=1e-2)
    np.testing.assert_allclose(fitted[0, :, 1], 0.0, atol=1e-3)


def test_fit_carries_on_smoothly_over_frames_that_were_not_filmed() -> None:
    truth = np.linspace(0.2, 0.8, 21)[None, :, None]
    present = np.ones((1, 21))
    present[0, 9:12] = 0.0
    filmed = np.where(present[..., None] > 0, truth, 0.0)
    fitted = fit_curves(problem(np.ones((1, 1)), smooth=0.05), filmed, present, iterations=3000)
    np.testing.assert_allclose(fitted, truth, atol=0.02)


def test_decoding_undoes_differences_and_turns_the_axes() -> None:
    stored = np.array([[[10, 20, -30]], [[5, -5, 0]]], np.int16)
    np.testing.assert_allclose(decode(stored), [[[1.0, -2.0, 3.0]], [[1.5, -1.5, 3.0]]])


def test_lost_frames_are_bridged_from_their_neighbours() -> None:
    values = np.array([[1.0], [99.0], [99.0], [4.0]])
    lost = np.array([False, True, True, False])
    np.testing.assert_allclose(bridge(values, lost)[:, 0], [1.0, 2.0, 3.0, 4.0])


def face_points() -> dict[int, tuple[float, float, float]]:
    """A symmetric face in eyes: still points, lip lines (closed, 0.6 wide), chin, lids, brows."""
    still = {
        33: (-0.5, 0, -0.3), 133: (-0.2, 0, -0.2), 362: (0.2, 0, -0.2), 263: (0.5, 0, -0.3),
        168: (0, 0.05, 0), 6: (0, -0.05, 0.02), 197: (0, -0.12, 0.08), 195: (0, -0.2, 0.14),
        5: (0, -0.28, 0.2), 4: (0, -0.35, 0.22), 98: (-0.15, -0.42, 0), 327: (0.15, -0.42, 0),
        10: (0, 0.7, -0.1), 151: (0, 0.5, -0.05), 9: (0, 0.3, 0),
    }  # fmt: skip
    assert set(still) == set(STILL_POINTS)
    points = dict(still)
    heights = {"outer_upper": 0.1, "outer_lower": -0.12, "inner_upper": 0.0, "inner_lower": 0.0}
    for line, numbers in LIP_LINES.items():
        for number, x in zip(numbers, np.linspace(-0.3, 0.3, len(numbers)), strict=True):
            bulge = 1.0 - (x / 0.3) ** 2
            points[number] = (float(x), -0.75 + heights[line] * bulge, 0.05 * bulge)
    for number, x in zip(CHIN, np.linspace(-0.25, 0.25, len(CHIN)), strict=True):
        points[number] = (float(x), -1.3 + x * x, -0.05)
    for side, lids, brows in (
        (0.35, (385, 386, 387, 380, 374, 373), (336, 285, 296, 295, 300, 293, 276, 283, 334)),
        (-0.35, (158, 159, 160, 153, 145, 144), (107, 55, 66, 65, 70, 63, 46, 53, 105)),
    ):
        points.update({n: (side, 0.05 if i < 3 else -0.05, -0.2) for i, n in enumerate(lids)})
        points.update({n: (side + 0.02 * i * np.sign(side), 0.25, -0.1)
                       for i, n in enumerate(brows)})  # fmt: skip
    return points


def film_of(frames: np.ndarray, ids: tuple[int, ...], turns: np.ndarray | None = None) -> Film:
    count = len(frames)
    turns = np.tile(np.eye(3), (count, 1, 1)) if turns is None else turns
    lost = np.zeros(count, bool)
    clip = FilmedClip("clip", 25.0, frames, np.zeros((count, 52)), turns, lost)
    return Film(ids, (clip,))


def test_measures_do_not_see_the_head_turn_come_closer_or_drift() -> None:
    points = face_points()
    ids = tuple(points)
    head = np.array(list(points.values()))
    angles = np.radians(np.linspace(-12.0, 12.0, 60))
    cos, sin, zero, one = np.cos(angles), np.sin(angles), np.zeros(60), np.ones(60)
    turns = np.stack([cos, zero, sin, zero, one, zero, -sin, zero, cos], 1).reshape(-1, 3, 3)
    filmed = np.einsum("ki,tji->tkj", head * 64.0, turns) + np.linspace(0, 20, 60)[:, None, None]
    film = film_of(filmed, ids, turns)
    moving = measure(film, stabilise(film)[0])[4:-4]
    resting = film_of(np.tile(head, (60, 1, 1)) * 25.0, ids)
    still = measure(resting, stabilise(resting)[0])[4:-4]
    np.testing.assert_allclose(moving, still, atol=2e-3)
    assert still[0, MEASURES.index("width")] == pytest.approx(0.6, abs=1e-6)


def test_lag_is_positive_when_the_face_comes_after_the_sound() -> None:
    rate, chance = 16000, np.random.default_rng(3)
    times = np.arange(rate * 4) / rate
    opened = 0.5 - 0.5 * np.cos(2 * np.pi * 1.7 * times + np.sin(2.1 * times))
    sound = measure_loudness(chance.normal(size=len(times)) * (0.01 + opened), rate)
    film_times = np.arange(100) / 25.0
    for lag in (0.06, -0.04):
        curve = np.interp(film_times - lag, times, np.log(0.01 + opened))
        found, correlation = best_lag([lag_profile(curve, 25.0, sound)])
        assert found == pytest.approx(lag, abs=0.0101)
        assert correlation > 0.9


def test_silence_keeps_its_distance_from_sound() -> None:
    samples = np.full(16000, 1e-4)
    samples[8000:] = 0.5
    sound = measure_loudness(samples, 16000)
    np.testing.assert_array_equal(
        sound.silent(np.array([0.1, 0.3, 0.45, 0.8])), [True, True, False, False]
    )


def test_curves_land_on_the_model_clock_without_overshoot() -> None:
    times = np.arange(5) / 25.0 - 0.02
    values = np.array([0.0, 0.0, 1.0, 1.0, 0.0])[:, None]
    resampled = on_model_clock(values, times, 0.21)
    assert resampled.shape == (11, 1)
    assert resampled[3, 0] == pytest.approx(1.0), "frame 2 of the film shows 0.06 s of the sound"
    assert resampled.min() >= 0.0
    assert resampled.max() <= 1.0
    np.testing.assert_array_equal(resampled[8:, 0], 0.0)


def test_facegood_table_takes_the_largest_and_adds_rounded_lips(tmp_path: Path) -> None:
    table_file = tmp_path / "to_arkit.tsv"
    table_file.write_text(
        "ARKIT\t\tVoice2Face\t\t\t\tStatus\n"
        "jawOpen\t\tmouth_stretch_c\t\t\t\tvalid\n"
        "mouthFunnel\t\tmax(f_l,f_r)\t\t\t\tvalid\n"
        "browDownleft\t\tbrow_lower_l\t\t\t\tInvalid\n",
        encoding="utf-8",
    )
    table = read_table(table_file)
    assert table == {"jawOpen": ("mouth_stretch_c",), "mouthFunnel": ("f_l", "f_r")}
    channels = ["mouth_stretch_c", "f_l", "f_r", "mouth_oh_c", "mouth_oo_c"]
    plain, rounded = to_arkit(np.array([[0.4, 0.1, 0.3, 0, 0], [0.4, 0.1, 0.3, 1, 0]]),
                              channels, table)  # fmt: skip
    assert plain[NAMES.index("mouthFunnel")] == pytest.approx(0.3)
    assert rounded[NAMES.index("mouthFunnel")] > plain[NAMES.index("mouthFunnel")]
    with pytest.raises(BadCurves, match="f_r"):
        to_arkit(np.zeros((1, 4)), ["mouth_stretch_c", "f_l", "mouth_oh_c", "mouth_oo_c"], table)


def test_livelink_take_is_read_by_name_and_time_code(tmp_path: Path) -> None:
    names = [name[0].upper() + name[1:] for name in reversed(NAMES)]
    rows = [",".join(["Timecode", "BlendShapeCount", *names])]
    for code, value in (("10:00:00:28.0", 0.1), ("10:00:00:29.0", 0.2), ("10:00:01:00.5", 0.3)):
        numbers = [value if name == "JawOpen" else 0.0 for name in names]
        rows.append(",".join([code, "61", *(f"{number}" for number in numbers)]))
    take = tmp_path / "take.csv"
    take.write_text("\n".join(rows), encoding="utf-8")
    times, curves = read_take(take)
    np.testing.assert_allclose(times, [0.0, 1 / 30, 2.5 / 30], atol=1e-9)
    np.testing.assert_allclose(curves[:, NAMES.index("jawOpen")], [0.1, 0.2, 0.3])
    take.write_text("\n".join([rows[0].replace("JawOpen", "Jaw"), rows[1]]), encoding="utf-8")
    with pytest.raises(BadCurves, match="jawOpen"):
        read_take(take)


def test_words_fall_back_on_the_sentence_where_no_times_are_known(tmp_path: Path) -> None:
    (tmp_path / "words.tsv").write_text("clip\tstart_s\tend_s\tword\na\t0.1\t0.2\tbin\n")
    (tmp_path / "transcripts.tsv").write_text("clip\ttext\na\tbin\nb\tlay red\n")
    assert read_words(tmp_path) == {"a": [(0.1, 0.2, "bin")], "b": [(0.0, 0.0, "lay red")]}


def test_corpus_file_and_index_agree(tmp_path: Path) -> None:
    curves = np.random.default_rng(5).uniform(size=(40, 52))
    curves[:, 1] = 1.0 - curves[:, 0]
    clip = CapturedClip("one", curves, None, "someone", 0.8, False, np.ones(40, bool))
    corpus = CapturedCorpus("mini", (clip,), np.ones(52, bool), 30.0, 0.01, {})
    entry = json.loads(json.dumps(write_corpus(corpus, tmp_path)))
    with np.load(tmp_path / entry["file"]) as stored:
        assert tuple(stored["channels"]) == NAMES
        np.testing.assert_allclose(stored["curves_one"], curves, atol=1e-3)
    assert entry["clips"][0]["frames"] == 40
    assert co_movement(corpus)["correlation"][0][1] == pytest.approx(-1.0, abs=1e-3)


def test_every_lip_model_closes_by_mouth_close_and_opens_by_jaw() -> None:
    for name, model in load_lip_models().items():
        weights = np.zeros((3, 52))
        weights[1:, NAMES.index("jawOpen")] = 1.0
        weights[2, NAMES.index("mouthClose")] = 1.0
        rest, opened, shut = model.gaps(weights)
        assert opened == pytest.approx(1.0, abs=1e-4), name
        assert abs(rest) < 0.05, name
        assert shut < 0.06, name


@pytest.mark.data
def test_lip_models_in_the_repository_are_those_of_the_rigs(data_folder: Path) -> None:
    committed = load_lip_models()
    for name, model in committed.items():
        measured = measure_lip_model(read_rig_mesh(data_folder / "rigs" / f"{name}.npz"))
        for field in ("gap", "width", "lower_y", "lower_z"):
            stored, fresh = getattr(model, field), getattr(measured, field)
            np.testing.assert_allclose(stored, fresh, atol=1e-5)


@pytest.mark.data
def test_middle_of_the_face_cap_lips_is_where_its_maker_says(data_folder: Path) -> None:
    mesh = read_rig_mesh(data_folder / "rigs" / f"{FACE_CAP}.npz")
    lips = find_lips(mesh)
    middles = lips.middle(mesh, "inner_upper"), lips.middle(mesh, "inner_lower")
    assert middles == (1668, 1666)


@pytest.mark.data
def test_a_face_moved_by_the_rig_is_fitted_back(data_folder: Path) -> None:
    mesh = read_rig_mesh(data_folder / "rigs" / f"{FACE_CAP}.npz")
    points = face_points()
    ids = tuple(points)
    rest = np.array(list(points.values()))
    resting = np.zeros(60, bool)
    resting[:10] = True
    region = mouth_region(mesh, find_lips(mesh), film_of(rest[None], ids), rest)
    wanted = np.zeros((60, len(region.columns)))
    place = {NAMES[column]: i for i, column in enumerate(region.columns)}
    wanted[20:, place["jawOpen"]] = 0.3
    wanted[40:, place["mouthPucker"]] = 0.5
    rows = wanted @ region.problem.basis[:, : len(region.columns)].T
    moved = rows @ np.linalg.pinv(region.selection).T
    frames = rest + moved.reshape(60, len(ids), 3)
    fitted = fit_film(film_of(frames, ids), [frames], [resting], mesh)[0]
    assert fitted.error < 0.01
    np.testing.assert_allclose(fitted.mesh_gap, fitted.filmed_gap, atol=0.005)
    middle = fitted.curves[[5, 30, 50]]
    np.testing.assert_allclose(middle[:, NAMES.index("jawOpen")], [0.0, 0.3, 0.3], atol=0.05)
    np.testing.assert_allclose(middle[:, NAMES.index("mouthPucker")], [0.0, 0.0, 0.5], atol=0.12)


@pytest.mark.data
def test_filmed_woman_is_fitted_with_lips_that_open_and_shut_as_hers(data_folder: Path) -> None:
    film = read_film(data_folder / "capture" / "grid_s31" / "face_25fps.npz")
    film = Film(film.landmark_ids, film.clips[:3])
    points = stabilise(film)
    gaps = [measure(film, clip)[:, MEASURES.index("gap")] for clip in points]
    resting = [gap < np.percentile(np.concatenate(gaps), 10.0) for gap in gaps]
    mesh = read_rig_mesh(data_folder / "rigs" / f"{FACE_CAP}.npz")
    for clip in fit_film(film, points, resting, mesh):
        assert np.corrcoef(clip.mesh_gap, clip.filmed_gap)[0, 1] > 0.97
        assert np.corrcoef(clip.mesh_width, clip.filmed_width)[0, 1] > 0.9
        assert clip.error < 0.03
        assert clip.curves.min() >= 0.0
        assert clip.curves.max() <= 1.0


@pytest.mark.data
def test_facegood_and_livelink_takes_are_whole(data_folder: Path) -> None:
    facegood = read_facegood(data_folder)
    assert facegood.clips[0].name == "1114_2_01"
    assert abs(facegood.lag_s) < 0.05
    assert facegood.observed[NAMES.index("jawOpen")]
    assert not facegood.observed[NAMES.index("eyeBlinkLeft")]
    takes = read_livelink_rom(data_folder)
    assert [round(clip.duration_s) for clip in takes.clips] == [134, 127, 5]


def test_grid_does_not_claim_to_see_lips_roll_in() -> None:
    observed = observed_channels()
    assert set(observed) <= set(NAMES)
    assert "jawOpen" in observed
    assert "mouthRollLower" not in observed
