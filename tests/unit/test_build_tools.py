"""Laws of build.py: environments, summary, sizes, the zip, the demo's choice of moments."""

from __future__ import annotations

import re
import sys
import time
import tomllib
import zipfile
from pathlib import Path

import pytest

import build
from buildtools import (
    demonstration,
    environments,
    extension,
    pythons,
    system_libraries,
    testing,
)
from buildtools.checks import sizes, style_figures
from buildtools.console import BuildError, run
from demo.words import Span, Word, moments

WEIGHT_FILES = ("config.json", "weights.safetensors")


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Path]:
    """Fake the creation of environments below ``tmp_path``; return the folders it created."""
    made: list[Path] = []

    def make(_spec: object, _interpreter: object, folder: Path) -> None:
        made.append(folder)
        environments.python_of(folder).parent.mkdir(parents=True, exist_ok=True)
        environments.python_of(folder).touch()
        (folder / "ready.json").touch()

    monkeypatch.setenv("CSTALK_ENV_HOME", str(tmp_path / "ünv home"))
    monkeypatch.setattr(environments, "_make", make)
    return made


def test_environment_is_made_once(builds: list[Path]) -> None:
    assert environments.ensure("runtime") == environments.ensure("runtime")
    assert len(builds) == 1


def test_environment_that_was_cut_off_is_made_again(builds: list[Path]) -> None:
    folder = environments.ensure("runtime").parents[1]
    (folder / "ready.json").unlink()
    environments.ensure("runtime")
    assert builds == [folder, folder]


def test_environment_without_its_python_is_made_again(builds: list[Path]) -> None:
    environments.ensure("runtime").unlink()
    environments.ensure("runtime")
    assert len(builds) == 2


def test_new_requirements_make_a_new_environment(
    builds: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    environments.ensure("runtime")
    monkeypatch.setattr(environments, "requirement_text", lambda _name: "numpy==1")
    environments.ensure("runtime")
    assert builds[0] != builds[1]


def test_included_requirements_count() -> None:
    assert "torch==" in environments.requirement_text("train")


def test_missing_python_is_named_with_a_way_to_get_it() -> None:
    with pytest.raises(BuildError, match=r"3\.99") as caught:
        pythons.find([(3, 99)])
    assert "3.99" in caught.value.hint


def test_missing_library_is_named_with_its_apt_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_libraries, "missing", lambda: ("libX11.so.6", "libEGL.so.1"))
    with pytest.raises(BuildError, match=r"libEGL\.so\.1") as caught:
        system_libraries.require()
    assert caught.value.hint.endswith("apt-get install -y libx11-6 libegl1")


def test_command_that_hangs_is_killed() -> None:
    started = time.monotonic()
    status, _output = run([sys.executable, "-c", "import time; time.sleep(60)"], timeout_s=1)
    assert status == -9
    assert time.monotonic() - started < 30


def test_missing_blender_python_fails_on_ci_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pythons, "find_or_none", lambda _versions: None)
    monkeypatch.setenv("CI", "false")
    summary, is_good = testing.run_layers(["blender-5.2"])
    assert (summary.splitlines()[-1], is_good) == ("0 passed, 0 failed, 1 skipped", True)
    monkeypatch.setenv("CI", "true")
    summary, is_good = testing.run_layers(["blender-5.2"])
    assert (summary.splitlines()[-1], is_good) == ("0 passed, 1 failed, 0 skipped", False)


@pytest.mark.parametrize(
    "status, report, expected",
    [
        (0, '<testsuite tests="5" failures="0" errors="0" skipped="2"/>', (3, 0, 2)),
        (1, '<testsuite tests="5" failures="1" errors="1" skipped="0"/>', (3, 2, 0)),
        (-11, '<testsuite tests="5" failures="0" errors="0" skipped="0"/>', (5, 1, 0)),
        (-9, "", (0, 1, 0)),
        (0, '<testsuite tests="3" failures="0" errors="0" skipped="3"/>', (0, 1, 3)),
    ],
    ids=["good", "failures", "crash at exit", "no report", "everything skipped"],
)
def test_layer_is_counted(
    tmp_path: Path, status: int, report: str, expected: tuple[int, int, int]
) -> None:
    path = tmp_path / "report.xml"
    path.write_text(report, encoding="utf-8")
    outcome = testing._outcome(testing.LAYERS[0], status, path, keyword="")
    assert (outcome.passed, outcome.failed, outcome.skipped) == expected


