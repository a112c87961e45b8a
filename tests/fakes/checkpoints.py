"""Small generators with seeded random weights, written as real checkpoint folders. No torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from model_runtime.checkpoint.folder import generator_shapes, save_checkpoint
from model_runtime.config import GeneratorConfig
from model_runtime.curves.rig import load_rig

TINY_MODEL = """[model]
hidden = 16
latent = 4
encoder_dilations = [1, 2]
decoder_dilations = [1]
"""
"""Part of a training run's settings: a generator that trains in seconds."""


def tiny_config(**changes: object) -> GeneratorConfig:
    """Return the configuration of a generator with 25,000 parameters for the 52 ARKit channels."""
    rig = load_rig("arkit52")
    values = {
        "channels": rig.channel_names,
        "regions": rig.regions,
        "region_of": tuple(rig.regions.index(channel.region) for channel in rig.channels),
        "hidden": 24,
        "encoder_dilations": (1, 2, 4),
        "latent": 4,
        "decoder_dilations": (1, 2),
        "emotion_dim": 6,
        "style_dim": 2,
    }
    return GeneratorConfig(**{**values, **changes})  # type: ignore[arg-type]


def random_tensors(config: GeneratorConfig, seed: int = 0) -> dict[str, np.ndarray]:
    """Return weights that keep activations near 1, with an output of the heads around 0.3."""
    random = np.random.default_rng(seed)
    tensors = {}
    for name, shape in generator_shapes(config).items():
        scale = 1 / np.sqrt(max(1, int(np.prod(shape[1:]))))
        values = random.standard_normal(shape) * scale
        if name.endswith("norm.weight"):
            values = 1 + 0.1 * values
        if name.startswith("heads."):
            values = 0.3 * np.abs(values) if name.endswith("bias") else 0.5 * values
        tensors[name] = values.astype(np.float32)
    return tensors


def write_tiny_checkpoint(folder: Path, seed: int = 0, **changes: object) -> Path:
    """Save a tiny checkpoint, float32, and return its folder."""
    config = tiny_config(**changes)
    save_checkpoint(folder, config, random_tensors(config, seed), {"made": "at random"}, half=False)
    return folder
