"""Draw batches for correlation and generator: windows with reference motion of random emotions.

Axes: B clips, T frames (50 Hz), C channels, E emotions, S style, M mel bands.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ...audio.features import LOG_CENTRE, LOG_SCALE
from ...config import GeneratorConfig
from ...errors import BadArgument
from ...style import style_noise
from ..reference.motion import Script, act
from .augment import Augmenter
from .cache import Cache, Entry, cut
from .emotion_tracks import draw_track
from .rig_rows import RigRows, padded_curves, padded_features

CLEAN_SHARE = 0.4
"""Share of windows that stay as recorded: most lines are clean."""


@dataclasses.dataclass(frozen=True)
class Batch:
    """One training batch."""

    features: Tensor
    """(B, 2 T, M), augmented."""
    emotion: Tensor
    """(B, T, E)."""
    style: Tensor
    """(B, T, S)."""
    curves: Tensor
    """(B, T, C), the target."""
    phones: Tensor
    """(B, T), ``items.UNKNOWN_PHONE`` where not known."""
    closure: Tensor
    """(B, T), lips must meet."""
    tuck: Tensor
    """(B, T), the lower lip must touch the upper teeth (f, v)."""
    still: Tensor
    """(B, T), 1 in silence."""
    filmed: Tensor
    """(B,), 1 for clips whose mouth was captured."""
    observed: Tensor
    """(B, C), True for channels that ``curves`` has a target for."""

    def wanted(self, curves: Tensor) -> Tensor:
        """Return the targets (B, T, C); unobserved channels repeat ``curves``: no error there."""
        # detach: the output is its own target there, and no gradient may flow through the target.
        return torch.where(self.observed[:, None], self.curves, curves.detach())


class BatchSource:
    """Draws endless random batches; batch n depends on the seed and n alone."""

    def __init__(
        self,
        caches: Sequence[Cache],
        config: GeneratorConfig,
        *,
        split: str,
        seed: int,
        clips: int,
        frames: int,
        weights: dict[str, float] | None = None,
        augment: bool = True,
    ) -> None:
        self.config, self.clips, self.frames = config, clips, frames
        self.seed, self.augment = seed, augment
        self.pool: list[tuple[Cache, Entry]] = []
        shares = []
        for cache in caches:
            for entry in cache.entries:
                if entry.split == split:
                    self.pool.append((cache, entry))
                    # As in the acoustic stage: by length and weight.
                    shares.append(entry.frames * (weights or {}).get(cache.name, 1.0))
        self.sounds = [item for item in self.pool if item[1].supervision == "still"]
        # An error with a hint instead of a division by 0 below.
        if not self.pool:
            raise BadArgument(f"No {split} clips in the caches", hint="Run train prepare first")
        total = np.asarray(shares, np.float64)
        self.shares = total / total.sum()
        self.rows = RigRows(config.channels)

    def batch(self, number: int) -> Batch:
        """Return batch ``number``."""
        rng = np.random.default_rng([self.seed, number])
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        picked = [self.pool[i] for i in rng.choice(len(self.pool), self.clips, p=self.shares)]
        arrays = [self._window(rng, cache, entry) for cache, entry in picked]
        entries = [entry for _, entry in picked]
        mouths = [mouth for _, mouth, _, _ in arrays]
        features, aux, phones = (
            torch.from_numpy(np.stack([row[column] for row in arrays])) for column in (0, 2, 3)
        )
        aux = aux.float()
        # aux is stored in the order of items.AUX, which is the order of Script's fields.
        script = Script(self.rows.script_mouths(mouths, entries), *aux.unbind(-1))
        emotion = self._emotions(rng, entries)
        style = self._styles(rng)
        # Emotion is added when a batch is drawn, not when it is cached: one clip serves all
        # emotions.
        acted = act(script, emotion, style)
        # After acting: recorded faces replace what was generated for their rows.
        curves, emotion, observed = self.rows.settle(acted, emotion, mouths, entries)
        features = features.float()
        # Distortions change mel power; features of a pretrained encoder have no such meaning.
        if self.augment and self.config.encoder is None:
            clean = torch.rand(self.clips, 1, 1, generator=generator) < CLEAN_SHARE
            distorted = Augmenter(self.config.features, generator)(features, self._sounds(rng))
            features = torch.where(clean, features, distorted)
        filmed = torch.tensor([float(entry.supervision == "filmed") for _, entry in picked])
        return Batch(
            features=features,
            emotion=emotion,
            style=style,
            curves=curves,
            phones=phones.long(),
            closure=script.closure,
            tuck=script.tuck,
            # Silence by label: phone 0.
            still=(phones == 0).float(),
            filmed=filmed,
            observed=observed,
        )

    def _sounds(self, rng: np.random.Generator) -> Tensor | None:
        """Return features of non-speech, one window per clip, (B, 2 T, M); None without any."""
        if not self.sounds:
            return None
        picked = [self.sounds[i] for i in rng.integers(len(self.sounds), size=self.clips)]
        windows = [self._window(rng, cache, entry)[0] for cache, entry in picked]
        return torch.from_numpy(np.stack(windows)).float()

    def _window(
        self, rng: np.random.Generator, cache: Cache, entry: Entry
    ) -> tuple[np.ndarray, ...]:
        spare = entry.frames - self.frames
        # A window starts anywhere in the clip: phrases would otherwise always begin alike.
        first = int(rng.integers(0, spare + 1)) if spare > 0 else 0
        item = cut(cache, entry, first, min(self.frames, entry.frames))
        missing = self.frames - len(item.mouth)
        if not missing:
            return item.features, item.mouth, item.aux, item.phones
        # Shorter clips lie anywhere in the window, between silence.
        before = int(rng.integers(0, missing + 1))
        pad = (before, missing - before)
        nothing = (np.log10(self.config.features.floor) - LOG_CENTRE) / LOG_SCALE
        return (
            padded_features(item.features, pad, cache.rows_per_frame, nothing),
            padded_curves(item.mouth, pad, entry),
            np.pad(item.aux, (pad, (0, 0))),
            # 0 is silence: the padding is known to hold no speech.
            np.pad(item.phones, pad, constant_values=0),
        )

    def _styles(self, rng: np.random.Generator) -> Tensor:
        noises = [
            style_noise(
                int(rng.integers(2**31)),
                channels=self.config.style_dim,
                frame_rate=self.config.frame_rate,
                # Style noise is smooth over time and has a place on the time axis: any place may be
                # met.
                first_frame=int(rng.integers(1000)),
                frames=self.frames,
            )
            for _ in range(self.clips)
        ]
        return torch.from_numpy(np.stack(noises))

    def _emotions(self, rng: np.random.Generator, entries: Sequence[Entry]) -> Tensor:
        rate = self.config.frame_rate
        return torch.stack(
            [draw_track(rng, self.frames, frame_rate=rate, labelled=e.emotion) for e in entries]
        )
