"""Distort batches of log-mel features: speaker, room, noise and transmission.

All distortions apply to mel power, where noise and echo add: cheap, and exact in expectation.

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
"""Standard deviation and knots of a microphone's response: a little more than the spread of mean
spectra of recordings from different homes. Without it, lips closed less often on such speech."""

QUIET_SHARE = 0.15
"""Share of windows whose speech is far below the level of the file's loud parts."""


class Augmenter:
    """Applies random distortions to a batch of features; each has its own probability per clip."""

    def __init__(self, config: FeatureConfig, generator: torch.Generator) -> None:
        self.config = config
        self.rng = generator
        # About the centres of features.py's filters (HTK mel); a warp in Hz lands between bands.
        mel = torch.linspace(_mel(config.low_hz), _mel(config.high_hz), config.mel_bands)
        self.centre_hz = 700 * (10 ** (mel / 2595) - 1)

    def __call__(self, features: Tensor, background: Tensor | None = None) -> Tensor:
        """Return a distorted copy of (B, F, M); frames keep their times.

        Args:
            features: Speech.
            background: Non-speech to mix in, shape (B, F, M); None for none.
        """
        # In power, since sources add there; log-mel would need the exponential for every step
        # anyway.
        power = self._power(features)
        # Sources add before a channel limits their band and a level scales them all.
        power = self._warp_vocal_tract(power)
        power = self._colour(power)
        power = self._reverberate(power)
        power = self._mix_other(power)
        if background is not None:
            power = self._put_under(power, self._power(background))
        power = self._add_noise(power)
        power = self._limit_band(power)
        power = self._change_level(power)
        # The same floor as in features.py: a limited band must look like one of a real file.
        out = ((power + self.config.floor).log10() - LOG_CENTRE) / LOG_SCALE
        # Last: masks hide features, not sound, so noise must not fill them.
        return self._mask(out)

    def _power(self, features: Tensor) -> Tensor:
        # The floor is taken off before anything is scaled, and added once at the end.
        power = torch.exp(LN_10 * (features * LOG_SCALE + LOG_CENTRE)) - self.config.floor
        # float16 features have rounding errors that would make power negative.
        return power.clamp(min=0)

    def _uniform(self, count: int, low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=self.rng)

    def _decades(self, count: int, low: float, high: float) -> Tensor:
        # Ratios are drawn by decade: loudness is heard in decibels.
        return 10 ** self._uniform(count, low, high)

    def _chosen(self, count: int, probability: float) -> Tensor:
        return (torch.rand(count, generator=self.rng) < probability).float()[:, None, None]

    def _warp_vocal_tract(self, power: Tensor) -> Tensor:
        """Stretch the frequency axis by up to 14 %: from a child's to a large man's throat."""
        count, _, bands = power.shape
        factor = self._uniform(count, 0.87, 1.14) * self._chosen(count, 0.7).flatten()
        # A factor of 0 marks clips that were not chosen.
        factor = torch.where(factor == 0, torch.ones(()), factor)
        wanted = self.centre_hz[None] * factor[:, None]
        mel_step = (_mel(self.config.high_hz) - _mel(self.config.low_hz)) / (bands - 1)
        place = (2595 * torch.log10(1 + wanted / 700) - _mel(self.config.low_hz)) / mel_step
        # Beyond the ends the last band is repeated: no energy is known there.
        place = place.clamp(0, bands - 1)
        # At the last band `low + 1` would be outside.
        low = place.floor().long().clamp(max=bands - 2)
        part = (place - low)[:, None]
        shape = power.shape[1]
        left = torch.gather(power, 2, low[:, None].expand(-1, shape, -1))
        right = torch.gather(power, 2, (low + 1)[:, None].expand(-1, shape, -1))
        return left * (1 - part) + right * part

    def _colour(self, power: Tensor) -> Tensor:
        """Apply another microphone: a smooth response of up to 7 dB standard deviation."""
        count, _, bands = power.shape
        spread = self._uniform(count, 0, COLOUR_DB)[:, None, None] * self._chosen(count, 0.7)
        # Decibels over 10 are decades of power.
        knots = torch.randn(count, 1, COLOUR_KNOTS, generator=self.rng) * spread / 10
        return power * 10 ** functional.interpolate(
            knots, size=bands, mode="linear", align_corners=True
        )

    def _reverberate(self, power: Tensor) -> Tensor:
        """Add a tail of 0.15-0.7 s reverberation time, 3-20 dB below the direct sound."""
        count = len(power)
        decay_s = self._uniform(count, 0.15, 0.7)
        # 60 dB of decay are six decades: reverberation time is defined by them.
        kept = (10 ** (-6 * FRAME_S / decay_s))[:, None]  # power left after one frame
        wet = self._decades(count, -2.0, -0.3)[:, None, None] * self._chosen(count, 0.4)
        tail = torch.zeros_like(power)
        # A recursion over frames: the tail depends on its own past, so it cannot be one product.
        for frame in range(1, power.shape[1]):
            tail[:, frame] = kept * (tail[:, frame - 1] + power[:, frame - 1])
        # With wet = 1 the tail has as much power as the direct sound.
        return power + wet * tail * (1 / kept - 1)[:, None]

    def _mix_other(self, power: Tensor) -> Tensor:
        """Add another clip of the batch, 12-30 dB below."""
        level = self._decades(len(power), -3.0, -1.2)[:, None, None]
        # The neighbour in the batch is usually another clip.
        return power + level * self._chosen(len(power), 0.12) * power.roll(1, 0)

    def _put_under(self, power: Tensor, background: Tensor) -> Tensor:
        """Add non-speech 3-30 dB below the speech."""
        count = len(power)
        # Levels are relative to the mean power of this window, pauses included.
        ratio = power.mean((1, 2), keepdim=True) / background.mean((1, 2), keepdim=True).clamp(
            min=self.config.floor
        )
        level = self._decades(count, -3.0, -0.3)[:, None, None] * self._chosen(count, 0.3)
        return power + level * ratio * background

    def _add_noise(self, power: Tensor) -> Tensor:
        """Add stationary noise of a random smooth spectrum, 5-45 dB below the speech."""
        count, frames, bands = power.shape
        knots = torch.randn(count, 1, 6, generator=self.rng) * 0.5
        shape = functional.interpolate(knots, size=bands, mode="linear", align_corners=True)
        # Noise mostly falls towards high frequencies, here by up to 15 dB.
        slope = self._uniform(count, -1.5, 0.3)[:, None, None] * torch.linspace(0, 1, bands)
        spectrum = 10 ** (shape + slope)
        spectrum = spectrum / spectrum.mean(2, keepdim=True)
        speech = power.mean((1, 2), keepdim=True)
        level = speech * self._decades(count, -4.5, -0.5)[:, None, None] * self._chosen(count, 0.7)
        # Noise power in one band and window follows a chi-square of a few degrees of freedom.
        scatter = torch.rand(count, frames, bands, generator=self.rng) + 0.5
        return power + level * spectrum * scatter

    def _limit_band(self, power: Tensor) -> Tensor:
        """Limit to the telephone band (300-3400 Hz) or to below 2.5-7 kHz."""
        count = len(power)
        # Half of the limited windows are telephones, the commonest limit.
        top = torch.where(
            self._chosen(count, 0.5).flatten() > 0,
            torch.tensor(3400.0),
            self._uniform(count, 2500, 7000),
        )
        bottom = torch.where(top == 3400.0, torch.tensor(300.0), torch.tensor(0.0))
        inside = (self.centre_hz[None] <= top[:, None]) & (self.centre_hz[None] >= bottom[:, None])
        # -40 dB instead of 0: real filters leak.
        gain = torch.where(inside, torch.tensor(1.0), torch.tensor(1e-4))[:, None]
        limited = self._chosen(count, 0.25)
        return power * (limited * gain + 1 - limited)

    def _change_level(self, power: Tensor) -> Tensor:
        """Apply a gain: mostly within 8 dB, seldom down to -25 dB, as beside a shout or a tone."""
        count = len(power)
        # In decades of power: -2.5 to -.8 are -25 to -8 dB.
        quiet = self._chosen(count, QUIET_SHARE) * self._uniform(count, -2.5, -0.8)[:, None, None]
        usual = self._uniform(count, -0.8, 0.8)[:, None, None]
        return power * 10 ** torch.where(quiet < 0, quiet, usual)

    def _mask(self, features: Tensor) -> Tensor:
        """Hide a few bands at the clip's mean, so that no single band is relied on."""
        count, _, bands = features.shape
        start = (torch.rand(count, generator=self.rng) * (bands - 10)).long()
        width = (torch.rand(count, generator=self.rng) * 10).long()
        band = torch.arange(bands)[None]
        hidden = (band >= start[:, None]) & (band < (start + width)[:, None])
        hidden = hidden[:, None].float() * self._chosen(count, 0.4)
        # The mean of the clip, not 0: what is hidden must not look like silence.
        return features * (1 - hidden) + features.mean(1, keepdim=True) * hidden


def _mel(hz: float) -> float:
    return float(2595 * torch.log10(torch.tensor(1 + hz / 700)))
