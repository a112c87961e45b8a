"""Recognise the naming family of a face and route its channels to shape keys. No bpy.

Every family claims the channels that it finds shape keys for. The family with the most claims is
that of the face. Channels that it leaves open are taken from the others, so that an avatar with the
eyes of one convention and the mouth of another is mapped as a whole.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Mapping, Sequence

from ...package import rigs
from ...text import quoted
from .families import CHANNEL_RIG, Family, Keys, shipped_families
from .names import KeyIndex
from .routing import Route, Routing, Target

LEAST_KEYS = {"shapes": 2, "visemes": 3, "basis": 8}
"""Shape keys of a family that a mesh must have: one ``blink`` or ``O`` does not make a face. A key
named as its channel counts alone: teeth often have ``jawOpen`` and nothing else."""
SPEECH_REGIONS = ("jaw", "mouth")
"""Regions in which viseme keys move several channels at once, see `_read` and `_may_fill`."""
OPENING = "jawOpen"

# The order matters: eyelashes are lashes and eyebrows brows before "eye" matches, and the head
# comes last because its name often stands in those of its parts (Head_Teeth).
PARTS = (
    ("teeth", r"teeth|tooth|denture|gums?\b"),
    ("tongue", r"tongue"),
    ("lashes", r"lash"),
    ("brows", r"brow"),
    ("eyes", r"eye|cornea|sclera|tear"),
    ("beard", r"beard|moustache|mustache|stubble"),
    ("head", r"head|face|body"),
)
"""Part of a face and a pattern for the name of its mesh; the first match counts."""


@dataclasses.dataclass(frozen=True)
class Recognition:
    """Result of recognising one mesh by the names of its shape keys."""

    family: Family | None
    """The family with the most claims; None when no name is known."""
    title: str
    """Display name of the family, and a note on its spelling."""
    routing: Routing
    doubts: Mapping[str, str]
    """Routed channel to the reason why the user should check it."""
    missing: Mapping[str, str]
    """Channel without a route to the reason."""

    @property
    def found(self) -> int:
        """Number of channels with a route."""
        return len(self.routing.channels)

    @property
    def total(self) -> int:
        """Number of channels of the rig."""
        return len(self.routing.channels) + len(self.missing)

    @property
    def needs_solver(self) -> bool:
        """True for a face whose family cannot be mapped by names."""
        return self.family is not None and self.family.kind == "basis"


@dataclasses.dataclass(frozen=True)
class _Claim:
    """Shape keys that one family finds for one channel."""

    keys: Keys
    lacking: Keys
    """Keys of the family's table that the mesh does not have."""
    others: tuple[str, ...]
    """Keys with the same normalised name that are not used."""
    literal: int
    """Number of keys that are spelled as in the table."""

    @property
    def lacks_motion(self) -> bool:
        """True when a key is missing that adds motion, not one that takes some back."""
        return any(gain > 0 for _name, gain in self.lacking)

    @property
    def takes_back(self) -> bool:
        """True when a part of a key is subtracted from the motion of others."""
        return any(gain < 0 for _name, gain in (*self.keys, *self.lacking))


@dataclasses.dataclass(frozen=True)
class _Reading:
    """Claims of one family on a mesh."""

    family: Family
    claims: Mapping[str, _Claim]
    marks: int

    @property
    def weight(self) -> tuple[float, int]:
        """Number of channels, incomplete ones half; then keys spelled as in the table."""
        # Half, so that a family with fewer but complete claims can win against many half matches.
        whole = sum(1.0 if not claim.lacking else 0.5 for claim in self.claims.values())
        return whole, sum(claim.literal for claim in self.claims.values())


