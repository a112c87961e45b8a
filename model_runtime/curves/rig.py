"""Load rig definitions from ``model_runtime/rigs``: channels of a face, regions and bounds.

A rig is data: networks, post-processing and add-on do not depend on a particular one.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from pathlib import Path

import numpy as np

from ..arrays import FloatArray
from ..errors import BadArgument

RIG_FOLDER = Path(__file__).resolve().parents[1] / "rigs"


@dataclasses.dataclass(frozen=True)
class Channel:
    """One control of a face."""

    name: str
    region: str
    minimum: float
    maximum: float
    mirror: str
    """Name of the same control on the other side; its own name if it is central."""
    mirror_sign: float = 1.0
    """-1 if mirroring a face negates the value, as for a turn of the head."""


@dataclasses.dataclass(frozen=True)
class RigDefinition:
    """The channels of a face in the order of a model's output columns."""

    name: str
    title: str
    regions: tuple[str, ...]
    channels: tuple[Channel, ...]

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Return the names in column order."""
        return tuple(channel.name for channel in self.channels)

    def region_columns(self, region: str) -> tuple[int, ...]:
        """Return the columns of the channels of ``region``, ascending."""
        return tuple(i for i, channel in enumerate(self.channels) if channel.region == region)

    def bounds(self) -> tuple[FloatArray, FloatArray]:
        """Return minimum and maximum of each channel, two arrays of shape (channels,)."""
        low = np.array([channel.minimum for channel in self.channels], np.float32)
        high = np.array([channel.maximum for channel in self.channels], np.float32)
        return low, high


def rig_names() -> tuple[str, ...]:
    """Return the names of all rig definitions, sorted."""
    return tuple(sorted(path.stem for path in RIG_FOLDER.glob("*.json")))


@functools.cache
def rig_of_file(kind: str) -> RigDefinition:
    """Return the rig of a kind of curve file, whose definition lists that kind in ``files``."""
    for name in rig_names():
        data = json.loads((RIG_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
        # The definition says which files it fits, so a new rig needs no code.
        if kind in data.get("files", ()):
            return load_rig(name)
    raise BadArgument(
        f"No rig definition lists files of kind {kind!r}", hint="Install the extension again"
    )


@functools.cache
def load_rig(name: str) -> RigDefinition:
    """Load the rig definition ``name``.

    Raises:
        BadArgument: The rig is unknown.
    """
    # Compared with the list of names: a name with slashes must not open another file.
    if name not in rig_names():
        raise BadArgument(f"Unknown rig {name!r}", hint=f"Use one of: {', '.join(rig_names())}")
    data = json.loads((RIG_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return RigDefinition(
        name=data["name"],
        title=data["title"],
        regions=tuple(data["regions"]),
        channels=tuple(Channel(**channel) for channel in data["channels"]),
    )
