"""Packages that Blender or a light worker process imports load neither bpy nor torch."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from buildtools.checks.sources import module_name

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("bpy", "torch", "librosa", "soundfile", "audioread", "scipy", "matplotlib", "ray")
LIGHT_PATTERNS = (
    "cstalk_blender/__init__.py",
    "cstalk_blender/package.py",
    "cstalk_blender/errors.py",
    "cstalk_blender/session/**/*.py",
    "cstalk_blender/dialogue/**/*.py",
    "cstalk_blender/runtime_install/**/*.py",
    "cstalk_blender/rig/__init__.py",
    "cstalk_blender/rig/mapping/*.py",
    "cstalk_blender/rig/fitting/*.py",
    "model_runtime/*.py",
    "model_runtime/audio/*.py",
    "model_runtime/batch/[!t]*.py",
    "model_runtime/batch/lines/*.py",
    "model_runtime/checkpoint/*.py",
    "model_runtime/cli/*.py",
    "model_runtime/curves/**/*.py",
    "model_runtime/emotion/*.py",
    "model_runtime/engines/__init__.py",
    "model_runtime/engines/base.py",
    "model_runtime/engines/numpy_engine.py",
    "model_runtime/postprocess/*.py",
    "model_runtime/worker/*.py",
    "model_runtime/training/__init__.py",
    "model_runtime/evaluation/__init__.py",
)
LIGHT_MODULES = sorted(
    module_name(ROOT, path)
    for pattern in LIGHT_PATTERNS
    for path in ROOT.glob(pattern)
    if path.name != "__main__.py"  # running it is its import
)
WITHOUT_NUMPY = [
    *("model_runtime.protocol", "model_runtime.errors", "model_runtime.config"),
    *(name for name in LIGHT_MODULES if ROOT.joinpath(*name.split(".")).is_dir()),
    *(name for name in LIGHT_MODULES if name.startswith("model_runtime.batch.lines")),
    *(name for name in LIGHT_MODULES if name.startswith("cstalk_blender.runtime_install")),
]
SCRIPT = """
import importlib, json, sys
before, found = set(), {}
for name in json.loads(sys.argv[1]):
    importlib.import_module(name)
    after = {loaded.split(".")[0] for loaded in sys.modules}
    found[name] = sorted(after - before)
    before = after
print(json.dumps(found))
"""


def newly_loaded(modules: Sequence[str]) -> dict[str, list[str]]:
    """Import the modules one after another in a fresh interpreter; return what each one loaded."""
    done = subprocess.run(
        [sys.executable, "-s", "-c", SCRIPT, json.dumps(modules)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    loaded: dict[str, list[str]] = json.loads(done.stdout)
    return loaded


def test_light_modules_load_nothing_heavy() -> None:
    loaded = newly_loaded(LIGHT_MODULES)
    assert len(loaded) > 100
    assert {name: heavy for name, new in loaded.items() if (heavy := {*new} & {*HEAVY})} == {}


def test_packages_protocol_and_batch_files_load_no_numpy() -> None:
    loaded = newly_loaded(WITHOUT_NUMPY)
    assert [name for name, new in loaded.items() if "numpy" in new] == []


def test_a_heavy_module_would_be_noticed() -> None:
    assert "soundfile" in newly_loaded(["model_runtime.errors", "soundfile"])["soundfile"]
