"""A glTF file of fitted keys holds the animation of a key on every frame, within the tolerance."""

from __future__ import annotations

import json

import addon_utils
import bpy
import numpy as np
import pytest

from tests.blender.test_fitted_keys import FPS, TOLERANCE, baked, talking
from tests.fakes.faces import make_face

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Blender's exporters


def exported_weights(path):
    """Export the scene; return times and shape key weights of its animation, (frames, shapes)."""
    bpy.ops.export_scene.gltf(
        filepath=str(path), export_format="GLB", export_optimize_animation_size=False
    )
    data = path.read_bytes()
    length = int.from_bytes(data[12:16], "little")
    content, body = json.loads(data[20 : 20 + length]), data[28 + length :]

    def read(index):
        accessor = content["accessors"][index]
        assert accessor["componentType"] == 5126  # float32
        view = content["bufferViews"][accessor["bufferView"]]
        start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
        return np.frombuffer(body, "<f4", accessor["count"], start)

    (animation,) = content["animations"]
    (channel,) = animation["channels"]
    assert channel["target"]["path"] == "weights"
    sampler = animation["samplers"][channel["sampler"]]
    times = read(sampler["input"])
    return times, read(sampler["output"]).reshape(len(times), -1)


def test_a_gltf_file_of_fitted_keys_equals_every_frame_within_the_error(addon, work):
    addon_utils.enable("io_scene_gltf2")
    scene = bpy.context.scene
    scene.render.fps = int(FPS)
    track = talking(seconds=2.0)
    scene.frame_start, scene.frame_end = 1, track.frame_count
    face = make_face()
    baked(face, track, tolerance=None)
    times, every = exported_weights(work / "every.glb")
    bpy.data.objects.remove(face)
    again = make_face()
    report = baked(again, track)
    fitted_times, fitted = exported_weights(work / "fitted.glb")
    assert len(times) == track.frame_count
    assert np.allclose(times, fitted_times, atol=1e-5)
    assert fitted.shape == every.shape
    assert np.ptp(every) > 0.3
    assert 0 < report.fit_error <= TOLERANCE
    assert np.abs(fitted - every).max() <= report.fit_error + 1e-5
