"""Sample curves at any scene frame, for a preview without keys. numpy only."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from ..arrays import Array


@dataclasses.dataclass(frozen=True, eq=False)
class SampledCurves:
    """Curves of one data block, ready to be read row by row."""

    frames: Array
    """Scene frame of each row, rising, shape (rows,); at least one."""
    values: NDArray[np.float32]
    """Shape (rows, columns)."""

    def at(self, frame: float) -> NDArray[np.float32]:
        """Return the values at a scene frame, shape (columns,).

        Between two rows they are linear; beyond the ends the end rows continue, as F-curves do.
        """
        frames = self.frames
        after = int(np.searchsorted(frames, frame))
        if after == 0:
            return self._row(0)
        if after == len(frames):
            return self._row(-1)
        before = after - 1
        share = np.float32((frame - frames[before]) / (frames[after] - frames[before]))
        row: NDArray[np.float32] = (1 - share) * self._row(before) + share * self._row(after)
        return row

    def _row(self, number: int) -> NDArray[np.float32]:
        row: NDArray[np.float32] = self.values[number]
        return row
