"""Fold the output calibration of a checkpoint into its heads. No torch.

Output calibration is a declared layer after the heads, with tensors of its own:

    calibration.mixing.REGION  (N, N)  channels of one region from channels of that region
    calibration.gain           (C,)
    calibration.bias           (C,)
    calibration.smoothing      (C,)    share taken from the frames before and after, half each

    output = smooth(gain * (mixing @ heads) + bias)

All of it is linear in time and channels, so an engine needs no code for it: the heads get two taps
more. Without the tensors, or with calibration switched off, the network's output is what it was.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from ..arrays import FloatArray
from ..config import GeneratorConfig

PREFIX = "calibration."
# At 2 / 3 the frame and its neighbours weigh the same.
MOST_SMOOTHING = 2 / 3
"""The mean of three frames; more would take more from the neighbours than from the frame itself."""


def calibration_shapes(config: GeneratorConfig) -> dict[str, tuple[int, ...]]:
    """Return name and shape of every tensor of the output calibration."""
    channels = (len(config.channels),)
    shapes: dict[str, tuple[int, ...]] = {
        f"{PREFIX}{name}": channels for name in ("gain", "bias", "smoothing")
    }
    for index, region in enumerate(config.regions):
        count = config.region_of.count(index)
        shapes[f"{PREFIX}mixing.{region}"] = (count, count)
    return shapes


def split_calibration(
    tensors: Mapping[str, FloatArray],
) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    """Return the tensors of the network and those of the calibration, which may be none."""
    # By prefix: the network's own names are fixed by torch.
    network = {name: value for name, value in tensors.items() if not name.startswith(PREFIX)}
    return network, {name: value for name, value in tensors.items() if name not in network}


def fold_calibration(
    config: GeneratorConfig,
    network: Mapping[str, FloatArray],
    calibration: Mapping[str, FloatArray],
) -> tuple[GeneratorConfig, dict[str, FloatArray]]:
    """Return a generator whose heads carry the calibration.

    Args:
        config: Configuration of the network.
        network: Its tensors.
        calibration: Tensors of ``calibration_shapes``; none changes nothing.

    Returns:
        The configuration with two head taps more, and the network's tensors with new heads.
    """
    folded = dict(network)
    if not calibration:
        return config, folded
    gain, bias, smoothing = (
        np.asarray(calibration[f"{PREFIX}{name}"], np.float32)
        for name in ("gain", "bias", "smoothing")
    )
    for index, region in enumerate(config.regions):
        columns = [c for c, r in enumerate(config.region_of) if r == index]
        # Gain and mixing are both linear: one matrix.
        mixing = gain[columns, None] * calibration[f"{PREFIX}mixing.{region}"]
        # Output, channel, input, tap: the mixing acts on the head's outputs.
        weight = np.einsum("oc,cit->oit", mixing, network[f"heads.{region}.weight"])
        folded[f"heads.{region}.weight"] = _smoothed(weight, smoothing[columns])
        # Smoothing leaves a constant as it is, so the bias is not filtered.
        shifted = mixing @ network[f"heads.{region}.bias"] + bias[columns]
        folded[f"heads.{region}.bias"] = shifted.astype(np.float32)
    return dataclasses.replace(config, head_taps=config.head_taps + 2), {
        name: np.asarray(value, np.float32) for name, value in folded.items()
    }


def _smoothed(weight: FloatArray, shares: FloatArray) -> FloatArray:
    """Return heads (outputs, inputs, taps) with two taps more, convolved with each row's filter."""
    side = (shares / 2)[:, None, None]
    # Two taps of zeros on either side; the filter takes one of them.
    padded = np.pad(weight, ((0, 0), (0, 0), (2, 2)))
    out = side * (padded[..., :-2] + padded[..., 2:]) + (1 - 2 * side) * padded[..., 1:-1]
    return np.asarray(out, np.float32)
