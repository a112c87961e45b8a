"""The solver finds what was put in, keeps bounds, treats sides alike, and says what is lost."""

from __future__ import annotations

import numpy as np
import pytest

from cstalk_blender.rig.fitting import flame, lips, solver
from cstalk_blender.rig.fitting.bones import axis_angles, matrices, quaternions
from cstalk_blender.rig.mapping.routing import Target, evaluate

RANDOM = np.random.default_rng(5)
FREE = (-np.inf, np.inf)


def fit_for(
    basis: np.ndarray, motions: np.ndarray, bounds: tuple[float, float] = FREE
) -> solver.Fit:
    """A fit with plain names and equal weights."""
    targets = [Target("shape", f"t{n}") for n in range(len(basis))]
    channels = [f"c{n}" for n in range(len(motions))]
    weights = np.ones(basis.shape[1])
    return solver.fit_of(basis, motions, weights, targets, channels, [bounds] * len(basis))


def test_motion_that_the_targets_can_make_is_found_exactly() -> None:
    basis, truth = RANDOM.normal(size=(8, 40, 3)), RANDOM.normal(size=(8, 5))
    fit = fit_for(basis, np.tensordot(truth.T, basis, axes=1))
    found = solver.solve_matrix(fit, ridge=0.0, sparsity=0.0)
    np.testing.assert_allclose(found, truth, atol=1e-3)
    assert solver.lost_of(fit, found).max() < 1e-2


def test_values_stay_within_their_bounds_and_are_the_best_there() -> None:
    basis, truth = RANDOM.normal(size=(6, 30, 3)), RANDOM.normal(size=(6, 4))
    fit = fit_for(basis, np.tensordot(truth.T, basis, axes=1), (0.0, 0.5))
    values = RANDOM.random((20, 4))
    found = solver.solve_frames(fit, values, ridge=0.0, sparsity=0.0, smoothness=0.0)
    assert found.min() >= 0.0
    assert found.max() <= 0.5
    slope = found @ fit.gram - values @ fit.cross.T
    inside = (found > 1e-9) & (found < 0.5 - 1e-9)
    assert np.abs(slope[inside]).max() < 1e-2
    assert slope[found <= 1e-9].min() > -1e-2
    assert slope[found >= 0.5 - 1e-9].max() < 1e-2


def test_sparsity_leaves_a_target_alone_that_hardly_helps() -> None:
    main = RANDOM.normal(size=(1, 40, 3))
    basis = np.concatenate([main, main + 1e-3 * RANDOM.normal(size=(1, 40, 3))])
    basis[1] = RANDOM.normal(size=(40, 3))
    asked = basis[:1] + 0.01 * basis[1:2]
    fit = fit_for(basis, asked)
    assert solver.solve_matrix(fit, sparsity=0.0)[1, 0] > 0.005
    assert solver.solve_matrix(fit, sparsity=0.05)[1, 0] == 0.0


def test_smoothness_lessens_the_change_from_frame_to_frame() -> None:
    basis = RANDOM.normal(size=(3, 20, 3))
    fit = fit_for(basis, basis)
    values = RANDOM.random((50, 3))
    rough, even = (solver.solve_frames(fit, values, smoothness=s) for s in (0.0, 1.0))
    assert np.abs(np.diff(even, axis=0)).sum() < 0.8 * np.abs(np.diff(rough, axis=0)).sum()


def test_symmetric_fit_answers_mirrored_channels_with_mirrored_targets() -> None:
    basis, motions = RANDOM.normal(size=(3, 25, 3)), RANDOM.normal(size=(3, 25, 3))
    fit = solver.symmetric(fit_for(basis, motions), [1, 0, 2], [1, 0, 2], [1.0, 1.0, -1.0])
    gains = solver.solve_matrix(fit)
    np.testing.assert_allclose(gains[0, 0], gains[1, 1], atol=1e-4)
    np.testing.assert_allclose(gains[0, 1], gains[1, 0], atol=1e-4)
    np.testing.assert_allclose(gains[2, 0], -gains[2, 1], atol=1e-4)
    assert abs(gains[2, 2]) < 1e-4


