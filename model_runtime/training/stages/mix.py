"""The last touch on a generator: runs averaged; channels scaled, joined, lowered, smoothed; numpy.

Weights of two goes of one chain lie in one valley: their mean acts between them, steadier than
either (Wortsman et al. 2022, "Model soups"). Where the mean decides between a missed closure and a
mistaken one is then moved by the bias of a single channel. Latents follow phones that are heard
frame by frame, which a jaw is too heavy for: its channels may take a share of the frames beside.
And a network that is in doubt moves less than it should, for it expects the mean: what it says of a
channel may be scaled, and where one channel is sure (spread corners: no m, b or p) another may
follow it.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ...arrays import FloatArray
from ...checkpoint.folder import Checkpoint, load_checkpoint, save_checkpoint
from ...config import GeneratorConfig
from ...errors import BadArgument

MOST_SMOOTHED = 2 / 3
"""The mean of three frames; more would take more from the frames beside than from the own."""
SAME_SHAPE = "Mix goes of one chain: each started from the one before"


@dataclasses.dataclass(frozen=True)
class Touches:
    """What is done to channels of the mean, in this order."""

    scaled: Mapping[str, float] = dataclasses.field(default_factory=dict)
    """Factor of a channel."""
    following: Mapping[tuple[str, str], float] = dataclasses.field(default_factory=dict)
    """For (channel, another of its region), how much of the other, as scaled, it adds."""
    lowered: Mapping[str, float] = dataclasses.field(default_factory=dict)
    """How much lower a channel rests, in its own unit."""
    smoothed: Mapping[str, float] = dataclasses.field(default_factory=dict)
    """Share of a channel that is taken from the frames before and after, half each."""

    def record(self) -> dict[str, dict[str, float]]:
        """As a checkpoint keeps it."""
        following = {f"{who}:{whom}": share for (who, whom), share in self.following.items()}
        return {
            "scaled": dict(self.scaled),
            "following": following,
            "lowered": dict(self.lowered),
            "smoothed": dict(self.smoothed),
        }


def mix(parts: Sequence[tuple[Path, float]], output: Path, touches: Touches | None = None) -> Path:
    """Write the weighted mean of generators; returns ``output``.

    Args:
        parts: Checkpoint folders and their shares, which need not sum to 1.
        output: Checkpoint folder to write.
        touches: What is done to its channels; None for nothing.

    Raises:
        BadArgument: No part, a share out of range, no such channel, or two of different regions.
        BadWeights: A part cannot be read, or they differ in shape.
    """
    touches = touches or Touches()
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
    _scale(config, tensors, touches.scaled)
    _follow(config, tensors, touches.following)
    for channel, amount in touches.lowered.items():
        head, row = _head_of(config, channel)
        tensors[f"{head}.bias"][row] -= amount
    if touches.smoothed:
        config = _smooth(config, tensors, touches.smoothed)
    record = {**_record(loaded), **touches.record()}
    save_checkpoint(output, config, tensors, record)
    return output


def _scale(
    config: GeneratorConfig, tensors: dict[str, FloatArray], scaled: Mapping[str, float]
) -> None:
    for channel, factor in scaled.items():
        head, row = _head_of(config, channel)
        for part in ("weight", "bias"):
            tensors[f"{head}.{part}"][row] *= np.float32(factor)


def _follow(
    config: GeneratorConfig,
    tensors: dict[str, FloatArray],
    following: Mapping[tuple[str, str], float],
) -> None:
    """Heads are linear: a channel that adds a share of another adds that share of its row."""
    led = {whom: _head_of(config, whom) for _, whom in following}
    rows = {
        (whom, part): tensors[f"{head}.{part}"][row].copy()
        for whom, (head, row) in led.items()
        for part in ("weight", "bias")
    }
    for (channel, whom), share in following.items():
        head, row = _head_of(config, channel)
        if head != led[whom][0]:
            raise BadArgument(
                f"{channel} cannot follow {whom}: they are of different regions",
                hint="Regions have latents of their own: name two channels of one",
            )
        for part in ("weight", "bias"):
            tensors[f"{head}.{part}"][row] += np.float32(share) * rows[whom, part]


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
