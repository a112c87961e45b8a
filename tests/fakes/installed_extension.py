"""Run a user's first minutes with the extension without a window: install, head, audio, Generate.

    python installed_extension.py ZIP SOUND BLEND

Runs in a Python with bpy, with a user folder of its own, and prints what it saw as JSON on its last
line. Imports nothing of ours but what the extension brings.
"""

from __future__ import annotations

import json
import os
import sys

import bpy
import numpy as np

MODULE = "bl_ext.user_default.cstalk"


def heights(head: bpy.types.Object, frame: int) -> np.ndarray:
    """Return the coordinates of the evaluated mesh, flat."""
    bpy.context.scene.frame_set(frame)
    evaluated = head.evaluated_get(bpy.context.evaluated_depsgraph_get())
    mesh = evaluated.to_mesh()
    coordinates = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", coordinates)
    evaluated.to_mesh_clear()
    return coordinates


def process_exists(pid: int) -> bool:
    """Return whether the process exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def main(archive: str, speech: str, blend: str) -> dict[str, object]:
    """Run the session and print what was observed."""
    bpy.ops.extensions.package_install_files(
        filepath=archive, repo="user_default", enable_on_install=True, overwrite=True
    )
    jobs = sys.modules[f"{MODULE}.cstalk_blender.jobs.generate"]
    import addon_utils  # found after bpy is imported

    addon_utils._extensions_warnings_get()  # drawn by Blender: looks at all modules
    bpy.ops.object.select_all(action="DESELECT")
    bpy.ops.cstalk.add_demo_head()
    head = bpy.context.active_object
    bpy.ops.cstalk.load_audio(filepath=speech)
    settings = bpy.context.scene.cstalk
    settings.emotion, settings.intensity, settings.start_frame = "happy", 1.0, 5
    bpy.ops.cstalk.generate()
    studio = jobs.current_job()
    pid = studio.child_pid
    seen = [heights(head, frame) for frame in range(5, 105, 3)]
    size = float(np.ptp(seen[0].reshape(-1, 3), axis=0).max())
    moved = max(float(np.abs(one - seen[0]).max()) for one in seen) / size
    bpy.ops.wm.save_as_mainfile(filepath=blend)
    report = {
        "runtime_file": sys.modules[f"{MODULE}.model_runtime.protocol"].__file__,
        "has_preferences": MODULE in bpy.context.preferences.addons,
        "log_file": str(studio.launch().log_file),
        "engine": studio.hello.engine,
        "made": head.cstalk_result.summary,
        "moved": moved,
        "problems": studio.outcome.check.problems,
        "checked": studio.outcome.check.moved,
        "action": head.data.shape_keys.animation_data.action.name,
        "foreign": [name for name in sys.modules if name.split(".")[0] == "cstalk_blender"],
    }
    bpy.ops.preferences.addon_disable(module=MODULE)
    report["child_left"] = process_exists(pid)
    report["properties_left"] = hasattr(bpy.types.Scene, "cstalk")
    return report


if __name__ == "__main__":
    sys.stdout.write("\n" + json.dumps(main(*sys.argv[1:])) + "\n")
    sys.stdout.flush()
    if bpy.app.version < (4, 5):
        os._exit(0)  # this wheel frees Python callbacks after Python has ended, and dies of it
