"""Move the keys of a performance to another start frame or frame rate. Main thread only.

The curves are scaled in time, so that hand edits are kept. A curve that was as CSTalk wrote it
counts as written by CSTalk afterwards.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import bpy
import numpy as np

from .. import compat
from ..rig.drive.plan import owners_of
from ..rig.keys import hand_edits, ownership


@dataclasses.dataclass(frozen=True)
class Timing:
    """Place of a performance on the timeline."""

    start_frame: float
    """Scene frame at time 0 of the audio file."""
    frame_rate: float
    """Frames per second of the scene."""

    @classmethod
    def stretched(cls, start_frame: float, frame_rate: float, stretching: float) -> Timing:
        """Return the place in frames of animation, which Blender evaluates.

        Args:
            start_frame: Scene frame at time 0 of the audio file.
            frame_rate: Frames per second of the scene.
            stretching: Frames of animation per frame of the timeline.
        """
        return cls(start_frame * stretching, frame_rate * stretching)


def retime(faces: Sequence[bpy.types.Object], before: Timing, after: Timing) -> int:
    """Move the keys of the performance that ``faces`` play.

    Args:
        faces: Face meshes, as `targets.face_objects` returns them.
        before: Where the keys are.
        after: Where they must be.

    Returns:
        The number of moved F-curves.
    """
    # By name, as several owners play slots of one Action.
    actions = {
        action.name: action
        for owner in owners_of(faces)
        if (action := ownership.own_action_or_none(owner)) is not None
    }
    count = 0
    for action in actions.values():
        for handle, curves in compat.curve_bags(action):
            for curve in curves:
                # Asked before moving, which changes the digest.
                was_edited = ownership.is_edited(action, handle, curve)
                _move(curve, before, after)
                if not was_edited:
                    ownership.record_curve(action, handle, curve)
                count += 1
        hand_edits.move_frames(action, lambda frame: _moved(frame, before, after))
    return count


def _moved(frame: float, before: Timing, after: Timing) -> float:
    factor = after.frame_rate / before.frame_rate
    return after.start_frame + (frame - before.start_frame) * factor


def _move(curve: Any, before: Timing, after: Timing) -> None:
    """Scale the keys of an F-curve and their handles."""
    points = curve.keyframe_points
    factor = after.frame_rate / before.frame_rate
    # Handles move with their keys, or curves would be bent.
    for name in ("co", "handle_left", "handle_right"):
        values = np.empty(2 * len(points), np.float32)
        points.foreach_get(name, values)
        # float64 for the arithmetic: frames beyond 100,000 have few digits left in float32.
        frames = values[0::2].astype(np.float64)
        values[0::2] = after.start_frame + (frames - before.start_frame) * factor
        points.foreach_set(name, values)
    curve.update()
