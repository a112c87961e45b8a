"""Bring the tensor names of version 0.1 to the names of today.

Version 0.1 wrapped every layer norm in a module of its own (``norm.norm.weight``) and numbered the
heads (``heads.3.weight``) in the order of the regions. Today's names pass through unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..arrays import FloatArray


def renamed(tensors: Mapping[str, FloatArray], regions: Sequence[str]) -> dict[str, FloatArray]:
    """Return the tensors of a generator by today's names.

    Args:
        tensors: By the names of the file.
        regions: Names of the regions, in the order of the configuration.
    """
    return {_new_name(name, regions): value for name, value in tensors.items()}


def _new_name(name: str, regions: Sequence[str]) -> str:
    parts = name.split(".")
    # Version 0.1 numbered the heads.
    if parts[0] == "heads" and len(parts) > 1 and parts[1].isdigit():
        region = int(parts[1])
        if region < len(regions):
            parts[1] = regions[region]
    if len(parts) > 2 and parts[-2] == "norm" and parts[-3].endswith("norm"):
        del parts[-2]
    return ".".join(parts)
