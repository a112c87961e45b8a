"""Lines of a batch on a face: an Action for each, as NLA strips on our tracks or in the library.

Our tracks lie above what the artist has and hold nothing but lines; outside of a strip the face
is as it was. A line that is placed again replaces its Action and its strips, unless the artist has
renamed the Action: then it is theirs and stays.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ... import compat
from ...package import track
from ..drive.plan import owners_of
from . import actions, bake, rest

Array = NDArray[np.float64]

TRACK = "CSTalk Lines"
"""Name of our NLA tracks; those for lines that overlap are numbered."""
LINE, BATCH = "cstalk_line", "cstalk_batch"
"""Custom properties of a line's Action: which line, of which batch."""
FADE_S = 0.08
"""Seconds in which a strip takes the face over and gives it back; speech files begin and end with
more silence than that."""


@dataclasses.dataclass(frozen=True)
class Label:
    """What a line is called."""

    line: str
    """Names the line within its batch."""
    title: str
    """For people: part of the Action's name."""
    batch: str = ""
    """Where the lines come from: a folder, a list, the sequencer."""


@dataclasses.dataclass(frozen=True)
class Placed:
    """Where a line is."""

    actions: tuple[str, ...]
    first_frame: float
    last_frame: float
    notes: tuple[str, ...] = ()
    """What stands in the way of its being seen, as sentences."""


def place_line(
    faces: Sequence[bpy.types.Object],
    curves: track.CurveTrack,
    label: Label,
    *,
    start_frame: float,
    frame_rate: float,
    is_on_track: bool = True,
) -> Placed:
    """Give a line its Action, and the faces a strip of it on our NLA track.

    Args:
        faces: As `targets.face_objects` gives them.
        curves: The line.
        label: Its names; an earlier placing of the same line is replaced.
        start_frame: Frame of second 0 of the sound file.
        frame_rate: Of the scene.
        is_on_track: False keeps the Action in the file without playing it.

    Raises:
        SessionError: The keys cannot be written; all is as it was.
    """
    parts = bake.build_parts(
        faces, curves, start_frame=start_frame, frame_rate=frame_rate, line=label.line
    )
    remove_lines(faces, lambda action: _is_line(action, label))
    _name_actions(faces[0], parts, label)
    notes = []
    for part in parts:
        if not is_on_track:
            continue
        if part.owner.id_type == "KEY":
            bake.widen_sliders(part.owner, part.sinks)
        notes += _add_strip(part, round(FADE_S * frame_rate))
    span = parts[0].action.frame_range
    made = tuple(dict.fromkeys(part.action.name for part in parts))
    return Placed(made, float(span[0]), float(span[1]), tuple(dict.fromkeys(notes)))


def remove_lines(
    faces: Sequence[bpy.types.Object], is_meant: Any = lambda _action: True
) -> list[str]:
    """Take lines off faces, and their Actions out of the file unless the artist made them theirs.

    Args:
        faces: Whose lines.
        is_meant: Asked of each Action on our tracks, and of each line's Action for these faces.

    Returns:
        The lines that were taken away.
    """
    found = dict.fromkeys(a for a in _stored_actions(faces[0]) if is_meant(a)) if faces else {}
    for owner in owners_of(faces):
        for nla_track in list(our_tracks(owner)):
            for strip in list(nla_track.strips):
                if strip.action is None or is_meant(strip.action):
                    found.setdefault(strip.action)
                    nla_track.strips.remove(strip)
            if not len(nla_track.strips):
                owner.animation_data.nla_tracks.remove(nla_track)
    names = []
    for action in found:
        if action is not None:
            names.append(str(action.get(LINE, action.name)))
            _forget(action)
    return names


def clear_lines(faces: Sequence[bpy.types.Object]) -> list[str]:
    """Take all lines off faces and put values and sliders back; the lines' names."""
    names = remove_lines(faces)
    for owner in owners_of(faces):
        rest.let_go(owner)
        if actions.own_action_or_none(owner) is None and actions.has_memory(owner):
            actions.uninstall(owner)
    return list(dict.fromkeys(names))


