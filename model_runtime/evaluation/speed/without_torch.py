"""Start this Python as if numpy alone were installed, as it is inside Blender."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

OPTIONS = ("-S",)
"""Python then looks into no ``site-packages``."""


@contextlib.contextmanager
def numpy_alone() -> Iterator[dict[str, str]]:
    """Return variables for a Python started with ``OPTIONS`` that finds numpy and no more.

    Raises:
        OSError: The system makes no links.
    """
    # numpy.libs holds the BLAS that the wheel brings; numpy does not load without it.
    packages = Path(np.__file__).resolve().parents[1]
    with tempfile.TemporaryDirectory(prefix="cstalk-numpy-") as folder:
        for name in ("numpy", "numpy.libs"):
            if (packages / name).is_dir():
                os.symlink(packages / name, Path(folder) / name, target_is_directory=True)
        # Variables of this Python would put its packages back on the path.
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        yield kept | {"PYTHONPATH": folder}


def command(module: str) -> list[str]:
    """Return the beginning of a command line that runs ``module`` so."""
    return [sys.executable, *OPTIONS, "-m", module]
