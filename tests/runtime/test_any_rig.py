"""The generator takes the shape of any rig definition. Needs torch, CPU."""

from __future__ import annotations

import pytest
import torch

from model_runtime.config import GeneratorConfig
from model_runtime.curves.rig import load_rig, rig_names
from model_runtime.model.generator import Generator

FEATURE_FRAMES = 40


@pytest.mark.parametrize("name", rig_names())
def test_generator_gives_a_column_for_every_channel(name: str) -> None:
    rig = load_rig(name)
    config = GeneratorConfig(
        rig=rig.name,
        channels=rig.channel_names,
        regions=rig.regions,
        region_of=tuple(rig.regions.index(channel.region) for channel in rig.channels),
        hidden=8,
        latent=4,
    )
    frames = FEATURE_FRAMES // 2
    with torch.inference_mode():
        curves, phones = Generator(config)(
            torch.zeros(1, FEATURE_FRAMES, config.features.mel_bands),
            torch.zeros(1, frames, len(config.emotions)),
            torch.zeros(1, frames, config.style_dim),
        )
    assert curves.shape == (1, frames, len(rig.channels))
    assert phones.shape == (1, frames, len(config.phones))
