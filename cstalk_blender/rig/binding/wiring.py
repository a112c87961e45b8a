"""Collect everything that decides how one mesh is moved: names, a preset, rows of the user.

Panels, the target lookup and the bake read the same `Wiring`, so that the panel shows what is
baked.
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
from .shapes import shape_names, still_shapes


@dataclasses.dataclass(frozen=True)
class Wiring:
    """Sources of a mesh's routing, and the routing."""

    shape_names: tuple[str, ...]
    """Its shape keys without the reference key."""
    still: tuple[str, ...]
    """Those of ``shape_names`` that move no vertex."""
    recognition: Recognition
    preset: Preset | None
    """Preset that is used instead of the names."""
    lost_preset: str
    """File name of a chosen preset that does not exist; else empty."""
    own: Mapping[str, tuple[Route, ...]]
    """Channel to the user's routes for it."""
    routing: Routing
    """All sources together; may contain routes to shape keys that the mesh does not have."""

    @property
    def origin(self) -> Origin:
        """Source of channels without rows of the user."""
        return "names" if self.preset is None else "preset"

    @property
    def usable(self) -> Routing:
        """Routes to bones, properties, and shape keys that exist and move a vertex."""
        return present(self.routing, frozenset(self.shape_names) - frozenset(self.still))

    def reports(self) -> tuple[ChannelReport, ...]:
        """Return for each channel whether it is mapped, doubtful or missing, and the reason."""
        return channel_reports(
            self.recognition,
            self.routing,
            frozenset(self.shape_names),
            origin=self.origin,
            own=frozenset(self.own),
            still=self.still,
        )


def wiring_of(target: bpy.types.Object | None) -> Wiring:
    """Return the wiring of an object; empty for one without shape keys."""
    # The reference key is the first and moves nothing.
    names = shape_names(target)[1:]
    still = still_shapes(target)
    state = mapping_state_or_none(target)
    recognition = recognise(names, library.families(), still)
    preset, lost = _preset(state, names, "" if target is None else target.name)
    # The user's rows are laid over names and presets alike, see `coverage.merged`.
    own = own_rows(state)
    base = recognition.routing if preset is None else preset.routing
    return Wiring(names, still, recognition, preset, lost, own, merged(base, own))


def mapping_state_or_none(target: bpy.types.Object | None) -> Any:
    """Return the user's settings on an object's shape keys; None where nothing was set.

    Up to Blender 4.5 reading a group of properties for the first time writes an empty one into the
    file.
    """
    key = getattr(getattr(target, "data", None), "shape_keys", None)
    # The property is missing while the add-on is being unregistered.
    if key is None or "cstalk_mapping" not in key.bl_rna.properties:
        return None
    return key.cstalk_mapping if key.is_property_set("cstalk_mapping") else None


def own_rows(state: Any) -> dict[str, tuple[Route, ...]]:
    """Return the user's routes by channel; a row without a shape key has none."""
    own: dict[str, list[Route]] = {}
    for row in () if state is None else state.rows:
        # ``setdefault`` also for a row without a target: an empty list says that the channel moves
        # nothing.
        routes = own.setdefault(row.channel, [])
        if row.target:
            gain = -row.gain if row.invert else row.gain
            routes.append(Route(row.channel, row.kind, row.target, gain, row.offset))
    return {channel: tuple(routes) for channel, routes in own.items()}


# The hash of hundreds of names, for each redraw of a panel.
@functools.lru_cache(maxsize=64)
def rig_of(names: tuple[str, ...]) -> str:
    """Return the fingerprint of a mesh by its shape keys without the reference key."""
    return fingerprint(names)


def _preset(state: Any, names: tuple[str, ...], mesh: str) -> tuple[Preset | None, str]:
    base = "AUTO" if state is None else state.base
    # No keys have no fingerprint: all empty meshes would share a preset.
    if base == "NAMES" or not names:
        return None, ""
    store = library.mappings()
    if base == "PRESET":
        picked = store.named_or_none(state.preset)
        # The name of a missing preset goes to the panel, instead of falling back in silence.
        return picked, "" if picked is not None else state.preset
    return store.find_or_none(rig_of(names), mesh), ""
