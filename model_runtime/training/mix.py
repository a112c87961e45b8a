"""The last touch on a generator: runs averaged, and the jaw's rest set. numpy only.

Weights of two goes of one chain lie in one valley: their mean acts between them, steadier than
either (Wortsman et al. 2022, "Model soups"). Where the mean decides between a missed closure and a
mistaken one is then moved by the bias of a single channel.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from ..config import GeneratorConfig
from ..errors import BadArgument

SAME_SHAPE = "Mix goes of one chain: each started from the one before"


def mix(parts: Sequence[tuple[Path, float]], output: Path, *, lowered: Mapping[str, float]) -> Path:
    """Write the weighted mean of generators; returns ``output``.

    Args:
        parts: Checkpoint folders and their shares, which need not sum to 1.
        output: Checkpoint folder to write.
        lowered: How much lower a channel rests, in its own unit.

    Raises:
        BadArgument: No part, a share that is not positive, or no such channel.
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
    for channel, amount in lowered.items():
        name, row = _bias_of(config, channel)
        tensors[name][row] -= amount
    save_checkpoint(output, config, tensors, _record(loaded, lowered))
    return output


def _bias_of(config: GeneratorConfig, channel: str) -> tuple[str, int]:
    """Tensor and place of a channel's bias: a head for each region, its channels in rig order."""
    if channel not in config.channels:
        raise BadArgument(f"No channel {channel!r}", hint="Use a channel of the rig")
    index = config.channels.index(channel)
    region = config.region_of[index]
    return f"heads.{region}.bias", config.region_of[:index].count(region)


def _record(
    loaded: Sequence[tuple[Checkpoint, float]], lowered: Mapping[str, float]
) -> dict[str, object]:
    """What the first part was made of, and what was mixed with it."""
    mixed = [
        {"share": share, "weights": _digest(checkpoint), "seed": checkpoint.training.get("seed")}
        for checkpoint, share in loaded
    ]
    return {**loaded[0][0].training, "mixed": mixed, "lowered": dict(lowered)}


def _digest(checkpoint: Checkpoint) -> str:
    digest = hashlib.sha256()
    for name in sorted(checkpoint.tensors):
        digest.update(checkpoint.tensors[name].tobytes())
    return digest.hexdigest()[:16]
