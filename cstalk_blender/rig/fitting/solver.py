"""Fit channels to unnamed shapes of a face by bounded least squares. No bpy.

The motion that each channel requests, and the motion that each target of the face makes, are given
at the same vertices of the face. A performance is then the values x of the targets that minimise

    1/2 |sum_k x_k B_k - sum_c a_c S_c|^2 + ridge |n x|^2 / 2 + sparsity |n x|_1
        + smoothness / 2 |n (x - x of the frame before)|^2,   lower <= x <= upper

with B the targets' motion, S the channels', a the channels' values, and n the strength of each
target (the length of its motion), so that the three weights are independent of the face. Only
B'B, B'S and |S|^2 are needed: the normal equations, a few kilobytes that are stored with the
face. Solved by accelerated proximal gradient steps (FISTA, Beck and Teboulle 2009), with the
momentum dropped when it leads uphill (O'Donoghue and Candes 2015).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ...arrays import Array
from ..mapping.routing import Routing, Target, from_matrix

# Weights of the formula in the docstring; they scale with the strength, so that one set fits every
# face and unit.
RIDGE = 1e-3
"""Part of a target's own strength: prevents targets of the same motion from cancelling each
other."""
SPARSITY = 1e-4
"""Part of the strongest channel's motion: a target that contributes less stays at 0."""
SMOOTHNESS = 0.02
"""Weight of the change from frame to frame: removes jitter at the bounds and keeps 95 % of the
lips' fastest motion, a closure."""
# FISTA's error falls with the square of the steps (Beck and Teboulle 2009); only faces whose shapes
# nearly coincide need them all.
MOST_STEPS = 500
ENOUGH = 1e-6
"""The fit is done when no value changes by more than this part of the largest."""
GONE = 1e-12
"""A motion of less than this part of the largest counts as none."""


@dataclasses.dataclass(frozen=True)
class Fit:
    """The normal equations of one face."""

    targets: tuple[Target, ...]
    channels: tuple[str, ...]
    gram: Array
    """B'B, (targets, targets)."""
    cross: Array
    """B'S, (targets, channels)."""
    energy: Array
    """|S|^2 of each channel, (channels,)."""
    lower: Array
    """Lowest value of each target, (targets,); may be -inf."""
    upper: Array

    @property
    def strength(self) -> Array:
        """Length of each target's motion at value 1, (targets,)."""
        return np.asarray(np.sqrt(np.maximum(np.diag(self.gram), 0.0)))


def fit_of(
    basis: Array,
    motions: Array,
    weights: Array,
    targets: Sequence[Target],
    channels: Sequence[str],
    bounds: Sequence[tuple[float, float]],
) -> Fit:
    """Return the normal equations of a face.

    Args:
        basis: Motion of each place at value 1 of each target, (targets, places, 3).
        motions: Motion of each place at value 1 of each channel, (channels, places, 3).
        weights: Weight of each place, (places,).
        targets: Targets of the basis.
        channels: Channels of the motions.
        bounds: Lowest and highest value of each target.
    """
    # The weights multiply both sides, so that they enter the normal equations squared.
    rows = (np.asarray(basis, np.float64) * weights[None, :, None]).reshape(len(targets), -1)
    wanted = (np.asarray(motions, np.float64) * weights[None, :, None]).reshape(len(channels), -1)
    limits = np.array(bounds, np.float64).reshape(-1, 2)
    return Fit(
        tuple(targets),
        tuple(channels),
        # The products are stored, not the motions: they do not grow with the vertices.
        rows @ rows.T,
        rows @ wanted.T,
        np.einsum("cp,cp->c", wanted, wanted),
        limits[:, 0],
        limits[:, 1],
    )


