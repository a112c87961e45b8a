"""Measure the add-on inside Blender; started by `build.py benchmark`.

    python addon_costs.py enable [ID]        seconds to enable an installed extension, once
    python addon_costs.py work SPEECH        ticks of one Generate, bake, idle cost

Runs in a Python with bpy and its own user folder. Prints JSON on its last line.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import bpy
import numpy as np

# Repository of extensions that are installed from a file.
REPOSITORY = "bl_ext.user_default"
MODULE = f"{REPOSITORY}.cstalk"
KEYS, RATE = 3600, 60.0
DIRECTED = 600
"""Frames of the line that is directed: ten seconds."""
PREVIEW_SIDE, PREVIEW_FRAMES = 224, 50
REPEATS = 5
IDLE_FRAMES = 200


class Clock:
    """Measures wall time and the processor time of this thread since its creation."""

    def __init__(self) -> None:
        # thread_time: the worker's reader thread must not count as a tick's work.
        self._wall, self._processor = time.perf_counter(), time.thread_time()

    def read(self) -> tuple[float, float]:
        """Return wall seconds and processor seconds."""
        return time.perf_counter() - self._wall, time.thread_time() - self._processor


def install(archive: str) -> dict[str, object]:
    """Install, enable and disable once, so that its bytecode is on the disk as for a user."""
    bpy.ops.extensions.package_install_files(
        filepath=archive, repo="user_default", enable_on_install=True, overwrite=True
    )
    bpy.ops.preferences.addon_disable(module=MODULE)
    return {}


def enable(name: str = "cstalk") -> dict[str, object]:
    """Measure enabling an extension in a Blender that has just started."""
    module = f"{REPOSITORY}.{name}"
    clock = Clock()
    bpy.ops.preferences.addon_enable(module=module)
    seconds, processor_s = clock.read()
    assert module in bpy.context.preferences.addons
    bpy.ops.preferences.addon_disable(module=module)
    return {"enable_s": seconds, "enable_cpu_s": processor_s}


def work(speech: str) -> dict[str, object]:
    """Measure one Generate with the real worker tick by tick, a bake, and what runs afterwards."""
    # Before enabling: handlers of CSTalk could only add to it.
    idle_before = frame_changes_s()
    bpy.ops.preferences.addon_enable(module=MODULE)
    jobs, bake = _module("jobs.generate"), _module("rig.keys.bake")
    bpy.context.scene.render.fps = 60
    bpy.ops.cstalk.add_demo_head()
    head = bpy.context.active_object
    # After the head was added, since frame changes evaluate it as well.
    idle_after = frame_changes_s()
    bpy.ops.cstalk.load_audio(filepath=speech)
    report: dict[str, object] = {
        "handlers": ours_in_handlers(),
        "timer_before": jobs.current_job().timer_runs,
        "frame_change_s": [idle_before, idle_after],
    }
    studio = jobs.current_job()
    studio.start(_module("ui.generate_requests").request_of(bpy.context))
    report["ticks_s"], report["ticks_cpu_s"], report["heavy_ticks"] = ticks_of(studio)
    report["error"] = str(studio.error or "")
    report["made"] = head.cstalk_result.summary
    # A tick after the end: a timer that still runs would cost power for ever.
    report["timer_after"] = studio.tick() is not None
    bakes = [bake_s(bake, head) for _ in range(REPEATS)]
    report["bake_s"], report["bake_cpu_s"] = zip(*bakes, strict=True)
    report["layers_cpu_s"], report["region_cpu_s"], report["face_cpu_s"] = direct_s(head)
    report["preview_cpu_s"] = preview_s()
    bpy.ops.preferences.addon_disable(module=MODULE)
    return report


def preview_s() -> float:
    """Return the CPU seconds that Live Preview adds to Blender's own frame change.

    On a grid of 50,000 vertices with the 52 shapes, in which every shape moves a thousandth.
    """
    channels = _module_of_runtime("curves.rig").load_rig("arkit52").channel_names
    mesh = bpy.data.meshes.new("dense")
    row = np.arange(PREVIEW_SIDE)
    x, y = (axis.ravel() for axis in np.meshgrid(row, row))
    first = (row[:-1, None] * PREVIEW_SIDE + row[None, :-1]).ravel()
    corners = np.stack([first + step for step in (0, 1, PREVIEW_SIDE + 1, PREVIEW_SIDE)], 1)
    mesh.from_pydata(np.stack([x, y, 0 * x], 1).tolist(), [], corners.tolist())
    face = bpy.data.objects.new("dense", mesh)
    bpy.context.scene.collection.objects.link(face)
    face.shape_key_add(name="Basis")
    for number, name in enumerate(channels):
        shape = face.shape_key_add(name=name)
        for vertex in range(number * 50, number * 50 + 50):
            shape.data[vertex].co.z += 0.1
    bpy.context.view_layer.objects.active = face
    bpy.context.scene.cstalk.face = face
    times = np.arange(DIRECTED)[:, None] / RATE
    values = 0.5 - 0.4 * np.cos(6 * times + np.arange(len(channels)))
    curves = _module_of_runtime("curves.track").CurveTrack
    _module("api").bake(face, curves(values.astype(np.float32), tuple(channels), RATE), name="b")
    # Alternating, so that a busy machine slows both; all threads count, not only Python.
    added = []
    for _turn in range(REPEATS):
        without = frames_cpu_s()
        assert bpy.ops.cstalk.direct_preview() == {"FINISHED"}
        added.append(frames_cpu_s() - without)
        assert bpy.ops.cstalk.direct_preview_discard() == {"FINISHED"}
    return statistics.median(added)


def frames_cpu_s() -> float:
    """Return the median CPU seconds of a frame change within the directed line."""
    spent = []
    for frame in range(1, PREVIEW_FRAMES):
        began = time.process_time()
        bpy.context.scene.frame_set(frame)
        spent.append(time.process_time() - began)
    return statistics.median(spent)


def direct_s(head: bpy.types.Object) -> tuple[float, float, float]:
    """Return CPU seconds of all layers alone, of directing one region and the whole face.

    Ten seconds with fitted keys, as a moved slider writes them.
    """
    api, runtime = _module("api"), _module_of_runtime("curves.track")
    channels = tuple(_module_of_runtime("curves.rig").load_rig("arkit52").channel_names)
    random, times = np.random.default_rng(0), np.arange(DIRECTED)[:, None] / RATE
    # One to three movements a second, as of speech.
    waves = np.sin(2 * np.pi * (random.uniform(1, 3, 52) * times + random.uniform(0, 1, 52)))
    values = (0.4 + 0.3 * waves).astype(np.float32)
    api.bake(head, runtime.CurveTrack(values, channels, RATE), name="bench")
    settings = head.cstalk_direction
    layers, directions = _module("direct.layers"), _module("direct.direction")
    everything = directions.Direction(
        overall=directions.RegionSettings(
            0.9, 0.8, 0.9, 0.1, smoothing_ms=50, timing_ms=7, is_mirrored=True
        ),
        lip_tightness=0.2,
        jaw_range=0.8,
        blink=0.9,
        asymmetry=0.5,
    )
    predicted = api.prediction_of(head)
    spent: tuple[list[float], ...] = ([], [], [])
    for turn in range(REPEATS):
        for own, change in zip(
            spent,
            (
                lambda: layers.apply(predicted, everything),
                lambda: setattr(settings.brows, "strength", 0.5 + 0.05 * turn),  # noqa: B023
                lambda: setattr(settings.overall, "strength", 0.5 + 0.05 * turn),  # noqa: B023
            ),
            strict=True,
        ):
            clock = Clock()
            change()
            own.append(clock.read()[1])
    return min(spent[0]), min(spent[1]), min(spent[2])


def ticks_of(studio: object) -> tuple[list[float], list[float], int]:
    """Return wall and CPU seconds of each tick, and the number of ticks after the result."""
    spent, heavy = [], 0
    while studio.is_busy:
        clock = Clock()
        studio.tick()
        spent.append(clock.read())
        # From the result on, every tick counts as one that writes keys.
        heavy += bool(heavy or studio.fraction == 1.0 or not studio.is_busy)
        # Without a pause the worker would get no core on a small machine.
        time.sleep(0.005)
    wall, processor = zip(*spent, strict=True)
    return list(wall), list(processor), heavy


def bake_s(bake: object, head: bpy.types.Object) -> tuple[float, float]:
    """Return wall and CPU seconds to bake 52 shapes with ``KEYS`` keys each.

    Args:
        bake: The module that bakes.
        head: The demo head.
    """
    track = _module_of_runtime("curves.track")
    rigs = _module_of_runtime("curves.rig")
    channels = rigs.load_rig("arkit52").channel_names
    times = np.arange(KEYS)[:, None] / RATE
    # Shifted cosines: every key differs, so nothing can be left out.
    values = 0.5 - 0.5 * np.cos(times + np.arange(len(channels))[None, :])
    curves = track.CurveTrack(values.astype(np.float32), tuple(channels), RATE)
    # The conversion of values is not part of the bake.
    clock = Clock()
    bake.bake_track([head], curves, start_frame=1, frame_rate=RATE, line="bench")
    return clock.read()


def frame_changes_s() -> float:
    """Return the median seconds of a frame change, which per-frame handlers would lengthen."""
    spent = []
    for frame in range(IDLE_FRAMES):
        began = time.perf_counter()
        bpy.context.scene.frame_set(frame)
        spent.append(time.perf_counter() - began)
    # The median: a garbage collection in one frame is not the cost of frames.
    return statistics.median(spent)


def ours_in_handlers() -> list[str]:
    """Return the events that have a handler of CSTalk."""
    return [
        name
        for name in dir(bpy.app.handlers)
        if isinstance(found := getattr(bpy.app.handlers, name), list)
        for handler in found
        if "cstalk" in getattr(handler, "__module__", "")
    ]


def _module(name: str) -> object:
    # Modules of an extension have the repository's name in front.
    return sys.modules[f"{MODULE}.cstalk_blender.{name}"]


def _module_of_runtime(name: str) -> object:
    return sys.modules[f"{MODULE}.model_runtime.{name}"]


if __name__ == "__main__":
    act, *given = sys.argv[1:]
    acts: dict[str, Callable[..., dict[str, Any]]]
    acts = {"install": install, "enable": enable, "work": work}
    made = acts[act](*given)
    made["version"] = bpy.app.version_string
    sys.stdout.write("\n" + json.dumps(made) + "\n")
    sys.stdout.flush()
    os._exit(0)  # the wheel of 4.2 frees Python callbacks after Python has ended, and crashes
