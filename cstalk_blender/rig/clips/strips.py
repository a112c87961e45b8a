"""Place clips of a batch on a face: an Action for each, as NLA strips or in the library.

Our tracks are above those of the user and hold nothing but clips; outside of a strip the face is as
it was. A clip that is placed again replaces its Action and its strips, unless the user changed the
Action: then it is kept.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Collection, Sequence
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ... import compat
from ...arrays import Array
from ...package import track
from ..drive.plan import owners_of
from ..drive.properties import PropertyCurve
from ..keys import install, memory, ownership
from ..keys.build import ActionBuilder
from ..keys.fcurves import key_frames, read_curve, write_curve
from ..keys.ownership import BATCH, LINE
from ..keys.tracks import FACE_0_1, IDLE_TRACK, STRIP, TRACK, has_clips, is_clip, our_tracks
from . import rest

# Short against the silence, long enough that the face does not jump.
FADE_S = 0.08
"""Seconds in which a strip takes the face over and releases it: speech files begin and end with
more silence than that."""


@dataclasses.dataclass(frozen=True)
class Label:
    """Names of a clip."""

    line: str
    """Identifies the clip within its batch."""
    title: str
    """Shown to the user: part of the Action's name."""
    batch: str = ""
    """Source of the clips: a folder, a list, the sequencer."""


@dataclasses.dataclass(frozen=True)
class Placed:
    """Result of placing a clip."""

    actions: tuple[str, ...]
    first_frame: float
    last_frame: float
    notes: tuple[str, ...] = ()
    """What hides the clip, and what was kept, as sentences."""


@dataclasses.dataclass(frozen=True)
class _Part:
    """Curves of one data block in an Action that nothing plays yet."""

    owner: bpy.types.ID
    action: bpy.types.Action
    """The same for all parts where Actions have slots."""
    curves: list[PropertyCurve]


def place_line(
    faces: Sequence[bpy.types.Object],
    curves: track.CurveTrack,
    label: Label,
    *,
    start_frame: float,
    frame_rate: float,
    is_on_track: bool = True,
    is_below: bool = False,
) -> Placed:
    """Give a clip its Action, and the faces a strip of it on our NLA track.

    Args:
        faces: Face meshes, as `targets.face_objects` returns them.
        curves: The clip.
        label: Its names; an earlier placement of the same clip is replaced.
        start_frame: Scene frame at time 0 of the audio file.
        frame_rate: Frames per second of the scene.
        is_on_track: False keeps the Action in the file without a strip.
        is_below: The strip lies below those of all clips, as that of waiting between them does.

    Raises:
        SessionError: The keyframes cannot be written; the scene is as it was.
    """
    frames = key_frames(curves, start_frame=start_frame, frame_rate=frame_rate)
    # Written before anything is removed: an error leaves the old clip.
    parts = _build(faces, curves, frames)
    notes = remove_lines(faces, lambda action: _is_line(action, label)).kept
    _mark(faces[0], parts, label)
    for part in parts if is_on_track else ():
        # Strips play values through the slider's range as well.
        if part.owner.id_type == "KEY":
            install.widen_sliders(part.owner, part.curves)
        notes += _add_strip(part, round(FADE_S * frame_rate), is_below=is_below)
    span = parts[0].action.frame_range
    # One Action for all parts where Actions have slots.
    made = tuple(dict.fromkeys(part.action.name for part in parts))
    return Placed(made, float(span[0]), float(span[1]), tuple(dict.fromkeys(notes)))


@dataclasses.dataclass
class Removed:
    """Result of taking clips off faces."""

    lines: list[str]
    """Names of the clips."""
    kept: list[str]
    """A sentence for each Action that stays in the file."""