# Tuples, not lists: a cache needs arguments that can be hashed.
@functools.lru_cache(maxsize=128)
def recognise(
    shape_names: tuple[str, ...],
    own: tuple[Family, ...] = (),
    still: tuple[str, ...] = (),
) -> Recognition:
    """Find the family and the routes of a mesh.

    Args:
        shape_names: Names of its shape keys, with or without the reference key.
        own: Families that the user added; they win a tie with shipped ones.
        still: Those of ``shape_names`` that move no vertex: they do not count.
    """
    # A key without motion must not claim a channel that another key can show.
    names = tuple(name for name in shape_names if name not in frozenset(still))
    readings = [_read(family, names) for family in (*own, *shipped_families())]
    # The user's own families stand first in the list, so that they win ties.
    readings.sort(key=lambda reading: reading.weight, reverse=True)  # stable: the earlier stays
    best = next((reading for reading in readings if reading.claims), None)
    basis = next((r for r in readings if r.marks >= LEAST_KEYS["basis"]), None)
    # The basis of a statistical model counts only where names explain less than a quarter of the
    # keys: an ARKit set baked beside it is the better way.
    if basis is not None and (best is None or len(best.claims) < len(names) // 4):
        best = basis
    if best is None:
        reason = "its shape keys move no vertex" if still else "no shape key has a known name"
        missing = dict.fromkeys(rigs.load_rig(CHANNEL_RIG).channel_names, reason)
        return Recognition(None, "Unknown", Routing((), "Names"), {}, missing)
    # The best family comes first, the others in the order of their weight, to fill what it leaves.
    chosen = _chosen(best, [best, *(other for other in readings if other is not best)])
    # Looked up among the still keys only, to tell "moves no vertex" from "there is no such key".
    return _recognition(best, chosen, KeyIndex(still, best.family.key_names()))


def part_of(*names: str) -> str:
    """Return the part of a face that an object is, by its names; ``other`` when unknown."""
    # The parts' order decides over all names: object and data may be named differently.
    for part, pattern in PARTS:
        if any(re.search(pattern, name, re.IGNORECASE) for name in names):
            return part
    return "other"


def _read(family: Family, shape_names: Sequence[str]) -> _Reading:
    """Return the claims of ``family``; visemes that do not open the mouth claim no speech."""
    index = KeyIndex(shape_names, family.key_names(), endings=family.endings)
    claims = {}
    for channel, options in family.channels.items():
        found = [claim for option in options if (claim := _claim(index, option)) is not None]
        if found:  # the first complete one, else the most complete
            # ``min`` keeps the first of equals, which is the best alternative of the table.
            claims[channel] = min(found, key=lambda c: len(c.lacking) / (len(c.keys) or 1))
    if family.kind == "visemes" and OPENING not in claims:
        region = {channel.name: channel.region for channel in rigs.load_rig(CHANNEL_RIG).channels}
        claims = {c: claim for c, claim in claims.items() if region[c] not in SPEECH_REGIONS}
    marks = sum(bool(index.find(mark)) for mark in family.marks)
    keys = {name for claim in claims.values() for name, _gain in claim.keys}
    named_alike = any(_is_channel_itself(index, channel, claims[channel]) for channel in claims)
    # Too few keys, unless a key has the name of its channel: chance, not a convention.
    if len(keys) < LEAST_KEYS[family.kind] and not (named_alike and family.kind == "shapes"):
        claims = {}
    return _Reading(family, claims, marks)


def _is_channel_itself(index: KeyIndex, channel: str, claim: _Claim) -> bool:
    return len(claim.keys) == 1 and claim.keys[0][0] in index.find(channel)


def _claim(index: KeyIndex, option: Keys) -> _Claim | None:
    keys: list[tuple[str, float]] = []
    lacking: list[tuple[str, float]] = []
    others: list[str] = []
    literal = 0
    for wanted, gain in option:
        found = index.find(wanted)
        if not found:
            lacking.append((wanted, gain))
            continue
        keys.append((found[0], gain))
        others += found[1:]
        # Counted to report "other spelling", and to prefer the family whose table has these very
        # words.
        literal += found[0] == wanted
    claim = _Claim(tuple(keys), tuple(lacking), tuple(others), literal)
    # Subtracting a key without adding the others would move the face the wrong way.
    is_usable = bool(keys) and not (claim.takes_back and claim.lacks_motion)
    return claim if is_usable else None


def _chosen(best: _Reading, readings: Sequence[_Reading]) -> dict[str, tuple[_Reading, _Claim]]:
    """Return the claim that moves each channel, in the rig's order.

    Args:
        best: The family of the face, whose claims come first.
        readings: All families, ``best`` first.
    """
    names = rigs.load_rig(CHANNEL_RIG).channel_names
    chosen = {channel: (best, claim) for channel, claim in best.claims.items()}
    # In the order of weight: what a heavier family filled is not open any more.
    for reading in readings[1:]:
        # A key used twice for two channels would add their motions, which only a table may decide.
        used = {name for _reading, claim in chosen.values() for name, _gain in claim.keys}
        opens = OPENING in chosen
        for channel, claim in reading.claims.items():
            if channel in chosen or used & {name for name, _gain in claim.keys}:
                continue
            if _may_fill(best, reading, channel, claim, opens=opens):
                chosen[channel] = (reading, claim)
    return {name: chosen[name] for name in names if name in chosen}


def _may_fill(
    best: _Reading, reading: _Reading, channel: str, claim: _Claim, *, opens: bool
) -> bool:
    """Return True when a claim may fill a channel that the face's own family leaves open.

    A viseme opens the jaw too. Its table takes that back by subtracting an open viseme, which only
    works where that viseme opens the mouth of this face: else the jaw would open twice.

    Args:
        best: The family of the face.
        reading: The family that claims the channel.
        channel: The open channel.
        claim: Its shape keys.
        opens: True when another family opens the jaw.
    """
    region = {each.name: each.region for each in rigs.load_rig(CHANNEL_RIG).channels}
    is_speech = reading.family.kind == "visemes" and region[channel] in SPEECH_REGIONS
    # Outside speech, and beside a basis, nothing can open twice: all that is asked is a complete
    # claim.
    if not is_speech or best.family.kind == "basis":
        return not claim.lacking
    return not claim.lacks_motion and not (opens and claim.takes_back)


def _recognition(
    best: _Reading, chosen: Mapping[str, tuple[_Reading, _Claim]], still: KeyIndex
) -> Recognition:
    names = rigs.load_rig(CHANNEL_RIG).channel_names
    doubts = {channel: _doubt(channel, *claimed, best) for channel, claimed in chosen.items()}
    return Recognition(
        family=best.family,
        title=_title(best),
        routing=_routing(chosen, _title(best)),
        doubts={channel: why for channel, why in doubts.items() if why},
        missing={n: _reason_missing(best, n, still) for n in names if n not in chosen},
    )


def _routing(chosen: Mapping[str, tuple[_Reading, _Claim]], source: str) -> Routing:
    routes, bounds = [], {}
    for channel, (reading, claim) in chosen.items():
        for name, gain in claim.keys:
            routes.append(Route(channel, "shape", name, gain))
            if reading.family.bounds is not None:
                # Two families never share a key (see `_chosen`), so that each key has the bounds of
                # one.
                bounds[Target("shape", name)] = reading.family.bounds
    return Routing(tuple(routes), source, bounds)


def _title(reading: _Reading) -> str:
    keys = sum(len(claim.keys) for claim in reading.claims.values())
    literal = sum(claim.literal for claim in reading.claims.values())
    # More than half in another spelling: the panel then says so.
    return reading.family.title + (", other spelling" if 2 * literal < keys else "")


def _doubt(channel: str, reading: _Reading, claim: _Claim, best: _Reading) -> str:
    if claim.others:
        return f"{quoted([claim.keys[0][0]])} is used, not {quoted(claim.others)}"
    if claim.lacking:
        found, all_of = len(claim.keys), len(claim.keys) + len(claim.lacking)
        lacking = quoted([name for name, _gain in claim.lacking])
        return f"{found} of {all_of} keys exist; {lacking} is missing"
    if channel in reading.family.doubtful:
        return reading.family.doubtful[channel]
    if reading is not best and not _is_plain(reading):
        return f"named as in {reading.family.title}, unlike the rest"
    return ""


# A plain table has one key a channel: its names speak for themselves, whoever made them.
def _is_plain(reading: _Reading) -> bool:
    return all(
        len(options) == 1 and len(options[0]) == 1 for options in reading.family.channels.values()
    )


def _reason_missing(best: _Reading, channel: str, still: KeyIndex) -> str:
    # The first alternative is the best, and the one that a user would add.
    options = best.family.channels.get(channel)
    if not options:
        return f"{best.family.title} has no key for it"
    names = [name for name, _gain in options[0]]
    empty = [found for name in names for found in still.find(name)]
    if empty:
        return f"{quoted(empty)} moves no vertex"
    return f"there is no key {quoted(names)}"
