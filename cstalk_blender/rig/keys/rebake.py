"""Write changed curves of a performance into the Actions that play it, in place.

A slider that moves five brows must not write a face anew: only regions with a changed curve are
fitted and written, and the Actions stay, with the selection of the Graph Editor. Where that is not
possible (another mapping, frame rate or tolerance, an Action of the user) a whole bake is needed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence

import bpy
import numpy as np
from numpy.typing import NDArray

from ... import compat
from ...direct.few_keys import fit_region, scaled
from ...package import track
from ..drive.mouth import reference_gap
from ..drive.properties import PropertyCurve
from . import hand_edits, ownership
from .bake import REFERENCE_GAP, closed_frames
from .fcurves import key_frames, write_curve, write_fitted_curve
from .install import has_other_player, plan_faces, remember
from .report import BakeReport, report_of

FRAME_TOLERANCE = 1e-3
"""Frames that count as the same."""


@dataclasses.dataclass(frozen=True, eq=False)
class _Played:
    """A data block with the Action that it plays and what was generated for it."""

    owner: bpy.types.ID
    action: bpy.types.Action
    before: hand_edits.Generated
    curves: list[PropertyCurve]
    """New curves, as generated."""
    present: dict[str, bpy.types.FCurve]
    """F-curves by label."""

    @property
    def changed(self) -> set[str]:
        """Labels of curves that are not as they were generated before."""
        halves = hand_edits.halved(self.curves)
        return {n for n, v in halves.items() if not np.array_equal(v, self.before.values[n])}


def rebake_or_none(
    faces: Sequence[bpy.types.Object],
    curves: track.CurveTrack,
    *,
    start_frame: float,
    frame_rate: float,
    take: str,
    tolerance: float | None = None,
    blend_s: float = hand_edits.BLEND_S,
    discarded: Collection[hand_edits.HandEdit] = (),
) -> BakeReport | None:
    """Write what differs from the performance that faces play, and keep the artist's edits.

    Args:
        faces: Face meshes, as `targets.face_objects` returns them.
        curves: The performance, with the frames of the one that is played.
        start_frame: Scene frame at time 0 of the audio file; may be fractional.
        frame_rate: Frames per second of the scene, ``fps / fps_base``.
        take: Identity of the clip.
        tolerance: Deviation of fitted keys, as for `bake.BakeJob`.
        blend_s: Seconds over which an edit passes into the new curve.
        discarded: Edits that the user gives up.

    Returns:
        The report; None where the faces play another performance and must be baked anew.

    Raises:
        BadTarget: An Action cannot be assigned to one of the faces.
        BakeFailed: No curve of the track fits the faces.
    """
    frames = key_frames(curves, start_frame=start_frame, frame_rate=frame_rate)
    plans, groups = plan_faces(faces, curves)
    found = [_played_or_none(owner, some, frames, take, tolerance) for owner, some in groups]
    played = [one for one in found if one is not None]
    if len(played) != len(found):
        return None
    exact = () if tolerance is None else closed_frames(curves)
    widened, kept, errors = [], [], []
    for one in played:
        widened += remember(one.owner, one.curves)
        edits, error = _write(
            one, frames, frame_rate, tolerance, exact, blend_s=blend_s, discarded=discarded
        )
        kept += edits
        errors.append(error)
    actions = list(dict.fromkeys(one.action for one in played))
    gap = reference_gap(curves).tolist()
    for action in actions:
        action[REFERENCE_GAP] = gap
        action.update_tag()
    report = report_of(
        plans, curves, frames, [one.action for one in played], widened=widened, kept=()
    )
    keys = sum(len(c.keyframe_points) for one in played for c in one.present.values())
    return dataclasses.replace(
        report, keys=keys, fit_error=max(errors, default=0.0), edits=tuple(kept)
    )


def _played_or_none(
    owner: bpy.types.ID,
    curves: list[PropertyCurve],
    frames: NDArray[np.float64],
    take: str,
    tolerance: float | None,
) -> _Played | None:
    """Return what a data block plays if the curves can be written into it."""
    action = ownership.own_action_or_none(owner)
    if action is None or action.get(ownership.TAKE) != take or ownership.is_renamed(action):
        return None
    before = hand_edits.generated_or_none(action, owner)
    if before is None or before.tolerance != (tolerance or 0.0):
        return None
    if len(before.frames) != len(frames):
        return None
    if list(before.values) != [hand_edits.label(curve) for curve in curves]:
        return None
    if np.abs(before.frames - frames).max() > FRAME_TOLERANCE:
        return None
    present = {
        f"{curve.data_path}|{curve.array_index}": curve
        for curve in compat.curve_holder(action, owner).fcurves
    }
    if not set(before.values) <= set(present):
        return None
    # A duplicate of the face plays the same keys: it must not follow the settings of this one.
    if has_other_player(owner, action, compat.slot_handle(owner)):
        return None
    return _Played(owner, action, before, curves, {n: present[n] for n in before.values})


def _write(
    played: _Played,
    frames: NDArray[np.float64],
    frame_rate: float,
    tolerance: float | None,
    exact: Sequence[int],
    *,
    blend_s: float,
    discarded: Collection[hand_edits.HandEdit],
) -> tuple[list[hand_edits.KeptEdit], float]:
    """Write the changed regions of one data block; return its edits and the largest error."""
    action, owner = played.action, played.owner
    # A curve without its edits is written though it was generated as before.
    changed = played.changed | {one.label for one in discarded if one.owner == owner.name_full}
    directed, edits = hand_edits.edits_into(
        played.curves,
        frames,
        played.before,
        action,
        owner,
        frame_rate,
        blend_s=blend_s,
        discarded=discarded,
    )
    if not changed:
        return edits, played.before.error
    regions = {c.group for c in played.curves if hand_edits.label(c) in changed}
    merged = [
        c
        for c in directed
        if (c.group in regions if tolerance is not None else hand_edits.label(c) in changed)
    ]
    error = played.before.error
    for region in regions if tolerance is not None else ():
        part = [curve for curve in merged if curve.group == region]
        error = max(error, _write_region(played, part, frames, tolerance or 0.0, exact))
    for curve in merged if tolerance is None else ():
        write_curve(played.present[hand_edits.label(curve)], frames, curve.values)
    labels = list(map(hand_edits.label, merged))
    handle = compat.slot_handle(owner)
    ownership.record_curves(action, handle, [played.present[name] for name in labels])
    hand_edits.remember_generated(
        action,
        owner,
        hand_edits.Generated(
            frames,
            tolerance or 0.0,
            hand_edits.halved(played.curves),
            hand_edits.kept_labels(played.curves, edits),
            error,
        ),
    )
    return edits, error


def _write_region(
    played: _Played,
    curves: Sequence[PropertyCurve],
    frames: NDArray[np.float64],
    tolerance: float,
    exact: Sequence[int],
) -> float:
    """Fit and write the curves of one region; return the largest error."""
    scales = [_scale(curve) for curve in curves]
    values = np.stack([c.values / s for c, s in zip(curves, scales, strict=True)], 1)
    fitted = fit_region(values, tolerance=tolerance, exact=exact)
    for curve, scale, one in zip(curves, scales, fitted, strict=True):
        fcurve = played.present[hand_edits.label(curve)]
        write_fitted_curve(fcurve, frames, scaled(one, scale))
    return max(one.error for one in fitted)


def _scale(curve: PropertyCurve) -> float:
    """Return the range that tolerance is a share of, as the whole bake takes it."""
    is_shape = curve.path.startswith("key_blocks")
    return 1.0 if is_shape else max(float(np.ptp(curve.values)), 1e-6)