def test_motion_that_no_target_makes_is_named_as_lost() -> None:
    basis, motions = np.zeros((1, 2, 3)), np.zeros((2, 2, 3))
    basis[0, 0, 0], motions[0, 0, 0], motions[1, 1, 2] = 1.0, 1.0, 1.0
    fit = fit_for(basis, motions)
    matrix = solver.solve_matrix(fit, ridge=0.0, sparsity=0.0)
    np.testing.assert_allclose(solver.lost_of(fit, matrix), [0.0, 1.0], atol=1e-3)
    regions = solver.lost_by_region(fit, matrix, {"c0": "jaw", "c1": "brow"})
    assert regions["jaw"] < 1e-2
    assert regions["brow"] == pytest.approx(1.0)


def test_key_of_both_sides_loses_nothing_of_two_channels_of_one_side() -> None:
    motions = np.zeros((2, 2, 3))
    motions[0, 0, 0], motions[1, 1, 0] = 1.0, 1.0
    fit = fit_for(motions.sum(axis=0, keepdims=True), motions)
    alone = solver.lost_of(fit, solver.solve_matrix(fit))
    both = solver.together(fit, ["c1", "c0"])
    assert alone.min() > 0.6
    assert solver.lost_of(both, solver.solve_matrix(both)).max() < 0.05


def test_target_that_moves_nothing_gets_nothing() -> None:
    basis = np.concatenate([RANDOM.normal(size=(1, 9, 3)), np.zeros((1, 9, 3))])
    found = solver.solve_frames(fit_for(basis, basis[:1]), np.ones((4, 1)))
    assert np.isfinite(found).all()
    assert not found[:, 1].any()


def test_routes_of_a_fit_do_what_its_matrix_does() -> None:
    basis, motions = RANDOM.normal(size=(4, 15, 3)), RANDOM.normal(size=(3, 15, 3))
    fit = fit_for(basis, motions)
    values = RANDOM.random((6, 3))
    made = evaluate(solver.routing_of_fit(fit, source="Fit"), values, fit.channels)
    expected = values @ solver.solve_matrix(fit).T
    for row, target in enumerate(fit.targets):
        np.testing.assert_allclose(made[target], expected[:, row], atol=1e-4)


def test_turns_agree_in_every_rotation_mode() -> None:
    angles = RANDOM.uniform(-0.6, 0.6, size=(30, 3))
    w, x, y, z = quaternions(angles).T
    first = np.stack([1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)], axis=1)
    np.testing.assert_allclose(matrices(angles)[:, :, 0], first, atol=1e-12)
    about = axis_angles(angles)
    np.testing.assert_allclose(np.linalg.norm(about[:, 1:], axis=1), 1.0)
    np.testing.assert_allclose(
        np.sin(about[:, :1] / 2) * about[:, 1:] * np.sign(w)[:, None],
        np.stack([x, y, z], axis=1),
        atol=1e-12,
    )


def test_flame_jaw_correctives_are_the_matrix_less_the_identity() -> None:
    turned = flame.jaw_corrections(np.array([[0.0, 0.0, 0.0], [0.3, 0.0, 0.0]]))
    assert [float(values[0]) for values in turned.values()] == [0.0] * 9
    assert turned["Pose14"][1] == pytest.approx(np.cos(0.3) - 1)
    assert turned["Pose15"][1] == pytest.approx(-np.sin(0.3))
    assert turned["Pose17"][1] == pytest.approx(np.sin(0.3))


def test_closures_are_short_and_lie_within_speech() -> None:
    gap = np.ones(100)
    gap[:20], gap[40:46], gap[60:95] = 0.0, 0.05, 0.0
    assert lips.closure_runs(gap, 50.0) == [(40, 46)]
    assert lips.closures(gap, gap, 50.0).all_met
    assert not lips.closures(gap, np.ones(100), 50.0).all_met


def test_seal_closes_what_should_be_closed_and_leaves_the_rest() -> None:
    reference = 0.5 + 0.5 * np.cos(np.linspace(0.0, 6.0 * np.pi, 200))
    gap = 0.3 + 0.7 * reference
    extra = lips.seal(reference, gap, rate=0.8)
    assert lips.closures(reference, gap - 0.8 * extra, 50.0).all_met
    assert not lips.closures(reference, gap, 50.0).met
    assert not extra[reference > lips.PARTED].any()
    assert not lips.seal(reference, gap - 0.8 * extra, rate=0.8).max() > 1e-9
    assert np.abs(np.diff(extra)).max() < 0.15
