"""Settings of the mapping: a person's rows on the shape keys, and what the panel shows of them."""

from __future__ import annotations

import bpy

from ...package import rigs
from ...rig.binding import targets
from ...rig.mapping import families
from .generate import chosen_face_or_none

MOST_REGIONS = 7
"""Regions that the panel can open; a test counts those of the channels."""
KINDS = ("shape", "bone", "property")
"""As `routing.KINDS`, which a test compares: reading it here would read it at each start."""
KIND_ITEMS = [(kind, kind.capitalize(), f"The row moves a {kind}") for kind in KINDS]
BASE_ITEMS = [
    ("AUTO", "Automatic", "A saved mapping of the same shape keys if there is one, else the names"),
    ("NAMES", "Names", "The names of the shape keys alone"),
    ("PRESET", "Preset", "The saved mapping that was picked"),
]


def regions() -> tuple[str, ...]:
    """Regions of the face, in the order of the panel."""
    return rigs.load_rig(families.CHANNEL_RIG).regions


class CSTALK_PG_route(bpy.types.PropertyGroup):
    """One row: a channel, a shape key, and how much of it."""

    channel: bpy.props.StringProperty(name="Channel", description="Channel that moves the key")
    kind: bpy.props.EnumProperty(name="Kind", description="What is moved", items=KIND_ITEMS)
    target: bpy.props.StringProperty(
        name="Shape Key",
        description="Shape key that the channel moves; several channels may move the same. "
        "Empty: this row moves nothing",
    )
    gain: bpy.props.FloatProperty(
        name="Gain",
        description="Multiply: how far the key moves when the channel is at 1",
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
        description="Where the key stands while the channel is at 0",
        default=0.0,
        soft_min=-1.0,
        soft_max=1.0,
        min=-1000.0,
        max=1000.0,
        step=5,
        precision=2,
    )
    invert: bpy.props.BoolProperty(
        name="Invert", description="Move the other way: the key falls while the channel rises"
    )


class CSTALK_PG_mapping(bpy.types.PropertyGroup):
    """What a person decided for one mesh; kept on its shape keys."""

    base: bpy.props.EnumProperty(
        name="From", description="Where the mapping comes from", items=BASE_ITEMS
    )
    preset: bpy.props.StringProperty(name="Preset", description="File of the picked preset")
    rows: bpy.props.CollectionProperty(type=CSTALK_PG_route)


def _has_shapes(_view: CSTALK_PG_mapping_view, candidate: bpy.types.Object) -> bool:
    return candidate.type == "MESH" and candidate.data.shape_keys is not None


class CSTALK_PG_mapping_view(bpy.types.PropertyGroup):
    """What the panel shows; one for each scene."""

    mesh: bpy.props.PointerProperty(
        name="Mesh",
        description="Mesh of the face whose mapping is shown; empty means the face itself",
        type=bpy.types.Object,
        poll=_has_shapes,
    )
    open: bpy.props.BoolVectorProperty(
        name="Region",
        description="Show the channels of this region of the face",
        size=MOST_REGIONS,
    )
    only_problems: bpy.props.BoolProperty(
        name="Only Problems", description="Hide the channels that are mapped beyond doubt"
    )
    channel: bpy.props.StringProperty(name="Channel", description="Channel whose rows are open")
    preset_name: bpy.props.StringProperty(
        name="Name", description="Name under which the mapping is saved", maxlen=64
    )


def mapped_mesh_or_none(context: bpy.types.Context) -> bpy.types.Object | None:
    """The mesh whose mapping is shown: the one that was clicked, else the face."""
    face = chosen_face_or_none(context)
    shown = context.scene.cstalk_mapping_view.mesh
    if shown is not None and shown != face and shown in meshes_of(face):
        return shown
    return face if face is not None and targets.shape_names(face) else None


def meshes_of(face: bpy.types.Object | None) -> list[bpy.types.Object]:
    """All meshes that perform with ``face``, itself first; empty when it is none."""
    if face is None or targets.problem_or_none(face) is not None:
        return []
    return targets.face_objects(face)


def attach() -> None:
    """Give shape keys their mapping and scenes their view of it."""
    bpy.types.Key.cstalk_mapping = bpy.props.PointerProperty(type=CSTALK_PG_mapping)  # type: ignore[func-returns-value]
    bpy.types.Scene.cstalk_mapping_view = bpy.props.PointerProperty(type=CSTALK_PG_mapping_view)  # type: ignore[func-returns-value]


def detach() -> None:
    """Undo `attach`."""
    del bpy.types.Scene.cstalk_mapping_view
    del bpy.types.Key.cstalk_mapping


CLASSES = (CSTALK_PG_route, CSTALK_PG_mapping, CSTALK_PG_mapping_view)
