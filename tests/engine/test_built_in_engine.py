"""The built-in engine in a child of this Python: numpy alone, and torch's curves.

The same tests run in every Blender's Python and in the oldest and newest numpy: `build.py test`
lists the layers. torch is in another environment, which ``CSTALK_TEST_RUNTIME_PYTHON`` names.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from model_runtime.checkpoint.folder import CONFIG_NAME, shipped_checkpoints
from tests.conftest import ROOT

SPEECH = ROOT / "demo" / "speech" / "line.wav"
TOLERANCE = 1e-4
LIMIT_S = 150
RUN_AND_LIST = """
import json, runpy, sys
sys.argv[0] = "model_runtime"
before = set(sys.modules)  # what .pth files of the environment brought in
try:
    runpy.run_module("model_runtime", run_name="__main__", alter_sys=True)
except SystemExit as ending:
    assert not ending.code, ending.code
places = {}
for name, module in list(sys.modules.items()):
    top = name.partition(".")[0]
    path = getattr(module, "__file__", None)
    if path and name not in before and top not in sys.stdlib_module_names:
        places[top] = path
print(json.dumps(places))
"""


def generators() -> list[Path]:
    """Shipped checkpoints that make curves."""
    return [
        folder
        for folder in shipped_checkpoints()
        if json.loads((folder / CONFIG_NAME).read_text(encoding="utf-8"))["kind"] == "generator"
    ]


def child(
    python: str, *arguments: object, variables: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """``python -m model_runtime`` as the add-on starts it."""
    return subprocess.run(
        [python, "-s", "-E", "-X", "utf8", "-m", "model_runtime", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=LIMIT_S,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1", **(variables or {})},
    )


def curves(python: str, engine: str, model: Path, target: Path, sound: Path = SPEECH) -> np.ndarray:
    """Curves of the demo's line."""
    done = child(
        python,
        *("generate", sound, "-o", target, "--engine", engine, "--device", "cpu"),
        *("--model", model, "--emotion", "happy", "--intensity", "0.8", "--no-blink"),
    )
    assert done.returncode == 0, done.stderr
    with np.load(target, allow_pickle=False) as file:
        return file["values"]


@functools.cache
def torch_python() -> str:
    """The Python that has torch; skips where there is none."""
    python = os.environ.get("CSTALK_TEST_RUNTIME_PYTHON") or ""
    if not python:
        pytest.skip("CSTALK_TEST_RUNTIME_PYTHON names no Python with torch: use build.py test")
    return python


@pytest.mark.parametrize("model", generators(), ids=lambda folder: folder.name)
def test_curves_are_those_of_the_torch_engine(model: Path, tmp_path: Path) -> None:
    ours = curves(sys.executable, "numpy", model, tmp_path / "ours.npz")
    theirs = curves(torch_python(), "torch", model, tmp_path / "theirs.npz")
    assert ours.dtype == np.float32
    assert np.abs(ours).max() > 0.1
    np.testing.assert_allclose(ours, theirs, atol=TOLERANCE)


def test_numpy_is_all_that_is_imported(tmp_path: Path) -> None:
    target = tmp_path / "line.npz"
    done = subprocess.run(
        [
            *(sys.executable, "-s", "-E", "-c", RUN_AND_LIST),
            *("generate", str(SPEECH), "-o", str(target), "--engine", "numpy"),
        ],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, done.stderr
    places = json.loads(done.stdout.splitlines()[-1])
    foreign = {
        name: path
        for name, path in places.items()
        if name not in ("model_runtime", "numpy", "__main__", "sitecustomize")
        and not Path(path).is_relative_to(Path(np.__file__).parent)
    }
    assert foreign == {}
    assert "numpy" in places
    assert target.is_file()


def test_the_self_test_passes() -> None:
    done = child(sys.executable, "selftest", "--engine", "numpy", "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout.splitlines()[-1])
    assert (facts["engine"], facts["numpy"]) == ("numpy", np.__version__)


def test_ffmpeg_decodes_what_is_no_wav(tmp_path: Path) -> None:
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        pytest.skip("no ffmpeg on the PATH")
    sound = tmp_path / "line.m4a"
    subprocess.run([ffmpeg, "-v", "error", "-i", SPEECH, "-b:a", "128k", sound], check=True)
    model = generators()[0]
    heard = curves(sys.executable, "numpy", model, tmp_path / "m4a.npz", sound)
    straight = curves(sys.executable, "numpy", model, tmp_path / "wav.npz")
    frames = min(len(heard), len(straight))
    assert abs(len(heard) - len(straight)) <= 6
    assert np.abs(heard[:frames] - straight[:frames]).mean() < 0.03


def test_without_a_decoder_the_line_says_what_to_do(tmp_path: Path) -> None:
    sound = tmp_path / "line.m4a"
    sound.write_bytes(b"\x00\x00\x00\x20ftypM4A " + bytes(200))
    bare = {"PATH": str(tmp_path)}
    done = child(sys.executable, "generate", sound, "-o", tmp_path / "x.npz", variables=bare)
    assert done.returncode == 2
    assert "line.m4a cannot be decoded" in done.stderr
    assert "ffmpeg" in done.stderr
    assert not (tmp_path / "x.npz").exists()
