"""Render the demo's line with each emotion, one picture per moment. Runs in Blender.

    python -m demo.emotion_render JOB.json

``build.py emotions`` starts it and reads its lines ``PROGRESS done total``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import bpy

from cstalk_blender.demo_head import build_demo_head
from model_runtime.curves.formats import registry as formats

from . import scene, studio
from .emotion_job import EmotionJob, picture_path, read_emotion_job


def main(arguments: list[str]) -> int:
    """Render all pictures and return the exit status."""
    job = read_emotion_job(Path(arguments[0]))
    # Factory settings: add-ons and preferences of the user must not show.
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    stage = bpy.context.scene
    stage.render.fps, stage.render.fps_base = job.frame_rate, 1.0
    face = build_demo_head()
    centre, height = studio.moving_box(face)
    studio.add_camera(stage, centre, height)
    studio.add_lights(stage, centre, height)
    studio.use_film_settings(stage, is_own=False)
    # Subsurface costs time that two samples cannot repay.
    studio.drop_subsurface()
    for row, emotion in enumerate(job.curves):
        _render_row(job, stage, face, row, emotion)
    return 0


def _render_row(
    job: EmotionJob, stage: bpy.types.Scene, face: bpy.types.Object, row: int, emotion: str
) -> None:
    curves = formats.read_curves(job.curves[emotion])
    # One Action an emotion, named after it.
    scene.bake_and_check(stage, face, curves, start_frame=scene.FIRST_FRAME, line=emotion)
    for column, time_s in enumerate(job.times_s):
        # The last moment may lie beyond the last frame by rounding.
        frame = min(round(time_s * curves.fps), curves.frame_count - 1)
        stage.frame_set(scene.FIRST_FRAME + frame)
        stage.render.filepath = str(picture_path(Path(job.pictures), emotion, column))
        bpy.ops.render.render(write_still=True, scene=stage.name)
        done = row * len(job.times_s) + column + 1
        # flush: the reader shows progress while it comes.
        print(f"PROGRESS {done} {len(job.curves) * len(job.times_s)}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
