"""End the worker when its parent ends, even if another process keeps its stdin open."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)

POLL_S = 1.0
SYNCHRONIZE = 0x00100000
"""Access right on Windows to wait for a process."""
INFINITE = 0xFFFFFFFF


def exit_with_parent(leave: Callable[[], object]) -> None:
    """Watch the parent from a daemon thread and call ``leave`` there when it has ended."""
    parent = os.getppid()
    target = _wait_windows if sys.platform == "win32" else _wait_posix
    # A daemon: it must not keep the process alive.
    threading.Thread(target=target, args=(parent, leave), name="parent", daemon=True).start()


def _wait_posix(parent: int, leave: Callable[[], object]) -> None:
    pause = threading.Event()
    while os.getppid() == parent:  # an orphan gets another parent at once
        pause.wait(POLL_S)
    log.warning("parent %d has ended: exiting", parent)
    leave()


def _wait_windows(parent: int, leave: Callable[[], object]) -> None:
    if sys.platform == "win32":
        import ctypes

        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        # A handle is a pointer: ctypes would cut it to 32 bits.
        kernel.OpenProcess.restype = ctypes.c_void_p
        kernel.WaitForSingleObject.argtypes = (ctypes.c_void_p, ctypes.c_uint32)
        handle = kernel.OpenProcess(SYNCHRONIZE, False, parent)
        if not handle:
            log.warning("parent %d cannot be watched (error %d)", parent, ctypes.get_last_error())
            return
        kernel.WaitForSingleObject(handle, INFINITE)
        log.warning("parent %d has ended: exiting", parent)
        leave()
