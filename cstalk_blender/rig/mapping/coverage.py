"""What a mesh can show: each channel mapped, doubtful or missing, and why. No bpy."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal

from ...package import rigs
from .families import CHANNEL_RIG
from .recognise import Recognition
from .routing import Route, Routing

Status = Literal["mapped", "doubtful", "missing"]
Origin = Literal["names", "preset", "own"]
"""Whence the routes of a channel are: names of shape keys, a preset, rows that a person wrote."""


@dataclasses.dataclass(frozen=True)
class ChannelReport:
    """One line of the report."""

    channel: str
    region: str
    status: Status
    reason: str
    """Why it is doubtful or missing; empty when it is neither."""
    routes: tuple[Route, ...]
    """All routes of the channel, those to keys that are gone included."""
    is_own: bool
    """True where a person's rows stand."""


def merged(base: Routing, own: Mapping[str, Sequence[Route]]) -> Routing:
    """``base`` with the channels of ``own`` replaced; a channel with no own route moves nothing.

    Args:
        base: What names or a preset say.
        own: Channel to the routes that a person wrote for it.
    """
    if not own:
        return base
    order = [channel.name for channel in rigs.load_rig(CHANNEL_RIG).channels]
    order += [channel for channel in base.channels if channel not in order]
    routes = [route for name in order for route in own.get(name, base.of(name))]
    count = len(own)
    source = f"{base.source}, {count} channel{'s' if count > 1 else ''} by hand"
    return Routing(tuple(routes), source, base.bounds)


def present(routing: Routing, shape_names: Collection[str]) -> Routing:
    """``routing`` without the routes to shape keys that the mesh does not have."""
    kept = tuple(r for r in routing.routes if r.kind != "shape" or r.target in shape_names)
    return dataclasses.replace(routing, routes=kept)


def channel_reports(
    recognition: Recognition,
    routing: Routing,
    shape_names: Collection[str],
    *,
    origin: Origin,
    own: Collection[str] = (),
) -> tuple[ChannelReport, ...]:
    """One report for each channel of the rig, in its order.

    Args:
        recognition: What the names say.
        routing: All routes that are in use, before those to missing keys are dropped.
        shape_names: The shape keys of the mesh.
        origin: Where the routes of channels that no person wrote are from.
        own: Channels whose routes a person wrote.
    """
    reports = []
    for channel in rigs.load_rig(CHANNEL_RIG).channels:
        routes = routing.of(channel.name)
        source: Origin = "own" if channel.name in own else origin
        status, reason = _state(channel.name, routes, recognition, frozenset(shape_names), source)
        reports.append(
            ChannelReport(channel.name, channel.region, status, reason, routes, channel.name in own)
        )
    return tuple(reports)


def counts(reports: Iterable[ChannelReport]) -> dict[str, dict[Status, int]]:
    """Region to the number of its channels that are mapped, doubtful and missing."""
    table: dict[str, dict[Status, int]] = {}
    for report in reports:
        row = table.setdefault(report.region, {"mapped": 0, "doubtful": 0, "missing": 0})
        row[report.status] += 1
    return table


def _state(
    channel: str,
    routes: Sequence[Route],
    recognition: Recognition,
    shape_names: frozenset[str],
    origin: Origin,
) -> tuple[Status, str]:
    gone = [r.target for r in routes if r.kind == "shape" and r.target not in shape_names]
    if gone and len(gone) == len(routes):
        return "missing", f'the mesh has no shape key "{gone[0]}"'
    if gone:
        return "doubtful", f'the mesh has no shape key "{gone[0]}"; the others are used'
    if not routes:
        return "missing", _why_nothing(channel, recognition, origin)
    doubt = recognition.doubts.get(channel, "") if origin == "names" else ""
    return ("doubtful", doubt) if doubt else ("mapped", "")


def _why_nothing(channel: str, recognition: Recognition, origin: Origin) -> str:
    if origin == "own":
        return "left out by hand"
    if origin == "preset":
        return "the preset leaves it out"
    return recognition.missing.get(channel, "no key is known for it")
