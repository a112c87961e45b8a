"""What is to be keyed for a face: its shape keys, or what their drivers follow, and bones."""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Sequence

import bpy
import numpy as np
from numpy.typing import NDArray

from ...package import rigs, track
from ..binding import geometry, solved
from ..binding.targets import RIG_NAME, routing_of
from ..fitting import flame, lips, solver
from ..keys import actions
from ..mapping.expressions import NotUnderstood
from ..mapping.routing import Routing, evaluate_track
from . import drivers
from .eyes import head_routes, look_routes
from .sinks import Wish

Array = NDArray[np.float64]

AXES = "xyz"
JAW_TURN = re.compile(r"jaw\w*:rotation_[xyz]$", re.IGNORECASE)
BONE_PROPERTIES = {"rotation": "rotation_euler", "location": "location"}
OTHER_GROUP = "Face"
"""Group of F-curves that no channel of the rig owns alone."""


@dataclasses.dataclass(frozen=True)
class Asked:
    """One shape key or bone angle that a performance asks for."""

    kind: str
    """``shape`` or ``bone`` or ``property``."""
    target: str
    values: Array
    """Shape (frames,)."""
    channels: tuple[str, ...]
    """Channels of the track that move it, the strongest first."""


@dataclasses.dataclass
class Plan:
    """What is to be keyed for one face, and what cannot be."""

    face: bpy.types.Object
    known: set[str]
    """Channels of the track that the face has, driven ones included."""
    keyed: set[str]
    """Channels of the track that will be keyed."""
    wishes: list[Wish]
    driven: dict[str, str]
    """Shape keys left to their drivers, and why."""
    rerouted: list[str]
    """Shape keys whose drivers' sources are keyed instead."""


def plan_face(
    face: bpy.types.Object, curves: track.CurveTrack, routing: Routing | None = None
) -> Plan:
    """Find out what has to be keyed so that ``face`` performs ``curves``.

    Args:
        face: A face mesh.
        curves: The performance.
        routing: What moves what; None for that of the face.
    """
    plan = Plan(face, set(), set(), [], {}, [])
    groups = _groups()
    key = face.data.shape_keys
    for asked in asked_of(face, curves, routing):
        group = groups.get(asked.channels[0], OTHER_GROUP) if asked.channels else OTHER_GROUP
        plan.known.update(asked.channels)
        try:
            wish = _wish(key, face, asked, group)
        except NotUnderstood as why:
            plan.driven[asked.target] = str(why)
            continue
        if wish.owner != key and asked.kind == "shape":
            plan.rerouted.append(asked.target)
        plan.wishes.append(wish)
        plan.keyed.update(asked.channels)
    return plan


def asked_of(
    face: bpy.types.Object, curves: track.CurveTrack, routing: Routing | None = None
) -> list[Asked]:
    """Targets and values that ``curves`` ask of ``face``, in the routing's order.

    A solved face (`solved.py`) is solved for the whole performance; else routes are evaluated.
    Eye bones turn where no shape key looks, the head bone where the curves move a head.
    """
    fit = solved.fit_or_none(face) if routing is None else None
    curves = _in_convention(face, curves, routing_of(face) if routing is None else routing)
    if fit is not None:
        asked = _solved(fit, curves)
        known = set()  # the fit is of the skin: eyes still have to turn
    else:
        routing = routing_of(face) if routing is None else routing
        asked = _routed(routing, curves)
        known = set(routing.channels)
    asked += _corrected(face, asked)
    bones = [r for r in (*look_routes(face), *head_routes(face)) if r.channel not in known]
    return asked + _routed(Routing(tuple(bones), "Bones"), curves)


def _in_convention(
    face: bpy.types.Object, curves: track.CurveTrack, routing: Routing
) -> track.CurveTrack:
    """Curves with as much less jawOpen as the face's mouthClose brings of its own.

    ARKit's mouthClose stands on jawOpen; on some rigs it is open jaw and closed lips in one.
    """
    if not {"jawOpen", "mouthClose"} <= set(curves.channels):
        return curves
    blocks = face.data.shape_keys.key_blocks
    motions = []
    for channel in ("jawOpen", "mouthClose"):
        routes = [r for r in routing.of(channel) if r.kind == "shape" and r.target in blocks]
        if len(routes) != 1:
            return curves
        motions.append(routes[0].gain * geometry.shape_motion(face, routes[0].target))
    if not lips.is_absolute_close(*motions):
        return curves
    values = curves.values.copy()
    jaw = curves.channels.index("jawOpen")
    values[:, jaw] = np.maximum(values[:, jaw] - curves.column("mouthClose"), 0.0)
    return curves.replaced(values=values)


def _routed(routing: Routing, curves: track.CurveTrack) -> list[Asked]:
    there = set(curves.channels)
    asked = []
    for goal, values in evaluate_track(routing, curves).items():
        routes = sorted(routing.to(goal), key=lambda route: -abs(route.gain))
        channels = tuple(dict.fromkeys(r.channel for r in routes if r.channel in there))
        asked.append(Asked(goal.kind, goal.name, values.astype(np.float64), channels))
    return asked


