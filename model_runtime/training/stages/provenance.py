"""Record what a training was made of: settings, data, code. Checkpoints store it."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import importlib.metadata
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...checkpoint.folder import CONFIG_NAME
from ...version import runtime_version
from ..data.cache import Cache
from ..settings import Settings

DIGITS = 16
"""Digits of a SHA-256 that are kept: enough to tell trainings apart, few enough to read."""
NOT_OF_THE_RESULT = ("data", "work", "runs", "save_every_s", "folder", "device", "threads")
"""Settings of places and speed, which change no weight beyond rounding."""


def fingerprint(
    settings: Settings, stage: str, caches: Sequence[Cache], *, supervisor: Path | None = None
) -> dict[str, Any]:
    """Return everything that decides the weights of a run; JSON.

    Args:
        settings: Of the run.
        stage: ``generator`` or ``correlation``.
        caches: Training data.
        supervisor: Checkpoint of the correlation module, where it supervises.
    """
    told = settings_record(settings, stage)
    return {
        "stage": stage,
        "settings": told,
        "settings_sha256": digest(told),
        "data": {cache.name: cache.fingerprint[:DIGITS] for cache in caches},
        "start_from": checkpoint_digest(settings.start_from),
        "correlation": checkpoint_digest(supervisor),
    }


def identity(record: dict[str, Any]) -> str:
    """Return a digest that is equal for runs that would end in the same weights."""
    return digest({name: value for name, value in record.items() if name != "settings"})


def settings_record(settings: Settings, stage: str) -> dict[str, Any]:
    """Return the settings that decide the weights of a stage, as JSON.

    Args:
        settings: Of the run.
        stage: ``generator`` or ``correlation``.
    """
    values = dataclasses.asdict(settings)
    # Each stage's table counts for that stage alone: other steps of the generator must not
    # invalidate a finished correlation module.
    for name in {"generator", "correlation"} - {stage}:
        del values[name]
    if stage == "correlation":
        del values["loss"]
    # Compared by the digest of the checkpoint, not by its path.
    values.pop("start_from")
    if not values["keep"]:
        del values["keep"]  # runs from before there was such a thing stay the same runs
    # default=str writes paths; the round trip makes tuples lists, as they will be read back.
    plain: dict[str, Any] = json.loads(json.dumps(without_places(values), default=str))
    return plain


def code_record() -> dict[str, str]:
    """Return version and digest of the code that trains, and the version of torch."""
    return {
        "version": runtime_version(),
        "sha256": _code_digest(),
        "torch": importlib.metadata.version("torch"),
    }


def checkpoint_digest(folder: Path | None) -> str | None:
    """Return the first digits of a digest of a checkpoint's config, which names its weights."""
    if folder is None:
        return None
    path = folder / CONFIG_NAME
    return hashlib.sha256(path.read_bytes()).hexdigest()[:DIGITS] if path.is_file() else None


def file_digest(path: Path | None) -> str | None:
    """Return the first digits of the SHA-256 of a file; None without one."""
    if path is None or not path.is_file():
        return None
    return hashlib.sha256(path.read_bytes()).hexdigest()[:DIGITS]


def digest(value: Any) -> str:
    """Return the first digits of the SHA-256 of a JSON value; key order does not count."""
    # sort_keys: the order of a settings file means nothing.
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:DIGITS]


def without_places(value: Any) -> Any:
    """Return settings, as nested dicts and lists, without those that change no weight."""
    # At every depth: tables of stages hold `threads` and `device` of their own.
    if isinstance(value, dict):
        return {k: without_places(v) for k, v in value.items() if k not in NOT_OF_THE_RESULT}
    return [without_places(v) for v in value] if isinstance(value, (list, tuple)) else value


# Read once a process: some hundred files.
@functools.cache
def _code_digest() -> str:
    """Return a digest of the Python and JSON files that training reads."""
    root = Path(__file__).resolve().parents[2]
    # Not the whole package: a change in the command line makes no other weights.
    files = [*root.glob("*.py"), *root.glob("model/*.py"), *root.glob("training/**/*.*")]
    total = hashlib.sha256()
    for path in sorted(path for path in files if path.suffix in (".py", ".json")):
        # With the name and a zero byte: moved code is other code, and no two pairs join alike.
        total.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return total.hexdigest()[:DIGITS]
