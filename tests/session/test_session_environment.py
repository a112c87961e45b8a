"""The Python and the environment of the worker follow the preferences."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from cstalk_blender.errors import PythonMissing, RuntimeMissing
from cstalk_blender.session import environment


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """Create a file where an environment has its interpreter."""
    path = tmp_path / "my env ü" / "bin" / "python3"
    path.parent.mkdir(parents=True)
    path.touch()
    return path


def test_preference_wins_over_variable_and_own_python(python, monkeypatch):
    monkeypatch.setenv(environment.PYTHON_VARIABLE, sys.executable)
    assert environment.find_python(str(python)) == python


def test_folder_of_an_environment_stands_for_its_python(python):
    assert environment.find_python(str(python.parents[1])) == python


def test_variable_wins_over_own_python(python, monkeypatch):
    monkeypatch.setenv(environment.PYTHON_VARIABLE, str(python))
    assert environment.find_python() == python


def test_own_python_is_the_default(monkeypatch):
    monkeypatch.delenv(environment.PYTHON_VARIABLE, raising=False)
    assert environment.find_python() == Path(sys.executable)


def test_blenders_binary_is_not_taken_for_a_python(python, monkeypatch, tmp_path):
    monkeypatch.delenv(environment.PYTHON_VARIABLE, raising=False)
    binary = tmp_path / "blender"
    binary.touch()
    monkeypatch.setattr(sys, "executable", str(binary))
    monkeypatch.setattr(sys, "prefix", str(python.parents[1]))
    assert environment.find_python() == python


def test_no_python_anywhere_is_said(monkeypatch, tmp_path):
    monkeypatch.delenv(environment.PYTHON_VARIABLE, raising=False)
    monkeypatch.setattr(sys, "executable", "")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    with pytest.raises(PythonMissing, match="own Python was not found") as caught:
        environment.find_python()
    assert "preferences" in caught.value.hint


def test_missing_preference_is_named_not_passed_over(tmp_path):
    with pytest.raises(PythonMissing, match="absent"):
        environment.find_python(str(tmp_path / "absent"))


def test_environment_of_the_parents_python_does_not_reach_the_child(monkeypatch):
    for name in ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "VIRTUAL_ENV"):
        monkeypatch.setenv(name, "/nowhere")
    monkeypatch.setenv("KEPT", "yes")
    child = environment.worker_launch().environment
    assert not [name for name in child if name.startswith("PYTHON")]
    assert "VIRTUAL_ENV" not in child
    assert child["KEPT"] == "yes"
    assert child.get("PATH") == os.environ.get("PATH")


def test_launch_is_the_contract(monkeypatch, python):
    launch = environment.worker_launch(str(python))
    expected = (str(python), "-s", "-E", "-X", "utf8", "-m", "model_runtime", "worker")
    assert launch.argv == expected
    options = ("--engine", "numpy")
    assert environment.worker_launch(str(python), options=options).argv == expected + options
    assert (launch.folder / "model_runtime" / "protocol.py").is_file()


def test_folder_without_runtime_is_said(tmp_path):
    with pytest.raises(RuntimeMissing, match="model_runtime"):
        environment.worker_launch(root=tmp_path)