def remove_lines(
    faces: Sequence[bpy.types.Object],
    is_meant: Callable[[Any], bool] = lambda _action: True,
) -> Removed:
    """Take clips off faces, and delete their Actions as far as the user did not change them.

    Args:
        faces: Face meshes, as `targets.face_objects` returns them.
        is_meant: Asked of each Action on our tracks, and of each clip's Action for these faces.
    """
    found = dict.fromkeys(a for a in _stored_actions(faces[0]) if is_meant(a)) if faces else {}
    for owner in owners_of(faces):
        for nla_track in list(our_tracks(owner)):
            for strip in list(nla_track.strips):
                # A strip whose Action was deleted plays nothing and would stay for ever.
                if strip.action is None or is_meant(strip.action):
                    found.setdefault(strip.action)
                    nla_track.strips.remove(strip)
            # Our empty tracks go, those of the user stay.
            if not len(nla_track.strips):
                owner.animation_data.nla_tracks.remove(nla_track)
    actions = [action for action in found if ownership.is_ours(action)]
    names = [str(action.get(LINE, action.name)) for action in actions]
    return Removed(names, install.remove_actions(actions))


def clear_lines(faces: Sequence[bpy.types.Object]) -> Removed:
    """Take all clips off faces and restore values and sliders."""
    removed = remove_lines(faces)
    for owner in owners_of(faces):
        rest.release(owner)
        # While a performance of ours plays, its memory is still needed.
        if ownership.own_action_or_none(owner) is None:
            install.uninstall(owner)
    removed.lines = list(dict.fromkeys(removed.lines))
    return removed


def has_lines(face: bpy.types.Object) -> bool:
    """Return True when CSTalk clips play on the face."""
    return any(has_clips(owner) for owner in owners_of([face]))


def mark_as_asset(names: Collection[str], description: str, tags: Sequence[str]) -> None:
    """Show Actions in the Asset Browser.

    Args:
        names: Names of Actions.
        description: Text below the name.
        tags: Words to find them by; empty ones are skipped.
    """
    for name in names:
        action = bpy.data.actions[name]
        action.asset_mark()
        action[ownership.ASSET] = True
        action.asset_data.description = description
        for tag in tags:
            if tag:
                action.asset_data.tags.new(tag, skip_if_exists=True)


def keep_spoken_keys(
    faces: Sequence[bpy.types.Object], names: Collection[str], spoken: Sequence[tuple[float, float]]
) -> None:
    """Remove the keyframes of our Actions outside of speech.

    Args:
        faces: Face meshes that play the Actions.
        names: Names of the Actions.
        spoken: First and last scene frame of each clip.
    """
    for owner in owners_of(faces):
        action = ownership.own_action_or_none(owner)
        if action is None or action.name not in names:
            continue
        for curve in compat.curve_holder(action, owner).fcurves:
            frames, values = read_curve(curve)
            kept = _within(frames, spoken)
            if not kept.all():
                # Rewritten in one call rather than removed one by one.
                write_curve(curve, frames[kept], values[kept])
                # Noted again: the removal is ours and no edit of the user.
                ownership.record_curve(action, compat.slot_handle(owner), curve)


def _build(
    faces: Sequence[bpy.types.Object], curves: track.CurveTrack, frames: Array
) -> list[_Part]:
    _plans, groups = install.plan_faces(faces, curves)
    builder = ActionBuilder(frames)
    builder.plan(groups)
    builder.write(math.inf)
    made = builder.take()
    return [_Part(owner, action, some) for (owner, some), action in zip(groups, made, strict=True)]


# Keyframes are float32: at frame 100,000 they are a hundredth apart.
def _within(frames: Array, spans: Sequence[tuple[float, float]]) -> NDArray[np.bool_]:
    inside = np.zeros(len(frames), bool)
    for first, last in spans:
        inside |= (frames >= first - 1e-3) & (frames <= last + 1e-3)
    return inside