def test_size_limits_find_long_files_and_functions(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "build.py").write_text("x = 1\n" * 401, encoding="utf-8")
    body = "def long():\n" + "    x = 1\n" * 60
    (tmp_path / "tests" / "test_it.py").write_text(body, encoding="utf-8")
    assert [line.split(":")[0] for line in sizes.violations(tmp_path)] == [
        "build.py",
        "tests/test_it.py",
    ]


def test_style_figures_count_what_the_style_guide_asks_for(tmp_path: Path) -> None:
    code = '''"""How the file works."""
# A reason.
def public(a, b):
    """Return a.

    Args:
        a: One.
    """
def other(self, a, *, b): """Return b."""
def _private(a, b): pass
class Kind:
    def method(self, a, b):  # noqa: D102
        def inner(a, b): pass
'''
    path = tmp_path / "file.py"
    path.write_text(code, encoding="utf-8")
    found = style_figures.measure_file(path)
    assert found.file_lines == [13]
    assert sorted(found.function_lines) == [1, 1, 1, 2, 6]
    assert (found.questions, found.summaries) == (1, 3)
    assert (found.functions_with_args, found.functions_to_document) == (1, 3)
    assert found.comment_lines == 1
    assert style_figures.spread(list(range(1, 11))) == (5, 9, 10)


def test_zip_is_the_same_twice(tmp_path: Path) -> None:
    first, second = (build.make_zip(tmp_path / name) for name in ("a.zip", "b.zip"))
    assert first.read_bytes() == second.read_bytes()


def test_zip_holds_the_extension_and_nothing_else(tmp_path: Path) -> None:
    with zipfile.ZipFile(build.make_zip(tmp_path)) as archive:
        names = archive.namelist()
    assert {"__init__.py", "blender_manifest.toml", "LICENSE"} <= set(names)
    assert {name.split("/")[0] for name in names if "/" in name} == {
        "cstalk_blender",
        "model_runtime",
    }
    assert not [name for name in names if "training" in name or name.endswith(".pyc")]


def test_zip_that_cannot_be_written_has_a_hint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert build.main(["zip", "--out", str(tmp_path / "file" / "x")]) == 1
    assert "What to do: Check --out" in capsys.readouterr().err


def test_zip_contains_the_weights(tmp_path: Path) -> None:
    with zipfile.ZipFile(build.make_zip(tmp_path)) as archive:
        names = archive.namelist()
    assert {f"model_runtime/weights/cstalk-arkit52/{name}" for name in WEIGHT_FILES} <= set(names)


def test_manifest_asks_for_the_permissions_that_the_code_uses() -> None:
    root = extension.ROOT
    manifest = tomllib.loads((root / "blender_manifest.toml").read_text(encoding="utf-8"))
    code = "".join(path.read_text() for path in (root / "cstalk_blender").rglob("*.py"))
    signs = {"clipboard": r"\.clipboard\b", "network": r"\bbpy\.app\.online_access\b"}
    assert set(manifest["permissions"]) == {"files"} | {
        name for name, sign in signs.items() if re.search(sign, code)
    }


def test_demo_never_overwrites_the_scene_it_was_given(tmp_path: Path) -> None:
    own = tmp_path / "demo.blend"
    own.write_bytes(b"a week of work")
    with pytest.raises(BuildError, match=r"overwrite .*demo\.blend") as caught:
        demonstration.make_demo(demonstration.Options(blend=own, out=tmp_path))
    assert "--out" in caught.value.hint
    assert own.read_bytes() == b"a week of work"


def test_each_word_gets_a_moment_and_the_rest_are_pauses() -> None:
    words = [
        Word("my", 0.5, 0.8, (Span("m", 0.5, 0.6), Span("ay", 0.6, 0.8))),
        Word("map", 1.4, 1.9, (Span("m", 1.4, 1.5), Span("ae", 1.5, 1.7), Span("p", 1.7, 1.9))),
    ]
    chosen = moments(words, 2.5, 4)
    labels = [moment.label for moment in chosen]
    assert labels == ["my  /m/", "(pause)", "map  /ae/", "(pause)"]
    assert [moment.time_s for moment in chosen] == pytest.approx([0.55, 1.1, 1.6, 2.2])


def test_speech_without_words_gets_even_moments() -> None:
    assert [moment.time_s for moment in moments([], 4.0, 4)] == [0.5, 1.5, 2.5, 3.5]
