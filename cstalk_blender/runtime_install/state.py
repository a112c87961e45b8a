"""Read and write the records in the folder of the GPU runtime. No bpy.

``current.json`` names the environment in use. It is replaced atomically as the last step, so the
previous runtime still works however an installation ends. Unused environments are deleted.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from ..errors import InstallFailed
from .ownership import LOCK, Ownership, write_whole
from .plan import Source

CURRENT, PENDING, LOG = "current.json", "pending.json", "install.log"
WHEELS = "wheels"
ENVIRONMENT_PREFIX = "env-"
# A record has less than a kilobyte.
MAX_RECORD_BYTES = 64 * 1024


@dataclasses.dataclass(frozen=True)
class Installed:
    """An installed and tested runtime."""

    python: str
    """Path of its interpreter."""
    is_ours: bool
    """False for an environment of the user, which is never changed or deleted."""
    torch: str
    device: str
    """Device of its test, as ``cuda (NVIDIA H100)``."""
    build: str
    """Name for display, as ``PyTorch for CUDA 13.0``."""
    source: dict[str, str]
    """A ``plan.Source``, for repairs."""
    disk_bytes: int = 0
    seconds: float = 0.0
    """Duration of its test."""
    note: str = ""
    """Warning for the user, as a graphics card that is not used."""

    @property
    def folder(self) -> Path:
        """Folder of the environment; interpreters are in its ``bin`` or ``Scripts``."""
        return Path(self.python).parent.parent

    @property
    def problem(self) -> str:
        """Reason why it cannot be started; empty when its interpreter exists."""
        if Path(self.python).is_file():
            return ""
        return f"The Python of the runtime is missing: {self.python}"


@dataclasses.dataclass(frozen=True)
class Pending:
    """An interrupted installation that can be resumed."""

    source: dict[str, str]
    stage: str
    kept_bytes: int
    """Bytes already downloaded."""


def python_of(folder: Path) -> Path:
    """Return the path of a virtual environment's interpreter."""
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def read_installed(home: Path) -> Installed | None:
    """Return the runtime in use; None when nothing is installed or the record is unreadable."""
    found: Installed | None = _read(home / CURRENT, Installed)
    return found


def read_pending(home: Path) -> Pending | None:
    """Return the interrupted installation; None when there is none."""
    found: Pending | None = _read(home / PENDING, Pending)
    return found


def source_of(values: dict[str, str]) -> Source:
    """Return the ``Source`` of a record; missing fields take their defaults."""
    # Unknown fields are of a later version, and missing ones of an earlier one.
    known = {field.name for field in dataclasses.fields(Source)}
    return Source(**{key: str(value) for key, value in values.items() if key in known})


def write_installed(home: Path, installed: Installed) -> None:
    """Make an environment the one that is used: the switch at the end of an installation.

    Args:
        home: The runtime's folder.
        installed: What was installed and tested.

    Raises:
        OSError: The folder cannot be written.
    """
    ownership = Ownership(home)
    ownership.claim(home / CURRENT)
    # The switch: before this line the old runtime is in use, after it the new one.
    write_whole(home / CURRENT, dataclasses.asdict(installed))
    # After the switch: a crash between them leaves a resumable installation, which then has nothing
    # to do.
    ownership.delete(home / PENDING)


def write_pending(home: Path, pending: Pending) -> None:
    """Record an installation that has begun, so that it can be resumed.

    Args:
        home: The runtime's folder.
        pending: Its source and stage.

    Raises:
        OSError: The folder cannot be written.
    """
    Ownership(home).claim(home / PENDING)
    write_whole(home / PENDING, dataclasses.asdict(pending))


def new_environment(home: Path) -> Path:
    """Return the path of an environment to be created, already recorded. Raises OSError."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    # Unique in time and process; the form of the name is what `ownership` recognises.
    folder = home / f"{ENVIRONMENT_PREFIX}{stamp}-{os.getpid()}"
    Ownership(home).claim(folder)
    return folder


def sweep(home: Path, *, keep_downloads: bool) -> None:
    """Delete environments that are no longer used and, unless kept, the downloads.

    Only what the installer created is deleted. Windows keeps the files of a running worker; they
    are deleted next time.

    Args:
        home: The runtime's folder.
        keep_downloads: Leave downloaded wheels for the next attempt.

    Raises:
        OSError: The record cannot be written.
    """
    installed = read_installed(home)
    if installed is None and (home / CURRENT).exists():
        return  # an unreadable record: it may name any of them
    # Resolved, as the record may have been written through a link.
    used = None if installed is None else installed.folder.resolve()
    ownership = Ownership(home)
    # The deepest first, see `Ownership.entries`.
    for path in ownership.entries():
        top = path.relative_to(home).parts[0]
        is_unused = top.startswith(ENVIRONMENT_PREFIX) and path.resolve() != used
        if is_unused or (top == WHEELS and not keep_downloads):
            ownership.delete(path)


def remove(home: Path) -> None:
    """Remove the runtime: first its record, so that it is no longer used, then its files.

    Args:
        home: The runtime's folder. Files in it that the installer did not create stay.

    Raises:
        InstallFailed: No runtime was installed in this folder, or it is in use.
        OSError: A file cannot be deleted.
    """
    ownership = Ownership(home)
    ownership.require()  # before the lock, which would leave a file in a foreign folder
    with locked(home):
        # The record first: whatever fails below, no worker starts from a half-deleted folder.
        ownership.delete(home / CURRENT)
        ownership.delete(home / PENDING)
        sweep(home, keep_downloads=False)
        ownership.delete(home / LOG)
        ownership.close()


def disk_bytes(folder: Path) -> int:
    """Return the bytes of all files below ``folder``; links and vanishing files count 0."""
    total = 0
    # ``scandir`` knows the kind of each entry without a call of ``stat``.
    stack = [folder]
    while stack:
        try:
            with os.scandir(stack.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        stack.append(Path(entry.path))
                    # Links count nothing: their target is counted where it is.
                    elif not entry.is_symlink():
                        with contextlib.suppress(OSError):
                            total += entry.stat(follow_symlinks=False).st_size
        except OSError:
            continue
    return total


@contextlib.contextmanager
def locked(home: Path) -> Iterator[None]:
    """Lock the folder for one installation; the system releases it when the process ends.

    Raises:
        InstallFailed: Another process holds the lock.
        OSError: The folder cannot be written.
    """
    home.mkdir(parents=True, exist_ok=True)
    # Opened for appending, which creates the file and changes nothing in it.
    with (home / LOCK).open("a+b") as handle:
        if not _try_lock(handle):
            raise InstallFailed(
                f"Another installation is running in {home}",
                hint="Wait until it ends, or close the other Blender",
            )
        yield


def _read(path: Path, cls: type[Any]) -> Any:
    try:
        if path.stat().st_size > MAX_RECORD_BYTES:
            return None
        return cls(**json.loads(path.read_text(encoding="utf-8")))
    # A TypeError is a record with other fields.
    except (OSError, ValueError, TypeError, RecursionError):
        return None


if sys.platform == "win32":
    import msvcrt

    def _try_lock(handle: IO[bytes]) -> bool:
        try:
            # Windows locks bytes from the current position on.
            handle.seek(0)
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _try_lock(handle: IO[bytes]) -> bool:
        try:
            # Without waiting: the other installation may take an hour.
            fcntl.flock(handle.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
