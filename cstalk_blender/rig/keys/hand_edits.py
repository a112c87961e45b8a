"""Keep the artist's edits when a take is generated again.

Beside its keyframes a CSTalk Action carries the generated curves, deflated as float16: half a
kilobyte a second for 52 channels. Where its keyframes play something else, the artist edited them.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ... import compat
from ...arrays import Array
from ...direct.edits import Edit, find_edits, keep_edits
from ..drive.properties import PropertyCurve
from . import edit_marks, ownership

# Per slot, since head, teeth and armature play slots of one Action.
GENERATED = "cstalk_generated"
"""Custom property of our Actions: JSON with the generated curves of one slot each, by handle."""
BLEND_S = 0.08
"""Seconds over which an edit passes into the new curve: about a phone."""
# float16 has 11 significant bits: values up to 1 are rounded by 2.5e-4 at most.
ROUNDING = 2e-3
"""Of float16 and float32 values up to 1; smaller changes cannot be seen on a face."""
# Limits what a prepared file can make of memory: deflated zeros grow a thousandfold.
LARGEST_BYTES = 64 << 20
"""Of inflated curves: an hour of 52 channels at 60 frames a second has 22 MB."""


@dataclasses.dataclass(frozen=True)
class KeptEdit:
    """An edit that was carried into the new keyframes."""

    path: str
    first_frame: float
    last_frame: float


@dataclasses.dataclass(frozen=True)
class HandEdit:
    """A stretch of a curve that the artist changed in the Action that plays."""

    owner: str
    """Full name of the data block."""
    label: str
    """Path and component of the curve, see `label`."""
    first_frame: float
    last_frame: float
    is_pinned: bool = False
    is_adopted: bool = False
    """It belongs to the performance, by the user's decision."""

    @property
    def channel(self) -> str:
        """Name of the shape key, or path of another property."""
        path = self.label.rpartition("|")[0]
        inner = path.removeprefix('key_blocks["').removesuffix('"].value')
        return inner if inner != path else f"{self.owner} {path}"


@dataclasses.dataclass(frozen=True, eq=False)
class Generated:
    """What was generated for one data block, without edits, as its Action keeps it."""

    frames: Array
    """Scene frame of each sample, evenly spaced, shape (samples,)."""
    tolerance: float
    """Largest deviation of the keyframes, 0 with one on each frame."""
    values: Mapping[str, NDArray[np.float16]]
    """Curve of each "path|component", shape (samples,), in the order of the F-curves."""
    kept: frozenset[str] | None = None
    """Curves into which edits were carried; None where this was not noted."""
    error: float = 0.0
    """Largest deviation that was measured."""


def label(curve: PropertyCurve) -> str:
    """Return path and component of a curve, as "path|0"."""
    return f"{curve.path}|{max(curve.index, 0)}"


def remember_generated(action: bpy.types.Action, owner: bpy.types.ID, generated: Generated) -> None:
    """Store the generated curves of one data block in its Action.

    Args:
        action: The Action, which ``owner`` plays.
        owner: The data block.
        generated: The curves without edits.
    """
    frames = generated.frames
    # float16: the curves are only compared, never played.
    values = np.array(list(generated.values.values()), np.float16)
    stored = _all_stored(action)
    stored[str(compat.slot_handle(owner))] = {
        "frames": [float(frames[0]), float(frames[-1]), len(frames)],
        "tolerance": generated.tolerance,
        "error": generated.error,
        "curves": list(generated.values),
        "kept": sorted(generated.kept or ()),
        # base85 of older files takes Python's own loop, 20 times as long.
        "base64": base64.b64encode(zlib.compress(values.tobytes(), 1)).decode("ascii"),
    }
    action[GENERATED] = json.dumps(stored)


def halved(curves: Sequence[PropertyCurve]) -> dict[str, NDArray[np.float16]]:
    """Return curves as they are stored, by `label`."""
    return {label(curve): curve.values.astype(np.float16) for curve in curves}


def kept_labels(curves: Sequence[PropertyCurve], kept: Iterable[KeptEdit]) -> frozenset[str]:
    """Return the labels of curves into which edits were carried.

    Args:
        curves: Curves of one data block.
        kept: Edits, of other data blocks too: a curve too many costs time alone.
    """
    paths = {edit.path for edit in kept}
    return frozenset(label(curve) for curve in curves if curve.path in paths)


