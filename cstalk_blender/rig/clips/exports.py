"""Export one clip with its character to a file of its own: .blend, glTF or FBX.

The clip is baked onto the face, exported under a temporary name, renamed, and taken off again: the
scene is as it was before.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import bpy

from ... import compat
from ...errors import BakeFailed
from ...package import files, runtime_errors, track
from ..drive.plan import owners_of
from ..keys import bake
from . import export_record

SUFFIXES = {"BLEND": ".blend", "GLTF": ".glb", "FBX": ".fbx"}
ADDONS = {"GLTF": "glTF 2.0", "FBX": "FBX"}
EXPORTER_HINT = "Check the output folder; the system console has the full message of the exporter"
FULL_BYTES = 1 << 20
"""Free space below which a failed export is put down to the disk; no character is smaller."""
# An exporter would add them to the character's file.
LINKED_TYPES = ("CAMERA", "LIGHT", "SPEAKER", "LIGHT_PROBE")
"""Children of a character that are no part of it, such as a face light on its armature."""


def export_line(
    faces: Sequence[bpy.types.Object],
    curves: track.CurveTrack,
    path: Path,
    *,
    kind: str,
    scene: bpy.types.Scene,
    line: str,
) -> None:
    """Write the whole character performing a clip, from frame 1 on.

    Args:
        faces: Face meshes, as `targets.face_objects` returns them.
        curves: The clip.
        path: The file, with the suffix of ``kind``; one that CSTalk wrote is replaced.
        kind: A key of ``SUFFIXES``.
        scene: The open scene; its frame range is that of the clip in the file.
        line: Name of the clip, and of the animation in the file.

    Raises:
        BakeFailed: The keyframes or the file cannot be written; scene and file are as they were.
    """
    _require_free(faces, path)
    rate = scene.render.fps / scene.render.fps_base
    first = 1 - curves.start_s * rate
    # The number of the process, as two Blenders may export into one folder; next to the file,
    # because renaming is atomic only within one file system.
    temporary = path.with_name(f".cstalk-{os.getpid()}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Frame 1 is the first of the clip, whatever part of the track is silent before it.
        report = bake.bake_track(faces, curves, start_frame=first, frame_rate=rate, line=line)
        with _shown(scene, faces, report.first_frame, report.last_frame):
            _WRITERS[kind](temporary, scene, line)
        os.replace(temporary, path)
        export_record.note(path)
    # Exporters raise RuntimeError with a whole traceback as text.
    except (OSError, RuntimeError, runtime_errors.RuntimeFault) as error:
        # Blender's own reason for a full disk is "No such file or directory".
        reason, hint = _reason(error), EXPORTER_HINT
        if _is_full(path.parent):
            reason, hint = "No space left on device", files.SPACE_HINT
        raise BakeFailed(f"{path.name} could not be written: {reason}", hint=hint) from error
    finally:
        # Whatever happened, the scene has no performance afterwards: one was refused at the start.
        bake.clear_bake(faces)
        # Blender itself writes to this name with "@" behind it first.
        for left in (temporary, temporary.with_name(temporary.name + "@")):
            with contextlib.suppress(OSError):
                left.unlink(missing_ok=True)


def problem_or_none(kind: str) -> str | None:
    """Return why a kind of file cannot be written; None when it can."""
    operator = {"GLTF": "gltf", "FBX": "fbx"}.get(kind)
    # Operators of a disabled add-on are missing from the module.
    if operator is None or operator in dir(bpy.ops.export_scene):
        return None
    return f"Enable Blender's own add-on {ADDONS[kind]!r} in the preferences first"


def character_of(faces: Sequence[bpy.types.Object]) -> set[bpy.types.Object]:
    """Return all objects of the character that faces belong to: body, hair and eyes included."""
    found: set[bpy.types.Object] = set()
    for face in faces:
        armature = face.find_armature()
        root = armature or face.parent or face
        found |= {face, root, *root.children_recursive}
        # Drivers of the face may follow objects elsewhere, such as a panel of sliders.
        found |= {o for o in owners_of([face]) if isinstance(o, bpy.types.Object)}
        if root.type == "ARMATURE":
            found |= {o for o in bpy.context.scene.objects if o.find_armature() == root}
        parent = root.parent
        while parent is not None:  # an empty above the armature carries its place in the scene
            found.add(parent)
            parent = parent.parent
    return {thing for thing in found if thing.type not in LINKED_TYPES}


def _require_free(faces: Sequence[bpy.types.Object], path: Path) -> None:
    if any(bake.has_bake(face) for face in faces):
        raise BakeFailed(
            f"{faces[0].name!r} has a performance of its own, which the file would contain too",
            hint="Clear it first, or choose another destination",
        )
    if not export_record.may_replace(path):
        raise BakeFailed(
            f"{path.name} exists and was not written by CSTalk, or was changed since",
            hint="Move or rename that file, or choose another output folder",
        )
    try:
        files.check_unprotected(path)
    except runtime_errors.RuntimeFault as fault:
        raise BakeFailed(str(fault), hint=fault.hint) from fault


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < FULL_BYTES
    except OSError:
        return False


def _reason(error: Exception) -> str:
    """Return the last line of an exporter's traceback that names the error."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    named = [line for line in lines if not line.startswith(("Location:", "File "))]
    return (named or lines or [type(error).__name__])[-1]


