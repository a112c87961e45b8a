"""``batch``: a folder or a list of speech files to curves; ``batch/command.py`` does it.

Lines run side by side, so numpy must keep its matrix products on one thread each. It reads that
from the environment when it is first imported: therefore nothing here imports it at the top.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

ONE_THREAD = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""What numpy's libraries for matrix products obey; what the person has set counts more."""


def main(arguments: Sequence[str]) -> int:
    """Run the command; see ``batch.command.main``."""
    for name in ONE_THREAD:
        os.environ.setdefault(name, "1")
    from ..batch.command import main as batch

    return batch(arguments)
