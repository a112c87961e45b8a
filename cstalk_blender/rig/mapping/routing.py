"""Which channel moves which target of one mesh, and by how much. No bpy.

A *route* is one channel, one target and a gain. A *routing* is all routes of one mesh, and says
where it came from: from names, from a preset, from a person's own rows, from a solver. One channel
may move several targets and several channels may move one:

    value of a target = sum(gain * channel) + sum(offset), then kept within the target's bounds
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...package import track

Kind = Literal["shape", "bone", "property"]
KINDS: tuple[str, ...] = get_args(Kind)
"""A shape key by name; a bone's channel; a property's animation path."""

UNBOUNDED = (-math.inf, math.inf)
NEGLIGIBLE_GAIN = 1e-6
"""A coefficient of a solved matrix below this is no route."""


class Target(NamedTuple):
    """What is keyed: a kind, and a name that is unique within its kind on one mesh."""

    kind: Kind
    name: str


@dataclasses.dataclass(frozen=True)
class Route:
    """One channel moves one target."""

    channel: str
    kind: Kind
    target: str
    """Shape key name; else a bone's or property's name in a form that its kind's baker knows."""
    gain: float = 1.0
    """Target units for one unit of the channel; negative inverts."""
    offset: float = 0.0
    """Target units that are there while the channel is 0."""

    @property
    def goal(self) -> Target:
        """Kind and name of what is moved."""
        return Target(self.kind, self.target)


@dataclasses.dataclass(frozen=True)
class Routing:
    """All routes of one mesh."""

    routes: tuple[Route, ...]
    """In the order in which they were found or written; several may share channel or target."""
    source: str = ""
    """Where it came from, for people: ``ARKit``, ``Preset 'Hero'``, ``Own rows``."""
    bounds: Mapping[Target, tuple[float, float]] = dataclasses.field(default_factory=dict)
    """Lowest and highest value of a target; one that is not here has none."""

    def __bool__(self) -> bool:
        """True when there is anything to move."""
        return bool(self.routes)

    @property
    def channels(self) -> tuple[str, ...]:
        """Channels that move anything, in the order of their first route."""
        return tuple(dict.fromkeys(route.channel for route in self.routes))

    @property
    def targets(self) -> tuple[Target, ...]:
        """What is moved, in the order of its first route."""
        return tuple(dict.fromkeys(route.goal for route in self.routes))

    @property
    def shape_names(self) -> tuple[str, ...]:
        """Names of the shape keys that are moved."""
        return tuple(goal.name for goal in self.targets if goal.kind == "shape")

    def to(self, target: Target) -> tuple[Route, ...]:
        """The routes that end in ``target``."""
        kind, name = target
        return tuple(r for r in self.routes if r.target == name and r.kind == kind)

    def of(self, channel: str) -> tuple[Route, ...]:
        """The routes that begin at ``channel``."""
        return tuple(route for route in self.routes if route.channel == channel)


def from_pairs(
    pairs: Mapping[str, str] | Iterable[tuple[str, str]], *, source: str = ""
) -> Routing:
    """One shape key for one channel, gain 1: what a mapping by names gives.

    Args:
        pairs: Channel to shape key name.
        source: Where it came from.
    """
    items = pairs.items() if isinstance(pairs, Mapping) else pairs
    return Routing(tuple(Route(channel, "shape", name) for channel, name in items), source)


def from_matrix(
    matrix: ArrayLike,
    channels: Sequence[str],
    targets: Sequence[Target],
    *,
    source: str = "",
    bounds: Mapping[Target, tuple[float, float]] | None = None,
) -> Routing:
    """The routes of a dense matrix, as a solver makes it.

    Args:
        matrix: Gains, shape (targets, channels); those near 0 make no route.
        channels: Names of the columns.
        targets: What the rows move.
        source: Where it came from.
        bounds: As in `Routing`.

    Raises:
        ValueError: Shapes do not fit, or a gain is not finite.
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
    """Values of every target that ``channels`` move.

    A channel that the track does not have counts as 0; a target all of whose channels are missing
    is left out, so that nothing is keyed that nobody performs.

    Args:
        routing: The routes.
        values: Channel values, shape (frames, channels).
        channels: Names of the columns of ``values``.

    Returns:
        Target to values of shape (frames,), in the order of ``routing.targets``.
    """
    column = {name: index for index, name in enumerate(channels)}
    moved = {route.goal for route in routing.routes if route.channel in column}
    sums = {goal: np.zeros(len(values)) for goal in routing.targets if goal in moved}
    for route in routing.routes:
        if route.goal not in moved:
            continue
        if route.channel in column:
            sums[route.goal] += route.gain * values[:, column[route.channel]].astype(np.float64)
        sums[route.goal] += route.offset
    return {
        goal: np.clip(total, *routing.bounds.get(goal, UNBOUNDED)).astype(np.float32)
        for goal, total in sums.items()
    }


def evaluate_track(routing: Routing, curves: track.CurveTrack) -> dict[Target, NDArray[np.float32]]:
    """As `evaluate`, of a whole performance."""
    return evaluate(routing, curves.values, curves.channels)
