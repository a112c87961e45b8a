"""Modules whose reading is postponed: unread until first use, then as if imported."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType

import pytest

from cstalk_blender import lazy

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package with a module that another module imports, and one that is broken."""
    folder = tmp_path / "lazy_sample"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "inner.py").write_text("NUMBER = 4\n")
    (folder / "outer.py").write_text("from lazy_sample.inner import NUMBER\nvalue = NUMBER\n")
    (folder / "broken.py").write_text("raise OSError('first look')\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield "lazy_sample"
    for name in [name for name in sys.modules if name.startswith("lazy_sample")]:
        del sys.modules[name]
        lazy._unread.discard(name)


def is_read(module: ModuleType) -> bool:
    """Return whether the code of ``module`` has run."""
    return module.__name__ not in lazy._unread


def test_module_is_read_at_the_first_look_at_one_of_its_names(package: str) -> None:
    outer = lazy.defer(f"{package}.outer")
    assert not is_read(outer)
    assert outer.value == 4
    assert is_read(outer)
    assert type(outer) is ModuleType
    assert sys.modules[f"{package}.outer"] is outer


def test_walk_through_all_modules_as_blender_does_reads_none(package: str) -> None:
    outer = lazy.defer(f"{package}.outer")
    for module in sys.modules.values():  # a module that was read here would import another
        getattr(module, "__file__", None)
    for name in ("__addon_enabled__", "__path__", "__time__", "__wrapped__", "__doc__"):
        assert getattr(outer, name, None) is None
    assert not is_read(outer)
    assert outer.__file__.endswith("outer.py")


def test_value_that_is_set_before_the_first_look_stays(package: str) -> None:
    outer = lazy.defer(f"{package}.outer")
    outer.value = 7
    assert outer.value == 7


def test_missing_name_is_an_attribute_error(package: str) -> None:
    outer = lazy.defer(f"{package}.outer")
    with pytest.raises(AttributeError, match="absent"):
        _ = outer.absent


def test_module_that_fails_raises_its_own_error_at_each_look(package: str) -> None:
    broken = lazy.defer(f"{package}.broken")
    for _ in range(2):
        with pytest.raises(OSError, match="first look"):
            _ = broken.value
    assert not is_read(broken)


def test_missing_module_is_said_at_once(package: str) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"lazy_sample\.absent"):
        lazy.defer(f"{package}.absent")


def test_two_threads_see_the_whole_module(package: str, tmp_path: Path) -> None:
    slow = "import threading\nthreading.Event().wait(0.05)\nvalue = 1\n"
    (tmp_path / package / "slow.py").write_text(slow)
    module, seen = lazy.defer(f"{package}.slow"), []
    threads = [threading.Thread(target=lambda: seen.append(module.value)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert seen == [1, 1]


def test_every_module_of_the_lazy_packages_is_deferred_and_none_is_read() -> None:
    code = (
        "import json, sys, cstalk_blender.lazy as lazy\n"
        "lazy.defer_packages()\n"
        "print(json.dumps(sorted(lazy._unread)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    folders = [ROOT / "cstalk_blender" / name.replace(".", "/") for name in lazy.LAZY_PACKAGES]
    expected = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for folder in folders
        for path in folder.glob("*.py")
        if not path.name.startswith("__")
    }
    assert len(expected) > 50
    expected |= {"cstalk_blender.api"}
    assert set(json.loads(done.stdout)) == expected
