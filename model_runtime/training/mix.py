"""The last touch on a generator: runs averaged; channels smoothed, scaled, lowered. numpy only.

Weights of two goes of one chain lie in one valley: their mean acts between them, steadier than
either (Wortsman et al. 2022, "Model soups"). Where the mean decides between a missed closure and a
mistaken one is then moved by the bias of a single channel. Latents follow phones that are heard
frame by frame, which a jaw is too heavy for: its channels may take a share of the frames beside.
And a network that is in doubt moves less than it should, for it expects the mean: what it says of a
channel may be scaled.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from ..config import GeneratorConfig
from ..errors import BadArgument
from ..tensor_file import FloatArray

MOST_SMOOTHED = 2 / 3
"""The mean of three frames; more would take more from the frames beside than from the own."""
SAME_SHAPE = "Mix goes of one chain: each started from the one before"


def mix(
    parts: Sequence[tuple[Path, float]],
    output: Path,
    *,
    lowered: Mapping[str, float],
    smoothed: Mapping[str, float],
    scaled: Mapping[str, float],
) -> Path:
    """Write the weighted mean of generators; returns ``output``.

    Args:
        parts: Checkpoint folders and their shares, which need not sum to 1.
        output: Checkpoint folder to write.
        lowered: How much lower a channel rests, in its own unit, after scaling.
        scaled: Factor of a channel.
        smoothed: Share of a channel that is taken from the frames before and after, half each.

    Raises:
        BadArgument: No part, a share out of range, or no such channel.
        BadWeights: A part cannot be read, or they differ in shape.
    """
    if not parts or min(share for _, share in parts) <= 0:
        raise BadArgument("Nothing to mix", hint="Give --part FOLDER=SHARE with shares over 0")
    loaded = [(load_checkpoint(folder), share) for folder, share in parts]
    config = loaded[0][0].config
    if any(checkpoint.config != config for checkpoint, _ in loaded):
        raise BadArgument("The parts differ in shape or channels", hint=SAME_SHAPE)
    whole = sum(share for _, share in loaded)
    tensors = {
        name: sum(
            (np.float32(share / whole) * checkpoint.tensors[name] for checkpoint, share in loaded),
            start=np.zeros((), np.float32),
        )
        for name in loaded[0][0].tensors
    }
    for channel, factor in scaled.items():
        head, row = _head_of(config, channel)
        for part in ("weight", "bias"):
            tensors[f"{head}.{part}"][row] *= np.float32(factor)
    for channel, amount in lowered.items():
        head, row = _head_of(config, channel)
        tensors[f"{head}.bias"][row] -= amount
    if smoothed:
        config = _smooth(config, tensors, smoothed)
    record = {
        **_record(loaded),
        "scaled": dict(scaled),
        "lowered": dict(lowered),
        "smoothed": dict(smoothed),
    }
    save_checkpoint(output, config, tensors, record)
    return output


def _smooth(
    config: GeneratorConfig, tensors: dict[str, FloatArray], smoothed: Mapping[str, float]
) -> GeneratorConfig:
    """Give heads a tap more on either side, and use them for ``smoothed``; changes ``tensors``."""
    kernels = {
        _head_of(config, channel): _kernel(channel, share) for channel, share in smoothed.items()
    }
    for region in range(len(config.regions)):
        head = f"heads.{region}"
        rows = [
            _convolved(weight, kernels.get((head, row), (0.0, 1.0, 0.0)))
            for row, weight in enumerate(tensors[f"{head}.weight"])
        ]
        tensors[f"{head}.weight"] = np.stack(rows)
    return dataclasses.replace(config, head_taps=config.head_taps + 2)


def _kernel(channel: str, share: float) -> tuple[float, float, float]:
    if not 0 < share <= MOST_SMOOTHED:
        raise BadArgument(
            f"{channel} smoothed by {share}", hint=f"Use a share over 0, up to {MOST_SMOOTHED:.2f}"
        )
    return share / 2, 1 - share, share / 2


def _convolved(weight: FloatArray, kernel: tuple[float, float, float]) -> FloatArray:
    """One channel's weights (inputs, taps) as (inputs, taps + 2)."""
    return np.stack([np.convolve(taps, kernel) for taps in weight]).astype(np.float32)


def _head_of(config: GeneratorConfig, channel: str) -> tuple[str, int]:
    """A channel's head and its row there: a head for each region, its channels in rig order."""
    if channel not in config.channels:
        raise BadArgument(f"No channel {channel!r}", hint="Use a channel of the rig")
    index = config.channels.index(channel)
    region = config.region_of[index]
    return f"heads.{region}", config.region_of[:index].count(region)


def _record(loaded: Sequence[tuple[Checkpoint, float]]) -> dict[str, object]:
    """What the first part was made of, and what was mixed with it."""
    mixed = [
        {"share": share, "weights": _digest(checkpoint), "seed": checkpoint.training.get("seed")}
        for checkpoint, share in loaded
    ]
    return {**loaded[0][0].training, "mixed": mixed}


def _digest(checkpoint: Checkpoint) -> str:
    digest = hashlib.sha256()
    for name in sorted(checkpoint.tensors):
        digest.update(checkpoint.tensors[name].tobytes())
    return digest.hexdigest()[:16]
