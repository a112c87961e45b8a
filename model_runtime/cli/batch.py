"""Run the command ``batch``, which ``batch/command.py`` implements.

Lines run in parallel, so each matrix product must use one thread. numpy reads that setting from
the environment when it is first imported; therefore this module does not import it at the top.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

ONE_THREAD = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""Variables that the BLAS libraries of numpy read; values set by the user are kept."""


def main(arguments: Sequence[str]) -> int:
    """Run the command; see ``batch.command.main``."""
    for name in ONE_THREAD:
        os.environ.setdefault(name, "1")
    from ..batch.command import main as batch

    return batch(arguments)
