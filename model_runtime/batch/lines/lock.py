"""Lock an output folder, so that one batch at a time writes into it. Standard library only.

The operating system holds the lock and releases it when the process ends, however it ends. The text
in the file says which process has it, for the message.
"""

# The package `filelock` does the same, but a batch also runs in Blender's own Python, for which the
# extension carries no packages.

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from ...errors import BadOutput, RuntimeFault
from ...written import RECORD_NAME, Record

STATE_FOLDER = ".cstalk-batch"
"""Folder in the output folder with the lock and the journal."""
LOCK_NAME = "lock"
LOCK_OFFSET = 1 << 20
"""Byte that Windows locks: after the text, which other processes must be able to read."""


class FolderBusy(RuntimeFault):
    """Another batch writes into this folder."""

    code = "folder-busy"
    exit_status = 2


def folder_record(output: Path) -> Record:
    """Return the record of the files that batches wrote into an output folder, and of reports."""
    return Record(output / STATE_FOLDER / RECORD_NAME, base=output)


@contextlib.contextmanager
def locked(output: Path) -> Iterator[Path]:
    """Hold the lock of an output folder and yield the folder of the batch's own files.

    Creates both folders if they are missing.

    Raises:
        FolderBusy: Another process, which the message names, holds it.
        BadOutput: The folder cannot be created or written.
    """
    state = output / STATE_FOLDER
    try:
        state.mkdir(parents=True, exist_ok=True)
        # Created without truncation: the text of the holder must stay until the lock is taken.
        handle = os.open(state / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise BadOutput(
            f"Cannot create the folder {output}: {error.strerror}", hint="Check the path"
        ) from error
    try:
        # Not waited for: the second batch would overwrite the first one's work.
        if not _take(handle):
            raise FolderBusy(
                f"Another batch is writing into {output} ({_holder(handle)})",
                hint="Wait for it, or choose another output folder",
            )
        # After the lock: only the holder writes.
        _sign(handle)
        yield state
    finally:
        os.close(handle)  # releases the lock


def _sign(handle: int) -> None:
    text = json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": time.time()})
    # The text only names the holder: on a full disk the lock holds without it.
    with contextlib.suppress(OSError):
        # Truncated: a longer old text would leave its end.
        os.ftruncate(handle, 0)
        os.lseek(handle, 0, os.SEEK_SET)
        os.write(handle, text.encode())


def _holder(handle: int) -> str:
    """Return who holds the lock, in words."""
    os.lseek(handle, 0, os.SEEK_SET)
    try:
        signed = json.loads(os.read(handle, 4096))
        minutes = (time.time() - float(signed["since"])) / 60
        return f"process {signed['pid']} on {signed['host']}, for {max(0.0, minutes):.0f} min"
    except (ValueError, KeyError, TypeError, OSError):
        return "it has just started"  # and has not signed yet


if sys.platform == "win32":
    import msvcrt

    def _take(handle: int) -> bool:
        # Windows locks ranges, and refuses reading them to others.
        os.lseek(handle, LOCK_OFFSET, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        os.lseek(handle, 0, os.SEEK_SET)
        return True

else:
    import fcntl

    def _take(handle: int) -> bool:
        try:
            # flock is released by the system when the process ends, however it ends.
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
