"""What moves a mesh, and why: names, the preset of its fingerprint, and the rows of a person.

A person's choice is kept on the shape keys' datablock, so that it is saved and undone with them:
``key.cstalk_mapping`` (`properties_mapping.py`) has ``base`` (which of names and presets),
``preset`` (the file that was picked) and ``rows`` (routes that replace those of their channel).
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import bpy

from ..mapping.coverage import ChannelReport, Origin, channel_reports, merged, present
from ..mapping.presets import Preset, fingerprint
from ..mapping.recognise import Recognition, recognise
from ..mapping.routing import Route, Routing
from . import library


@dataclasses.dataclass(frozen=True)
class Wiring:
    """All that is known of how a mesh is moved."""

    shape_names: tuple[str, ...]
    """Its shape keys without the reference key."""
    recognition: Recognition
    preset: Preset | None
    """The preset that is used instead of the names."""
    lost_preset: str
    """File name of a preset that was picked and is not there (any more); else empty."""
    own: Mapping[str, tuple[Route, ...]]
    """Channel to the routes that a person wrote for it."""
    routing: Routing
    """All of it together; may speak of keys that the mesh does not have."""

    @property
    def origin(self) -> Origin:
        """Whence the channels come that no person wrote."""
        return "names" if self.preset is None else "preset"

    @property
    def usable(self) -> Routing:
        """The routes whose shape keys are there."""
        return present(self.routing, frozenset(self.shape_names))

    def reports(self) -> tuple[ChannelReport, ...]:
        """Each channel mapped, doubtful or missing, and why."""
        return channel_reports(
            self.recognition,
            self.routing,
            frozenset(self.shape_names),
            origin=self.origin,
            own=frozenset(self.own),
        )


def wiring_of(target: bpy.types.Object | None) -> Wiring:
    """How ``target`` is moved; all empty for an object without shape keys."""
    names = shape_names(target)[1:]
    state = mapping_state_or_none(target)
    recognition = recognise(names, library.families())
    preset, lost = _preset(state, names, "" if target is None else target.name)
    own = own_rows(state)
    base = recognition.routing if preset is None else preset.routing
    return Wiring(names, recognition, preset, lost, own, merged(base, own))


def shape_names(target: bpy.types.Object | None) -> tuple[str, ...]:
    """Names of the object's shape keys, the reference first; empty when it has none."""
    key = getattr(getattr(target, "data", None), "shape_keys", None)
    return () if key is None else tuple(block.name for block in key.key_blocks)


def mapping_state_or_none(target: bpy.types.Object | None) -> Any:
    """The settings of a person on the object's shape keys; None where nothing was set.

    Up to Blender 4.5 the first look at a group of properties writes an empty one into the file.
    """
    key = getattr(getattr(target, "data", None), "shape_keys", None)
    if key is None or "cstalk_mapping" not in key.bl_rna.properties:
        return None
    return key.cstalk_mapping if key.is_property_set("cstalk_mapping") else None


def own_rows(state: Any) -> dict[str, tuple[Route, ...]]:
    """Channel to the routes of its rows; no route for a row without a key."""
    own: dict[str, list[Route]] = {}
    for row in () if state is None else state.rows:
        routes = own.setdefault(row.channel, [])
        if row.target:
            gain = -row.gain if row.invert else row.gain
            routes.append(Route(row.channel, row.kind, row.target, gain, row.offset))
    return {channel: tuple(routes) for channel, routes in own.items()}


@functools.lru_cache(maxsize=64)
def rig_of(names: tuple[str, ...]) -> str:
    """Fingerprint of a mesh with the shape keys ``names``, the reference not among them."""
    return fingerprint(names)


def _preset(state: Any, names: tuple[str, ...], mesh: str) -> tuple[Preset | None, str]:
    base = "AUTO" if state is None else state.base
    if base == "NAMES" or not names:
        return None, ""
    shelf = library.mappings()
    if base == "PRESET":
        picked = shelf.named_or_none(state.preset)
        return picked, "" if picked is not None else state.preset
    return shelf.find_or_none(rig_of(names), mesh), ""