def _mark(face: bpy.types.Object, parts: Sequence[_Part], label: Label) -> None:
    """Name the Actions of a clip, after the face or the data block that each moves."""
    for part in parts:
        is_shared = compat.shares_actions() or part.owner == face.data.shape_keys
        who = face.name if is_shared else part.owner.name
        ownership.record(part.action)
        ownership.set_name(part.action, ownership.clip_name(who, label.title))
        part.action[LINE], part.action[BATCH] = label.line, label.batch
        part.action[ownership.TAKE] = f"{label.batch}\n{label.line}"
        part.action[ownership.FACE] = ownership.face_id(face.data.shape_keys)
        part.action[STRIP] = True
        ownership.set_fake_user(part.action)


def _add_strip(part: _Part, fade: int, *, is_below: bool) -> list[str]:
    """Add a strip on the first of our tracks with room; sentences about what hides it."""
    owner = part.owner
    animation = owner.animation_data or owner.animation_data_create()
    notes = []
    own = ownership.own_action_or_none(owner)
    is_apart = own is not None and _is_apart(own, part.action)
    if own is not None and owner.id_type == "KEY":
        # The values of now are those of the performance, not those of the resting face.
        memory.reset_unkeyed(owner, ())
    if is_apart:
        memory.end_with_keys(owner)
    elif own is not None:  # a performance in the same frames would hide the clip
        ownership.set_fake_user(own)
        compat.assign_action(owner, None)
        notes.append(f"{own.name!r} does not play any more: it would hide the lines")
    elif animation.action is not None and owner.id_type == "KEY":
        # The active Action of a data block plays above all its NLA tracks.
        notes.append(f"{animation.action.name!r} plays above the lines of {owner.name!r}")
    # Before the strip plays, as the values are read from the scene.
    rest.hold(owner, part.action)
    if animation.action is not None and owner.id_type != "KEY" and not is_apart:
        memory.put_aside(owner, animation.action)  # the body's animation continues below
        compat.assign_action(owner, None)
    slot = compat.slot_of_action(part.action, owner)
    # Clips that overlap need tracks of their own: Blender allows no overlap on one.
    rows = () if is_below else [t for t in our_tracks(owner) if not t.name.startswith(IDLE_TRACK)]
    for nla_track in rows:
        strip = compat.add_strip_or_none(nla_track, part.action, slot)
        if strip is not None:
            break
    else:
        below = tracks_below(owner) if is_below else []
        nla_track = animation.nla_tracks.new(prev=below[-1] if below else None)
        nla_track.name = IDLE_TRACK if is_below else TRACK
        strip = compat.add_strip(nla_track, part.action, slot)
    # By default a strip holds its last pose for ever, which would hide all earlier clips.
    strip.extrapolation = "NOTHING"
    if owner.id_type != "KEY":
        strip.blend_type = "COMBINE"
    length = strip.frame_end - strip.frame_start
    # At most a quarter on each side: blends of a strip must not overlap.
    strip.blend_in = strip.blend_out = min(float(fade), length / 4)
    return notes


def _is_apart(own: bpy.types.Action, clip: bpy.types.Action) -> bool:
    """Return whether two Actions have no frame in common."""
    mine, other = own.frame_range, clip.frame_range
    return bool(mine[1] < other[0] or other[1] < mine[0])


def tracks_below(owner: bpy.types.ID) -> list[Any]:
    """Return the NLA tracks of a data block below the first of our clips, in order."""
    clips = {nla_track.name for nla_track in our_tracks(owner)}
    found = []
    for nla_track in owner.animation_data.nla_tracks:
        if nla_track.name in clips:
            break
        found.append(nla_track)
    return found


def _stored_actions(face: bpy.types.Object) -> list[bpy.types.Action]:
    known = ownership.unique_face_id_or_none(face.data.shape_keys)
    return [
        action
        for action in bpy.data.actions
        if is_clip(action)
        and (
            action.get(FACE_0_1) == face
            or (known is not None and action.get(ownership.FACE) == known)
        )
    ]


def _is_line(action: bpy.types.Action, label: Label) -> bool:
    return bool(action.get(LINE) == label.line and action.get(BATCH) == label.batch)
