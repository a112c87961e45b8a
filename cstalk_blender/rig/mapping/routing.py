"""Route channels to the shape keys, bones and properties of one mesh. No bpy.

A *route* is one channel, one target and a gain. A *routing* is all routes of one mesh, from names,
a preset, rows of the user, or the solver. One channel may move several targets, and one target may
follow several channels:

    value of a target = sum(gain * channel) + sum(offset), clamped to the target's bounds
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...package import track

Kind = Literal["shape", "bone", "property"]
KINDS: tuple[str, ...] = get_args(Kind)
"""A shape key by name; a bone's channel; a property's animation path."""

# As numpy's clip takes them: no bound needs no branch.
UNBOUNDED = (-math.inf, math.inf)
NEGLIGIBLE_GAIN = 1e-6
"""A smaller coefficient of a solved matrix makes no route."""


class Target(NamedTuple):
    """Something to key: a kind, and a name that is unique within its kind on one mesh."""

    kind: Kind
    name: str


@dataclasses.dataclass(frozen=True)
class Route:
    """One channel that moves one target."""

    channel: str
    kind: Kind
    target: str
    """Name of a shape key, or of a bone's channel or property as `drive.plan` reads it."""
    gain: float = 1.0
    """Target units per unit of the channel; negative inverts."""
    offset: float = 0.0
    """Value of the target while the channel is 0, in target units."""

    @property
    def goal(self) -> Target:
        """Kind and name of the target."""
        return Target(self.kind, self.target)


@dataclasses.dataclass(frozen=True)
class Routing:
    """All routes of one mesh."""

    routes: tuple[Route, ...]
    """In the order in which they were found or written; channels and targets may repeat."""
    source: str = ""
    """Display name of its source: ``ARKit``, ``Preset 'Hero'``."""
    bounds: Mapping[Target, tuple[float, float]] = dataclasses.field(default_factory=dict)
    """Lowest and highest value of a target; absent for unbounded ones."""

    def __bool__(self) -> bool:
        """Return True when it has routes."""
        return bool(self.routes)

    @property
    def channels(self) -> tuple[str, ...]:
        """Channels that move a target, in the order of their first route."""
        return tuple(dict.fromkeys(route.channel for route in self.routes))

    @property
    def targets(self) -> tuple[Target, ...]:
        """Targets in the order of their first route."""
        return tuple(dict.fromkeys(route.goal for route in self.routes))

    @property
    def shape_names(self) -> tuple[str, ...]:
        """Names of the shape keys among the targets."""
        return tuple(goal.name for goal in self.targets if goal.kind == "shape")

    def to(self, target: Target) -> tuple[Route, ...]:
        """Return the routes to ``target``."""
        kind, name = target
        return tuple(r for r in self.routes if r.target == name and r.kind == kind)

    def of(self, channel: str) -> tuple[Route, ...]:
        """Return the routes from ``channel``."""
        return tuple(route for route in self.routes if route.channel == channel)


def from_matrix(
    matrix: ArrayLike,
    channels: Sequence[str],
    targets: Sequence[Target],
    *,
    source: str = "",
    bounds: Mapping[Target, tuple[float, float]] | None = None,
) -> Routing:
    """Return the routes of a dense matrix of gains.

    Args:
        matrix: Gains, shape (targets, channels); entries near 0 make no route.
        channels: Names of the columns.
        targets: Targets of the rows.
        source: Display name of its source.
        bounds: As in `Routing`.

    Raises:
        ValueError: Shapes do not match, or a gain is not finite.
    """
    gains = np.asarray(matrix, np.float64)
    if gains.shape != (len(targets), len(channels)):
        raise ValueError(
            f"{gains.shape} gains for {len(targets)} targets, {len(channels)} channels"
        )
    if not np.isfinite(gains).all():
        raise ValueError("a gain is not finite")
    routes = tuple(
        Route(channels[column], targets[row].kind, targets[row].name, float(gains[row, column]))
        for row, column in zip(*np.nonzero(np.abs(gains) > NEGLIGIBLE_GAIN), strict=True)
    )
    return Routing(routes, source, dict(bounds or {}))


def evaluate(
    routing: Routing, values: NDArray[np.floating], channels: Sequence[str]
) -> dict[Target, NDArray[np.float32]]:
    """Return the value of every target that ``channels`` move.

    A missing channel counts as 0. A target without any channel in the track is left out, so that
    nothing is keyed that the performance does not contain.

    Args:
        routing: The routes.
        values: Channel values, shape (frames, channels).
        channels: Names of the columns of ``values``.

    Returns:
        Target to values of shape (frames,), in the order of ``routing.targets``.
    """
    column = {name: index for index, name in enumerate(channels)}
    # A track without tongue channels must leave an existing animation of the tongue as it is.
    moved = {route.goal for route in routing.routes if route.channel in column}
    sums = {goal: np.zeros(len(values)) for goal in routing.targets if goal in moved}
    for route in routing.routes:
        if route.goal not in moved:
            continue
        if route.channel in column:
            # Summed in float64 and rounded once, so that the order of routes does not show in the
            # keyframes.
            sums[route.goal] += route.gain * values[:, column[route.channel]].astype(np.float64)
        # The offset counts even when this channel is absent, as the channel then is 0.
        sums[route.goal] += route.offset
    # Clamped after summing: the clamp of each part would cut motions that cancel each other.
    return {
        goal: np.clip(total, *routing.bounds.get(goal, UNBOUNDED)).astype(np.float32)
        for goal, total in sums.items()
    }


def evaluate_track(routing: Routing, curves: track.CurveTrack) -> dict[Target, NDArray[np.float32]]:
    """Return `evaluate` of all channels of a track.

    Args:
        routing: The routes.
        curves: The track.
    """
    return evaluate(routing, curves.values, curves.channels)
