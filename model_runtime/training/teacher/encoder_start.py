"""Start the attention encoder of a generator from the first layers of a Whisper encoder.

Whisper reads other mel features, adds absolute positions, attends to 30 s and uses GELU. Three
replacements carry its weights over to an encoder that is cheap in numpy and bounded in time:

- an affine map from our features to Whisper's, fitted on speech and folded into the first
  convolution;
- one position for all frames, and a bias per head and distance, measured on speech as the mean
  difference between attention scores with true positions and with that one;
- hard swish in place of GELU: gelu(z) is close to hard_swish(g z) / g, with g folded into weights.

Training then removes what these approximations leave.

Axes: M mel bands, T frames, D width, H heads, R reach.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from torch import Tensor

from ...arrays import FloatArray
from ...audio.features import log_mel
from ...config import FeatureConfig
from ...errors import BadArgument
from ...model.attention import AttentionBlock
from ...model.generator import Generator
from ...model.layers import RowConvolution
from .whisper import WhisperEncoder, whisper_mel

log = logging.getLogger(__name__)

SLOPE: Final = 1.702
"""gelu(z) is within .02 of z sigmoid(1.702 z) (Hendrycks and Gimpel 2016, arXiv 1606.08415)."""
POSITION: Final = 250
"""Given to all frames, 5 s into a clip. Without any, the norms see half the power they know."""
RIDGE: Final = 0.1
"""Added to the squared norm of each feature in the fit of the affine map; 10^4 frames and more."""


@torch.no_grad()
def start_encoder(
    generator: Generator, teacher: WhisperEncoder, clips: Sequence[FloatArray]
) -> None:
    """Copy the first layers of ``teacher`` into the encoder of ``generator``, in place.

    Args:
        generator: With an attention encoder as wide as the teacher, with hard swish.
        teacher: The Whisper encoder.
        clips: Levelled speech at 16 kHz to fit the replacements on; a few minutes are enough.

    Raises:
        BadArgument: The shapes do not fit.
    """
    # Widths must be equal: no part of the teacher's layers could be left out without changing the
    # rest.
    config, attention = generator.config, generator.config.attention
    if (
        attention is None
        or config.activation != "hard_swish"
        or config.hidden != teacher.width
        or attention.heads != teacher.heads
        or attention.layers > teacher.layers
        or attention.feed_forward != teacher.weights["layer_0/ffn/linear_0/bias"].numel()
    ):
        raise BadArgument(
            f"The encoder cannot start from a teacher of width {teacher.width}",
            hint="Set hidden, attention and activation as in shipped.toml, or start = false",
        )
    _start_stem(generator, teacher, clips)
    positions = teacher.weights["position_encodings/encodings"]
    # The stem's output is SLOPE times the teacher's, so the position is as well.
    generator.encoder_offset.copy_(SLOPE * positions[POSITION])
    for layer, block in enumerate(generator.encoder):
        assert isinstance(block, AttentionBlock)
        _start_block(block, teacher, f"layer_{layer}")
    biases = _distance_biases(teacher, clips, attention.layers, attention.reach)
    for layer, bias in enumerate(biases):
        block = generator.encoder[layer]
        assert isinstance(block, AttentionBlock)
        block.distance.copy_(bias)


def _start_stem(generator: Generator, teacher: WhisperEncoder, clips: Sequence[FloatArray]) -> None:
    weights = teacher.weights
    matrix, offset = feature_map(clips, generator.config.features)
    first = weights["conv1/weight"]  # (D, M, 3)
    # Our first convolution has 5 taps, Whisper's 3: they fill the middle.
    generator.stem_wide.weight.zero_()
    # The affine map is folded into the convolution, so that inference computes our log-mel alone.
    generator.stem_wide.weight[:, :, 1:4] = SLOPE * torch.einsum("dwk,mw->dmk", first, matrix)
    # The offset passes through all three taps. At the clip's ends, where taps see padding, it is
    # too large by their share.
    shift = torch.einsum("dwk,w->d", first, offset)
    _copy_bias(generator.stem_wide, SLOPE * (weights["conv1/bias"] + shift))
    generator.stem_down.weight.zero_()
    # Taps 0 to 2 of 4: our stem has stride 2 and one tap more to the right, which starts at 0.
    generator.stem_down.weight[:, :, :3] = weights["conv2/weight"]
    _copy_bias(generator.stem_down, SLOPE * weights["conv2/bias"])


def _start_block(block: AttentionBlock, teacher: WhisperEncoder, name: str) -> None:
    # The residual stream is SLOPE times the teacher's: the norms take it off again.
    weights = teacher.weights
    for norm, source in ((block.norm, "self_attention"), (block.feed_norm, "ffn")):
        norm.weight.copy_(weights[f"{name}/{source}/layer_norm/gamma"])
        norm.bias.copy_(weights[f"{name}/{source}/layer_norm/beta"])
    for layer, source, gain, bias_gain in (
        # Read after the norm, which removes SLOPE from its input: gain 1. Written back to the
        # stream: SLOPE.
        (block.attend, "self_attention/linear_0", 1.0, 1.0),
        (block.project, "self_attention/linear_1", SLOPE, SLOPE),
        (block.expand, "ffn/linear_0", SLOPE, SLOPE),
        # hard_swish(SLOPE z) is SLOPE gelu(z): the product is already SLOPE times the teacher's,
        # its bias is not.
        (block.contract, "ffn/linear_1", 1.0, SLOPE),
    ):
        # [:, :, None]: our linear layers are convolutions of one tap.
        layer.weight.copy_(gain * weights[f"{name}/{source}/weight"][:, :, None])
        _copy_bias(layer, bias_gain * weights[f"{name}/{source}/bias"])


def _copy_bias(layer: RowConvolution, values: Tensor) -> None:
    assert layer.bias is not None
    layer.bias.copy_(values)


def feature_map(clips: Sequence[FloatArray], features: FeatureConfig) -> tuple[Tensor, Tensor]:
    """Return the matrix (M, M) and offset (M,) that bring our log-mel closest to Whisper's.

    Args:
        clips: Levelled speech at 16 kHz.
        features: Of our log-mel.
    """
    # Normal equations in float64, clip by clip: the features of all clips need not be in memory.
    moments = np.zeros((features.mel_bands + 1, features.mel_bands + 1))
    products = np.zeros((features.mel_bands + 1, features.mel_bands))
    for samples in clips:
        ours = log_mel(samples, features).astype(np.float64)
        # Whisper pads to a whole model frame; ours may be a feature frame shorter.
        theirs = whisper_mel(torch.from_numpy(samples)).T.numpy()[: len(ours)]
        # The column of ones makes the map affine.
        inputs = np.concatenate([ours, np.ones((len(ours), 1))], axis=1)
        moments += inputs.T @ inputs
        products += inputs.T @ theirs
    # With ridge: neighbouring mel bands overlap, so their moments are nearly singular.
    solved = np.linalg.solve(moments + RIDGE * np.eye(len(moments)), products).astype(np.float32)
    return torch.from_numpy(solved[:-1].copy()), torch.from_numpy(solved[-1].copy())


def _distance_biases(
    teacher: WhisperEncoder, clips: Sequence[FloatArray], layers: int, reach: int
) -> list[Tensor]:
    """Return the mean score per head and distance that the positions add, (H, 2 R + 1) a layer."""
    totals = [torch.zeros(teacher.heads, 2 * reach + 1) for _ in range(layers)]
    counts = 0
    for samples in clips:
        placed, bare = (teacher.hidden(samples, position=place) for place in (None, POSITION))
        # A clip must be long enough that every distance occurs.
        if len(placed[0]) <= 2 * reach + 1:
            continue
        counts += 1
        for layer, total in enumerate(totals):
            difference = teacher.scores(placed[layer], layer) - teacher.scores(bare[layer], layer)
            frames = difference.shape[1]
            for distance in range(-reach, reach + 1):
                # A diagonal of the scores holds all pairs of frames at one distance.
                diagonal = difference.diagonal(distance, 1, 2)
                # A mean over the pairs: long distances have fewer.
                total[:, distance + reach] += diagonal.sum(1) / (frames - abs(distance))
    # The softmax ignores a constant, so the mean is taken out.
    return [(total - total.mean(1, keepdim=True)) / max(1, counts) for total in totals]