def generated_or_none(action: bpy.types.Action, owner: bpy.types.ID) -> Generated | None:
    """Return what was generated for a data block; None for an Action that does not keep it.

    Args:
        action: The Action.
        owner: The data block.
    """
    try:
        stored = _all_stored(action)[str(compat.slot_handle(owner))]
        first, last, count = stored["frames"]
        labels = [str(one) for one in stored["curves"]]
        packed = (
            base64.b64decode(stored["base64"])
            if "base64" in stored
            else base64.b85decode(stored["values"])
        )
        # With a limit, as the property may come from any file.
        data = zlib.decompressobj().decompress(packed, LARGEST_BYTES)
        values = np.frombuffer(data, np.float16).reshape(len(labels), int(count))
        return Generated(
            np.linspace(float(first), float(last), int(count)),
            float(stored["tolerance"]),
            dict(zip(labels, values, strict=True)),
            frozenset(map(str, stored["kept"])) if "kept" in stored else None,
            float(stored.get("error", 0.0)),
        )
    except (KeyError, TypeError, ValueError, zlib.error):
        return None  # an Action of version 0.1, or one whose properties somebody changed


def has_kept(action: bpy.types.Action) -> bool:
    """Return whether edits of the artist were carried into an Action when it was written."""
    slots = _all_stored(action).values()
    return any(isinstance(slot, dict) and bool(slot.get("kept")) for slot in slots)


def move_frames(action: bpy.types.Action, move: Callable[[float], float]) -> None:
    """Move the frames of the generated curves of all slots, as their keys were moved.

    Args:
        action: A CSTalk Action.
        move: Returns the new scene frame of a scene frame; linear.
    """
    stored = _all_stored(action)
    for slot in stored.values():
        with contextlib.suppress(KeyError, TypeError, ValueError):
            first, last, count = slot["frames"]
            slot["frames"] = [move(float(first)), move(float(last)), count]
    if stored:
        action[GENERATED] = json.dumps(stored)


def with_hand_edits(
    owner: bpy.types.ID,
    curves: Sequence[PropertyCurve],
    frames: Array,
    *,
    take: str,
    frame_rate: float,
    blend_s: float = BLEND_S,
) -> tuple[list[PropertyCurve], list[KeptEdit]]:
    """Return new curves with the edits of the take that ``owner`` plays.

    Args:
        owner: The data block.
        curves: New curves, as generated.
        frames: Scene frame of each of their samples, shape (samples,).
        take: Identity of the clip; edits of another clip are not carried over.
        frame_rate: Frames per second of the scene.
        blend_s: Seconds over which an edit passes into the new curve.

    Returns:
        The curves, and what was kept. An edit keeps its time in the clip when the clip moves.
    """
    action = ownership.own_action_or_none(owner)
    # Edits belong to a clip: those of another one would move other words.
    if action is None or action.get(ownership.TAKE) != take:
        return list(curves), []
    before = generated_or_none(action, owner)
    if before is None:
        return list(curves), []
    return edits_into(curves, frames, before, action, owner, frame_rate, blend_s=blend_s)


def edits_into(
    curves: Sequence[PropertyCurve],
    frames: Array,
    before: Generated,
    action: bpy.types.Action,
    owner: bpy.types.ID,
    frame_rate: float,
    *,
    blend_s: float = BLEND_S,
    discarded: Collection[HandEdit] = (),
) -> tuple[list[PropertyCurve], list[KeptEdit]]:
    """Carry the edits of an Action into new curves.

    Args:
        curves: New curves, as generated.
        frames: Scene frame of each of their samples, shape (samples,).
        before: What was generated when the Action was written.
        action: The Action with the edits.
        owner: The data block that plays it.
        frame_rate: Frames per second of the scene.
        blend_s: Seconds over which an edit passes into the new curve.
        discarded: Edits that the user gives up.

    Returns:
        The curves, and what was kept.
    """
    edited = found_edits(before, action, owner)
    out, kept = [], []
    for curve in curves:
        name = label(curve)
        if name not in edited:
            out.append(curve)
            continue
        played, edits = edited[name]
        edits = [e for e in edits if not _is_discarded(e, name, owner, before.frames, discarded)]
        blend = blend_s * frame_rate
        merged, found = _merged(curve, frames, played, before.frames, edits, blend)
        out.append(merged)
        kept += found
    return out, kept


