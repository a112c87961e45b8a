"""Write ``version_0_1_<blender>.blend``, the test data for files of version 0.1.

    git worktree add /tmp/v01 4d552b7
    cd /tmp/v01 && BPY_PYTHON /path/to/tests/data/write_version_0_1.py OUTPUT_FOLDER

BPY_PYTHON is the Python of ``build.py env bpy-4.2`` or later. The files in this folder were
written by 4.2 (custom properties hold the settings) and 5.0 (system properties hold them).
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

os.environ["BLENDER_USER_RESOURCES"] = tempfile.mkdtemp()
sys.path.insert(0, str(Path.cwd()))

import bpy

import cstalk_blender

LINE = {
    "name": "anna_01",
    "title": "anna_01.wav",
    "audio": "//lines/anna_01.wav",
    "role": "Anna",
    "emotion": "sad",
    "intensity": 0.5,
    "emotion_at": "1.5:happy:1",
    "seed": 7,
    "has_place": True,
    "place_s": 2.5,
    "length_s": 3.0,
    "state": "DONE",
    "score": 81.0,
    "heard": "sad 0.7",
    "acted_at": "0:sad:0.7",
    "placed": "0123456789abcdef01234567",
}


def main(folder: Path) -> None:
    """Write the file for this Blender."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    cstalk_blender.register()
    scene = bpy.context.scene
    mesh = bpy.data.meshes.new("Anna")
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
    face = bpy.data.objects.new("Anna", mesh)
    scene.collection.objects.link(face)
    for name in ("Basis", "jawOpen", "mouthClose", "Wide"):
        face.shape_key_add(name=name)
    mesh.shape_keys.key_blocks["jawOpen"].points[2].co.z = 1.0
    row = mesh.shape_keys.cstalk_mapping.rows.add()
    row.channel, row.target, row.gain = "mouthStretchLeft", "Wide", 0.5
    main_settings, batch = scene.cstalk, scene.cstalk_batch
    main_settings.target, main_settings.audio = face, "//lines/anna_01.wav"
    main_settings.emotion, main_settings.intensity = "angry", 0.8
    main_settings.seed, main_settings.start_frame = 4711, 12
    main_settings.made, main_settings.heard = "72 frames, 52 channels, 3.0 s", "angry 0.8"
    batch.source_kind, batch.folder = "FOLDER", "//lines"
    batch.listed_from, batch.gap_s, batch.destination = "/lines", 0.25, "TIMELINE"
    item = batch.lines.add()
    for name, value in LINE.items():
        setattr(item, name, value)
    item.character, item.state = face, "DONE"
    item["told"] = {
        "character": "Anna",
        "emotion": "PANEL",
        "intensity": 1.0,
        "emotion_at": "",
        "has_place": False,
        "place_s": 0.0,
    }
    role = batch.roles.add()
    role.pattern, role.character = "anna_*", face
    face.cstalk_emotions.use, face.cstalk_emotions.happy = True, 0.25
    version = ".".join(map(str, bpy.app.version[:2]))
    path = folder.resolve() / f"version_0_1_{version}.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=True)
    cstalk_blender.unregister()
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
