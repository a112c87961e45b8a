"""Modules whose code runs when they are first used, so that enabling costs next to nothing. No bpy.

Blender enables the add-on at each start, also on the many days when nobody makes a face speak. The
modules that do the work are therefore put into ``sys.modules`` unread (`importlib.util.LazyLoader`)
and read at the first look at one of their names: ``from .rig import bake`` reads nothing,
``bake.bake_track`` does, ``from .rig.bake import bake_track`` does at once. Main thread only:
Python 3.11 does not guard a first look by two threads.
"""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

WORKING = (
    *(
        f"rig.{n}"
        for n in ("actions", "bake", "bake_steps", "check", "coverage", "exports", "library")
    ),
    *(f"rig.{n}" for n in ("presets", "recognise", "seal", "solved", "solver_basis", "strips")),
    *(f"rig.{n}" for n in ("families", "routing", "targets", "wiring")),
    *(f"runtime_install.{n}" for n in ("machine", "packages", "plan", "state")),
    *(f"batch.{n}" for n in ("casting", "child", "emotion_keys")),
    *(f"batch.{n}" for n in ("layout", "lines", "results")),
    *("session.client", "session.process", "sound_decode"),
    *("casting", "line_list", "jobs_placing", "jobs_batch_end", "command_line"),
)
"""Own modules that registering needs none of; in a module that it does need, `from` takes the
module, not names out of it."""


def defer(name: str) -> ModuleType:
    """The module ``name``: as it is when it was imported already, else to be read at first use.

    Its package is imported.

    Raises:
        ModuleNotFoundError: There is no such module.
    """
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    package, _dot, stem = name.rpartition(".")
    if package:
        setattr(sys.modules[package], stem, module)  # where `from package import stem` looks
    return module


def defer_work() -> None:
    """Defer all of ``WORKING``; call it before anything else of the add-on is imported."""
    for name in WORKING:
        defer(f"{__package__}.{name}")
