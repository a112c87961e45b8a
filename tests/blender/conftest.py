"""Real bpy with a throw-away user folder and an empty scene for each test."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

USER_FOLDER = tempfile.mkdtemp(prefix="cstalk-blender-")
# Before the first `import bpy`, which reads both.
os.environ["BLENDER_USER_RESOURCES"] = USER_FOLDER
os.environ["HOME"] = USER_FOLDER

bpy = pytest.importorskip("bpy", reason="needs a Python with Blender's bpy", exc_type=ImportError)


@pytest.fixture(autouse=True)
def empty_scene() -> None:
    """A scene with nothing in it."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder with spaces and other alphabets in its name."""
    folder = tmp_path / "日本語 ü wörk"
    folder.mkdir()
    return folder
