"""Start a generator from the weights of another, also on another rig.

Tensors that do not depend on the rig are copied. Latents are copied region by region and heads
channel by channel, by name. Regions and channels that the other generator lacks start at random.
"""

from __future__ import annotations

import logging

import numpy as np
import torch

from ...arrays import FloatArray
from ...checkpoint.folder import Checkpoint
from ...config import GeneratorConfig
from ...model.generator import Generator

log = logging.getLogger(__name__)

LATENT_AXES = {
    "to_latents.weight": (0,),
    "to_latents.bias": (0,),
    "decoder.conv.weight": (0, 1),
    "decoder.conv.bias": (0,),
    "decoder.mix.weight": (0, 1),
    "decoder.mix.bias": (0,),
    "decoder.norm.weight": (0,),
    "decoder.norm.bias": (0,),
    "decoder.film.weight": (0,),
    "decoder_norm.weight": (0,),
    "decoder_norm.bias": (0,),
}
"""Axes of regions times latents, by the name of the tensor without its block number."""


def start_from(generator: Generator, checkpoint: Checkpoint) -> None:
    """Load what fits of ``checkpoint`` into ``generator``, in place.

    Args:
        generator: Of any rig.
        checkpoint: To start from.
    """
    old, new = checkpoint.config, generator.config
    # Copies as numpy: torch's views would change the generator while it is still being compared.
    state = {name: value.detach().numpy().copy() for name, value in generator.state_dict().items()}
    taken = []
    for name, value in checkpoint.tensors.items():
        # Heads are copied by channel below.
        if name.startswith("heads.") or name not in state:
            continue
        axes = LATENT_AXES.get(_kind(name), ())
        if axes and old.regions != new.regions:
            is_taken = _copy_latents(name, value, state[name], axes, old, new)
        else:
            is_taken = state[name].shape == value.shape
            if is_taken:
                state[name][...] = value
        taken += [name] * is_taken
    # Last: heads are matched by name, whatever became of the latents.
    channels = _copy_heads(checkpoint, state, new)
    generator.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})
    log.info(
        "started from %s: %d of %d tensors, %d of %d channels",
        checkpoint.name,
        len(taken),
        sum(not name.startswith("heads.") for name in state),
        channels,
        len(new.channels),
    )


def _kind(name: str) -> str:
    return ".".join(part for part in name.split(".") if not part.isdigit())


def _copy_latents(
    name: str,
    old: FloatArray,
    new: FloatArray,
    axes: tuple[int, ...],
    old_config: GeneratorConfig,
    new_config: GeneratorConfig,
) -> bool:
    """Copy the blocks of regions both have; False where the other axes differ."""
    others = [axis for axis in range(old.ndim) if axis not in axes]
    if old_config.latent != new_config.latent or any(
        old.shape[axis] != new.shape[axis] for axis in others
    ):
        return False
    # A FiLM layer has 2 x regions x latents rows, scales and shifts one after the other.
    halves = 2 if name.endswith("film.weight") else 1
    source, target = _rows(old_config, new_config, halves)
    if len(axes) == 2:
        # Both axes: what one region's latents take from another's.
        new[np.ix_(target, target)] = old[np.ix_(source, source)]
    else:
        new[target] = old[source]
    return bool(target)


def _rows(old: GeneratorConfig, new: GeneratorConfig, halves: int) -> tuple[list[int], list[int]]:
    """Latent rows of the regions that both have, in the old and in the new order."""
    source: list[int] = []
    target: list[int] = []
    for region in (name for name in new.regions if name in old.regions):
        for half in range(halves):  # FiLM has scales, then shifts
            source.extend(_latents(old, region, half))
            target.extend(_latents(new, region, half))
    return source, target


def _latents(config: GeneratorConfig, region: str, half: int) -> range:
    start = (half * len(config.regions) + config.regions.index(region)) * config.latent
    return range(start, start + config.latent)


def _copy_heads(checkpoint: Checkpoint, state: dict[str, FloatArray], new: GeneratorConfig) -> int:
    """Copy the head rows of channels both have, where their region is the same; their number."""
    old, copied = checkpoint.config, 0
    # Both change the width of a head's rows.
    if (old.head_width, old.head_taps) != (new.head_width, new.head_taps):
        return 0
    for region in (name for name in new.regions if name in old.regions):
        theirs, ours = _channels(old, region), _channels(new, region)
        weight = checkpoint.tensors[f"heads.{region}.weight"]
        bias = checkpoint.tensors[f"heads.{region}.bias"]
        for channel in (name for name in ours if name in theirs):
            row, old_row = ours.index(channel), theirs.index(channel)
            state[f"heads.{region}.weight"][row] = weight[old_row]
            state[f"heads.{region}.bias"][row] = bias[old_row]
            copied += 1
    return copied


def _channels(config: GeneratorConfig, region: str) -> list[str]:
    number = config.regions.index(region)
    return [
        name for name, at in zip(config.channels, config.region_of, strict=True) if at == number
    ]