def found_edits(
    before: Generated, action: bpy.types.Action, owner: bpy.types.ID
) -> dict[str, tuple[Array, list[Edit]]]:
    """Return what the artist changed in an Action.

    Args:
        before: What was generated when the Action was written.
        action: The Action.
        owner: The data block that plays it.

    Returns:
        Played values, shape (samples,), and edits of each curve that may have some, by label.
    """
    present = {
        f"{curve.data_path}|{curve.array_index}": curve
        for curve in compat.curve_holder(action, owner).fcurves
    }
    handle = compat.slot_handle(owner)
    # What is as we wrote it and took no edits has none: most curves need no evaluation.
    touched = ownership.edited_labels(action, handle, present.values())
    touched |= set(present) if before.kept is None else before.kept
    found = {}
    for name, stored in before.values.items():
        if name not in present or name not in touched:
            continue
        generated = stored.astype(float)
        # Evaluated, not read: modifiers and moved keyframes count as edits too.
        played = np.array([present[name].evaluate(frame) for frame in before.frames])
        # The tolerance of fitted keys is not an edit.
        threshold = (before.tolerance + ROUNDING) * _range(name, generated)
        found[name] = played, find_edits(generated, played, threshold)
    return found


def hand_edits_of(owners: Iterable[bpy.types.ID]) -> list[HandEdit]:
    """Return the edits in the Actions that data blocks play, in order of time.

    Args:
        owners: All data blocks of a face.
    """
    found = []
    for owner in owners:
        action = ownership.own_action_or_none(owner)
        before = None if action is None else generated_or_none(action, owner)
        if action is None or before is None:
            continue
        kinds = (edit_marks.PINS, edit_marks.ADOPTED)
        marks = [edit_marks.marks_of(action, kind) for kind in kinds]
        for name, (_played, edits) in found_edits(before, action, owner).items():
            for edit in edits:
                first, last = float(before.frames[edit.first]), float(before.frames[edit.last])
                place = (name, *_shares(before.frames, first, last))
                flags = (edit_marks.is_marked(kind, place) for kind in marks)
                found.append(HandEdit(owner.name_full, name, first, last, *flags))
    return sorted(found, key=lambda edit: (edit.first_frame, edit.label))


def set_mark(owner: bpy.types.ID, edit: HandEdit, kind: str, *, is_set: bool) -> None:
    """Mark an edit as pinned or adopted, or remove the mark.

    Args:
        owner: The data block that plays the Action with the edit.
        edit: The edit.
        kind: `edit_marks.PINS` or `edit_marks.ADOPTED`.
        is_set: Mark it.
    """
    action = ownership.own_action_or_none(owner)
    before = None if action is None else generated_or_none(action, owner)
    if action is None or before is None:
        return
    place = (edit.label, *_shares(before.frames, edit.first_frame, edit.last_frame))
    edit_marks.set_mark(action, kind, place, is_set=is_set)


def _shares(frames: Array, first: float, last: float) -> tuple[float, float]:
    """Return a range as shares of the clip, which stay when the clip is moved or re-timed."""
    length = max(float(frames[-1] - frames[0]), 1e-6)
    return (first - float(frames[0])) / length, (last - float(frames[0])) / length


def _is_discarded(
    edit: Edit, name: str, owner: bpy.types.ID, frames: Array, discarded: Collection[HandEdit]
) -> bool:
    return any(
        other.label == name
        and other.owner == owner.name_full
        and other.first_frame <= float(frames[edit.last])
        and float(frames[edit.first]) <= other.last_frame
        for other in discarded
    )


def _merged(
    curve: PropertyCurve,
    frames: Array,
    played: Array,
    old_frames: Array,
    edits: Sequence[Edit],
    blend_frames: float,
) -> tuple[PropertyCurve, list[KeptEdit]]:
    if not edits:
        return curve, []
    # Times since the start, so that edits move with a clip that was moved.
    times, old_times = frames - frames[0], old_frames - old_frames[0]
    moved = []
    for edit in edits:
        # Half a frame's rounding must not push an edit by one sample.
        first = int(np.searchsorted(times, old_times[edit.first] - 1e-3))
        last = int(np.searchsorted(times, old_times[edit.last] + 1e-3)) - 1
        if first < len(times):
            moved.append(Edit(first, max(first, min(last, len(times) - 1))))
    step = float(times[1]) if len(times) > 1 else 1.0
    blend = round(blend_frames / step)
    values = keep_edits(curve.values, np.interp(times, old_times, played), moved, blend)
    kept = [KeptEdit(curve.path, float(frames[e.first]), float(frames[e.last])) for e in moved]
    return dataclasses.replace(curve, values=values), kept


def _all_stored(action: bpy.types.Action) -> dict[str, Any]:
    """Return what an Action keeps by slot handle; empty for text that is no JSON object."""
    try:
        stored = json.loads(str(action.get(GENERATED, "{}")))
    except ValueError:
        return {}
    return stored if isinstance(stored, dict) else {}


def _range(path: str, values: Array) -> float:
    """Return the range that a tolerance is a share of, as for fitted keys."""
    return 1.0 if path.startswith("key_blocks") else max(float(np.ptp(values)), 1e-6)