def symmetric(
    fit: Fit,
    target_mirror: Sequence[int],
    channel_mirror: Sequence[int],
    target_signs: Sequence[float] | None = None,
) -> Fit:
    """Return ``fit`` with left and right treated alike.

    Args:
        fit: The normal equations.
        target_mirror: Index of each target's partner on the other side, itself for central ones.
        channel_mirror: The same for the channels.
        target_signs: -1 for a target whose value changes its sign in the mirror (a rotation to
            the side), else 1; None for 1 everywhere.

    Returns:
        The mean of the fit and of its mirror image; its solution is a mirror image of itself.
    """
    t, c = np.asarray(target_mirror), np.asarray(channel_mirror)
    signs = np.ones(len(t)) if target_signs is None else np.asarray(target_signs, np.float64)
    # A rotation that changes its sign in the mirror swaps its bounds as well.
    mirrored_low = np.where(signs > 0, fit.lower[t], -fit.upper[t])
    mirrored_high = np.where(signs > 0, fit.upper[t], -fit.lower[t])
    return dataclasses.replace(
        fit,
        gram=0.5 * (fit.gram + signs[:, None] * signs[None] * fit.gram[np.ix_(t, t)]),
        cross=0.5 * (fit.cross + signs[:, None] * fit.cross[np.ix_(t, c)]),
        energy=0.5 * (fit.energy + fit.energy[c]),
        # The tighter bound of both sides, or the mirrored solution would leave one.
        lower=np.maximum(fit.lower, mirrored_low),
        upper=np.minimum(fit.upper, mirrored_high),
    )


def together(fit: Fit, partners: Sequence[str]) -> Fit:
    """Return ``fit`` with each channel requested together with its partner of the other side.

    The two sides are assumed to move different vertices, which holds except at the midline.

    Args:
        fit: The normal equations.
        partners: Name of each channel's partner, its own for central ones.
    """
    both = np.eye(len(fit.channels))
    # A matrix of channels: a request for one side adds the motion of the other.
    for column, partner in enumerate(partners):
        if partner in fit.channels:
            both[fit.channels.index(partner), column] = 1.0
    # Without the cross terms of the two sides, which vanish when they move different vertices.
    return dataclasses.replace(fit, cross=fit.cross @ both, energy=fit.energy @ both)


def solve_frames(
    fit: Fit,
    values: NDArray[np.floating],
    *,
    ridge: float = RIDGE,
    sparsity: float = SPARSITY,
    smoothness: float = SMOOTHNESS,
    bounded: bool = True,
) -> Array:
    """Return the values of the targets that follow a performance best.

    Args:
        fit: The face.
        values: Channel values, (frames, channels).
        ridge: As in the module's formula; so are the other two.
        sparsity: Part of the strongest channel's motion below which a target stays at 0.
        smoothness: 0 solves each frame independently.
        bounded: False ignores the targets' bounds.

    Returns:
        Shape (frames, targets), within the bounds.
    """
    strength = fit.strength
    # Also guards a face without any motion, whose largest strength is 0.
    live = strength > GONE * max(float(strength.max(initial=0.0)), GONE)
    # Unit strength for every target: one step size then suits shapes of 1 mm and of 5 cm.
    scale = np.where(live, 1.0 / np.where(live, strength, 1.0), 0.0)
    gram = fit.gram * scale[:, None] * scale[None] + ridge * np.eye(len(scale))
    # Scaled as the targets; the result is scaled back at the end.
    wanted = np.asarray(values, np.float64) @ (fit.cross * scale[:, None]).T
    unlimited = np.full(len(scale), np.inf)
    # A dead target is fixed at 0 by both bounds.
    lower = (
        np.where(live, fit.lower * np.where(live, strength, 1.0), 0.0) if bounded else -unlimited
    )
    upper = np.where(live, fit.upper * np.where(live, strength, 1.0), 0.0) if bounded else unlimited
    # The scale of the strongest channel makes the threshold independent of the mesh's units.
    threshold = sparsity * float(np.sqrt(fit.energy.max(initial=0.0)))
    found = _descend(gram, wanted, lower, upper, threshold, smoothness)
    return np.asarray(found * scale)


