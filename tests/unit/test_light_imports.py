"""Modules that Blender or a light child imports pull in neither bpy nor torch."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from pathlib import Path

import pytest

from buildtools import arrows

ROOT = Path(__file__).resolve().parents[2]
FORBIDDEN = ("bpy", "torch", "librosa", "soundfile", "scipy", "matplotlib")

LIGHT_PATTERNS = (
    "cstalk_blender/__init__.py",
    "cstalk_blender/package.py",
    "cstalk_blender/errors.py",
    "cstalk_blender/session/**/*.py",
    "cstalk_blender/batch/**/*.py",
    "cstalk_blender/rig/__init__.py",
    "cstalk_blender/rig/mapping/names.py",
    "model_runtime/*.py",
    "model_runtime/curves/*.py",
    "model_runtime/engines/__init__.py",
    "model_runtime/engines/base.py",
    "model_runtime/engines/numpy_engine.py",
    "model_runtime/batch/[!t]*.py",
    "model_runtime/training/__init__.py",
    "model_runtime/evaluation/__init__.py",
)
NOT_MODULES = ("model_runtime.__main__",)  # running it is its import

LIGHT_MODULES = sorted(
    {arrows.module_name(ROOT, path) for pattern in LIGHT_PATTERNS for path in ROOT.glob(pattern)}
    - set(NOT_MODULES)
)
PLAIN_MODULES = ["model_runtime.protocol", "model_runtime.errors", "model_runtime.config"]
PACKAGES = [name for name in LIGHT_MODULES if ROOT.joinpath(*name.split(".")).is_dir()]


@functools.cache
def _loaded_by(module: str) -> set[str]:
    """Top-level names in ``sys.modules`` after importing ``module`` in a fresh interpreter."""
    code = f"import json, sys, {module}; print(json.dumps([n.split('.')[0] for n in sys.modules]))"
    done = subprocess.run(
        [sys.executable, "-s", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("module", LIGHT_MODULES)
def test_light_module_pulls_in_nothing_heavy(module: str) -> None:
    assert _loaded_by(module).isdisjoint(FORBIDDEN)


@pytest.mark.parametrize("module", sorted({*PLAIN_MODULES, *PACKAGES}))
def test_protocol_and_packages_need_no_numpy(module: str) -> None:
    assert "numpy" not in _loaded_by(module)


def test_heavy_module_would_be_noticed() -> None:
    assert "soundfile" in _loaded_by("soundfile")
