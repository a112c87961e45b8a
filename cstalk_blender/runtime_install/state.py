"""The folder of the GPU runtime: what is installed, what was interrupted, what it takes. No bpy.

``current.json`` names the environment that counts. It is replaced whole and last, so whatever ends
an installation, what worked before it still does. Environments that nobody names are swept away.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from ..errors import InstallFailed
from .plan import Source

CURRENT, PENDING, LOCK, LOG = "current.json", "pending.json", "lock", "install.log"
WHEELS = "wheels"
ENVIRONMENT_PREFIX = "env-"
MAX_RECORD_BYTES = 64 * 1024


@dataclasses.dataclass(frozen=True)
class Installed:
    """A finished, verified runtime."""

    python: str
    """Its interpreter."""
    is_ours: bool
    """False for an environment that somebody else made: it is never changed or removed."""
    torch: str
    device: str
    """What its test ran on: ``cuda (NVIDIA H100)``."""
    build: str
    """For people: ``PyTorch for CUDA 13.0``."""
    source: dict[str, str]
    """A ``plan.Source``, for repairs."""
    disk_bytes: int = 0
    seconds: float = 0.0
    """What its test took."""
    note: str = ""
    """What did not come out as hoped, as a card that is not used."""

    @property
    def folder(self) -> Path:
        """The environment's folder; interpreters stand in its ``bin`` or ``Scripts``."""
        return Path(self.python).parent.parent

    @property
    def problem(self) -> str:
        """Why it cannot be started; empty when its interpreter is there."""
        if Path(self.python).is_file():
            return ""
        return f"Its Python is gone: {self.python}"


@dataclasses.dataclass(frozen=True)
class Pending:
    """An installation that was cut off and can go on."""

    source: dict[str, str]
    stage: str
    kept_bytes: int
    """Downloaded already."""


def python_of(folder: Path) -> Path:
    """Where a virtual environment keeps its interpreter."""
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def read_installed(home: Path) -> Installed | None:
    """What ``current.json`` names; None when nothing is installed or the record is unreadable."""
    found: Installed | None = _read(home / CURRENT, Installed)
    return found


def read_pending(home: Path) -> Pending | None:
    """The installation that was cut off; None when there is none."""
    found: Pending | None = _read(home / PENDING, Pending)
    return found


def source_of(values: dict[str, str]) -> Source:
    """A ``Source`` from a record; what is missing takes its default."""
    known = {field.name for field in dataclasses.fields(Source)}
    return Source(**{key: str(value) for key, value in values.items() if key in known})


def write_installed(home: Path, installed: Installed) -> None:
    """Let ``installed`` count from now on: the switch. Raises OSError."""
    _write(home / CURRENT, dataclasses.asdict(installed))
    (home / PENDING).unlink(missing_ok=True)


def write_pending(home: Path, pending: Pending) -> None:
    """Remember an installation that has begun. Raises OSError."""
    _write(home / PENDING, dataclasses.asdict(pending))


def new_environment(home: Path) -> Path:
    """A folder name for an environment that is not there yet."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    return home / f"{ENVIRONMENT_PREFIX}{stamp}-{os.getpid()}"


def sweep(home: Path, *, keep_downloads: bool) -> None:
    """Remove environments that nobody names and, unless kept, the downloads.

    What cannot be removed now (Windows keeps the files of a running worker) is removed next time.
    """
    installed = read_installed(home)
    if installed is None and (home / CURRENT).exists():
        return  # an unreadable record: it may name any of them
    kept = installed.folder if installed is not None and installed.is_ours else None
    for folder in home.glob(f"{ENVIRONMENT_PREFIX}*"):
        if folder.is_dir() and folder != kept:
            shutil.rmtree(folder, ignore_errors=True)
    if not keep_downloads:
        shutil.rmtree(home / WHEELS, ignore_errors=True)


def remove(home: Path) -> None:
    """Take the runtime out: first it no longer counts, then its files go. Raises OSError."""
    (home / CURRENT).unlink(missing_ok=True)
    (home / PENDING).unlink(missing_ok=True)
    sweep(home, keep_downloads=False)
    (home / LOG).unlink(missing_ok=True)


def disk_bytes(folder: Path) -> int:
    """Bytes of all files below ``folder``; links and what vanishes count as nothing."""
    total = 0
    stack = [folder]
    while stack:
        try:
            with os.scandir(stack.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        stack.append(Path(entry.path))
                    elif not entry.is_symlink():
                        with contextlib.suppress(OSError):
                            total += entry.stat(follow_symlinks=False).st_size
        except OSError:
            continue
    return total


@contextlib.contextmanager
def locked(home: Path) -> Iterator[None]:
    """Hold the folder for one installation. The system lets go when the holder dies.

    Raises:
        InstallFailed: Another Blender installs here now.
        OSError: The folder cannot be written.
    """
    home.mkdir(parents=True, exist_ok=True)
    with (home / LOCK).open("a+b") as handle:
        if not _try_lock(handle):
            raise InstallFailed(
                f"Another installation is under way in {home}",
                hint="Wait for it, or close the other Blender",
            )
        yield


def _read(path: Path, cls: type[Any]) -> Any:
    try:
        if path.stat().st_size > MAX_RECORD_BYTES:
            return None
        return cls(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError):
        return None


def _write(path: Path, values: dict[str, Any]) -> None:
    temporary = path.with_name(path.name + ".new")
    with temporary.open("w", encoding="utf-8") as stream:
        json.dump(values, stream, indent=1)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)


if sys.platform == "win32":
    import msvcrt

    def _try_lock(handle: IO[bytes]) -> bool:
        try:
            handle.seek(0)
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _try_lock(handle: IO[bytes]) -> bool:
        try:
            fcntl.flock(handle.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
