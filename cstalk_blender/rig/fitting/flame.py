"""Describe FLAME heads as the FLAME Blender add-on creates them. No bpy.

They have shape keys ``Shape1..300`` (identity, never keyed), ``Exp1..100`` (expression, in signed
standard deviations) and ``Pose1..36`` (pose correctives), and an armature with the bones ``neck``,
``jaw`` and two eyes; the jaw opens with a positive rotation about its X. The correctives of a joint
are the nine entries, row by row, of its rotation matrix minus the identity: the neck's first
(``Pose1..9``), then the jaw's (``Pose10..18``), as the operator *Set poseshapes* writes them.
"""

from __future__ import annotations

import re
from collections.abc import Collection

import numpy as np

from ...arrays import Array
from .bones import matrices

# Identity belongs to the actor and correctives follow the pose; solving would animate them.
IDENTITY = re.compile(r"^(Shape|Pose)\d+$")
"""Shape keys of identity and pose correctives: no performance moves them."""
EXPRESSION = re.compile(r"^Exp\d+$")
# Wider than any value of the data, so that the bound stops outliers of the solver only.
EXPRESSION_LIMIT = 4.0
"""Standard deviations of an expression coefficient; 3DMEAD's stay within 3 (rigs/flame.json)."""
JAW_CORRECTIVES = tuple(f"Pose{number}" for number in range(10, 19))


def is_flame(names: Collection[str]) -> bool:
    """Return True for the shape keys of a FLAME head."""
    # Two names, as a single Exp1 occurs in other rigs.
    return "Exp1" in names and "Exp10" in names


def has_jaw_correctives(names: Collection[str]) -> bool:
    """Return True when all nine pose correctives of the jaw exist."""
    # With fewer the corrections would bend the jaw wrongly: they only make sense as a whole.
    return set(JAW_CORRECTIVES) <= set(names)


def jaw_corrections(angles: Array) -> dict[str, Array]:
    """Return the jaw's pose correctives (frames,) for its angles (frames, 3) in radians."""
    # Row by row, which is numpy's order of ``reshape``.
    entries = (matrices(np.asarray(angles, np.float64)) - np.eye(3)).reshape(-1, 9)
    return {name: entries[:, number] for number, name in enumerate(JAW_CORRECTIVES)}
