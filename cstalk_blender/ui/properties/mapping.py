"""Define the settings of the mapping: user rows on shape keys, and the state of the panel."""

from __future__ import annotations

import bpy

from ...package import rigs
from ...rig.binding import targets
from ...rig.mapping import families
from .generate import chosen_face_or_none

MOST_REGIONS = 7
"""Size of the vector of open regions; a test compares it with the rig."""
KINDS = ("shape", "bone", "property")
"""Equals `routing.KINDS` (tested); importing that would read the module at each start."""
KIND_ITEMS = [(kind, kind.capitalize(), f"Move a {kind}") for kind in KINDS]
BASE_ITEMS = [
    ("AUTO", "Automatic", "Use a saved mapping for the same shape keys, else their names"),
    ("NAMES", "Names", "Use the names of the shape keys only"),
    ("PRESET", "Preset", "Use the selected saved mapping"),
]


def regions() -> tuple[str, ...]:
    """Return the regions of the face in the order of the panel."""
    return rigs.load_rig(families.CHANNEL_RIG).regions


class CSTALK_PG_route(bpy.types.PropertyGroup):
    """A user's mapping of a channel to a shape key, with gain and offset."""

    channel: bpy.props.StringProperty(
        name="Channel", description="Channel that moves the shape key"
    )
    kind: bpy.props.EnumProperty(
        name="Kind", description="Kind of target that the channel moves", items=KIND_ITEMS
    )
    target: bpy.props.StringProperty(
        name="Shape Key",
        description="Shape key that the channel moves; several channels can share one. "
        "Empty moves nothing",
    )
    gain: bpy.props.FloatProperty(
        name="Gain",
        description="Value of the shape key at channel value 1, without the offset (default: 1)",
        default=1.0,
        soft_min=0.0,
        soft_max=2.0,
        min=-1000.0,
        max=1000.0,
        step=5,
        precision=2,
    )
    offset: bpy.props.FloatProperty(
        name="Offset",
        description="Value of the shape key at channel value 0 (default: 0)",
        default=0.0,
        soft_min=-1.0,
        soft_max=1.0,
        min=-1000.0,
        max=1000.0,
        step=5,
        precision=2,
    )
    invert: bpy.props.BoolProperty(
        name="Invert",
        description="Lower the shape key while the channel rises (default: off)",
    )


class CSTALK_PG_mapping(bpy.types.PropertyGroup):
    """Mapping settings of one mesh, stored on its shape keys."""

    base: bpy.props.EnumProperty(
        name="Source", description="Source of the mapping (default: Automatic)", items=BASE_ITEMS
    )
    preset: bpy.props.StringProperty(name="Preset", description="File name of the saved mapping")
    rows: bpy.props.CollectionProperty(type=CSTALK_PG_route)


def _has_shapes(_view: CSTALK_PG_mapping_view, candidate: bpy.types.Object) -> bool:
    return candidate.type == "MESH" and candidate.data.shape_keys is not None


class CSTALK_PG_mapping_view(bpy.types.PropertyGroup):
    """State of the mapping panel, one per scene."""

    mesh: bpy.props.PointerProperty(
        name="Mesh",
        description="Mesh of the face whose mapping is shown. Empty shows the face itself",
        type=bpy.types.Object,
        poll=_has_shapes,
    )
    open: bpy.props.BoolVectorProperty(
        name="Region",
        description="Show the channels of this region of the face",
        size=MOST_REGIONS,
    )
    only_problems: bpy.props.BoolProperty(
        name="Only Problems",
        description="Hide channels that are mapped without doubt (default: off)",
    )
    channel: bpy.props.StringProperty(name="Channel", description="Channel whose rows are shown")
    preset_name: bpy.props.StringProperty(
        name="Name", description="Name under which the mapping is saved", maxlen=64
    )


def mapped_mesh_or_none(context: bpy.types.Context) -> bpy.types.Object | None:
    """Return the mesh whose mapping is shown: the selected one, else the face."""
    face = chosen_face_or_none(context)
    shown = context.scene.cstalk_mapping_view.mesh
    if shown is not None and shown != face and shown in meshes_of(face):
        return shown
    return face if face is not None and targets.shape_names(face) else None


def meshes_of(face: bpy.types.Object | None) -> list[bpy.types.Object]:
    """Return all meshes that are animated with ``face``, itself first; empty for no face."""
    if face is None or targets.problem_or_none(face) is not None:
        return []
    return targets.face_objects(face)


def attach() -> None:
    """Add the mapping to shape keys and the panel state to scenes."""
    bpy.types.Key.cstalk_mapping = bpy.props.PointerProperty(type=CSTALK_PG_mapping)  # type: ignore[func-returns-value]
    bpy.types.Scene.cstalk_mapping_view = bpy.props.PointerProperty(type=CSTALK_PG_mapping_view)  # type: ignore[func-returns-value]


def detach() -> None:
    """Undo `attach`."""
    del bpy.types.Scene.cstalk_mapping_view
    del bpy.types.Key.cstalk_mapping


CLASSES = (CSTALK_PG_route, CSTALK_PG_mapping, CSTALK_PG_mapping_view)
