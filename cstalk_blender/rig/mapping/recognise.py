"""What kind of face is it? Names of keys to a family, routes, doubts, what is missing. No bpy.

Every table claims the channels that it finds keys for. The one with the most claims is the family
of the face; channels that it leaves open are taken from the others, so that an avatar with the eyes
of one convention and the mouth of another performs as a whole.
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
"""Keys of a family that a mesh must have: one ``blink`` or ``O`` does not make a face. A key named
as its channel counts alone: teeth often have ``jawOpen`` and nothing else."""
SPEECH_REGIONS = ("jaw", "mouth")
"""Sounds fill these only where the face has no movement in them at all: half of each would open the
mouth twice."""

PARTS = (
    ("teeth", r"teeth|tooth|denture|gums?\b"),
    ("tongue", r"tongue"),
    ("lashes", r"lash"),
    ("brows", r"brow"),
    ("eyes", r"eye|cornea|sclera|tear"),
    ("beard", r"beard|moustache|mustache|stubble"),
    ("head", r"head|face|body"),
)
"""Part of a face to what the names of its mesh say; the first that fits."""


@dataclasses.dataclass(frozen=True)
class Recognition:
    """What the names of one mesh's shape keys say."""

    family: Family | None
    """The family with the most claims; None when no name is known."""
    title: str
    """The family for people, and how it is spelled."""
    routing: Routing
    doubts: Mapping[str, str]
    """Channel that is routed to the reason for which a person should look."""
    missing: Mapping[str, str]
    """Channel without a route to the reason."""

    @property
    def found(self) -> int:
        """Number of channels with a route."""
        return len(self.routing.channels)

    @property
    def total(self) -> int:
        """Number of channels there are."""
        return len(self.routing.channels) + len(self.missing)

    @property
    def needs_solver(self) -> bool:
        """True for a face whose family no table of names can move."""
        return self.family is not None and self.family.kind == "basis"


@dataclasses.dataclass(frozen=True)
class _Claim:
    """The keys that one family finds for one channel."""

    keys: Keys
    lacking: tuple[str, ...]
    """Keys of the family that are not there."""
    others: tuple[str, ...]
    """Keys that are spelled alike and not used."""
    literal: int
    """Keys that are spelled as in the table."""


@dataclasses.dataclass(frozen=True)
class _Reading:
    """What one family makes of a mesh."""

    family: Family
    claims: Mapping[str, _Claim]
    marks: int

    @property
    def weight(self) -> tuple[float, int]:
        """Channels, those with keys lacking by half; then keys spelled as in the table."""
        whole = sum(1.0 if not claim.lacking else 0.5 for claim in self.claims.values())
        return whole, sum(claim.literal for claim in self.claims.values())


