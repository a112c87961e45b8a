"""Store the fit of a face with its object, where saving and undo include it.

face["cstalk_fit"] = JSON of the normal equations (`solver.Fit`), arrays as base64 of float32
"""

from __future__ import annotations

import base64
import dataclasses
import functools
import json

import bpy
import numpy as np
from numpy.typing import NDArray

from ...package import rigs
from ..fitting import solver
from ..mapping.routing import Kind, Target

PROPERTY = "cstalk_fit"
FORMAT = 1
CHANNEL_RIG = "arkit52"
WORST_CHANNEL = 0.7
"""A channel that loses more of its motion is named as lost."""
GOOD_REGION = 0.15
"""A region that loses less of its motion is not mentioned."""
_ARRAYS = ("gram", "cross", "energy", "lower", "upper")


@dataclasses.dataclass(frozen=True)
class Loss:
    """Motion that a fitted face cannot show."""

    regions: dict[str, float]
    """Region to the part of its motion that is lost, 0 to 1."""
    channels: tuple[str, ...]
    """Channels that lose more than `WORST_CHANNEL`."""

    def sentences(self) -> list[str]:
        """Return lines for the panel, the worst region first; empty for a good fit."""
        order = sorted(self.regions.items(), key=lambda item: -item[1])
        lines = [
            f"{region.capitalize()}: {100 * lost:.0f} % of the motion is lost"
            for region, lost in order
            if lost >= GOOD_REGION
        ]
        if self.channels:
            lines.append(f"Not shown: {', '.join(self.channels)}")
        return lines


def store_fit(face: bpy.types.Object, fit: solver.Fit) -> None:
    """Store a fit, which is used instead of names from now on.

    Args:
        face: The fitted object.
        fit: Its fit.
    """
    data = {
        "format": FORMAT,
        "targets": [list(target) for target in fit.targets],
        "channels": list(fit.channels),
        **{name: _packed(getattr(fit, name)) for name in _ARRAYS},
    }
    face[PROPERTY] = json.dumps(data)


def remove_fit(face: bpy.types.Object) -> bool:
    """Remove the fit of ``face``; False when there was none."""
    return face.pop(PROPERTY, None) is not None


def fit_or_none(face: bpy.types.Object | None) -> solver.Fit | None:
    """Return the fit of ``face`` while it has the shape keys that it was made for."""
    text = None if face is None else face.get(PROPERTY)
    if not isinstance(text, str):
        return None
    fit = _read(text)
    key = getattr(face.data, "shape_keys", None)
    if fit is None or key is None:
        return None
    shapes = [target.name for target in fit.targets if target.kind == "shape"]
    # A key that was renamed or removed makes the whole solution wrong, not only one row of it.
    return fit if all(name in key.key_blocks for name in shapes) else None


def loss_of(fit: solver.Fit) -> Loss:
    """Return the motion that the targets of ``fit`` cannot show.

    Left and right are requested together: a key that blinks both eyes loses no blink.
    """
    rig = {channel.name: channel for channel in rigs.load_rig(CHANNEL_RIG).channels}
    paired = solver.together(fit, [rig[channel].mirror for channel in fit.channels])
    matrix = solver.solve_matrix(paired)
    regions = {channel: rig[channel].region for channel in fit.channels}
    lost = solver.lost_of(paired, matrix)
    worst = [c for c, part in zip(fit.channels, lost, strict=True) if part > WORST_CHANNEL]
    return Loss(solver.lost_by_region(paired, matrix, regions), tuple(worst))


@functools.lru_cache(maxsize=16)
def loss_of_text(text: str) -> Loss | None:
    """Return `loss_of` of a stored fit, cached for panels, which ask at every redraw."""
    fit = _read(text)
    return None if fit is None else loss_of(fit)


# By the text itself, which changes whenever the fit does.
@functools.lru_cache(maxsize=16)
def _read(text: str) -> solver.Fit | None:
    try:
        data = json.loads(text)
        # A fit can be made again, so that no older format is converted.
        if data["format"] != FORMAT:
            return None
        targets = tuple(Target(_kind(kind), str(name)) for kind, name in data["targets"])
        channels = tuple(str(channel) for channel in data["channels"])
        arrays = {name: _unpacked(data[name]) for name in _ARRAYS}
        count = len(targets)
        return solver.Fit(
            targets,
            channels,
            arrays["gram"].reshape(count, count),
            arrays["cross"].reshape(count, len(channels)),
            arrays["energy"].reshape(len(channels)),
            arrays["lower"].reshape(count),
            arrays["upper"].reshape(count),
        )
    except (ValueError, KeyError, TypeError):  # written by another version, or by hand
        return None


def _kind(text: str) -> Kind:
    if text == "shape":
        return "shape"
    if text == "bone":
        return "bone"
    raise ValueError(f"{text!r} is not a kind of a fitted target")


def _packed(values: NDArray[np.float64]) -> str:
    # Little-endian whatever the machine: files travel.
    return base64.b64encode(values.astype("<f4").tobytes()).decode("ascii")


# float32 halves the text; its rounding, 6e-8, stays below the solver's tolerance of 1e-6.
def _unpacked(text: str) -> NDArray[np.float64]:
    return np.frombuffer(base64.b64decode(text), "<f4").astype(np.float64)
