"""Turn a curve track into values of a face's shape keys, bone angles and properties."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence

import bpy
import numpy as np

from ...arrays import Array
from ...package import track
from ..binding import geometry, solved
from ..binding.targets import routing_of
from ..fitting import flame, lips, solver
from ..mapping.routing import Routing, evaluate_track
from .eyes import head_routes, look_routes

AXES = "xyz"
JAW_ROTATION = re.compile(r"jaw\w*:rotation_[xyz]$", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class TargetCurve:
    """Values of one shape key, bone angle or property over a performance."""

    kind: str
    """``shape``, ``bone`` or ``property``."""
    target: str
    """Name within its kind, as in `mapping.routing.Target`."""
    values: Array
    """Shape (frames,)."""
    channels: tuple[str, ...]
    """Channels of the track that move it, the strongest first."""


def target_curves(
    face: bpy.types.Object, curves: track.CurveTrack, routing: Routing | None = None
) -> list[TargetCurve]:
    """Return the values that ``curves`` request of ``face``, in the routing's order.

    A fitted face (`binding.solved`) is solved for the whole performance, otherwise routes are
    evaluated. Eye bones follow look channels that no shape key shows, the head bone follows head
    channels where the user enabled it.

    Args:
        face: A face mesh.
        curves: The performance.
        routing: Channels to targets; None for the routing or the fit of the face.
    """
    # A routing that was passed in is meant as it is, so that the fit does not overrule it.
    fit = solved.fit_or_none(face) if routing is None else None
    used = routing_of(face) if routing is None else routing
    # Before solving or routing, since both add mouthClose to jawOpen.
    curves = _with_relative_close(face, curves, used)
    if fit is not None:
        found = _solved(fit, curves)
        known: set[str] = set()  # the fit covers the skin only: eye bones still have to rotate
    else:
        found = _routed(used, curves)
        known = set(used.channels)
    found += _jaw_correctives(face, found)
    bones = [r for r in (*look_routes(face), *head_routes(face)) if r.channel not in known]
    return found + _routed(Routing(tuple(bones), "Bones"), curves)


def _with_relative_close(
    face: bpy.types.Object, curves: track.CurveTrack, routing: Routing
) -> track.CurveTrack:
    """Return curves with jawOpen lowered by what the face's mouthClose opens by itself.

    ARKit's mouthClose is added to jawOpen; on some rigs it is open jaw and closed lips in one.
    """
    if not {"jawOpen", "mouthClose"} <= set(curves.channels):
        return curves
    blocks = face.data.shape_keys.key_blocks
    motions = []
    # Several keys or bones for one channel: what the jaw does cannot be told from one motion.
    for channel in ("jawOpen", "mouthClose"):
        routes = [r for r in routing.of(channel) if r.kind == "shape" and r.target in blocks]
        if len(routes) != 1:
            return curves
        motions.append(routes[0].gain * geometry.shape_motion(face, routes[0].target))
    if not lips.is_absolute_close(*motions):
        return curves
    values = curves.values.copy()
    jaw = curves.channels.index("jawOpen")
    # Never below 0: a closed jaw cannot close further.
    values[:, jaw] = np.maximum(values[:, jaw] - curves.column("mouthClose"), 0.0)
    return curves.replaced(values=values)


def _routed(routing: Routing, curves: track.CurveTrack) -> list[TargetCurve]:
    available = set(curves.channels)
    found = []
    for goal, values in evaluate_track(routing, curves).items():
        # The strongest route names the group of the F-curve.
        routes = sorted(routing.to(goal), key=lambda route: -abs(route.gain))
        channels = tuple(dict.fromkeys(r.channel for r in routes if r.channel in available))
        found.append(TargetCurve(goal.kind, goal.name, values.astype(np.float64), channels))
    return found


def _solved(fit: solver.Fit, curves: track.CurveTrack) -> list[TargetCurve]:
    available = [channel for channel in fit.channels if channel in curves.channels]
    # A channel that the track lacks counts as 0.
    values = np.zeros((curves.frame_count, len(fit.channels)))
    for channel in available:
        values[:, fit.channels.index(channel)] = curves.column(channel)
    # The whole performance at once, since the fit has a term for smoothness.
    found = solver.solve_frames(fit, values)
    # Only for the names of channels; the values come from the solution above.
    gains = np.abs(solver.solve_matrix(fit))
    result = []
    for row, target in enumerate(fit.targets):
        order = np.argsort(-gains[row])
        feeding = tuple(
            fit.channels[c] for c in order if gains[row, c] > 0 and fit.channels[c] in available
        )
        result.append(TargetCurve(target.kind, target.name, found[:, row], feeding))
    return result


def _jaw_correctives(face: bpy.types.Object, found: Sequence[TargetCurve]) -> list[TargetCurve]:
    """Return the pose correctives of a FLAME head, which depend on its jaw's rotation."""
    names = [block.name for block in face.data.shape_keys.key_blocks]
    turns = {
        curve.target[-1]: curve.values
        for curve in found
        if curve.kind == "bone" and JAW_ROTATION.search(curve.target)
    }
    # A user who mapped a corrective by hand has taken over all nine.
    by_hand = {curve.target for curve in found} & set(flame.JAW_CORRECTIVES)
    if not turns or by_hand or not flame.is_flame(names) or not flame.has_jaw_correctives(names):
        return []
    # The other two angles are 0 where only one is keyed.
    still = np.zeros_like(next(iter(turns.values())))
    angles = np.stack([turns.get(axis, still) for axis in AXES], axis=1)
    values = flame.jaw_corrections(angles)
    return [TargetCurve("shape", name, column, ("jawOpen",)) for name, column in values.items()]
