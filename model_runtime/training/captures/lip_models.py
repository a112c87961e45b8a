"""Measure how far a rig's lips open and spread, as linear functions of the 52 ARKit channels.

Shape keys add up, so the height of the inner-lip gap and the distance of the mouth's corners are
exactly ``constant + coefficients . channels``. Lengths are in *gaps*: 1 is the gap at jawOpen 1.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np

from ...arrays import DoubleArray
from ...errors import BadCurves
from ..reference.rig import reference_rig
from .rig_mesh import RigMesh, find_lips

LIP_MODELS_FILE = Path(__file__).resolve().parents[1] / "reference" / "lip_models.json"
ORIGIN = (
    "Written by model_runtime.training.captures.lip_models from data/rigs: Face Cap head (MIT),"
    " MakeHuman head (CC0) with TalkingHead ARKit targets (MIT), ICT-FaceKit (MIT)."
    " Each length is in units of the inner-lip gap at jawOpen 1; width is over neutral width;"
    " y is up, z is forward; channels as listed."
)

STILL = 0.01
"""Teeth move less than this share of the full gap in every channel."""
TEETH_DEPTH = 0.25
"""How far behind and beside the upper lip its teeth are sought, in mouth widths."""


@dataclasses.dataclass(frozen=True)
class LipModel:
    """Linear lip measures of one rig; every array is float64 of shape (52,)."""

    gap_rest: float
    """Height of the inner-lip gap of the neutral face, gaps (negative: overlapping)."""
    gap: DoubleArray
    width: DoubleArray
    """Change of the corners' distance over its neutral value."""
    upper_y: DoubleArray
    upper_z: DoubleArray
    lower_y: DoubleArray
    lower_z: DoubleArray
    """Motion of the middle of the inner upper and lower lip, gaps."""
    lower_from_upper_yz: tuple[float, float]
    """Neutral place of the lower lip's middle seen from the upper lip's, gaps."""
    teeth_from_upper_yz: tuple[float, float]
    """Neutral place of the upper front teeth's edge seen from the upper lip's middle, gaps."""

    def gaps(self, weights: DoubleArray) -> DoubleArray:
        """Return the inner-lip gap, shape (...,), of weights (..., 52); 1 at jawOpen 1."""
        heights: DoubleArray = self.gap_rest + weights @ self.gap
        return heights

    def widths(self, weights: DoubleArray) -> DoubleArray:
        """Return the corner distance over the neutral one, shape (...,), of weights (..., 52)."""
        distances: DoubleArray = 1.0 + weights @ self.width
        return distances


def measure_lip_model(mesh: RigMesh) -> LipModel:
    """Return the linear lip model of a mesh."""
    lips = find_lips(mesh)
    upper, lower = lips.middle(mesh, "inner_upper"), lips.middle(mesh, "inner_lower")
    right, left = lips.inner_upper[0], lips.inner_upper[-1]
    rest = mesh.neutral[lower] - mesh.neutral[upper]
    up, low = mesh.deltas[:, upper], mesh.deltas[:, lower]
    gap = up[:, 1] - low[:, 1]
    # The unit is the gap itself, so that rigs of any size and mouth can be compared.
    unit = float(-rest[1] + gap[reference_rig().channel_names.index("jawOpen")])
    neutral_width = float(mesh.neutral[left, 0] - mesh.neutral[right, 0])
    return LipModel(
        gap_rest=float(-rest[1]) / unit,
        gap=gap / unit,
        width=(mesh.deltas[:, left, 0] - mesh.deltas[:, right, 0]) / neutral_width,
        upper_y=up[:, 1] / unit,
        upper_z=up[:, 2] / unit,
        lower_y=low[:, 1] / unit,
        lower_z=low[:, 2] / unit,
        lower_from_upper_yz=(float(rest[1]) / unit, float(rest[2]) / unit),
        teeth_from_upper_yz=_teeth_edge(mesh, upper, neutral_width, unit),
    )


def _teeth_edge(mesh: RigMesh, upper: int, width: float, unit: float) -> tuple[float, float]:
    """Return the edge of the upper front teeth: the lowest still midline vertex behind the lip."""
    offset = mesh.neutral - mesh.neutral[upper]
    # In all channels: teeth of the lower jaw move with jawOpen, lips with many.
    still = np.abs(mesh.deltas).max(axis=(0, 2)) < STILL * unit
    behind = (offset[:, 2] < 0) & (offset[:, 2] > -TEETH_DEPTH * width)
    near = (np.abs(offset[:, 0]) < 0.1 * width) & (np.abs(offset[:, 1]) < TEETH_DEPTH * width)
    teeth = offset[still & behind & near]
    if not len(teeth):
        raise BadCurves(f"Rig {mesh.name} has no upper teeth behind its lips")
    # The edge is where a lower lip meets the teeth in f and v.
    edge = teeth[np.argmin(teeth[:, 1])]
    return float(edge[1]) / unit, float(edge[2]) / unit


def write_lip_models(models: dict[str, LipModel], path: Path = LIP_MODELS_FILE) -> None:
    """Write the models as JSON, numbers with five decimals.

    Args:
        models: By name of the rig.
        path: File to write.
    """
    document: dict[str, Any] = {
        "origin": ORIGIN,
        "channels": list(reference_rig().channel_names),
        "rigs": {name: _plain(model) for name, model in models.items()},
    }
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def load_lip_models(path: Path = LIP_MODELS_FILE) -> dict[str, LipModel]:
    """Read the models written by ``write_lip_models``, by rig name."""
    document = json.loads(path.read_text(encoding="utf-8"))
    return {name: _model(entry) for name, entry in document["rigs"].items()}


def _plain(model: LipModel) -> dict[str, Any]:
    return {
        field.name: np.round(getattr(model, field.name), 5).tolist()
        for field in dataclasses.fields(model)
    }


def _model(entry: dict[str, Any]) -> LipModel:
    # Arrays of two are pairs of coordinates, longer ones are channels.
    fields: dict[str, Any] = {
        name: np.array(value) if isinstance(value, list) and len(value) > 2 else value
        for name, value in entry.items()
    }
    for pair in ("lower_from_upper_yz", "teeth_from_upper_yz"):
        fields[pair] = tuple(entry[pair])
    return LipModel(**fields)