def has_lines(face: bpy.types.Object) -> bool:
    """True when lines of ours play on the face."""
    return any(True for owner in owners_of([face]) for _track in our_tracks(owner))


def our_tracks(owner: bpy.types.ID) -> Iterator[Any]:
    """Our NLA tracks on a datablock."""
    if owner.animation_data is not None:
        for nla_track in owner.animation_data.nla_tracks:
            if nla_track.name.startswith(TRACK):
                yield nla_track


def mark_as_asset(names: Collection[str], description: str, tags: Sequence[str]) -> None:
    """Show Actions in the Asset Browser, with tags to find them by."""
    for name in names:
        action = bpy.data.actions[name]
        action.asset_mark()
        action.asset_data.description = description
        for tag in tags:
            if tag:
                action.asset_data.tags.new(tag, skip_if_exists=True)


def keep_spoken_keys(
    faces: Sequence[bpy.types.Object], names: Collection[str], spoken: Sequence[tuple[float, float]]
) -> None:
    """Drop the keys of our Actions outside of the spans of frames in which somebody speaks."""
    for owner in owners_of(faces):
        action = actions.own_action_or_none(owner)
        if action is None or action.name not in names:
            continue
        for curve in compat.curve_holder(action, owner).fcurves:
            frames, values = bake.read_curve(curve)
            kept = _within(frames, spoken)
            if not kept.all():
                bake.write_curve(curve, frames[kept], values[kept])


def _within(frames: Array, spans: Sequence[tuple[float, float]]) -> NDArray[np.bool_]:
    inside = np.zeros(len(frames), bool)
    for first, last in spans:
        inside |= (frames >= first - 1e-3) & (frames <= last + 1e-3)
    return inside


def _name_actions(face: bpy.types.Object, parts: Sequence[bake.Part], label: Label) -> None:
    names = {part.owner: part.owner.name for part in parts}
    for part in parts:
        is_shared = compat.shares_actions() or part.owner == face.data.shape_keys
        who = face.name if is_shared else names[part.owner]
        part.action.name = f"CSTalk {who} {label.title}"
        part.action[actions.MEMORY] = part.action.name
        part.action[LINE], part.action[BATCH] = label.line, label.batch
        part.action["cstalk_face"] = face
        part.action.use_fake_user = True


def _add_strip(part: bake.Part, fade: int) -> list[str]:
    """A strip on the first of our tracks with room; what hides it, in sentences."""
    owner = part.owner
    animation = owner.animation_data or owner.animation_data_create()
    notes = []
    own = actions.own_action_or_none(owner)
    if own is not None:  # our single performance would hide the lines
        own.use_fake_user = True
        compat.assign_action(owner, None)
    elif animation.action is not None:
        notes.append(f"{animation.action.name!r} plays above the lines of {owner.name!r}")
    rest.hold(owner, part.action)
    slot = compat.slot_of_action(part.action, owner)
    for nla_track in our_tracks(owner):
        strip = compat.add_strip_or_none(nla_track, part.action, slot)
        if strip is not None:
            break
    else:
        nla_track = animation.nla_tracks.new()
        nla_track.name = TRACK
        strip = compat.add_strip(nla_track, part.action, slot)
    strip.extrapolation = "NOTHING"
    length = strip.frame_end - strip.frame_start
    strip.blend_in = strip.blend_out = min(float(fade), length / 4)
    return notes


def _stored_actions(face: bpy.types.Object) -> list[bpy.types.Action]:
    return [
        action
        for action in bpy.data.actions
        if {LINE, BATCH} <= set(action.keys()) and action.get("cstalk_face") == face
    ]


def _is_line(action: bpy.types.Action, label: Label) -> bool:
    return bool(action.get(LINE) == label.line and action.get(BATCH) == label.batch)


def _forget(action: bpy.types.Action) -> None:
    """Remove an Action of ours that nothing else plays; one that was renamed is the artist's."""
    if actions.is_ours(action) and action.users <= int(action.use_fake_user):
        bpy.data.actions.remove(action)
