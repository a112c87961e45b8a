"""Switch, delete and clear takes of a face. Main thread only.

A take plays by assignment alone: every data block of the face gets the Action that it played in the
take, with slot and slider ranges; settings of Direct, result, words and prediction follow.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

import bpy

from ..direct import direction as directions
from ..direct.prediction import BadPrediction
from ..errors import SessionError
from ..rig.binding import targets
from ..rig.drive.plan import owners_of
from ..rig.keys import bake, hand_edits, install, ownership, switching
from ..rig.keys.report import ClearReport
from ..scene import direction, predictions, result, takes, words
from . import open_jobs


class TakeMissing(SessionError):
    """A take does not exist, or its Actions were deleted."""

    code = "take-missing"


@dataclasses.dataclass(frozen=True)
class Cleared:
    """The take of a face that was removed."""

    bake: ClearReport
    others: int
    """Takes that stay in the list."""


@dataclasses.dataclass(frozen=True)
class Take:
    """A performance of a face, one of several."""

    identity: str
    """For `play_take` and `delete_take`."""
    name: str
    title: str
    """Emotion and audio file."""
    seed: int
    """Random seed; -1 for curves that were loaded."""
    created: str
    """Local date and time, as ``2026-05-01 12:00``."""
    rating: int
    """0 to 5."""
    is_playing: bool
    is_edited: bool
    """Keys are not as CSTalk wrote them."""


def owners_of_face(face: bpy.types.Object) -> list[bpy.types.ID]:
    """Return all data blocks that a take of a face may key."""
    # False when its shape keys were renamed; companions count whatever the present option is.
    is_face = targets.problem_or_none(face) is None
    faces = targets.face_objects(face, with_companions=True) if is_face else [face]
    return owners_of(faces)


def keep_playing(face: bpy.types.Object) -> None:
    """Keep the take that plays, as another one is about to be written."""
    owners = owners_of_face(face)
    takes.separate(face, owners)
    takes.take_aside(face, owners)


def switch(face: bpy.types.Object, take: str) -> None:
    """Let a face play another of its takes.

    Args:
        face: The face.
        take: Identity of the take.

    Raises:
        TakeMissing: The face has no such take, or its Actions were deleted.
        BadDirection: The settings of the take were changed.
        BadTarget: An Action cannot be assigned; the face is unchanged in each case.
    """
    owners = owners_of_face(face)
    index = takes.index_of(face, take)
    if index < 0:
        raise TakeMissing(f"{face.name!r} has no such take", hint="Choose one of the list")
    if take == face.cstalk_takes.active and switching.players_of(owners, take):
        return
    for owner in owners:
        install.require_assignable(owner, owner.name)
    item = face.cstalk_takes.items[index]
    settings = directions.from_json(_loaded(item.direction))
    _require_actions(item, owners)
    open_jobs.DIRECT.current.flush(face)
    takes.separate(face, owners)
    takes.take_aside(face, owners)
    # Taken again, as the list may have grown by the performance of an older file.
    item = face.cstalk_takes.items[index]
    before = switching.players_of(owners, face.cstalk_takes.active)
    players, _missing = takes.read_players(item, owners)
    for player in players:
        switching.play(player)
    for owner in {player.owner for player in before} - {player.owner for player in players}:
        switching.release(owner)
    _restore_notes(face, item, settings)


def mark_edit(
    face: bpy.types.Object, edit: hand_edits.HandEdit, kind: str, *, is_set: bool
) -> None:
    """Mark a hand edit of a face as pinned or adopted, or remove the mark.

    Args:
        face: The face.
        edit: The edit.
        kind: `edit_marks.PINS` or `edit_marks.ADOPTED`.
        is_set: Mark it.
    """
    for owner in owners_of_face(face):
        if owner.name_full == edit.owner:
            hand_edits.set_mark(owner, edit, kind, is_set=is_set)


def delete(face: bpy.types.Object, take: str) -> list[str]:
    """Remove a take from the list, and its Actions as far as they are as CSTalk wrote them.

    Args:
        face: The face.
        take: Identity of the take; the one that plays is cleared.

    Returns:
        A sentence for each Action that was kept.

    Raises:
        TakeMissing: The face has no such take.
    """
    item = takes.entry_or_none(face, take)
    if item is None:
        raise TakeMissing(f"{face.name!r} has no such take", hint="Choose one of the list")
    owners = owners_of_face(face)
    index = takes.index_of(face, take)
    takes.separate(face, owners)
    item = face.cstalk_takes.items[index]
    if item.take == face.cstalk_takes.active:
        return list(clear(face, with_companions=True).bake.kept)
    actions = [player.action for player in item.players if player.action is not None]
    _remove_entry(face, index)
    return _removed_or_kept(actions)


def clear(face: bpy.types.Object, *, with_companions: bool) -> Cleared:
    """Remove the performance that a face plays; other takes and lines of a batch stay.

    Args:
        face: The face.
        with_companions: Also clear companion meshes.

    Returns:
        What was removed, and how many takes stay.
    """
    is_face = targets.problem_or_none(face) is None  # False when its shape keys were renamed
    faces = targets.face_objects(face, with_companions=with_companions) if is_face else [face]
    result.clear(face)
    index = takes.index_of(face, face.cstalk_takes.active)
    others = len(face.cstalk_takes.items) - (index >= 0)
    if index >= 0:
        _remove_entry(face, index)
    face.cstalk_predictions.active = ""
    takes.drop_unused_predictions(face)
    return Cleared(bake.clear_bake(faces), others)


def is_edited(face: bpy.types.Object, item: takes.CSTALK_PG_take) -> bool:
    """Return whether keys of a take are not as CSTalk wrote them.

    Args:
        face: The face.
        item: One of its takes.
    """
    if item.take == face.cstalk_takes.active:
        actions = [p.action for p in switching.players_of(owners_of_face(face), item.take)]
    else:
        actions = [player.action for player in item.players if player.action is not None]
    return any(_has_edits(action) for action in dict.fromkeys(actions))


def _has_edits(action: bpy.types.Action) -> bool:
    return bool(ownership.edited_curves(action)) or hand_edits.has_kept(action)


def _require_actions(item: takes.CSTALK_PG_take, owners: Sequence[bpy.types.ID]) -> None:
    players, missing = takes.read_players(item, list(owners))
    if missing or not players:
        raise TakeMissing(
            f"{missing or 'All'} Actions of the take {item.name!r} were deleted",
            hint="Undo, or delete the take and generate it again",
        )


def _loaded(text: str) -> object:
    try:
        return json.loads(text or "{}")
    except ValueError:
        return text  # refused by the reader of directions


def _restore_notes(
    face: bpy.types.Object, item: takes.CSTALK_PG_take, settings: directions.Direction
) -> None:
    """Restore what belongs to a take besides its keys."""
    held, take = face.cstalk_takes, item.take
    for name in takes.RESULT_FIELDS:
        setattr(face.cstalk_result, name, getattr(item, name))
    item.players.clear()
    held.active, held.index = take, takes.index_of(face, take)
    # "" where the data were removed: no other take's prediction may be directed instead.
    face.cstalk_predictions.active = item.prediction
    entry = predictions.entry_or_none(face)
    if entry is not None:
        # Takes of equal curves share one stored prediction.
        entry.take, entry.line, entry.name = take, item.line, item.title
    direction.write(face, settings)
    _restore_words(face)


def _restore_words(face: bpy.types.Object) -> None:
    try:
        found = predictions.load_or_none(face)
    except BadPrediction:  # said when it is directed; the keys play
        return
    if found is None:
        return
    values = result.settings_of(face.cstalk_result)
    words.store(
        face,
        found.request,
        start_s=float(found.request.get("start_s", 0.0)),
        zero_frame=float(values.get("start_frame", face.cstalk_words.zero_frame)),
        frame_rate=float(values.get("frame_rate", face.cstalk_words.frame_rate)),
    )


def _remove_entry(face: bpy.types.Object, index: int) -> None:
    held = face.cstalk_takes
    # References of the list count as users, which would keep the Actions.
    held.items[index].players.clear()
    if held.items[index].take == held.active:
        held.active = ""
    held.items.remove(index)
    held.index = min(held.index, len(held.items) - 1) if len(held.items) else 0
    takes.drop_unused_predictions(face)


def _removed_or_kept(actions: Sequence[bpy.types.Action]) -> list[str]:
    kept = []
    for action in dict.fromkeys(actions):
        if hand_edits.has_kept(action):
            # Carried edits count as written, but they are the artist's work.
            action.use_fake_user = True
            kept.append(f"{action.name!r} was kept: it holds hand edits")
        else:
            kept += install.remove_actions([action])
    return kept
