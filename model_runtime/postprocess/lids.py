"""Keep eyes open under strong expressions, before blinks are added. numpy only.

Expressions add up: squint, raised cheeks and lowered lids of disgust at intensity 1.5 shut the eyes
of most heads. Only a blink shuts them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..arrays import FloatArray

SIDES = ("Left", "Right")
SHARES = {"eyeBlink": 1.0, "eyeSquint": 0.45, "cheekSquint": 0.1}
"""Part of the eye's height that a channel at 1 covers, on the demo head and the Face Cap head."""
KNEE, LIMIT = 0.4, 0.5
"""Covered part from which closing is compressed, and the most of it: disgust and sadness at
intensity 1 lie at 0.4 to 0.45, and look narrow but open; from 0.6 on the demo head sees nothing."""


def open_lids(values: FloatArray, channels: Sequence[str]) -> FloatArray:
    """Return curves whose lids cover at most ``LIMIT`` of an eye.

    The channels of a side are lowered by one factor, so that the kind of expression stays.

    Args:
        values: Curves without blinks, shape (T, C).
        channels: Names of the columns; a side without lids is left as it is.

    Returns:
        A new array of the shape of ``values``.
    """
    out = values.copy()
    names = list(channels)
    for side in SIDES:
        present = {names.index(n + side): s for n, s in SHARES.items() if n + side in names}
        if not present:
            continue
        columns = list(present)
        covered = np.maximum(values[:, columns], 0) @ np.array(list(present.values()), np.float32)
        room = LIMIT - KNEE
        kept = KNEE + room * np.tanh((covered - KNEE) / room)
        # Below the knee nothing changes; maximum avoids a division by 0 there.
        factor = np.where(covered > KNEE, kept / np.maximum(covered, KNEE), 1.0)
        out[:, columns] *= factor[:, None].astype(np.float32)
    return out
