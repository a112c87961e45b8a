"""FLAME heads as the FLAME Blender add-on makes them. No bpy.

Shape keys ``Shape1..300`` (who it is, never touched here), ``Exp1..100`` (expression, signed
standard deviations), ``Pose1..36`` (pose correctives), an armature with the bones ``neck``, ``jaw``
and two eyes; the jaw opens with a positive turn about its X. The correctives of a joint are the
nine entries, row by row, of its rotation matrix less the identity; neck first (``Pose1..9``), then
the jaw (``Pose10..18``), as the add-on's own operator *Set poseshapes* writes them.
"""

from __future__ import annotations

import re
from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from .bones import matrices

Array = NDArray[np.float64]

IDENTITY = re.compile(r"^(Shape|Pose)\d+$")
"""Keys that say who it is or correct a pose: no performance moves them."""
EXPRESSION = re.compile(r"^Exp\d+$")
EXPRESSION_LIMIT = 4.0
"""Standard deviations of an expression coefficient; 3DMEAD's stay within 3 (rigs/flame.json)."""
JAW_CORRECTIVES = tuple(f"Pose{number}" for number in range(10, 19))


def is_flame(names: Collection[str]) -> bool:
    """True for the shape keys of a FLAME head."""
    return "Exp1" in names and "Exp10" in names


def has_jaw_correctives(names: Collection[str]) -> bool:
    """True when all nine pose correctives of the jaw are there."""
    return set(JAW_CORRECTIVES) <= set(names)


def jaw_corrections(angles: Array) -> dict[str, Array]:
    """Values (frames,) of the jaw's pose correctives for its turns (frames, 3) in radians."""
    entries = (matrices(np.asarray(angles, np.float64)) - np.eye(3)).reshape(-1, 9)
    return {name: entries[:, number] for number, name in enumerate(JAW_CORRECTIVES)}
