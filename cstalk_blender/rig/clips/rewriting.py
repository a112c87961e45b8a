"""Write new curves into clips of a batch that strips play, and find these clips.

Strips stay as they are: an artist may have moved, trimmed or blended them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import bpy

from ... import compat
from ...package import track
from ..drive.plan import owners_of
from ..keys import install, ownership
from ..keys.fcurves import read_curve, write_curve
from ..keys.tracks import our_tracks


@dataclasses.dataclass(frozen=True)
class Rewritten:
    """Result of writing new curves into a clip."""

    curves: int
    """F-curves that were written."""
    kept: tuple[str, ...]
    """Paths of F-curves that the user changed, which stay."""


def rewrite_line(
    faces: Sequence[bpy.types.Object], action: bpy.types.Action, curves: track.CurveTrack
) -> Rewritten:
    """Write new curves into a clip at the frames of its keys; its strips stay as they are.

    Args:
        faces: Face meshes that play the clip, as `targets.face_objects` returns them.
        action: The Action of the clip, or one of them where Actions have no slots.
        curves: The clip, with the frames of the one that is played.

    Raises:
        SessionError: No curve of the track fits the faces.
    """
    _plans, groups = install.plan_faces(faces, curves)
    count, kept = 0, []
    for owner, some in groups:
        for own, handle in _slots_of(owner, action):
            present = {
                (curve.data_path, curve.array_index): curve
                for curve in dict(compat.curve_bags(own)).get(handle, ())
            }
            written = []
            for one in some:
                fcurve = present.get((one.path, max(one.index, 0)))
                if fcurve is None:
                    continue
                frames, _values = read_curve(fcurve)
                # A moved or deleted key is the artist's work: nothing is written over it.
                is_ours = not ownership.is_edited(own, handle, fcurve)
                if is_ours and len(frames) == len(one.values):
                    write_curve(fcurve, frames, one.values)
                    written.append(fcurve)
                else:
                    kept.append(fcurve.data_path)
            ownership.record_curves(own, handle, written)
            own.update_tag()
            count += len(written)
        if owner.id_type == "KEY":
            install.widen_sliders(owner, some)
    return Rewritten(count, tuple(kept))


def clips_of(faces: Sequence[bpy.types.Object], *, is_selected: bool = False) -> list[Any]:
    """Return the Actions that strips of ours play on faces, each once.

    Args:
        faces: Face meshes, as `targets.face_objects` returns them.
        is_selected: Only those of selected strips.
    """
    found = {
        strip.action: None
        for owner in owners_of(faces)
        for nla_track in our_tracks(owner)
        for strip in nla_track.strips
        if strip.action is not None and (strip.select or not is_selected)
    }
    return list(found)


def is_played_beside(faces: Sequence[bpy.types.Object], action: bpy.types.Action) -> bool:
    """Return whether other faces play a clip too, as a duplicated face does.

    Args:
        faces: Face meshes, as `targets.face_objects` returns them.
        action: The Action of the clip.
    """
    mine = set(owners_of(faces))
    return any(
        strip.action == action
        for key in bpy.data.shape_keys
        if key not in mine and key.animation_data is not None
        for nla_track in key.animation_data.nla_tracks
        for strip in nla_track.strips
    )


def _slots_of(owner: bpy.types.ID, action: bpy.types.Action) -> list[tuple[Any, int]]:
    """Return Action and slot handle that a data block plays of a clip; handle 0 without slots."""
    found = {}
    for nla_track in our_tracks(owner):
        for strip in nla_track.strips:
            own = strip.action
            if own is None:
                continue
            # Without slots each data block plays an Action of its own.
            is_other = not compat.shares_actions() and own.get(ownership.TAKE) == action.get(
                ownership.TAKE
            )
            if own == action or is_other:
                slot = getattr(strip, "action_slot", None)
                found[own] = 0 if slot is None else int(slot.handle)
    return list(found.items())
