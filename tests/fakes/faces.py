"""Create small faces for the Blender tests: each shape key lifts one vertex of a strip."""

from __future__ import annotations

import math
import wave
from collections.abc import Callable, Sequence
from pathlib import Path

import bpy
import numpy as np

from cstalk_blender.package import rigs, track

ARKIT = rigs.load_rig("arkit52").channel_names


def make_face(
    name: str = "Face",
    shapes: Sequence[str] = ARKIT,
    *,
    spell: Callable[[str], str] = str,
    parent: bpy.types.Object | None = None,
) -> bpy.types.Object:
    """Return a linked and active mesh whose shape key number k lifts vertex k by one metre."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([(0.1 * k, 0.0, 0.0) for k in range(len(shapes) + 1)], [], [])
    face = bpy.data.objects.new(name, mesh)
    face.parent = parent
    bpy.context.scene.collection.objects.link(face)
    if shapes:
        face.shape_key_add(name="Basis", from_mix=False)
    for index, shape in enumerate(shapes):
        block = face.shape_key_add(name=spell(shape), from_mix=False)
        block.data[index].co.z = 1.0
        block.value = 0.0  # Blender 5.0 makes new shapes at full strength
    bpy.context.view_layer.objects.active = face
    return face


def wave_track(
    *, fps: float = 24.0, seconds: float = 2.0, channels: Sequence[str] = ARKIT, peak: float = 1.0
) -> track.CurveTrack:
    """Return curves in which every channel oscillates between 0 and ``peak`` with its own phase."""
    frames = math.ceil(seconds * fps)
    times = np.arange(frames)[:, None] / fps
    phases = np.linspace(0.0, 1.0, len(channels))[None, :]
    values = peak * (0.5 - 0.5 * np.cos(2 * np.pi * (times + phases)))
    return track.CurveTrack(values.astype(np.float32), tuple(channels), fps)


def evaluated_heights(face: bpy.types.Object, frame: float) -> np.ndarray:
    """Return the height of each vertex of the evaluated mesh at ``frame``, shape (vertices,)."""
    whole = math.floor(frame)
    bpy.context.scene.frame_set(whole, subframe=frame - whole)
    evaluated = face.evaluated_get(bpy.context.evaluated_depsgraph_get())
    mesh = evaluated.to_mesh()
    coordinates = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", coordinates)
    evaluated.to_mesh_clear()
    return coordinates[2::3].copy()


def make_action(name: str, key: bpy.types.Key, shape: str, value: float) -> bpy.types.Action:
    """Return an Action of the user on ``key`` that holds ``shape`` at ``value``."""
    block = key.key_blocks[shape]
    block.value = value
    block.keyframe_insert("value", frame=1)
    action = key.animation_data.action
    action.name = name
    return action


def write_wav(path: Path, *, seconds: float = 2.0, rate: int = 16_000) -> Path:
    """Write a quiet tone as 16-bit mono."""
    samples = 8000 * np.sin(2 * np.pi * 220 * np.arange(int(seconds * rate)) / rate)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())
    return path
