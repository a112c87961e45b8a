"""Render the frames of the demo and join them with the audio. Runs in Blender 5."""

from __future__ import annotations

import math
from pathlib import Path

import bpy

from .job import frame_path

AUDIO_BIT_RATE = 128  # kbit/s
AUDIO_RATE = 48_000  # Hz, which every player supports


def render_frames(scene: bpy.types.Scene, folder: Path, start: int, count: int) -> None:
    """Render frames; those already in the folder are kept.

    Each frame is written under another name and renamed, so that an interrupted run leaves no
    incomplete frame and the next one continues after the last.

    Args:
        scene: Scene to render.
        folder: Folder of the frames, created when missing.
        start: First frame of the scene.
        count: Number of frames.
    """
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / "partial.png"
    for index in range(count):
        path = frame_path(folder, index)
        # Finished frames stay: rendering is by far the longest step.
        if not path.is_file():
            scene.frame_set(start + index)
            scene.render.filepath = str(partial)
            bpy.ops.render.render(write_still=True, scene=scene.name)
            # A rename within a folder is atomic.
            partial.replace(path)
        print(f"PROGRESS {index + 1} {count}", flush=True)


def encode(folder: Path, audio: Path, film: Path, count: int, frame_rate: float) -> None:
    """Join frames and audio as H.264 and AAC in an mp4.

    Args:
        folder: Folder of the frames.
        audio: Audio file.
        film: File to write.
        count: Number of frames.
        frame_rate: Frames per second.
    """
    scene = bpy.data.scenes.new("Film")
    render = scene.render
    render.fps = math.ceil(frame_rate)
    # Rates such as 29.97 are an integer over a base.
    render.fps_base = render.fps / frame_rate
    scene.frame_start, scene.frame_end = 1, count
    strips = scene.sequence_editor_create().strips
    first = bpy.data.images.load(str(frame_path(folder, 0)))
    render.resolution_x, render.resolution_y = first.size
    render.resolution_percentage = 100
    pictures = strips.new_image("Frames", str(frame_path(folder, 0)), 1, 1)
    for index in range(1, count):
        pictures.elements.append(frame_path(folder, index).name)
    strips.new_sound("Speech", str(audio), 2, 1)
    scene.view_settings.view_transform = "Standard"  # the frames are finished pictures
    _use_mp4(render)
    partial = film.with_name(film.stem + ".partial.mp4")
    render.filepath = str(partial)
    bpy.ops.render.render(animation=True, scene=scene.name)
    partial.replace(film)


def _use_mp4(render: bpy.types.RenderSettings) -> None:
    # The file name has its ending already.
    render.use_file_extension = False
    render.image_settings.media_type = "VIDEO"
    render.image_settings.file_format = "FFMPEG"
    render.ffmpeg.format = "MPEG4"
    render.ffmpeg.codec = "H264"
    render.ffmpeg.constant_rate_factor = "HIGH"
    render.ffmpeg.audio_codec = "AAC"
    render.ffmpeg.audio_bitrate = AUDIO_BIT_RATE
    render.ffmpeg.audio_mixrate = AUDIO_RATE
