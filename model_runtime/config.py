"""Describe features and shapes of the networks, as every checkpoint stores them. Stdlib only."""

from __future__ import annotations

import dataclasses
from typing import Any, Final

from .choices import EMOTIONS
from .protocol import DEFAULT_RIG

# ARPABET without stress, as pocketsphinx' English model names the phones; silence first.
PHONES: tuple[str, ...] = (
    *("sil", "aa", "ae", "ah", "ao", "aw", "ay", "b", "ch", "d", "dh", "eh", "er", "ey", "f", "g"),
    *("hh", "ih", "iy", "jh", "k", "l", "m", "n", "ng", "ow", "oy", "p", "r", "s", "sh", "t"),
    *("th", "uh", "uw", "v", "w", "y", "z", "zh"),
)


@dataclasses.dataclass(frozen=True)
class FeatureConfig:
    """Log-mel speech features."""

    sample_rate: int = 16_000
    """Hz; every audio file is resampled to this rate, mono."""
    window_samples: int = 400
    """25 ms, the usual window of speech recognition."""
    hop_samples: int = 160
    """10 ms; two feature frames make one model frame."""
    fft_samples: int = 512
    mel_bands: int = 80
    low_hz: float = 50.0
    high_hz: float = 7600.0
    floor: float = 1e-6
    """Added to mel power before the logarithm: -60 dB under a full-scale sine."""


@dataclasses.dataclass(frozen=True)
class EncoderConfig:
    """A pretrained speech encoder that replaces log-mel; its weights are not part of ours."""

    kind: str
    """``wav2vec2``, ``hubert`` or ``wavlm``, as its own ``config.json`` says under model_type."""
    folder: str
    """Where it was in training. A folder ``encoder`` inside the checkpoint is looked at first."""
    sha256: str
    """Of its weights file: another encoder of the same shape is refused."""
    layer: int
    """Number of the transformer layer whose hidden states are used; 0 is the input of the first."""
    width: int
    """Length of a hidden state."""


@dataclasses.dataclass(frozen=True)
class AttentionConfig:
    """Shape of an encoder of attention blocks, in place of the dilated convolutions."""

    layers: int = 2
    heads: int = 6
    feed_forward: int = 1536
    """Width between the two products of a block."""
    reach: int = 24
    """Model frames on either side that a frame attends to: 0.48 s, about five phones."""


@dataclasses.dataclass(frozen=True)
class GeneratorConfig:
    """Shape of the generator. All layers are centred, so look-ahead equals look-back."""

    rig: str = DEFAULT_RIG
    channels: tuple[str, ...] = ()
    """Output columns; normally those of the rig."""
    regions: tuple[str, ...] = ()
    region_of: tuple[int, ...] = ()
    """Index into ``regions`` for each channel."""
    phones: tuple[str, ...] = PHONES
    emotions: tuple[str, ...] = EMOTIONS
    features: FeatureConfig = FeatureConfig()
    encoder: EncoderConfig | None = None
    """None takes log-mel."""
    reference_spectrum: tuple[float, ...] = ()
    """Mean spectrum of the training speech (``audio.equalisation.mean_spectrum``), one number per
    mel band, feature units; inputs are equalised half way towards it. Empty disables that."""
    activation: str = "gelu"
    """``gelu`` (checkpoints of version 0.1) or ``hard_swish``, which is cheap in numpy."""
    hidden: int = 192
    """Width of the speech encoder."""
    encoder_dilations: tuple[int, ...] = (1, 2, 4, 8, 1, 2, 4, 1)
    """One convolution block each; not used where ``attention`` is set."""
    attention: AttentionConfig | None = None
    """Attention blocks as the speech encoder; None takes the dilated convolutions."""
    latent: int = 24
    """Width of each region's latent in the decoder."""
    decoder_dilations: tuple[int, ...] = (1, 2, 4, 1)
    head_taps: int = 1
    """Frames that a head computes its channels from, an odd number. With 3, curves are smoother
    than the latents, which follow the phones frame by frame."""
    conditioned_heads: bool = False
    """Heads see emotion and style beside the latents. Without, the pose of an emotion reaches the
    face through the decoder alone, which learns it slowly: noseSneer in disgust had a quarter of
    its label after 1500 steps."""
    emotion_dim: int = 32
    style_dim: int = 4
    """Width of the seeded style noise that makes two readings of a line differ."""

    @property
    def frame_rate(self) -> float:
        """Model frames a second: one for two feature frames."""
        return self.features.sample_rate / self.features.hop_samples / 2

    @property
    def rows_per_frame(self) -> int:
        """Feature rows in one model frame: two of log-mel, one of a pretrained encoder."""
        return 2 if self.encoder is None else 1

    @property
    def feature_width(self) -> int:
        """Numbers in one feature row."""
        return self.features.mel_bands if self.encoder is None else self.encoder.width

    @property
    def condition_width(self) -> int:
        """Numbers in the condition of one frame: the emotion's embedding and the style."""
        return self.emotion_dim + self.style_dim

    @property
    def head_width(self) -> int:
        """Numbers that one tap of a head sees."""
        return self.latent + (self.condition_width if self.conditioned_heads else 0)

    @property
    def context_frames(self) -> int:
        """Model frames on either side that can change an output frame."""
        # Stem: 5 taps at 100 Hz (2 frames) then 4 taps with stride 2 reach 2 model frames at most.
        return 2 + self._encoder_reach + sum(self.decoder_dilations) + self.head_taps // 2

    @property
    def _encoder_reach(self) -> int:
        if self.attention is not None:
            return self.attention.layers * self.attention.reach
        return sum(self.encoder_dilations)


@dataclasses.dataclass(frozen=True)
class CorrelationConfig:
    """Shape of the correlation module."""

    rig: str = DEFAULT_RIG
    channels: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    region_of: tuple[int, ...] = ()
    emotions: tuple[str, ...] = EMOTIONS
    patch_frames: int = 10
    """Model frames in one token: 0.2 s, the length of a syllable."""
    window_patches: int = 20
    """Tokens a region has in one window: 4 s, a short phrase."""
    width: int = 128
    heads: int = 4
    layers: int = 4


OLD_KEYS: Final = {"colour": "reference_spectrum"}
"""Keys of ``GeneratorConfig`` in checkpoints of version 0.1, and their present names."""


def generator_config_from(data: dict[str, Any]) -> GeneratorConfig:
    """Build a configuration from parsed JSON, of this version or an older one.

    Raises:
        TypeError: A key is unknown, or given under its old and its present name.
    """
    values: dict[str, Any] = {}
    for key, value in data.items():
        name = OLD_KEYS.get(key, key)
        if name in values:
            raise TypeError(f"{name} is given twice")
        values[name] = tuple(value) if isinstance(value, list) else value
    values["features"] = FeatureConfig(**data["features"])
    if data.get("encoder") is not None:
        values["encoder"] = EncoderConfig(**data["encoder"])
    if data.get("attention") is not None:
        values["attention"] = AttentionConfig(**data["attention"])
    return GeneratorConfig(**values)
