"""What a line's curves depend on, as digests: the sound's bytes, the settings, the model. Stdlib.

A finished line is left alone exactly as long as its key stays the same.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...errors import BadAudio

BLOCK_BYTES = 1 << 20
MODEL_FILES = ("config.json", "weights.safetensors")


@dataclasses.dataclass(frozen=True, slots=True)
class FileState:
    """What tells, without reading it, whether a file is still the one that was read."""

    size: int
    modified_ns: int

    @classmethod
    def of(cls, path: Path) -> FileState:
        """The state now. Raises OSError where there is no file."""
        found = os.stat(path)
        return cls(found.st_size, found.st_mtime_ns)


@dataclasses.dataclass(frozen=True, slots=True)
class FilePrint:
    """The contents of a file."""

    sha256: str
    state: FileState


def sound_print(path: Path) -> FilePrint:
    """Digest of a sound.

    Raises:
        BadAudio: No file, a folder, not readable, a loop of links, or it changed while being read.
    """
    try:
        state = FileState.of(path)
        found = FilePrint(file_digest(path), state)
        if FileState.of(path) != state:
            raise changed(path)
    except OSError as error:
        raise unreadable(path, error) from error
    return found


def check_unchanged(path: Path, found: FilePrint) -> None:
    """Raise BadAudio unless a sound is still the one whose digest was taken."""
    try:
        state = FileState.of(path)
    except OSError as error:
        raise unreadable(path, error) from error
    if state != found.state:
        raise changed(path)


def is_same(path: Path, found: FilePrint) -> bool:
    """Whether a file holds what it held, by its state or else by its digest."""
    try:
        state = FileState.of(path)
        if state == found.state:
            return True
        return state.size == found.state.size and file_digest(path) == found.sha256
    except OSError:
        return False


def unreadable(path: Path, error: OSError) -> BadAudio:
    """The fault of a sound that is not there or cannot be opened."""
    return BadAudio(
        f"{path.name} cannot be read: {error.strerror or error}",
        hint="Check that the file is there and whole",
    )


def changed(path: Path) -> BadAudio:
    """The fault of a file that something else was writing."""
    return BadAudio(
        f"{path.name} changed while it was read",
        hint="Wait until it is written, then run the batch again with --resume",
    )


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal. Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


@functools.lru_cache(maxsize=8)
def model_print(folder: Path, version: str) -> str:
    """Digest of a checkpoint folder and the release that runs it. Raises OSError."""
    parts = [version, *(file_digest(folder / name) for name in MODEL_FILES)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def line_key(sound: str, settings: Mapping[str, Any], model: str, formats: Sequence[str]) -> str:
    """Digest of everything that a line's files depend on.

    Args:
        sound: Digest of the sound.
        settings: How it is acted; JSON.
        model: From ``model_print``.
        formats: Endings of the files.
    """
    parts = [sound, settings, model, list(formats)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
