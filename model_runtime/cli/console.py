"""Parse arguments and print messages, errors and progress of all commands. Stdlib only."""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import os
import sys
import time
from typing import NoReturn

from ..errors import BadArgument, RuntimeFault

BAR_WIDTH = 30
REDRAW_S = 0.1
PIPE_CLOSED = 141
"""Exit status of a program whose reader has ended, by convention 128 + SIGPIPE."""


class Parser(argparse.ArgumentParser):
    """An argument parser that reports errors in one line."""

    def error(self, message: str) -> NoReturn:
        """Raise BadArgument instead of printing the usage and exiting."""
        raise BadArgument(
            message[:1].upper() + message[1:], hint=f"'{self.prog} --help' lists the options"
        )


class ProgressLine:
    """Draws one progress line on a terminal; prints nothing if stderr is not a terminal."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._drawn_at = 0.0
        self._dirty = False

    def __call__(self, fraction: float, stage: str) -> None:
        """Draw the progress.

        Args:
            fraction: Fraction done, in [0, 1].
            stage: Name of the stage.
        """
        now = time.monotonic()
        # The last drawing is never left out, so that the bar ends full.
        if not self._shown or (now - self._drawn_at < REDRAW_S and fraction < 1):
            return
        self._drawn_at = now
        self._dirty = True
        bar = "#" * round(fraction * BAR_WIDTH)
        sys.stderr.write(f"\r[{bar:<{BAR_WIDTH}}] {fraction:4.0%} {stage:<20}")
        sys.stderr.flush()

    def clear(self) -> None:
        """Erase the line."""
        if self._dirty:
            sys.stderr.write("\r" + " " * (BAR_WIDTH + 30) + "\r")
            sys.stderr.flush()
            self._dirty = False


def print_error(fault: RuntimeFault) -> None:
    """Print message and hint of an error as one line on stderr."""
    text = f"error: {fault}"
    if fault.hint:
        text += f". {fault.hint}"
    # One line, since scripts read errors line by line.
    sys.stderr.write(" ".join(text.split()) + "\n")


def print_warning(text: str) -> None:
    """Print one line on stderr that does not change the exit status."""
    sys.stderr.write("warning: " + " ".join(text.split()) + "\n")


def print_line(text: str) -> None:
    """Print one line on stdout."""
    sys.stdout.write(text + "\n")


def end_quietly() -> int:
    """Discard further output and return the exit status of a process whose reader has ended."""
    # The interpreter flushes stdout when it ends, and would report the broken pipe once more.
    with contextlib.suppress(OSError, ValueError):
        # Descriptor 1 is replaced below Python's stream, which then flushes into nothing.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return PIPE_CLOSED


def use_utf8() -> None:
    """Let any file name be printed, whatever the encoding of the terminal."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # "backslashreplace": a name that the terminal cannot show must not end the command.
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def set_up_logging(verbose: bool) -> None:
    """Log to stderr, everything if ``verbose``, otherwise errors only."""
    level = logging.DEBUG if verbose else logging.ERROR
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")
