"""Compute the direction of an object from a face over time. Main thread only."""

from __future__ import annotations

from collections.abc import Iterator

import bpy
import numpy as np

from ..package import protocol
from ..rig.drive import facing
from . import audio

STEP_S = 0.2
"""Time between two directions of something that moves; a head needs longer for a turn."""
MOST_STEPS = 300
"""Evaluations of the scene, one minute of 0.2 s; longer clips take longer steps."""


def look_keys(
    scene: bpy.types.Scene,
    face: bpy.types.Object,
    target: bpy.types.Object | None,
    *,
    zero_frame: float,
    start_s: float,
    stop_s: float,
) -> tuple[protocol.LookKey, ...]:
    """Return where a face has to look to see an object; empty without one.

    Where face or object move, the scene is evaluated at several frames and then set back.

    Args:
        scene: The scene, whose frame is restored.
        face: The face mesh.
        target: The object to look at.
        zero_frame: Scene frame at time 0 of the audio file.
        start_s: First second of the audio file that matters.
        stop_s: Last second.
    """
    if target is None:
        return ()
    if not (_moves(target) or _moves(face)):
        return (_key(face, target, start_s),)
    steps = int(np.clip(np.ceil((stop_s - start_s) / STEP_S), 1, MOST_STEPS))
    rate, before = audio.frame_rate(scene), scene.frame_current_final
    found = []
    try:
        for second in np.linspace(start_s, stop_s, steps + 1).tolist():
            _go_to(scene, zero_frame + second * rate)
            found.append(_key(face, target, second))
    finally:
        _go_to(scene, before)
    return tuple(found)


def _key(face: bpy.types.Object, target: bpy.types.Object, second: float) -> protocol.LookKey:
    point = np.array(target.matrix_world.translation)
    yaw, pitch = facing.direction_deg(facing.facing_of(face), point)
    return protocol.LookKey(round(second, 4), round(yaw, 3), round(pitch, 3))


def _go_to(scene: bpy.types.Scene, frame: float) -> None:
    whole = int(np.floor(frame))
    scene.frame_set(whole, subframe=float(frame - whole))


def _moves(thing: bpy.types.Object) -> bool:
    return any(len(owner.constraints) > 0 or _is_animated(owner) for owner in _with_parents(thing))


def _with_parents(thing: bpy.types.Object) -> Iterator[bpy.types.Object]:
    owner = thing
    while owner is not None:
        yield owner
        owner = owner.parent


def _is_animated(owner: bpy.types.Object) -> bool:
    data = owner.animation_data
    return data is not None and bool(data.action or data.nla_tracks or data.drivers)
