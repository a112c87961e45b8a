"""Tabulate the mouth by phone class beside two measured faces (``shared/docs/face.md``, section 4).

The two faces are NVIDIA's Audio2Face-3D and a person's own Live Link Face take, both put on the
Face Cap head and measured on the middle half of the phones. The numbers of phones behind them are
small: they give a direction.
"""

from __future__ import annotations

import dataclasses
from typing import Final

import numpy as np

from .phone_table import PhoneTable

COLUMNS: Final = ("width", "pucker", "funnel", "stretch", "roll", "jaw")


@dataclasses.dataclass(frozen=True)
class PhoneClass:
    """One row: phones, and what the two faces do in them, in the order of ``COLUMNS``."""

    key: str
    title: str
    phones: tuple[str, ...]
    a2f: tuple[float, ...]
    person: tuple[float, ...]


# Order of the values: width, pucker, funnel, stretch, roll, jaw.
CLASSES: Final = (
    PhoneClass(
        *("round", "uw ow w uh", ("uw", "ow", "w", "uh")),
        (0.84, 0.48, 0.07, 0.00, 0.00, 0.15),
        (0.96, 0.14, 0.13, 0.04, 0.00, 0.04),
    ),
    PhoneClass(
        *("sh", "sh zh ch jh", ("sh", "zh", "ch", "jh")),
        (0.89, 0.24, 0.42, 0.02, 0.00, 0.05),
        (0.97, 0.11, 0.23, 0.00, 0.00, 0.03),
    ),
    PhoneClass(
        *("r", "r er", ("r", "er")),
        (0.92, 0.26, 0.11, 0.01, 0.03, 0.11),
        (0.94, 0.14, 0.14, 0.05, 0.00, 0.09),
    ),
    PhoneClass(
        *("open", "aa ae ay aw ao ah", ("aa", "ae", "ay", "aw", "ao", "ah")),
        (0.94, 0.21, 0.03, 0.01, 0.01, 0.23),
        (0.97, 0.10, 0.13, 0.08, 0.00, 0.17),
    ),
    PhoneClass(
        *("spread", "iy ey ih", ("iy", "ey", "ih")),
        (1.01, 0.09, 0.02, 0.02, 0.01, 0.17),
        (1.02, 0.04, 0.13, 0.03, 0.00, 0.07),
    ),
    PhoneClass(
        *("mbp", "m b p", ("m", "b", "p")),
        (0.98, 0.17, 0.01, 0.00, 0.00, 0.05),
        (0.97, 0.14, 0.03, 0.05, 0.02, 0.07),
    ),
    PhoneClass(
        *("fv", "f v", ("f", "v")),
        (0.95, 0.20, 0.16, 0.01, 0.41, 0.06),
        (1.02, 0.05, 0.05, 0.03, 0.00, 0.02),
    ),
    PhoneClass(
        *("s", "s z", ("s", "z")),
        (0.94, 0.26, 0.12, 0.01, 0.00, 0.05),
        (1.00, 0.07, 0.14, 0.06, 0.00, 0.05),
    ),
    PhoneClass(
        *("t", "t d n l", ("t", "d", "n", "l")),
        (0.98, 0.15, 0.04, 0.01, 0.02, 0.12),
        (0.99, 0.06, 0.15, 0.04, 0.00, 0.07),
    ),
    PhoneClass(
        *("silence", "silence", ("sil",)),
        (1.02, 0.06, 0.02, 0.01, 0.00, 0.09),
        (1.01, 0.06, 0.03, 0.04, 0.02, 0.04),
    ),
)
CLASS_BY_KEY: Final = {row.key: row for row in CLASSES}


def class_means(table: PhoneTable) -> dict[str, tuple[float, ...]]:
    """Return the means of ``COLUMNS`` over the phones of each class; NaN where it has none."""
    means = {}
    for row in CLASSES:
        chosen = table.among(row.phones)
        values = [table.column(name)[chosen] for name in COLUMNS]
        means[row.key] = tuple(
            float(np.mean(column)) if len(column) else float("nan") for column in values
        )
    return means
