"""Name the numpy array types of the add-on. numpy only.

`model_runtime.arrays` has those of the runtime, which is reached through `package` alone. Shapes,
ranges and units are stated where an array is used.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
"""Positions, angles, curves in computation."""
FloatArray: TypeAlias = NDArray[np.float32]
"""Curves as the runtime has them, and what Blender's ``foreach_get`` fills."""
Indices: TypeAlias = NDArray[np.int64]
"""Numbers of vertices, edges and frames."""
