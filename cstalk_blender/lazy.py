"""Postpone the reading of modules until their first use. No bpy.

Blender enables the add-on at each start, also when nothing is generated in that session. The
modules of `LAZY_PACKAGES` are therefore put into ``sys.modules`` unread, and their code runs when
an attribute is first looked up: ``from .rig.keys import bake`` reads nothing, ``bake.bake_track``
does, ``from .rig.keys.bake import bake_track`` does at once.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

RIG_LAYERS = ("mapping", "fitting", "binding", "drive", "keys", "clips", "verify")
LAZY_PACKAGES = (
    *("session", "dialogue", "direct", "runtime_install", "cli", "scene", "jobs", "jobs.batch"),
    "ui",
    *(f"rig.{name}" for name in RIG_LAYERS),
)
"""Packages whose modules are read at first use."""
LAZY_MODULES = ("api",)
"""Modules of the add-on itself that are read at first use."""
READ_AHEAD = (
    "direct",
    *(f"rig.{name}" for name in RIG_LAYERS),
    "jobs",
    "jobs.batch",
)
"""Packages that a bake needs, in the order of their layers; read while the model works."""

# Reentrant: reading one module reads others.
_lock = threading.RLock()
_unread: set[str] = set()
"""Names of modules whose code has not run."""


class LazyModule(ModuleType):
    """A module whose code runs at the first look at a name that it does not have yet.

    Names with two leading underscores never run it: Blender walks through ``sys.modules`` and asks
    each module for ``__file__`` (``addon_utils._extensions_warnings_get``). Code that ran there
    would import other modules and end the walk with "dictionary changed size during iteration",
    as `importlib.util.LazyLoader` does.
    """

    def __getattr__(self, name: str) -> object:
        """Run the module's code, then look again."""
        if not name.startswith("__"):
            with _lock:  # another thread may be in the middle of it
                _read(self)
                if name in self.__dict__:
                    return self.__dict__[name]
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}", name=name)

    def __setattr__(self, name: str, value: object) -> None:
        """Run the module's code first, so that it does not undo the change."""
        if not name.startswith("__"):
            with _lock:
                _read(self)
        ModuleType.__setattr__(self, name, value)  # reading has changed its class


def defer(name: str) -> ModuleType:
    """Return the module ``name``, to be read at first use unless it was imported before.

    Its package is imported.

    Raises:
        ModuleNotFoundError: There is no such module.
    """
    if name in sys.modules:
        return sys.modules[name]
    package, _dot, stem = name.rpartition(".")
    # The package's own folder: no other finder is asked, which is most of the cost of an import.
    path = Path(importlib.import_module(package).__path__[0]) / f"{stem}.py"
    if not path.is_file():
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    return _defer_file(name, path)


def defer_packages() -> None:
    """Defer all modules of `LAZY_PACKAGES`; call it before they are imported."""
    for package in LAZY_PACKAGES:
        name = f"{__package__}.{package}"
        folder = Path(importlib.import_module(name).__path__[0])
        # Sorted, so that the order of reading is the same on every machine.
        for path in sorted(folder.glob("*.py")):
            if not path.name.startswith("__") and f"{name}.{path.stem}" not in sys.modules:
                _defer_file(f"{name}.{path.stem}", path)
    for stem in LAZY_MODULES:
        if f"{__package__}.{stem}" not in sys.modules:
            _defer_file(f"{__package__}.{stem}", Path(__file__).with_name(f"{stem}.py"))


def read_ahead() -> Iterator[None]:
    """Read the modules of `READ_AHEAD`, one at each step."""
    for package in READ_AHEAD:
        start = f"{__package__}.{package}."
        for name in sorted(name for name in _unread if name.startswith(start)):
            with _lock:
                # One module a step, since the caller has a few milliseconds.
                _read(sys.modules[name])
            yield
    importlib.import_module("numpy.ma")  # numpy itself reads it at the first call of `unique`
    yield


def _defer_file(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    module.__class__ = LazyModule
    _unread.add(name)
    # Before it is read, so that a circular import finds it.
    sys.modules[name] = module
    package, _dot, stem = name.rpartition(".")
    setattr(sys.modules[package], stem, module)  # read by ``from package import stem``
    return module


def _read(module: ModuleType) -> None:
    """Run the code of ``module`` unless it has run or is running; an error leaves it unread."""
    if module.__name__ not in _unread:
        return
    spec = module.__spec__
    assert spec is not None
    assert spec.loader is not None
    # Marked as read first: its own code may look at its own names.
    _unread.discard(module.__name__)
    with contextlib.ExitStack() as failure:
        # An error leaves the module unread, so that the next use shows the error again.
        failure.callback(_unread.add, module.__name__)
        spec.loader.exec_module(module)
        failure.pop_all()
    module.__class__ = ModuleType  # lookups cost nothing extra from now on
