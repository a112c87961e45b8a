"""Write loss terms and measures as tensorboard scalars, where tensorboard is installed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def scalar_writer(folder: Path) -> Callable[[int, dict[str, float]], None]:
    """Return a function that takes a step number and values by name.

    Args:
        folder: Of the run; the scalars go into ``tensorboard`` in it.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        # Plots are a convenience: training must not need tensorboard.
        return lambda _step, _values: None
    writer = SummaryWriter(str(folder / "tensorboard"))

    def write(step: int, values: dict[str, float]) -> None:
        for name, value in values.items():
            writer.add_scalar(name, value, step)

    return write