@functools.lru_cache(maxsize=128)
def recognise(shape_names: tuple[str, ...], own: tuple[Family, ...] = ()) -> Recognition:
    """Find the family and the routes of a mesh.

    Args:
        shape_names: Names of its shape keys, the reference key among them or not.
        own: Tables that a person added; they win where one of ours fits as well.
    """
    readings = [_read(family, shape_names) for family in (*own, *shipped_families())]
    readings.sort(key=lambda reading: reading.weight, reverse=True)  # stable: the earlier stays
    best = next((reading for reading in readings if reading.claims), None)
    basis = next((r for r in readings if r.marks >= LEAST_KEYS["basis"]), None)
    if basis is not None and (best is None or len(best.claims) < len(shape_names) // 4):
        best = basis
    if best is None:
        reason = "no shape key bears a name that we know"
        missing = dict.fromkeys(rigs.load_rig(CHANNEL_RIG).channel_names, reason)
        return Recognition(None, "Unknown", Routing((), "Names"), {}, missing)
    return _recognition(best, [best, *(other for other in readings if other is not best)])


def part_of(*names: str) -> str:
    """Which part of a face an object is, by its name and its mesh's; ``other`` when unknown."""
    for part, pattern in PARTS:
        if any(re.search(pattern, name, re.IGNORECASE) for name in names):
            return part
    return "other"


def _read(family: Family, shape_names: Sequence[str]) -> _Reading:
    """The claims of ``family``; sounds of which none opens the mouth claim nothing of it."""
    index = KeyIndex(shape_names, family.key_names(), endings=family.endings)
    claims = {}
    for channel, options in family.channels.items():
        found = [claim for option in options if (claim := _claim(index, option)) is not None]
        if found:  # the first whole one, else the most of one
            claims[channel] = min(found, key=lambda c: len(c.lacking) / (len(c.keys) or 1))
    if family.kind == "visemes" and "jawOpen" not in claims:
        region = {channel.name: channel.region for channel in rigs.load_rig(CHANNEL_RIG).channels}
        claims = {c: claim for c, claim in claims.items() if region[c] not in SPEECH_REGIONS}
    marks = sum(bool(index.find(mark)) for mark in family.marks)
    keys = {name for claim in claims.values() for name, _gain in claim.keys}
    named_alike = any(_is_channel_itself(index, channel, claims[channel]) for channel in claims)
    if len(keys) < LEAST_KEYS[family.kind] and not (named_alike and family.kind == "shapes"):
        claims = {}
    return _Reading(family, claims, marks)


def _is_channel_itself(index: KeyIndex, channel: str, claim: _Claim) -> bool:
    return len(claim.keys) == 1 and claim.keys[0][0] in index.find(channel)


def _claim(index: KeyIndex, option: Keys) -> _Claim | None:
    keys: list[tuple[str, float]] = []
    lacking: list[str] = []
    others: list[str] = []
    literal = 0
    for wanted, gain in option:
        found = index.find(wanted)
        if not found:
            lacking.append(wanted)
            continue
        keys.append((found[0], gain))
        others += found[1:]
        literal += found[0] == wanted
    takes_back = any(gain < 0 for _name, gain in option)
    whole = all(name not in lacking for name, gain in option if gain > 0 or not takes_back)
    if not keys or (takes_back and not whole):  # to take back without giving would be wrong
        return None
    return _Claim(tuple(keys), tuple(lacking), tuple(others), literal)


def _recognition(best: _Reading, readings: Sequence[_Reading]) -> Recognition:
    rig = rigs.load_rig(CHANNEL_RIG)
    region = {channel.name: channel.region for channel in rig.channels}
    moved = {region[channel] for channel in best.claims}
    speaks = best.family.kind != "basis" and bool(moved & set(SPEECH_REGIONS))
    chosen: dict[str, tuple[_Reading, _Claim]] = {}
    used: set[str] = set()
    for reading in readings:
        for channel, claim in reading.claims.items():
            names = {name for name, _gain in claim.keys}
            is_sound = reading.family.kind == "visemes" and region[channel] in SPEECH_REGIONS
            taken = names & used or claim.lacking or (is_sound and speaks)
            is_open = reading is best or not taken
            if channel not in chosen and is_open:
                chosen[channel] = (reading, claim)
        used = {name for _r, claim in chosen.values() for name, _gain in claim.keys}
    ordered = {name: chosen[name] for name in rig.channel_names if name in chosen}
    return Recognition(
        family=best.family,
        title=_title(best),
        routing=_routing(ordered, _title(best)),
        doubts={c: why for c, (r, claim) in ordered.items() if (why := _doubt(c, r, claim, best))},
        missing={
            name: _why_missing(best, name) for name in rig.channel_names if name not in chosen
        },
    )


def _routing(chosen: Mapping[str, tuple[_Reading, _Claim]], source: str) -> Routing:
    routes, bounds = [], {}
    for channel, (reading, claim) in chosen.items():
        for name, gain in claim.keys:
            routes.append(Route(channel, "shape", name, gain))
            if reading.family.bounds is not None:
                bounds[Target("shape", name)] = reading.family.bounds
    return Routing(tuple(routes), source, bounds)


def _title(reading: _Reading) -> str:
    keys = sum(len(claim.keys) for claim in reading.claims.values())
    literal = sum(claim.literal for claim in reading.claims.values())
    return reading.family.title + (", spelled its own way" if 2 * literal < keys else "")


def _doubt(channel: str, reading: _Reading, claim: _Claim, best: _Reading) -> str:
    if claim.others:
        return f"{quoted([claim.keys[0][0]])} is used, not {quoted(claim.others)}"
    if claim.lacking:
        there, all_of = len(claim.keys), len(claim.keys) + len(claim.lacking)
        return f"{there} of {all_of} keys are there; {quoted(claim.lacking)} is missing"
    if channel in reading.family.doubtful:
        return reading.family.doubtful[channel]
    if reading is not best and not _is_plain(reading):
        return f"named as in {reading.family.title}, unlike the rest"
    return ""


def _is_plain(reading: _Reading) -> bool:
    return all(
        len(options) == 1 and len(options[0]) == 1 for options in reading.family.channels.values()
    )


def _why_missing(best: _Reading, channel: str) -> str:
    options = best.family.channels.get(channel)
    if not options:
        return f"{best.family.title} has no key for it"
    return f"there is no key {quoted([name for name, _gain in options[0]])}"
