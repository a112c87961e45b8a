"""Turn clips into training items: features, phones, speech curves and prosody."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from ...arrays import FloatArray, HalfArray
from ...audio.features import log_mel
from ...audio.level import level_gain
from ...config import PHONES, FeatureConfig
from ..alignment.forced import PhoneTime
from ..reference.articulation import (
    BILABIALS,
    FRAME_RATE,
    LABIODENTALS,
    ArticulationModel,
    phone_envelope,
    units_of,
)
from ..reference.prosody import loudness_of, prosody_of
from ..reference.rig import reference_rig

CLOSURE_RAMP_S = 0.055
"""Seconds in which lips meet or part: closing gestures last 50-80 ms (landmarks of grid_s1)."""
TUCK_RAMP_S = 0.06
EASE = 0.3
"""Share of a filmed mouth's pose that is removed in silence: one of three filmed speakers waits
with open lips, which is not a property of speech."""
EASE_RAMP_S = 0.2
"""Seconds from speech to where the share is removed in full."""
AUX = ("closure", "tuck", "activity", "emphasis", "pitch")
SPOKEN = frozenset(PHONES) - {"sil"}
UNKNOWN_PHONE = 255
"""Phone label of frames without alignment: left out of the phone loss."""


@dataclasses.dataclass(frozen=True)
class Item:
    """Inputs and targets of one clip: T model frames, 2 T feature frames."""

    features: HalfArray
    """Shape (2 T, M)."""
    mouth: HalfArray
    """Shape (T, C), the speech curves before expressions are added."""
    aux: HalfArray
    """Shape (T, 5), columns ``AUX``."""
    phones: NDArray[np.uint8]
    """Shape (T,), index into ``config.PHONES`` or ``UNKNOWN_PHONE``."""


def at_speed(
    samples: FloatArray, phones: Sequence[PhoneTime], speed: float
) -> tuple[FloatArray, list[PhoneTime]]:
    """Return a clip played ``speed`` times as fast; pitch and formants change too.

    Linear interpolation is enough: the features end at 7.6 kHz and speed stays within 20 %.

    Args:
        samples: Mono samples, shape (N,).
        phones: Phones of the clip, in seconds.
        speed: Factor on the speed, above 0.
    """
    # The common case without a copy.
    if speed == 1.0:
        return samples, list(phones)
    # Up to the last sample but one: np.interp would repeat the last beyond it.
    positions = np.arange(0, len(samples) - 1, speed)
    faster = np.interp(positions, np.arange(len(samples)), samples).astype(np.float32)
    # Times divide by the speed, whatever the phone.
    moved = [
        dataclasses.replace(p, start_s=p.start_s / speed, end_s=p.end_s / speed) for p in phones
    ]
    return faster, moved


def make_item(
    samples: FloatArray,
    phones: Sequence[PhoneTime],
    articulation: ArticulationModel,
    features: FeatureConfig,
    *,
    filmed: FloatArray | None = None,
) -> Item:
    """Return features, labels and prosody of one clip.

    Args:
        samples: 16 kHz mono speech.
        phones: Its phones; empty without alignment.
        articulation: Turns phones into mouth controls.
        features: Feature settings.
        filmed: Captured curves (T', C) at 50 Hz that replace the articulation, or None.
    """
    # As in generation: the gain follows the speech over time (audio/level.py).
    levelled = samples * level_gain(samples)
    mel = log_mel(levelled, features)
    # Two feature frames make one model frame; an odd last one is dropped.
    count = len(mel) // 2
    # From the samples as recorded: emphasis is loudness, which levelling takes away.
    prosody = prosody_of(samples, count)
    closure = phone_envelope(phones, BILABIALS, count, ramp_s=CLOSURE_RAMP_S).numpy()
    tuck = phone_envelope(phones, LABIODENTALS, count, ramp_s=TUCK_RAMP_S).numpy()
    if filmed is not None:
        # Length differs by a frame or two between film and sound.
        mouth = at_ease(_fit_length(filmed, count), phones)
    else:
        mouth = mouth_of(phones, mel, articulation)
    aux = np.stack([closure, tuck, prosody.activity, prosody.emphasis, prosody.pitch], 1)
    return Item(
        # Half precision: 11 bits are finer than any label (see cache.py).
        features=mel.astype(np.float16),
        mouth=mouth.astype(np.float16),
        aux=aux.astype(np.float16),
        phones=phone_labels(phones, count),
    )


def mouth_of(
    phones: Sequence[PhoneTime],
    features: FloatArray | HalfArray,
    articulation: ArticulationModel,
) -> FloatArray:
    """Return speech curves (T, C).

    Args:
        phones: Of the clip.
        features: Log-mel, shape (2 T, M), for loudness.
        articulation: Turns phones into controls.
    """
    # Without phones there is no reference motion; a filmed mouth never comes here.
    if not phones:
        return np.zeros((len(features) // 2, len(reference_rig().channels)), np.float32)
    loudness = torch.from_numpy(loudness_of(features.astype(np.float32)))
    # The articulation is a torch module, as its constants are fitted by gradients.
    with torch.no_grad():
        controls = articulation.articulate(units_of(phones), loudness)
    return spread_controls(controls.numpy(), articulation.controls)


def spread_controls(controls: FloatArray, names: Sequence[str]) -> FloatArray:
    """Return channels (T, C) of symmetric controls.

    Args:
        controls: Shape (T, K).
        names: Of the controls; a sided channel takes the value of its pair.
    """
    channels = reference_rig().channel_names
    out = np.zeros((len(controls), len(channels)), np.float32)
    for index, name in enumerate(names):
        # Controls are symmetric: one value for left and right.
        for channel in (name, name + "Left", name + "Right"):
            if channel in channels:
                out[:, channels.index(channel)] = controls[:, index]
    return out


def phone_labels(phones: Sequence[PhoneTime], frame_count: int) -> NDArray[np.uint8]:
    """Return the phone of each frame, shape (T,); ``UNKNOWN_PHONE`` where there is none.

    Args:
        phones: With times.
        frame_count: Model frames of the clip.
    """
    labels = np.full(frame_count, UNKNOWN_PHONE, np.uint8)
    for phone in phones:
        # Rounded, both ends alike: neighbours share a border, so no frame is left without a label.
        first, last = round(phone.start_s * FRAME_RATE), round(phone.end_s * FRAME_RATE)
        labels[first:last] = PHONES.index(phone.phone)
    return labels


def at_ease(filmed: FloatArray, phones: Sequence[PhoneTime]) -> FloatArray:
    """Return filmed curves (T, C) with a smaller pose in silence.

    Args:
        filmed: Speech curves at 50 Hz, shape (T, C).
        phones: Of the clip; without any, nothing changes.
    """
    if not phones:
        return filmed
    spoken = phone_envelope(phones, SPOKEN, len(filmed), ramp_s=EASE_RAMP_S).numpy()
    # Eased by the envelope, not by frames of silence: a step at the border of a word would be seen.
    return np.asarray(filmed * (1 - EASE * (1 - spoken[:, None])), np.float32)


def _fit_length(curves: FloatArray, frame_count: int) -> FloatArray:
    if len(curves) >= frame_count:
        return curves[:frame_count]
    # The last pose is held for a frame or two.
    return np.concatenate([curves, np.repeat(curves[-1:], frame_count - len(curves), 0)])
