"""Edit the mapping of a mesh: its rows, its source, and saved mappings."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import bpy

from ..rig.binding import library, solved
from ..rig.binding import wiring as rig_wiring
from ..rig.fitting import solver
from ..rig.mapping import presets, routing
from .properties.mapping import CSTALK_PG_mapping


def state_of(mesh: bpy.types.Object) -> CSTALK_PG_mapping:
    """Return the user's mapping settings of ``mesh``."""
    return mesh.data.shape_keys.cstalk_mapping


def open_channel(mesh: bpy.types.Object, channel: str) -> None:
    """Write the routes of ``channel`` as editable rows, at least one.

    Args:
        mesh: A mesh with shape keys.
        channel: Name of the channel.
    """
    wiring = rig_wiring.wiring_of(mesh)
    if channel in wiring.own:
        return
    for route in wiring.routing.of(channel) or (None,):
        row = state_of(mesh).rows.add()
        row.channel = channel
        if route is not None:
            _fill(row, route)


def close_channel(mesh: bpy.types.Object, channel: str) -> None:
    """Remove the rows of ``channel`` if they equal the automatic mapping.

    Args:
        mesh: A mesh with shape keys.
        channel: Name of the channel.
    """
    wiring = rig_wiring.wiring_of(mesh)
    base = wiring.recognition.routing if wiring.preset is None else wiring.preset.routing
    written = wiring.own.get(channel)
    if written is not None and [_rounded(r) for r in written] == [
        _rounded(r) for r in base.of(channel)
    ]:
        _drop(mesh, channel)


def remove_row(mesh: bpy.types.Object, index: int) -> None:
    """Remove a row; the last one of a channel only loses its shape key.

    Without any row the automatic mapping would move the channel again.

    Args:
        mesh: A mesh with shape keys.
        index: Index of the row.

    Raises:
        BadPreset: There is no such row.
    """
    rows = state_of(mesh).rows
    if not 0 <= index < len(rows):
        raise presets.BadPreset(f"Row {index} does not exist", hint="Open the channel again")
    if sum(row.channel == rows[index].channel for row in rows) > 1:
        rows.remove(index)
    else:
        rows[index].target = ""


def reset(mesh: bpy.types.Object, channel: str = "") -> None:
    """Remove the rows of a channel.

    Args:
        mesh: A mesh with shape keys.
        channel: Name of the channel. Empty removes all rows and the saved mapping.
    """
    if channel:
        _drop(mesh, channel)
    else:
        use_base(mesh, "AUTO")


def use_base(mesh: bpy.types.Object, base: str, file_name: str = "") -> None:
    """Set the source of the mapping and remove all rows.

    Args:
        mesh: A mesh with shape keys.
        base: ``AUTO``, ``NAMES`` or ``PRESET``; empty is ``AUTO``.
        file_name: File of the saved mapping, for ``PRESET``.

    Raises:
        BadPreset: There is no such saved mapping.
    """
    if base == "PRESET" and library.mappings().named_or_none(file_name) is None:
        raise presets.BadPreset(
            f"Saved mapping not found: {file_name}", hint="Select another, or import it again"
        )
    state = state_of(mesh)
    state.rows.clear()
    state.base = base or "AUTO"
    state.preset = file_name


def preset_of(mesh: bpy.types.Object, name: str) -> presets.Preset:
    """Return the mapping of ``mesh`` as a preset; for a fitted face, the fit.

    Args:
        mesh: A mesh with shape keys.
        name: Name of the preset.
    """
    wiring = rig_wiring.wiring_of(mesh)
    fit = solved.fit_or_none(mesh)
    routing = wiring.usable if fit is None else solver.routing_of_fit(fit, source="Fit")
    return presets.Preset(name, rig_wiring.rig_of(wiring.shape_names), mesh.name, routing)


def save_preset(mesh: bpy.types.Object, name: str) -> Path:
    """Save the mapping of ``mesh`` and use the saved one.

    Args:
        mesh: A mesh with shape keys.
        name: Name of the preset.

    Raises:
        BadPreset: The file cannot be written.
    """
    path = presets.save(library.mappings().folder, preset_of(mesh, name))
    use_base(mesh, "PRESET", path.name)
    return path


def delete_preset(mesh: bpy.types.Object) -> None:
    """Delete the file of the preset that ``mesh`` uses.

    Raises:
        BadPreset: The file cannot be deleted.
    """
    in_use = rig_wiring.wiring_of(mesh).preset
    for path, preset in library.mappings().presets().items():
        if preset is in_use:
            try:
                path.unlink()
            except OSError as error:
                raise presets.BadPreset(
                    f"Cannot delete {path}: {error.strerror or error}",
                    hint="Close the program that has it open and delete again",
                ) from error
            break
    use_base(mesh, "AUTO")


def import_preset(mesh: bpy.types.Object, path: Path) -> presets.Preset:
    """Check the preset at ``path``, store a copy for the rig of ``mesh``, and use it.

    Args:
        mesh: A mesh with shape keys.
        path: A mapping file.

    Raises:
        BadPreset: It is no mapping file, or ``mesh`` has none of its shape keys.
    """
    preset = presets.load(path)
    names = rig_wiring.wiring_of(mesh).shape_names
    there = set(names).intersection(preset.routing.shape_names)
    if not there:
        raise presets.BadPreset(
            f"{mesh.name!r} has none of the {len(preset.routing.shape_names)} shape keys of "
            f"{preset.name!r}",
            hint="Select the mesh that the mapping was made for, or another mapping",
        )
    kept = dataclasses.replace(preset, fingerprint=rig_wiring.rig_of(names), mesh=mesh.name)
    saved = presets.save(library.mappings().folder, kept)
    use_base(mesh, "PRESET", saved.name)
    return kept


def _fill(row: bpy.types.PropertyGroup, route: routing.Route) -> None:
    row.kind = route.kind
    row.target = route.target
    row.gain = abs(route.gain)
    row.invert = route.gain < 0
    row.offset = route.offset


def _rounded(route: routing.Route) -> routing.Route:
    """Round gain and offset to the precision of Blender's float properties."""
    return dataclasses.replace(route, gain=round(route.gain, 5), offset=round(route.offset, 5))


def _drop(mesh: bpy.types.Object, channel: str) -> None:
    rows = state_of(mesh).rows
    for index in reversed(range(len(rows))):
        if rows[index].channel == channel:
            rows.remove(index)
