"""Draw batches for the acoustic stage: augmented features, aligned phones, teacher's posteriors.

Axes: B clips, T frames (50 Hz), M mel bands, P phones.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...arrays import FloatArray
from ...audio.features import LOG_CENTRE, LOG_SCALE
from ...config import PHONES, FeatureConfig
from ...errors import BadArgument
from ..teacher.labels import TeacherLabels, decoded
from .augment import Augmenter
from .cache import Cache, Entry, cut

STILL: Final = "still"


@dataclasses.dataclass(frozen=True)
class AcousticBatch:
    """One batch of the acoustic stage."""

    features: Tensor
    """(B, 2 T, M), augmented."""
    phones: Tensor
    """(B, T), ``UNKNOWN_PHONE`` where not known."""
    posteriors: Tensor
    """(B, T, P); zeros where the teacher says nothing."""


@dataclasses.dataclass(frozen=True)
class DrawSettings:
    """Drawing and distortion of windows: the table ``[draw]`` of the settings."""

    clean_share: float = 0.3
    """Windows that stay as recorded."""
    tempo_share: float = 0.5
    """Windows that are played faster or slower."""
    slowest: float = 0.85
    fastest: float = 1.2


class AcousticSource:
    """Draws endless random batches; batch n depends on the seed and n alone."""

    def __init__(
        self,
        caches: Sequence[Cache],
        labels: Mapping[str, TeacherLabels],
        *,
        seed: int,
        clips: int,
        frames: int,
        weights: Mapping[str, float],
        draw: DrawSettings,
        features: FeatureConfig,
    ) -> None:
        """Collect the training clips.

        Args:
            caches: Of speech and non-speech.
            labels: Of the teacher, by corpus; a corpus may be missing.
            seed: Of the batches.
            clips: Windows in a batch.
            frames: Model frames in a window.
            weights: Sampling weight of a corpus, relative to its length; 1 where not named.
            draw: Distortions.
            features: Of the caches.

        Raises:
            BadArgument: There are no training clips.
        """
        self.labels, self.seed, self.clips, self.frames = labels, seed, clips, frames
        self.draw, self.features = draw, features
        self.pool = [(c, e) for c in caches for e in c.entries if e.split == "train"]
        # Before dividing by the sum: shares of an empty pool would be NaN.
        if not self.pool:
            raise BadArgument("No training clips in the caches", hint="Run train prepare first")
        # By length: every second of speech is equally likely, however a corpus is cut into clips.
        shares = np.array([e.frames * weights.get(c.name, 1.0) for c, e in self.pool], np.float64)
        self.shares = shares / shares.sum()
        self.sounds = [item for item in self.pool if item[1].supervision == STILL]
        # The feature value of no power at all, so that padding equals digital silence.
        self.silence = np.float16((np.log10(features.floor) - LOG_CENTRE) / LOG_SCALE)

    def batch(self, number: int) -> AcousticBatch:
        """Return batch ``number``."""
        # A generator for each batch, not one that runs on: batch n is the same after a resume.
        rng = np.random.default_rng([self.seed, number])
        # torch's generator takes one integer: it is drawn from the seeded one, never from global
        # state.
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        picked = rng.choice(len(self.pool), self.clips, p=self.shares)
        rows = [self._window(rng, *self.pool[index]) for index in picked]
        features, phones, posteriors = (np.stack(column) for column in zip(*rows, strict=True))
        clean = torch.from_numpy(features).float()
        # Distorted in torch for the whole batch; clean windows are put back after it, so that the
        # draws do not depend on how many there are.
        distorted = Augmenter(self.features, generator)(clean, self._background(rng))
        keep = torch.rand(self.clips, 1, 1, generator=generator) < self.draw.clean_share
        return AcousticBatch(
            features=torch.where(keep, clean, distorted),
            phones=torch.from_numpy(phones.astype(np.int64)),
            posteriors=torch.from_numpy(posteriors),
        )

    def _background(self, rng: np.random.Generator) -> Tensor | None:
        if not self.sounds:
            return None
        picked = rng.integers(len(self.sounds), size=self.clips)
        # Windows of the length of the speech, and padded like it, so that no mixing has to align
        # them.
        rows = [self._window(rng, *self.sounds[index])[0] for index in picked]
        return torch.from_numpy(np.stack(rows)).float()

    def _window(
        self, rng: np.random.Generator, cache: Cache, entry: Entry
    ) -> tuple[NDArray[np.float16], NDArray[np.uint8], FloatArray]:
        """Return features (2 T, M), phones (T,) and posteriors (T, P) of a random window."""
        changes_tempo = rng.random() < self.draw.tempo_share
        tempo = rng.uniform(self.draw.slowest, self.draw.fastest) if changes_tempo else 1.0
        # A faster window needs more frames of the clip to fill the same length.
        length = min(entry.frames, int(self.frames * tempo))
        first = int(rng.integers(0, entry.frames - length + 1))
        item = cut(cache, entry, first, length)
        features, phones = np.asarray(item.features), np.asarray(item.phones)
        posteriors = self._posteriors(cache, entry, first, length)
        # Tempo alone moves: formants and pitch stay, unlike `items.at_speed`, which resamples
        # sound.
        if tempo != 1.0:
            features = _resampled(features, tempo)
            # Labels are looked up, not interpolated: a mean of two phone numbers is another phone.
            rows = np.minimum((np.arange(len(features) // 2) * tempo).astype(int), length - 1)
            phones, posteriors = phones[rows], posteriors[rows]
        # Short clips lie anywhere in the window: a fixed place would teach that speech begins at 0.
        missing = self.frames - len(phones)
        before = int(rng.integers(0, missing + 1)) if missing > 0 else 0
        after = max(0, missing) - before
        return (
            np.pad(features, ((2 * before, 2 * after), (0, 0)), constant_values=self.silence)[
                : 2 * self.frames
            ],
            # 0 is silence.
            np.pad(phones, (before, after))[: self.frames],
            np.pad(posteriors, ((before, after), (0, 0)))[: self.frames],
        )

    def _posteriors(self, cache: Cache, entry: Entry, first: int, length: int) -> FloatArray:
        out = np.zeros((length, len(PHONES)), np.float32)
        known = self.labels.get(cache.name)
        # The teacher names files within a corpus; clips of caches have the corpus before them.
        codes = known.of(entry.clip.removeprefix(f"{cache.name}/")) if known else None
        if codes is not None:
            seen = decoded(codes[first : first + length])
            # The teacher may count another frame at the end of a clip.
            out[: len(seen)] = seen
        return out


def _resampled(features: NDArray[np.float16], tempo: float) -> NDArray[np.float16]:
    """Return features at another tempo, an even number of rows: linear between rows."""
    count = 2 * int(len(features) / 2 / tempo)
    # Just inside the last row: `low + 1` must exist.
    place = np.minimum(np.arange(count) * tempo, len(features) - 1.001)
    low = place.astype(int)
    # float16 throughout: a float32 product would double the memory of the batch.
    part = (place - low).astype(np.float16)[:, None]
    out: NDArray[np.float16] = features[low] * (1 - part) + features[low + 1] * part
    return out
