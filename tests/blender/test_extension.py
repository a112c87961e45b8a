"""The zip that people install: enabled in real Blender, generating through the real child."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import build

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "tests" / "fakes" / "installed_extension.py"
SPEECH = ROOT / "demo" / "speech" / "line.wav"
LIMIT_S = 150.0


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Run a first session at paths with spaces and other alphabets; return its report."""
    folder = tmp_path_factory.mktemp("größe 日本 x") / "b ü"
    folder.mkdir()
    archive = build.make_zip(folder / "cstalk ü.zip")
    speech = shutil.copy(SPEECH, folder / "台詞 ü.wav")
    kept = {k: v for k, v in os.environ.items() if k not in ("CSTALK_PYTHON", "PYTHONPATH")}
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(archive), str(speech), str(folder / "szene 日本.blend")],
        cwd=folder,
        env={**kept, "BLENDER_USER_RESOURCES": str(folder / "nutzer 日本"), "HOME": str(folder)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    return {**json.loads(lines[-1]), "folder": folder}


def test_extension_runs_from_its_own_folder_alone(report):
    assert "extensions" in report["runtime_file"]
    assert str(report["folder"]) in report["runtime_file"]
    assert report["foreign"] == []
    assert report["has_preferences"]
    assert Path(report["log_file"]).parent.is_dir()


def test_real_child_makes_the_face_move(report):
    assert report["engine"] == "numpy"
    assert " keys within " in report["made"]
    assert report["checked"]
    assert report["problems"] == []
    assert report["moved"] > 0.01


def test_paths_in_other_alphabets_reach_model_and_blender(report):
    assert report["action"].endswith("台詞 ü")
    assert (report["folder"] / "szene 日本.blend").stat().st_size > 10_000


def test_disabling_the_extension_leaves_nothing_behind(report):
    assert not report["child_left"]
    assert not report["properties_left"]