@contextlib.contextmanager
def _shown(
    scene: bpy.types.Scene, faces: Sequence[bpy.types.Object], first: float, last: float
) -> Iterator[None]:
    """Set the frame range of the clip and select the character alone, and restore both."""
    layer = bpy.context.view_layer
    active, selected = layer.objects.active, [o for o in layer.objects if o.select_get()]
    before = scene.frame_start, scene.frame_end, scene.frame_current, scene.frame_subframe
    character = character_of(faces)
    try:
        # Blender's frame range starts at 0 unless the preferences allow negative frames.
        scene.frame_start, scene.frame_end = max(0, int(first)), int(last + 0.999)
        # Only the selection is exported by glTF and FBX; .blend has the whole scene.
        for thing in layer.objects:
            thing.select_set(thing in character)
        layer.objects.active = faces[0]
        yield
    finally:
        scene.frame_start, scene.frame_end = before[:2]
        for thing in layer.objects:
            thing.select_set(thing in selected)
        layer.objects.active = active
        # Last, as it evaluates the scene.
        scene.frame_set(before[2], subframe=before[3])


def _write_blend(path: Path, _scene: bpy.types.Scene, _line: str) -> None:
    with compat.window_context():
        # ``copy`` leaves the open file's name and state as they are.
        bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True, check_existing=False)


def _write_gltf(path: Path, _scene: bpy.types.Scene, line: str) -> None:
    with compat.window_context():
        bpy.ops.export_scene.gltf(
            filepath=str(path),
            export_format="GLB",
            use_selection=True,
            export_animation_mode="ACTIVE_ACTIONS",
            export_nla_strips_merged_animation_name=line,
            export_frame_range=True,
            export_morph=True,
            export_morph_animation=True,
            export_optimize_animation_size=False,
        )


def _write_fbx(path: Path, scene: bpy.types.Scene, line: str) -> None:
    name = scene.name
    scene.name = line  # the exporter names the take of the timeline after the scene
    try:
        with compat.window_context():
            bpy.ops.export_scene.fbx(
                filepath=str(path),
                check_existing=False,
                use_selection=True,
                bake_anim=True,
                bake_anim_use_all_actions=False,
                bake_anim_use_nla_strips=False,
                # Simplifying would smooth closures of a single frame away.
                bake_anim_simplify_factor=0.0,
                # Leaf bones are bones that the rig does not have.
                add_leaf_bones=False,
            )
    finally:
        scene.name = name


_WRITERS: dict[str, Callable[[Path, bpy.types.Scene, str], None]] = {
    "BLEND": _write_blend,
    "GLTF": _write_gltf,
    "FBX": _write_fbx,
}