def solve_matrix(fit: Fit, *, ridge: float = RIDGE, sparsity: float = SPARSITY) -> Array:
    """Return gains (targets, channels): the solution for each channel alone at 1.

    Args:
        fit: The face.
        ridge: As for `solve_frames`.
        sparsity: As for `solve_frames`.
    """
    # All channels at once, as frames without smoothness.
    alone = np.eye(len(fit.channels))
    return solve_frames(fit, alone, ridge=ridge, sparsity=sparsity, smoothness=0.0).T


def routing_of_fit(fit: Fit, *, source: str) -> Routing:
    """Return the fit as routes, which the user can see, edit and save as a preset.

    Args:
        fit: The face.
        source: Display name of the routing.
    """
    bounds = {
        target: (float(low), float(high))
        for target, low, high in zip(fit.targets, fit.lower, fit.upper, strict=True)
    }
    return from_matrix(solve_matrix(fit), fit.channels, fit.targets, source=source, bounds=bounds)


def lost_of(fit: Fit, matrix: Array) -> Array:
    """Return the part of each channel's motion that is lost, (channels,), 0 to 1.

    Args:
        fit: The face. A channel without motion has lost nothing.
        matrix: Gains (targets, channels).
    """
    # |Ba - S|^2 written out in stored products, without the vertices.
    made = np.einsum("kc,kl,lc->c", matrix, fit.gram, matrix)
    left = made - 2.0 * np.einsum("kc,kc->c", matrix, fit.cross) + fit.energy
    there = fit.energy > GONE * max(float(fit.energy.max(initial=0.0)), GONE)
    # Rounding may make a perfect fit slightly negative.
    parts = np.sqrt(np.maximum(left, 0.0) / np.where(there, fit.energy, 1.0))
    return np.asarray(np.where(there, np.minimum(parts, 1.0), 0.0))


def lost_by_region(fit: Fit, matrix: Array, regions: Mapping[str, str]) -> dict[str, float]:
    """Return the part of the motion of each region that is lost, 0 to 1.

    Args:
        fit: The face.
        matrix: Gains (targets, channels).
        regions: Region of each channel.
    """
    # Squares add up over channels, parts do not.
    left = lost_of(fit, matrix) ** 2 * fit.energy
    totals: dict[str, tuple[float, float]] = {}
    for channel, lost, energy in zip(fit.channels, left, fit.energy, strict=True):
        before = totals.get(regions[channel], (0.0, 0.0))
        totals[regions[channel]] = (before[0] + float(lost), before[1] + float(energy))
    return {
        region: float(np.sqrt(lost / energy)) if energy > 0 else 0.0
        for region, (lost, energy) in totals.items()
    }


def _descend(
    gram: Array, wanted: Array, lower: Array, upper: Array, threshold: float, smoothness: float
) -> Array:
    """Minimise over all frames and targets at once; returns (frames, targets)."""
    # 1/L with L the largest curvature: the gram's largest eigenvalue, and at most 4 for the second
    # difference over time. GONE keeps an empty face from dividing by zero.
    step = 1.0 / (float(np.linalg.eigvalsh(gram)[-1]) + 4.0 * smoothness + GONE)
    # A bound may exclude 0, where the step must start inside.
    now = np.clip(np.zeros_like(wanted), lower, upper)
    ahead, momentum = now, 1.0
    for _number in range(MOST_STEPS):
        slope = ahead @ gram - wanted
        if smoothness and len(ahead) > 1:
            change = smoothness * np.diff(ahead, axis=0)
            slope[1:] += change
            slope[:-1] -= change
        target = ahead - step * slope
        # The proximal step of |x|_1: shrinks towards 0 and stops there.
        target = np.sign(target) * np.maximum(np.abs(target) - step * threshold, 0.0)
        # The clamp after the shrink is exact, as the bounds of each value are independent.
        following = np.clip(target, lower, upper)
        change = following - now
        # The test of O'Donoghue and Candes: the step turns against the momentum.
        if ((ahead - following) * change).sum() > 0:
            momentum = 1.0
        grown = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * momentum**2))
        ahead = following + (momentum - 1.0) / grown * change
        done = np.abs(change).max(initial=0.0) <= ENOUGH * np.abs(following).max(initial=0.0)
        now, momentum = following, grown
        if done:
            break
    return now
