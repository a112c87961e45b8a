"""Keep the list of takes with each face: what was generated, and which of it plays.

A take that does not play refers to its Actions, so that saving and appending bring them along; the
one that plays is found by what the face plays. Main thread only.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

import bpy

from ..direct import direction as directions
from ..rig.keys import ownership, switching
from . import direction, predictions, result

if TYPE_CHECKING:  # not needed when the add-on is enabled
    from ..direct.prediction import Prediction

NO_SEED = -1
"""Seed of curves that were loaded."""
BEST_RATING = 5
RESULT_FIELDS = ("title", "summary", "detected_emotion", "settings", "details")
"""Texts of `result.CSTALK_PG_result` that a take keeps while it does not play."""


class CSTALK_PG_take_player(bpy.types.PropertyGroup):
    """A data block with the Action that it plays in a take."""

    owner: bpy.props.PointerProperty(type=bpy.types.ID)
    action: bpy.props.PointerProperty(type=bpy.types.Action)
    slot: bpy.props.StringProperty()
    ranges: bpy.props.StringProperty()


class CSTALK_PG_take(bpy.types.PropertyGroup):
    """A performance of a face."""

    name: bpy.props.StringProperty(
        name="Name", description="Name of the take: emotion and seed at first; type another"
    )
    take: bpy.props.StringProperty(
        name="Identity", description="Identity of the take, which its Actions have too"
    )
    clip: bpy.props.StringProperty(name="Clip", description="Path of the audio file")
    prediction: bpy.props.StringProperty(
        name="Prediction", description="Identity of the stored prediction"
    )
    line: bpy.props.StringProperty(name="Clip Name", description="Name of the clip")
    seed: bpy.props.IntProperty(name="Seed", description="Random seed of the take", default=NO_SEED)
    created: bpy.props.StringProperty(name="Date", description="When the take was made")
    rating: bpy.props.IntProperty(
        name="Rating",
        description="Your rating of the take, 0 to 5 (default: 0)",
        min=0,
        max=BEST_RATING,
    )
    direction: bpy.props.StringProperty(
        name="Direction", description="Settings of Direct as JSON while the take does not play"
    )
    title: bpy.props.StringProperty(name="Title", description="Emotion and audio file")
    summary: bpy.props.StringProperty(name="Summary", description="Keys, channels and seconds")
    detected_emotion: bpy.props.StringProperty(name="Detected Emotion")
    settings: bpy.props.StringProperty(name="Settings")
    details: bpy.props.StringProperty(name="Details")
    players: bpy.props.CollectionProperty(type=CSTALK_PG_take_player)


class CSTALK_PG_takes(bpy.types.PropertyGroup):
    """All takes of a face."""

    items: bpy.props.CollectionProperty(type=CSTALK_PG_take)
    index: bpy.props.IntProperty(name="Take", description="Selected take")
    active: bpy.props.StringProperty(
        name="Playing", description="Identity of the take that the face plays"
    )


@dataclasses.dataclass(frozen=True)
class NewTake:
    """A performance that is about to be given to a face."""

    take: str
    clip: str
    line: str
    title: str
    seed: int = NO_SEED


def entry_or_none(face: bpy.types.Object | None, take: str = "") -> CSTALK_PG_take | None:
    """Return a take of a face.

    Args:
        face: The face; None has no takes.
        take: Identity of the take; empty for the one that plays.

    Returns:
        The take, valid until takes are added or removed; None without it.
    """
    if face is None:
        return None
    wanted = take or face.cstalk_takes.active
    return next((item for item in face.cstalk_takes.items if item.take == wanted), None)


def index_of(face: bpy.types.Object, take: str) -> int:
    """Return the place of a take in the list, -1 without it.

    Args:
        face: The face.
        take: Identity of the take.
    """
    return next((i for i, one in enumerate(face.cstalk_takes.items) if one.take == take), -1)


def new_identity(clip: str) -> str:
    """Return an identity that no other take has, of this face or of another."""
    return f"{clip}|{uuid.uuid4().hex[:12]}"


def plays_another_clip(face: bpy.types.Object, clip: str) -> bool:
    """Return True when the take that plays is of another clip, which a new take never replaces.

    Args:
        face: The face.
        clip: Identity of the clip, such as the path of its audio file.
    """
    present = entry_or_none(face)
    return present is not None and present.clip != clip


def identity_for(face: bpy.types.Object, clip: str, *, is_new: bool) -> str:
    """Return the identity of the take that a clip is generated into.

    A performance replaces the take that plays if that is of the same clip, and never another one.

    Args:
        face: The face.
        clip: Identity of the clip, such as the path of its audio file.
        is_new: Keep the take that plays.
    """
    present = entry_or_none(face)
    if not is_new and present is not None and present.clip == clip:
        return str(present.take)
    # Bakes of the same identity replace each other, also Actions that no list has.
    is_known = any(clip == one.take for one in face.cstalk_takes.items)
    played = ownership.own_action_or_none(face.data.shape_keys)
    is_played = played is not None and played.get(ownership.TAKE) == clip
    return new_identity(clip) if is_known or (is_new and is_played) else clip


def ensure_active(face: bpy.types.Object) -> CSTALK_PG_take | None:
    """Return the take that plays; one is listed for a performance of an older file.

    Returns:
        The take; None when the face plays no performance with a result.
    """
    found = entry_or_none(face)
    played = ownership.own_action_or_none(face.data.shape_keys)
    if found is not None or played is None or result.result_of_or_none(face) is None:
        return found
    take = str(played.get(ownership.TAKE, ""))
    if not take:  # version 0.1
        return None
    item = face.cstalk_takes.items.add()
    item.take = item.clip = face.cstalk_takes.active = take
    item.name = item.title = face.cstalk_result.title
    item.line = str(played.get(ownership.LINE, item.title))
    item.prediction = face.cstalk_predictions.active
    face.cstalk_takes.index = len(face.cstalk_takes.items) - 1
    return item


def store(
    face: bpy.types.Object, prediction: Prediction, new: NewTake, *, keeps_others: bool
) -> CSTALK_PG_take:
    """List a performance that the face plays now, and store its prediction.

    Args:
        face: The face, with the result of the performance.
        prediction: What the model predicted.
        new: The performance.
        keeps_others: Keep the take that played before; otherwise the performance replaces it.

    Returns:
        The take.
    """
    held = face.cstalk_takes
    item = entry_or_none(face, new.take) or (None if keeps_others else entry_or_none(face))
    # A name that the user typed stays with the place in the list.
    is_named = item is not None and item.name != default_name(item.title, item.seed)
    item = item or held.items.add()
    item.players.clear()
    item.take, item.clip, item.line = new.take, new.clip, new.line
    item.prediction, item.seed, item.rating = prediction.id, new.seed, 0
    item.title, item.direction = new.title, ""
    item.created = datetime.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M")
    if not is_named:
        item.name = default_name(new.title, new.seed)
    held.active, held.index = new.take, index_of(face, new.take)
    predictions.save(
        face, prediction, line=new.line, take=new.take, title=new.title, keep_others=True
    )
    drop_unused_predictions(face)
    return entry_or_none(face)


def default_name(title: str, seed: int) -> str:
    """Return the first name of a take, as "Happy 0.8, seed 3".

    Args:
        title: Emotion and audio file.
        seed: Random seed; `NO_SEED` for loaded curves.
    """
    return title if seed == NO_SEED else f"{title.rpartition(', ')[0] or title}, seed {seed}"


def drop_unused_predictions(face: bpy.types.Object) -> None:
    """Remove stored predictions that neither plays nor belongs to a take."""
    used = {item.prediction for item in face.cstalk_takes.items} | {face.cstalk_predictions.active}
    for identity in [entry.identity for entry in face.cstalk_predictions.items]:
        if identity not in used:
            predictions.remove(face, identity)


def take_aside(face: bpy.types.Object, owners: list[bpy.types.ID]) -> None:
    """Note everything of the take that plays, so that it can be restored.

    Args:
        face: The face.
        owners: All data blocks that a performance of it may key.
    """
    item = ensure_active(face)
    if item is None:
        return
    players = switching.players_of(owners, item.take)
    switching.keep(players)
    write_players(item, players)
    for name in RESULT_FIELDS:
        setattr(item, name, getattr(face.cstalk_result, name))
    item.direction = json.dumps(directions.as_json(direction.direction_of(face)))


def write_players(item: CSTALK_PG_take, players: list[switching.Player]) -> None:
    """Let a take refer to its Actions.

    Args:
        item: The take.
        players: Data blocks with the Actions.
    """
    item.players.clear()
    for player in players:
        noted = item.players.add()
        noted.owner, noted.action, noted.slot = player.owner, player.action, player.slot
        noted.ranges = json.dumps({name: list(both) for name, both in player.ranges.items()})


def read_players(
    item: CSTALK_PG_take, owners: list[bpy.types.ID]
) -> tuple[list[switching.Player], int]:
    """Return the data blocks of a take with their Actions.

    Args:
        item: A take that does not play.
        owners: Data blocks of its face as it is now.

    Returns:
        The players, and the number of Actions that were deleted.
    """
    found, missing, left = [], 0, list(owners)
    for noted in item.players:
        owner = _owner_or_none(noted, left)
        if noted.action is None:
            missing += 1
        elif owner is not None:
            left.remove(owner)
            ranges = {n: (low, high) for n, (low, high) in json.loads(noted.ranges or "{}").items()}
            found.append(switching.Player(owner, noted.action, noted.slot, ranges))
    return found, missing


def shares_takes(face: bpy.types.Object) -> bool:
    """Return whether another face has takes of the same identity, as a duplicate has."""
    mine = {item.take for item in face.cstalk_takes.items}
    return bool(mine) and any(
        other.data.shape_keys != face.data.shape_keys
        and not mine.isdisjoint(item.take for item in other.cstalk_takes.items)
        for other in bpy.data.objects
        if other.type == "MESH" and other != face
    )


def separate(face: bpy.types.Object, owners: list[bpy.types.ID]) -> None:
    """Give a duplicated face takes of its own, so that edits of one do not reach the other.

    Args:
        face: The face.
        owners: Its data blocks.
    """
    if not shares_takes(face):
        return
    held = face.cstalk_takes
    for item in held.items:
        before, item.take = item.take, new_identity(item.clip)
        is_active = before == held.active
        players = (
            switching.players_of(owners, before) if is_active else read_players(item, owners)[0]
        )
        own = switching.copied(players, item.take, face, owners)
        if is_active:
            held.active = item.take
            for player in own:
                switching.play(player)
        else:
            write_players(item, own)
        entry = predictions.entry_or_none(face, item.prediction)
        if entry is not None and entry.take == before:
            entry.take = item.take


def attach() -> None:
    """Add the takes to objects."""
    bpy.types.Object.cstalk_takes = bpy.props.PointerProperty(type=CSTALK_PG_takes)  # type: ignore[func-returns-value]


def detach() -> None:
    """Undo `attach`."""
    del bpy.types.Object.cstalk_takes


def _owner_or_none(noted: CSTALK_PG_take_player, owners: list[bpy.types.ID]) -> bpy.types.ID | None:
    """Return the data block of a player; a duplicated face has another of the same kind."""
    if noted.owner in owners:
        return noted.owner
    kind = "" if noted.owner is None else noted.owner.id_type
    fitting = [owner for owner in owners if owner.id_type == kind]
    plain: Callable[[str], str] = lambda name: name.rpartition(".")[0] or name  # noqa: E731
    named = [o for o in fitting if plain(o.name) == plain(noted.owner.name)]
    return next(iter(named or fitting), None)


CLASSES = (CSTALK_PG_take_player, CSTALK_PG_take, CSTALK_PG_takes)
