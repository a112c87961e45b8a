"""Compute digests of what a line depends on: audio, settings, model. Standard library only.

A finished line is skipped exactly as long as its key stays the same.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...errors import BadAudio
from ...files import file_digest

MODEL_FILES = ("config.json", "weights.safetensors")


@dataclasses.dataclass(frozen=True, slots=True)
class FileState:
    """Size and time of a file: equal as long as the file was not written."""

    size: int
    modified_ns: int

    @classmethod
    def of(cls, path: Path) -> FileState:
        """Return the state of a file. Raises OSError without a file."""
        found = os.stat(path)
        return cls(found.st_size, found.st_mtime_ns)


@dataclasses.dataclass(frozen=True, slots=True)
class FilePrint:
    """Contents of a file."""

    sha256: str
    state: FileState


def audio_print(path: Path) -> FilePrint:
    """Return the digest of an audio file.

    Raises:
        BadAudio: No file, a folder, not readable, a loop of links, or it changed while being read.
    """
    try:
        # A pipe would wait for its other end, and a device may never end.
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise BadAudio(f"{path.name} is not a file", hint="Choose an audio file")
        state = FileState.of(path)
        found = FilePrint(file_digest(path), state)
        # Before and after: a file that grows while it is hashed has no digest.
        if FileState.of(path) != state:
            raise changed(path)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise unreadable(path, error) from error
    return found


def check_unchanged(path: Path, found: FilePrint) -> None:
    """Check that an audio file is still the one whose digest was computed.

    Args:
        path: The file.
        found: Its digest and state.

    Raises:
        BadAudio: It has changed or is gone.
    """
    try:
        state = FileState.of(path)
    except OSError as error:
        raise unreadable(path, error) from error
    if state != found.state:
        raise changed(path)


def is_same(path: Path, found: FilePrint) -> bool:
    """Return whether a file has the contents it had, by its state or else by its digest.

    Args:
        path: The file.
        found: Its digest and state then.
    """
    try:
        state = FileState.of(path)
        # Size and time first: hashing takes as long as reading.
        if state == found.state:
            return True
        # Equal size and digest: a copy or a touched file is still the same.
        return state.size == found.state.size and file_digest(path) == found.sha256
    except OSError:
        return False


def unreadable(path: Path, error: Exception) -> BadAudio:
    """Return the error of an audio file that is missing or cannot be opened.

    Args:
        path: The file.
        error: Why.
    """
    return BadAudio(
        f"{path.name} cannot be read: {getattr(error, 'strerror', None) or error}",
        hint="Check that the file exists and is complete",
    )


def changed(path: Path) -> BadAudio:
    """Return the error of an audio file that another program was writing."""
    return BadAudio(
        f"{path.name} changed while it was read",
        hint="Wait until it is complete, then run the batch again with --resume",
    )


# Few models are used in a process; each is hashed once.
@functools.lru_cache(maxsize=8)
def model_print(folder: Path, version: str) -> str:
    """Return the digest of a checkpoint folder and the release that runs it.

    Args:
        folder: The checkpoint.
        version: The release.

    Raises:
        OSError: A file of the checkpoint is missing.
    """
    parts = [version, *(file_digest(folder / name) for name in MODEL_FILES)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def line_key(audio: str, settings: Mapping[str, Any], model: str, formats: Sequence[str]) -> str:
    """Return the digest of everything that a line's files depend on.

    Args:
        audio: Digest of the audio file.
        settings: The performance as JSON.
        model: From ``model_print``.
        formats: Endings of the files.
    """
    parts = [audio, settings, model, list(formats)]
    # sort_keys: dictionaries of equal settings give one key.
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