def _solved(fit: solver.Fit, curves: track.CurveTrack) -> list[Asked]:
    there = [channel for channel in fit.channels if channel in curves.channels]
    values = np.zeros((curves.frame_count, len(fit.channels)))
    for channel in there:
        values[:, fit.channels.index(channel)] = curves.column(channel)
    found = solver.solve_frames(fit, values)
    gains = np.abs(solver.solve_matrix(fit))
    asked = []
    for row, target in enumerate(fit.targets):
        order = np.argsort(-gains[row])
        feeding = tuple(
            fit.channels[c] for c in order if gains[row, c] > 0 and fit.channels[c] in there
        )
        asked.append(Asked(target.kind, target.name, found[:, row], feeding))
    return asked


def _corrected(face: bpy.types.Object, asked: Sequence[Asked]) -> list[Asked]:
    """Pose correctives of a FLAME head, which follow its jaw, whoever turns it."""
    names = [block.name for block in face.data.shape_keys.key_blocks]
    turns = {
        one.target[-1]: one.values
        for one in asked
        if one.kind == "bone" and JAW_TURN.search(one.target)
    }
    by_hand = {one.target for one in asked} & set(flame.JAW_CORRECTIVES)
    if not turns or by_hand or not flame.is_flame(names) or not flame.has_jaw_correctives(names):
        return []
    still = np.zeros_like(next(iter(turns.values())))
    angles = np.stack([turns.get(axis, still) for axis in AXES], axis=1)
    values = flame.jaw_corrections(angles)
    return [Asked("shape", name, column, ("jawOpen",)) for name, column in values.items()]


def _wish(key: bpy.types.Key, face: bpy.types.Object, asked: Asked, group: str) -> Wish:
    if asked.kind == "shape":
        path = value_path(asked.target)
        if drivers.driver_of_or_none(key, path) is None:
            return Wish(key, path, -1, asked.values, group, rank=1)
        return _through_driver(key, path, asked.values, group)
    owner, path, index = body_property(face, asked.kind, asked.target)
    return Wish(owner, path, index, asked.values, group, rank=1)


def body_property(face: bpy.types.Object, kind: str, target: str) -> tuple[bpy.types.ID, str, int]:
    """Owner, path and component of a bone's channel or a property.

    Args:
        face: The face mesh; bones are those of its armature.
        kind: ``bone`` or ``property``.
        target: For a bone ``name:rotation_x`` (or ``_y``, ``_z``, or ``location_``); for a property
            its animation path on the armature, else on the face.

    Raises:
        NotUnderstood: There is no such bone or property.
    """
    armature = face.find_armature()
    if kind == "bone":
        name, _colon, channel = target.rpartition(":")
        what, _line, axis = channel.rpartition("_")
        if armature is None or name not in armature.pose.bones:
            raise NotUnderstood(f"the armature has no bone {name!r}")
        if what not in BONE_PROPERTIES or axis not in AXES:
            raise NotUnderstood(f"{channel!r} is no channel of a bone")
        start = f'pose.bones["{bpy.utils.escape_identifier(name)}"].'
        return armature, start + BONE_PROPERTIES[what], AXES.index(axis)
    path, index = drivers.split_index(target)
    for owner in (armature, face):
        if owner is not None:
            with contextlib.suppress(ValueError):
                actions.read_value(owner, path, index)
                return owner, path, index
    raise NotUnderstood(f"neither the armature nor the face has the property {target!r}")


def value_path(shape_name: str) -> str:
    """Animation path of a shape key's value."""
    return f'key_blocks["{bpy.utils.escape_identifier(shape_name)}"].value'


def driven_shapes(key: bpy.types.Key) -> set[str]:
    """Names of shape keys whose value a driver sets: keys on them would not be seen."""
    if key.animation_data is None:
        return set()
    paths = {driver.data_path for driver in key.animation_data.drivers}
    return {block.name for block in key.key_blocks if value_path(block.name) in paths}


def owners_of(faces: Sequence[bpy.types.Object]) -> list[bpy.types.ID]:
    """All datablocks that a performance of ``faces`` may key, shape keys first, each once."""
    found: list[bpy.types.ID] = [face.data.shape_keys for face in faces]
    for face in faces:
        armature = face.find_armature()
        found += [] if armature is None else [armature, armature.data]
        seen = [face.data.shape_keys]
        for _level in range(drivers.DEEPEST):
            seen = [owner for start in seen for owner in _followed(start)]
            found += seen
    unique: dict[tuple[str, str], bpy.types.ID] = {}
    for owner in found:
        unique.setdefault((owner.id_type, owner.name_full), owner)
    return list(unique.values())


def _followed(owner: bpy.types.ID) -> list[bpy.types.ID]:
    """Datablocks that the drivers of ``owner`` follow, but itself."""
    if owner.animation_data is None:
        return []
    targets = {
        target.id
        for curve in owner.animation_data.drivers
        for variable in curve.driver.variables
        for target in variable.targets
    }
    return sorted(targets - {None, owner}, key=lambda found: found.name_full)


def _through_driver(key: bpy.types.Key, path: str, values: Array, group: str) -> Wish:
    source = drivers.source_of(key, path)
    if source.owner == key:
        raise NotUnderstood("it follows another shape key of the same mesh")
    try:
        actions.read_value(source.owner, source.path, source.index)
    except ValueError as error:
        raise NotUnderstood(str(error)) from error
    rest, side = source.rest, source.side
    return Wish(
        source.owner, source.path, source.index, source.places(values), group, rest=rest, side=side
    )


def _groups() -> dict[str, str]:
    return {
        channel.name: channel.region.capitalize() for channel in rigs.load_rig(RIG_NAME).channels
    }
