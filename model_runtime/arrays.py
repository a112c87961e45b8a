"""Name the numpy array types that the runtime, training and evaluation share. numpy only.

Shapes, ranges and units are stated where an array is used.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float32]
"""Samples, features, activations and curves."""
DoubleArray: TypeAlias = NDArray[np.float64]
"""Times and statistics, where rounding of float32 would add up."""
HalfArray: TypeAlias = NDArray[np.float16]
"""Training data on disk."""
RealArray: TypeAlias = NDArray[np.floating]
"""Any of the float types above."""
IntArray: TypeAlias = NDArray[np.int64]
"""Frame numbers and indices."""
BoolArray: TypeAlias = NDArray[np.bool_]
"""Masks."""
