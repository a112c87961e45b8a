"""Training settings, read from a TOML file."""

from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path
from typing import Any

from ..config import GeneratorConfig
from ..curves.rig import load_rig
from ..errors import BadArgument
from ..protocol import DEFAULT_RIG
from .losses import LossWeights


@dataclasses.dataclass(frozen=True)
class StageSettings:
    """How one network is trained."""

    steps: int = 3000
    clips: int = 24
    """Windows in a batch."""
    frames: int = 200
    """Length of a window in model frames: 4 s."""
    learning_rate: float = 1.2e-3
    weight_decay: float = 0.01
    warmup_steps: int = 100
    final_rate: float = 0.02
    """Learning rate at the end, as a share of ``learning_rate``; the way down is a cosine."""
    clip_norm: float = 1.0
    ema_decay: float = 0.998
    seed: int = 1
    augment: bool = True
    save_every_s: float = 120.0
    threads: int = 0
    """Torch threads; 0 leaves torch's choice."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """Everything ``train`` can be told."""

    data: Path
    """Folder with ``speech`` and ``capture`` (docs/training.md)."""
    work: Path
    """Folder for alignments, caches and unfinished runs."""
    rig: str = DEFAULT_RIG
    corpora: dict[str, float] = dataclasses.field(default_factory=dict)
    """Sampling weight of corpora; 1 when not named, 0 leaves one out."""
    generator: StageSettings = StageSettings()
    correlation: StageSettings = StageSettings(steps=1500, learning_rate=6e-4, clips=32)
    loss: LossWeights = dataclasses.field(default_factory=LossWeights)
    start_from: Path | None = None
    """Checkpoint folder to fine-tune from."""


_SECTIONS: dict[str, Any] = {
    "generator": Settings.generator,
    "correlation": Settings.correlation,
    "loss": LossWeights(),
}


def read_settings(path: Path) -> Settings:
    """Read a TOML file; relative paths in it are relative to the file.

    Raises:
        BadArgument: Not TOML, an unknown key, or a value of the wrong type.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise BadArgument(f"Cannot read {path}: {error}", hint="See docs/training.md") from error
    here = path.resolve().parent
    try:
        for name, default in _SECTIONS.items():
            if name in data:
                data[name] = dataclasses.replace(default, **data[name])
        for name in ("data", "work", "start_from"):
            if name in data:
                data[name] = here / Path(data[name]).expanduser()
        return Settings(**data)
    except TypeError as error:
        raise BadArgument(f"{path}: {error}", hint="See docs/training.md for the keys") from error


def generator_config(settings: Settings, **changes: Any) -> GeneratorConfig:
    """The generator of these settings: the default shape over the channels of the rig."""
    rig = load_rig(settings.rig)
    return GeneratorConfig(
        rig=rig.name,
        channels=rig.channel_names,
        regions=rig.regions,
        region_of=tuple(rig.regions.index(channel.region) for channel in rig.channels),
        **changes,
    )
