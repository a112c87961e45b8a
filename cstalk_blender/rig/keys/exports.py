"""A line on its own in a file: .blend, glTF or FBX. The scene is as before when it is written.

The line is baked onto the face, written under a temporary name, renamed, and taken off again.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import bpy

from ... import compat
from ...errors import BakeFailed
from ...package import track
from ..drive.plan import owners_of
from . import bake

SUFFIXES = {"BLEND": ".blend", "GLTF": ".glb", "FBX": ".fbx"}
ADDONS = {"GLTF": "glTF 2.0", "FBX": "FBX"}


def export_line(
    faces: Sequence[bpy.types.Object],
    curves: track.CurveTrack,
    path: Path,
    *,
    kind: str,
    scene: bpy.types.Scene,
    line: str,
) -> None:
    """Write the character speaking a line, from frame 1 on, replaced whole.

    Args:
        faces: As `targets.face_objects` gives them.
        curves: The line.
        path: Where to, with the ending of ``kind``.
        kind: A key of ``SUFFIXES``.
        scene: The open scene; its frame range is that of the line in the file.
        line: Name of the line.

    Raises:
        BakeFailed: The keys or the file cannot be written; scene and file are as they were.
    """
    if any(bake.has_bake(face) for face in faces):
        raise BakeFailed(
            f"{faces[0].name!r} has a performance of its own, which the file would contain too",
            hint="Clear it first, or choose another destination",
        )
    rate = scene.render.fps / scene.render.fps_base
    first = 1 - curves.start_s * rate
    temporary = path.with_name(f".cstalk-{os.getpid()}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        report = bake.bake_track(faces, curves, start_frame=first, frame_rate=rate, line=line)
        with _shown(scene, faces, report.first_frame, report.last_frame):
            _WRITERS[kind](temporary)
        os.replace(temporary, path)
    except (OSError, RuntimeError) as error:
        raise BakeFailed(
            f"{path.name} could not be written: {_reason(error)}",
            hint="Check the output folder; what Blender's exporter says more is in its console",
        ) from error
    finally:
        bake.clear_bake(faces)
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _reason(error: Exception) -> str:
    """The last line of an exporter's traceback that says what was wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(("Location:", "File "))]
    return (told or lines or [type(error).__name__])[-1]


def problem_or_none(kind: str) -> str | None:
    """Why a kind of file cannot be written here; None when it can."""
    operator = {"GLTF": "gltf", "FBX": "fbx"}.get(kind)
    if operator is None or operator in dir(bpy.ops.export_scene):
        return None
    return f"Enable Blender's own add-on {ADDONS[kind]!r} in the preferences first"


@contextlib.contextmanager
def _shown(
    scene: bpy.types.Scene, faces: Sequence[bpy.types.Object], first: float, last: float
) -> Iterator[None]:
    """The line's frame range, and nothing selected but the character, for as long as it takes."""
    layer = bpy.context.view_layer
    active, selected = layer.objects.active, [o for o in layer.objects if o.select_get()]
    before = scene.frame_start, scene.frame_end, scene.frame_current, scene.frame_subframe
    character = {*faces, *(o for face in faces for o in _above(face))}
    try:
        scene.frame_start, scene.frame_end = max(0, int(first)), int(last + 0.999)
        for thing in layer.objects:
            thing.select_set(thing in character)
        layer.objects.active = faces[0]
        yield
    finally:
        scene.frame_start, scene.frame_end = before[:2]
        for thing in layer.objects:
            thing.select_set(thing in selected)
        layer.objects.active = active
        scene.frame_set(before[2], subframe=before[3])


def _above(face: bpy.types.Object) -> list[bpy.types.Object]:
    found = [o for o in owners_of([face]) if isinstance(o, bpy.types.Object)]
    parent = face.parent
    while parent is not None:
        found.append(parent)
        parent = parent.parent
    return found


def _write_blend(path: Path) -> None:
    with compat.window_context():
        bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True, check_existing=False)


def _write_gltf(path: Path) -> None:
    with compat.window_context():
        bpy.ops.export_scene.gltf(
            filepath=str(path),
            export_format="GLB",
            use_selection=True,
            export_animation_mode="ACTIVE_ACTIONS",
            export_frame_range=True,
            export_morph=True,
            export_morph_animation=True,
            export_optimize_animation_size=False,
        )


def _write_fbx(path: Path) -> None:
    with compat.window_context():
        bpy.ops.export_scene.fbx(
            filepath=str(path),
            check_existing=False,
            use_selection=True,
            bake_anim=True,
            bake_anim_use_all_actions=False,
            bake_anim_use_nla_strips=False,
            bake_anim_simplify_factor=0.0,
            add_leaf_bones=False,
        )


_WRITERS: dict[str, Callable[[Path], None]] = {
    "BLEND": _write_blend,
    "GLTF": _write_gltf,
    "FBX": _write_fbx,
}
