"""Augmentation of log-mel features: speaker, room and line, on whole batches.

Everything happens on mel power, where noise and echo add: cheap, and exact in expectation.

Axes: B clips, F feature frames (100 Hz), M mel bands.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ...audio.features import LOG_CENTRE, LOG_SCALE
from ...config import FeatureConfig

FRAME_S = 0.01
LN_10 = 2.302585
COLOUR_DB, COLOUR_KNOTS = 7.0, 6
"""Of a microphone and its distance: the spread of long-term spectra of speech from different homes,
with something to spare. Without it, voices from other homes than the training's close fewer lips.
"""


class Augmenter:
    """Random distortions of a batch of features; each has its own probability a clip."""

    def __init__(self, config: FeatureConfig, generator: torch.Generator) -> None:
        self.config = config
        self.rng = generator
        mel = torch.linspace(_mel(config.low_hz), _mel(config.high_hz), config.mel_bands)
        self.centre_hz = 700 * (10 ** (mel / 2595) - 1)

    def __call__(self, features: Tensor, background: Tensor | None = None) -> Tensor:
        """Distorted copy of (B, F, M); frames stay where they are in time.

        Args:
            features: What is said.
            background: Music, clatter and the like to put under it, (B, F, M); None for none.
        """
        power = self._power(features)
        power = self._warp_vocal_tract(power)
        power = self._colour(power)
        power = self._reverberate(power)
        power = self._mix_other(power)
        if background is not None:
            power = self._put_under(power, self._power(background))
        power = self._add_noise(power)
        power = self._limit_band(power)
        power = power * self._decades(len(power), -0.6, 0.6)[:, None, None]
        out = ((power + self.config.floor).log10() - LOG_CENTRE) / LOG_SCALE
        return self._mask(out)

    def _power(self, features: Tensor) -> Tensor:
        power = torch.exp(LN_10 * (features * LOG_SCALE + LOG_CENTRE)) - self.config.floor
        return power.clamp(min=0)

    def _uniform(self, count: int, low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=self.rng)

    def _decades(self, count: int, low: float, high: float) -> Tensor:
        return 10 ** self._uniform(count, low, high)

    def _chosen(self, count: int, probability: float) -> Tensor:
        return (torch.rand(count, generator=self.rng) < probability).float()[:, None, None]

    def _warp_vocal_tract(self, power: Tensor) -> Tensor:
        """Vocal tract length: the frequency axis stretched by up to 14 % (child to large man)."""
        count, _, bands = power.shape
        factor = self._uniform(count, 0.87, 1.14) * self._chosen(count, 0.7).flatten()
        factor = torch.where(factor == 0, torch.ones(()), factor)
        wanted = self.centre_hz[None] * factor[:, None]
        mel_step = (_mel(self.config.high_hz) - _mel(self.config.low_hz)) / (bands - 1)
        place = (2595 * torch.log10(1 + wanted / 700) - _mel(self.config.low_hz)) / mel_step
        place = place.clamp(0, bands - 1)
        low = place.floor().long().clamp(max=bands - 2)
        part = (place - low)[:, None]
        shape = power.shape[1]
        left = torch.gather(power, 2, low[:, None].expand(-1, shape, -1))
        right = torch.gather(power, 2, (low + 1)[:, None].expand(-1, shape, -1))
        return left * (1 - part) + right * part

    def _colour(self, power: Tensor) -> Tensor:
        """Another microphone: a smooth curve over the bands, of up to 7 dB standard deviation."""
        count, _, bands = power.shape
        spread = self._uniform(count, 0, COLOUR_DB)[:, None, None] * self._chosen(count, 0.7)
        knots = torch.randn(count, 1, COLOUR_KNOTS, generator=self.rng) * spread / 10
        return power * 10 ** functional.interpolate(
            knots, size=bands, mode="linear", align_corners=True
        )

    def _reverberate(self, power: Tensor) -> Tensor:
        """A tail of 0.15-0.7 s reverberation time, 3-20 dB under the direct sound."""
        count = len(power)
        decay_s = self._uniform(count, 0.15, 0.7)
        kept = (10 ** (-6 * FRAME_S / decay_s))[:, None]  # power left after one frame
        wet = self._decades(count, -2.0, -0.3)[:, None, None] * self._chosen(count, 0.4)
        tail = torch.zeros_like(power)
        for frame in range(1, power.shape[1]):
            tail[:, frame] = kept * (tail[:, frame - 1] + power[:, frame - 1])
        # The tail is the direct sound's, spread: as much power again when wet is 1.
        return power + wet * tail * (1 / kept - 1)[:, None]

    def _mix_other(self, power: Tensor) -> Tensor:
        """Another clip of the batch in the background, 12-30 dB down."""
        level = self._decades(len(power), -3.0, -1.2)[:, None, None]
        return power + level * self._chosen(len(power), 0.12) * power.roll(1, 0)

    def _put_under(self, power: Tensor, background: Tensor) -> Tensor:
        """Music or clatter 3-30 dB under the speech."""
        count = len(power)
        ratio = power.mean((1, 2), keepdim=True) / background.mean((1, 2), keepdim=True).clamp(
            min=self.config.floor
        )
        level = self._decades(count, -3.0, -0.3)[:, None, None] * self._chosen(count, 0.3)
        return power + level * ratio * background

    def _add_noise(self, power: Tensor) -> Tensor:
        """Stationary noise of a random smooth spectrum, 5-45 dB under the speech."""
        count, frames, bands = power.shape
        knots = torch.randn(count, 1, 6, generator=self.rng) * 0.5
        shape = functional.interpolate(knots, size=bands, mode="linear", align_corners=True)
        slope = self._uniform(count, -1.5, 0.3)[:, None, None] * torch.linspace(0, 1, bands)
        spectrum = 10 ** (shape + slope)
        spectrum = spectrum / spectrum.mean(2, keepdim=True)
        speech = power.mean((1, 2), keepdim=True)
        level = speech * self._decades(count, -4.5, -0.5)[:, None, None] * self._chosen(count, 0.7)
        # Power of noise in one band and window scatters as a chi-square of a few degrees.
        scatter = torch.rand(count, frames, bands, generator=self.rng) + 0.5
        return power + level * spectrum * scatter

    def _limit_band(self, power: Tensor) -> Tensor:
        """Telephone (300-3400 Hz) or a dull line with nothing above 2.5-7 kHz."""
        count = len(power)
        top = torch.where(
            self._chosen(count, 0.5).flatten() > 0,
            torch.tensor(3400.0),
            self._uniform(count, 2500, 7000),
        )
        bottom = torch.where(top == 3400.0, torch.tensor(300.0), torch.tensor(0.0))
        inside = (self.centre_hz[None] <= top[:, None]) & (self.centre_hz[None] >= bottom[:, None])
        gain = torch.where(inside, torch.tensor(1.0), torch.tensor(1e-4))[:, None]
        limited = self._chosen(count, 0.25)
        return power * (limited * gain + 1 - limited)

    def _mask(self, features: Tensor) -> Tensor:
        """A few bands hidden at the clip's mean, so that no single band is relied on."""
        count, _, bands = features.shape
        start = (torch.rand(count, generator=self.rng) * (bands - 10)).long()
        width = (torch.rand(count, generator=self.rng) * 10).long()
        band = torch.arange(bands)[None]
        hidden = (band >= start[:, None]) & (band < (start + width)[:, None])
        hidden = hidden[:, None].float() * self._chosen(count, 0.4)
        return features * (1 - hidden) + features.mean(1, keepdim=True) * hidden


def _mel(hz: float) -> float:
    return float(2595 * torch.log10(torch.tensor(1 + hz / 700)))
