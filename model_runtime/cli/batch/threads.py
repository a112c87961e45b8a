"""Limit matrix products to one thread each, since a batch runs its lines in parallel.

numpy reads the setting from the environment when it is first imported: call this before.
"""

from __future__ import annotations

import os

ONE_THREAD = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""Variables that the BLAS libraries of numpy read; values set by the user are kept."""


def limit_threads() -> None:
    """Set the variables that the user has not set."""
    for name in ONE_THREAD:
        os.environ.setdefault(name, "1")
