"""Bake the curves onto a face and make the demo's scene, frames and film. Runs in Blender.

    python -m demo.scene probe JOB.json    prints the scene's frame rate as a line of JSON
    python -m demo.scene make JOB.json     writes the .blend, the frames and the film

``build.py demo`` starts it and reads its lines ``PROGRESS done total``. A problem that
the user can fix ends it with status 2 and one line ``FAULT ...``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import bpy

from cstalk_blender.errors import SessionError
from cstalk_blender.rig.binding import targets
from cstalk_blender.rig.keys import bake
from cstalk_blender.rig.verify import check
from cstalk_blender.scene import audio as sound
from model_runtime.curves import track
from model_runtime.curves.formats import registry as formats
from model_runtime.errors import RuntimeFault

from . import film, studio
from .job import Job, read_job

FRAME_RATE = 24  # of the studio; the user's scene keeps its own
FIRST_FRAME = 1


# Its text is a whole sentence, since it is shown as it is.
class BadScene(Exception):
    """The user's scene lacks something; the text says what to do."""


def main(arguments: list[str]) -> int:
    """Run one of the two commands and return the exit status."""
    command, path = arguments
    job = read_job(Path(path))
    try:
        face = _open_face(job)
        if command == "probe":
            print(json.dumps({"fps": sound.frame_rate(bpy.context.scene), "face": face.name}))
        else:
            _make(job, face)
    except (BadScene, SessionError, RuntimeFault) as error:
        hint = getattr(error, "hint", "")
        print(f"FAULT {error}" + (f". {hint}" if hint else ""), flush=True)
        return 2
    return 0


def _open_face(job: Job) -> bpy.types.Object:
    """Return the face to animate, in the user's scene or in a new studio."""
    if not job.blend:
        # Imported here: a user's scene needs no demo head.
        from cstalk_blender.demo_head import build_demo_head  # only the studio needs it

        # An empty file: the default cube would be rendered.
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        scene = bpy.context.scene
        scene.render.fps, scene.render.fps_base = FRAME_RATE, 1.0
        scene.frame_start = scene.frame_end = FIRST_FRAME
        return build_demo_head()
    try:
        # load_ui: the saved scene should open as the user left it.
        bpy.ops.wm.open_mainfile(filepath=job.blend, load_ui=True)
    except RuntimeError as error:
        raise BadScene(f"Blender cannot open {job.blend}: {error}") from error
    return _face_in(bpy.context.scene, job.object_name)


def _face_in(scene: bpy.types.Scene, name: str) -> bpy.types.Object:
    if name:
        if name not in scene.objects:
            raise BadScene(f"No object {name!r} in the scene {scene.name!r}: check --object")
        return scene.objects[name]
    # The active object is what the user means, if it is a face.
    active = targets.default_target_or_none(bpy.context)
    if active is not None and targets.is_face(active):
        return active
    faces = [item for item in scene.objects if targets.is_face(item)]
    if not faces:
        raise BadScene("No mesh in the scene has ARKit shape keys (jawOpen, ...)")
    # Of several meshes the one with most channels: teeth and brows have fewer.
    return max(faces, key=lambda item: targets.mapping_of(item).found)


def _make(job: Job, face: bpy.types.Object) -> None:
    scene = bpy.context.scene
    is_own = bool(job.blend)
    start = scene.frame_start if is_own else FIRST_FRAME
    curves = formats.read_curves(job.curves)
    rate = sound.frame_rate(scene)
    bake_and_check(scene, face, curves, start_frame=start, line=Path(job.audio).stem)
    sound.place(scene, Path(job.audio), start)
    if not is_own:
        scene.frame_end = start + curves.frame_count - 1
    _set_stage(job, scene, face)
    _save(job, scene)
    studio.use_film_settings(scene, is_own=is_own, pixels=job.pixels)
    if not is_own:
        studio.drop_subsurface()  # after the .blend was saved: it keeps the material as it is
    frames = Path(job.frames_folder)
    film.render_frames(scene, frames, start, curves.frame_count)
    film.encode(frames, Path(job.audio), Path(job.out_film), curves.frame_count, rate)


def bake_and_check(
    scene: bpy.types.Scene,
    face: bpy.types.Object,
    curves: track.CurveTrack,
    *,
    start_frame: int,
    line: str,
) -> None:
    """Bake curves onto a face and its companions, and print the result.

    Args:
        scene: Scene of the face.
        face: Mesh with the shape keys.
        curves: Curves to bake.
        start_frame: Frame of their time 0.
        line: Name of the Action.

    Raises:
        BadScene: The face does not move.
        SessionError: The bake was refused.
    """
    rate = sound.frame_rate(scene)
    faces = targets.face_objects(face)
    report = bake.bake_track(faces, curves, start_frame=start_frame, frame_rate=rate, line=line)
    # Driven shapes were not baked, so they are not expected to move.
    seen = check.check_faces(
        faces, curves, scene, start_frame=start_frame, frame_rate=rate, left_out=report.driven
    )
    for problem in seen.problems:
        print(f"NOTE {problem}", flush=True)
    # A bake that moves nothing is a failure even though keys were written.
    if not seen.moved:
        raise BadScene(f"Keyframes were written, but {face.name!r} does not move")
    if report.driven:
        print(f"NOTE Not baked, since drivers control them: {', '.join(report.driven)}", flush=True)
    print(f"NOTE Baked {report.summary()} onto {', '.join(report.objects)}", flush=True)


def _set_stage(job: Job, scene: bpy.types.Scene, face: bpy.types.Object) -> None:
    centre, height = studio.moving_box(face)
    # The user's camera stays.
    if scene.camera is None:
        studio.add_camera(scene, centre, height)
    if not job.blend:
        studio.add_lights(scene, centre, height)
        studio.use_film_settings(scene, is_own=False, pixels=job.pixels)
    studio.prepare_windows(scene)


def _save(job: Job, scene: bpy.types.Scene) -> None:
    """Write the .blend with its audio packed, so that it plays wherever it is copied."""
    for item in bpy.data.sounds:
        if item.packed_file is None and Path(bpy.path.abspath(item.filepath)) == Path(job.audio):
            # Packed, so that the .blend plays wherever it is copied.
            item.pack()
    scene.render.filepath = "//demo_"
    # copy: a user's scene keeps its own path.
    bpy.ops.wm.save_as_mainfile(filepath=job.out_blend, copy=bool(job.blend), compress=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
