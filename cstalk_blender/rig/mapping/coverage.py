"""Report for each channel whether a mesh can show it: mapped, doubtful or missing. No bpy."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal

from ...package import rigs
from ...text import counted
from .families import CHANNEL_RIG
from .recognise import Recognition
from .routing import Route, Routing

Status = Literal["mapped", "doubtful", "missing"]
Origin = Literal["names", "preset", "own"]
"""Source of a channel's routes: names of shape keys, a preset, rows of the user."""


@dataclasses.dataclass(frozen=True)
class _Keys:
    """Shape keys of a mesh."""

    names: frozenset[str]
    # A key without motion, as exporters write for unused channels, has the right name and shows
    # nothing.
    still: frozenset[str]
    """Those that move no vertex."""

    def problem(self, name: str) -> str:
        """Return why a shape key cannot show anything; empty when it can."""
        if name not in self.names:
            return f'the mesh has no shape key "{name}"'
        return f'the shape key "{name}" moves no vertex' if name in self.still else ""


@dataclasses.dataclass(frozen=True)
class ChannelReport:
    """State of one channel."""

    channel: str
    region: str
    status: Status
    reason: str
    """Reason why it is doubtful or missing; empty when it is mapped."""
    routes: tuple[Route, ...]
    """All routes of the channel, also those to keys that do not exist."""
    is_own: bool
    """True where rows of the user are used."""


def merged(base: Routing, own: Mapping[str, Sequence[Route]]) -> Routing:
    """Return ``base`` with the channels of ``own`` replaced.

    Args:
        base: Routing from names or a preset.
        own: Channel to the user's routes for it; without a route the channel moves nothing.
    """
    if not own:
        return base
    # In the order of the rig, so that the same mapping has the same routes whichever channel was
    # changed by hand first.
    order = [channel.name for channel in rigs.load_rig(CHANNEL_RIG).channels]
    order += [channel for channel in base.channels if channel not in order]
    # A channel of ``own`` with an empty list stays unrouted: "moves nothing" is a choice of the
    # user.
    routes = [route for name in order for route in own.get(name, base.of(name))]
    count = len(own)
    source = f"{base.source}, {counted(count, 'channel')} by hand"
    return Routing(tuple(routes), source, base.bounds)


def present(routing: Routing, shape_names: Collection[str]) -> Routing:
    """Return ``routing`` without routes to shape keys that are missing or move no vertex.

    Args:
        routing: Any routing.
        shape_names: The shape keys that move a vertex.
    """
    # Only shape keys are filtered: bones and properties are checked where they are resolved.
    kept = tuple(r for r in routing.routes if r.kind != "shape" or r.target in shape_names)
    return dataclasses.replace(routing, routes=kept)


def channel_reports(
    recognition: Recognition,
    routing: Routing,
    shape_names: Collection[str],
    *,
    origin: Origin,
    own: Collection[str] = (),
    still: Collection[str] = (),
) -> tuple[ChannelReport, ...]:
    """Return one report per channel of the rig, in its order.

    Args:
        recognition: Result of recognising the mesh by names.
        routing: All routes in use, also those to missing keys.
        shape_names: The shape keys of the mesh.
        origin: Source of channels without rows of the user.
        own: Channels with rows of the user.
        still: Those of ``shape_names`` that move no vertex.
    """
    keys = _Keys(frozenset(shape_names), frozenset(still))
    reports = []
    for channel in rigs.load_rig(CHANNEL_RIG).channels:
        routes = routing.of(channel.name)
        source: Origin = "own" if channel.name in own else origin
        status, reason = _state(channel.name, routes, recognition, keys, source)
        reports.append(
            ChannelReport(channel.name, channel.region, status, reason, routes, channel.name in own)
        )
    return tuple(reports)


def counts(reports: Iterable[ChannelReport]) -> dict[str, dict[Status, int]]:
    """Return for each region how many channels are mapped, doubtful and missing."""
    table: dict[str, dict[Status, int]] = {}
    for report in reports:
        row = table.setdefault(report.region, {"mapped": 0, "doubtful": 0, "missing": 0})
        row[report.status] += 1
    return table


def _state(
    channel: str,
    routes: Sequence[Route],
    recognition: Recognition,
    keys: _Keys,
    origin: Origin,
) -> tuple[Status, str]:
    # Broken routes come before doubts about names: they also occur in presets and rows by hand.
    lost = [why for r in routes if r.kind == "shape" and (why := keys.problem(r.target))]
    if lost and len(lost) == len(routes):
        return "missing", lost[0]
    if lost:
        return "doubtful", f"{lost[0]}; the others are used"
    if not routes:
        return "missing", _reason_unrouted(channel, recognition, origin)
    # Doubts are about the reading of names; a preset or a row by hand was already decided by
    # someone.
    doubt = recognition.doubts.get(channel, "") if origin == "names" else ""
    return ("doubtful", doubt) if doubt else ("mapped", "")


def _reason_unrouted(channel: str, recognition: Recognition, origin: Origin) -> str:
    if origin == "own":
        return "left out by hand"
    if origin == "preset":
        return "the preset leaves it out"
    return recognition.missing.get(channel, "no key is known for it")
