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
from collections.abc import Iterator
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

WORKING = (
    "rig.keys.actions",
    "rig.keys.bake",
    "rig.keys.bake_steps",
    "rig.verify.check",
    "rig.mapping.coverage",
    "rig.keys.exports",
    "rig.binding.library",
    "rig.mapping.presets",
    "rig.mapping.recognise",
    "rig.verify.seal",
    "rig.binding.solved",
    "rig.binding.basis",
    "rig.keys.strips",
    "rig.mapping.families",
    "rig.mapping.routing",
    "rig.fitting.solver",
    "rig.binding.targets",
    "rig.binding.wiring",
    "rig.fitting.bones",
    "rig.drive.eyes",
    "rig.binding.geometry",
    "rig.drive.mouth",
    *(f"runtime_install.{n}" for n in ("machine", "packages", "plan", "state")),
    *(f"dialogue.{n}" for n in ("casting", "batch_process", "emotion_keys")),
    *(f"dialogue.{n}" for n in ("layout", "lines", "results")),
    *(f"session.{n}" for n in ("client", "environment", "process", "request")),
    *("cli", "scene.strip_lines", "scene.line_list", "scene.audio_decode"),
    *(f"jobs.{n}" for n in ("batch_report", "batch_audio", "delivery", "request", "placement")),
)
"""Own modules that registering needs none of; in a module that it does need, `from` takes the
module, not names out of it."""


BAKING = (
    "rig.mapping.names",
    "rig.mapping.routing",
    "rig.mapping.families",
    "rig.binding.library",
    "rig.mapping.recognise",
    "rig.binding.wiring",
    "rig.binding.targets",
    "rig.binding.geometry",
    "rig.drive.drivers",
    "rig.fitting.bones",
    "rig.drive.eyes",
    "rig.drive.sinks",
    "rig.drive.plan",
    "rig.fitting.landmarks",
    "rig.fitting.lips",
    "rig.fitting.solver",
    "rig.fitting.correspondence",
    "rig.binding.basis",
    "rig.drive.mouth",
    "rig.keys.actions",
    "rig.keys.bake",
    "rig.keys.bake_steps",
    "rig.verify.obstacles",
    "rig.verify.check",
    "jobs.delivery",
)
"""What a performance needs when it arrives, each after what it stands on. The time to read all of
it is there while the model works, a few at each tick."""


def defer(name: str) -> ModuleType:
    """The module ``name``: as it is when it was imported already, else to be read at first use.

    Its package is imported.

    Raises:
        ModuleNotFoundError: There is no such module.
    """
    if name in sys.modules:
        return sys.modules[name]
    spec, loader = _lazy_spec(name)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    loader.exec_module(module)
    package, _dot, stem = name.rpartition(".")
    if package:
        setattr(sys.modules[package], stem, module)  # where `from package import stem` looks
    return module


def _lazy_spec(name: str) -> tuple[ModuleSpec, Loader]:
    """Where a module of ours is: in its package's folder, so that nothing else is searched."""
    package, _dot, stem = name.rpartition(".")
    folder = Path(importlib.import_module(package).__path__[0])
    spec = importlib.util.spec_from_file_location(name, folder / f"{stem}.py")
    if spec is None or spec.loader is None or not (folder / f"{stem}.py").is_file():
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    spec.loader = loader = importlib.util.LazyLoader(spec.loader)
    return spec, loader


def read_ahead() -> Iterator[None]:
    """Read ``BAKING``, one module at each step."""
    for name in BAKING:
        module = importlib.import_module(f".{name}", __package__)
        _ = module.__doc__  # a look, so that a deferred one is read
        yield
    importlib.import_module("numpy.ma")  # which numpy reads when `unique` is first asked for
    yield


def defer_work() -> None:
    """Defer all of ``WORKING``; call it before anything else of the add-on is imported."""
    for name in WORKING:
        defer(f"{__package__}.{name}")
