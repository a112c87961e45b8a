"""Move the head of a speaker: nods on stress, tilt with emotion, stillness in silence. numpy only.

Sources: nods and turns on stressed syllables and the still head of pauses from Hadar, Steiner,
Grant and Rose (1983); the head rises with pitch (Munhall et al. 2004, Busso et al. 2007).
Sizes are set against filmed free speech (standard deviations within a clip of 1.1-8.6, 1.3-6.3 and
1.5-7.3 degrees of yaw, pitch and roll; 2 to 18 degrees a second).
Angles are degrees as Live Link Face has them: yaw to the own right, pitch downwards, roll to the
own left shoulder.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from ..emotion.pitch import FRAME_RATE
from ..style import KNOT_SPACING_S, style_noise
from .prosody import Array, Phrase, Prosody, smooth

HEAD_CHANNELS = ("headYaw", "headPitch", "headRoll")
SWAY_DEG = (4.4, 2.0, 3.8)
"""Standard deviation of slow posture changes while speaking."""
SWAY_KNOT_S = 0.9
"""A new posture about once a second, which gives the speeds of ``film_pd``."""
STILL = 0.15
"""Share of the sway that remains in silence."""
NOD_DEG = 4.0
NOD_RISE_S, NOD_FALL_S = 0.12, 0.24
"""A beat reaches its lowest point as the stressed vowel peaks and swings back more slowly."""
PITCH_FOLLOW_DEG = 0.8
"""Rise of the head for a standard deviation of vocal pitch."""
BREATH_DEG, BREATH_HZ = 0.25, 0.27
"""The chest's movement of a quiet breath, 16 a minute."""

LISTENER_NOD_DEG, LISTENER_BEAT_S = 3.2, 0.38
"""First beat of a nod while listening, and the time from beat to beat: 2.6 a second, within the
band of Hadar, Steiner and Rose (1985) for nods of listeners."""
LISTENER_GAP_S = 5.5
"""Median time between two nods of an attentive listener."""


@dataclasses.dataclass(frozen=True)
class HeadHabits:
    """Posture and movement of the head in one emotion."""

    posture_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Yaw, pitch and roll at full intensity."""
    amplitude: float = 1.0
    """Multiplies sway and nods at full intensity."""


BY_EMOTION = {
    "happy": HeadHabits((0, -1.5, 2.5), 1.3),
    "sad": HeadHabits((0, 6.0, 3.0), 0.7),
    "angry": HeadHabits((0, 3.5, 0), 1.8),
    "surprised": HeadHabits((0, -3.5, 0), 1.1),
    "fearful": HeadHabits((0, -2.0, 1.5), 1.2),
    "disgusted": HeadHabits((5.0, -2.5, -2.0), 0.9),
    "contemptuous": HeadHabits((0, -4.0, 3.5), 0.8),
}
"""Postures after Mignault and Chaudhuri (2003) and Witkower and Tracy (2019): raised in contempt
and surprise, lowered in sadness and anger. Angry speech moves the head most (median 15 degrees a
second in filmed acting)."""


def head_angles(prosody: Prosody, emotions: dict[str, Array], *, seed: int) -> Array:
    """Return the rotations of the head of a speaker.

    Args:
        prosody: Cues of the clip, T frames at 50 Hz.
        emotions: Weight of each emotion over time, shape (T,), 0 to 1.5.
        seed: Another seed sways elsewhere; nods stay on the stressed words.

    Returns:
        Yaw, pitch and roll in degrees at 50 Hz, shape (T, 3); bounded by about 20 degrees.
    """
    frames = prosody.frames
    presence = smooth(prosody.activity, 0.3)
    amplitude, posture = _carriage(emotions, frames)
    sway = _sway(seed, frames) * (STILL + (1 - STILL) * presence)[:, None]
    nods = _nods(prosody, seed)
    angles = amplitude[:, None] * (sway + nods) + posture
    angles[:, 1] -= PITCH_FOLLOW_DEG * smooth(prosody.pitch * prosody.activity, 0.12)
    times = np.arange(frames) / FRAME_RATE
    angles[:, 1] += BREATH_DEG * np.sin(2 * np.pi * (BREATH_HZ * times + (seed % 97) / 97))
    return np.clip(angles, -20, 20)


def _carriage(emotions: dict[str, Array], frames: int) -> tuple[Array, Array]:
    """Amplitude (T,) and posture (T, 3) of the emotions of each moment."""
    amplitude, posture = np.ones(frames), np.zeros((frames, 3))
    for name, habits in BY_EMOTION.items():
        weight = emotions.get(name)
        if weight is None or not np.any(weight):
            continue
        slow = smooth(weight, 0.25)
        amplitude += (habits.amplitude - 1) * slow
        posture += slow[:, None] * np.array(habits.posture_deg)
    return np.clip(amplitude, 0.3, 2.5), posture


def _sway(seed: int, frames: int) -> Array:
    rate = FRAME_RATE * SWAY_KNOT_S / KNOT_SPACING_S
    noise = style_noise(seed ^ 0x5EA7, channels=3, frame_rate=rate, first_frame=0, frames=frames)
    axes = [smooth(noise[:, axis].astype(float), 0.1) for axis in range(3)]
    sway: Array = np.stack(axes, 1) * np.array(SWAY_DEG)
    return sway


def _nods(prosody: Prosody, seed: int) -> Array:
    """Beats on stressed syllables: down, with a little turn and tilt to a drawn side."""
    times = np.arange(prosody.frames) / FRAME_RATE
    out = np.zeros((prosody.frames, 3))
    random = np.random.Generator(np.random.Philox(key=(seed ^ 0x40D5) % 2**64))
    for stress in prosody.stresses:
        since = times - stress.time_s
        spread = np.where(since < 0, NOD_RISE_S, NOD_FALL_S)
        near = np.abs(since) < 4 * NOD_FALL_S
        bump = np.zeros(len(times))
        bump[near] = np.exp(-0.5 * (since[near] / spread[near]) ** 2)
        way = np.array([random.normal(0, 0.45), random.uniform(0.5, 1.0), random.normal(0, 0.3)])
        out += bump[:, None] * (NOD_DEG * stress.strength * way)
    return out


def listener_nods(times_s: Array, spans: Sequence[Phrase], *, seed: int) -> Array:
    """Return the nods of somebody who listens: one to three beats, now and then and at the end.

    Args:
        times_s: Times wanted in seconds, shape (T,).
        spans: When somebody else speaks.
        seed: Draws when and how often the head nods.

    Returns:
        Pitch in degrees, downwards, shape (T,); zero outside of nods.
    """
    random = np.random.Generator(np.random.Philox(key=(seed ^ 0x11D5) % 2**64))
    pitch = np.zeros(len(times_s))
    for span in spans:
        start_s = span.start_s + LISTENER_GAP_S * random.uniform(0.3, 0.8)
        while start_s < span.end_s:
            for beat in range(int(random.integers(1, 4))):
                since = (times_s - start_s - beat * LISTENER_BEAT_S) / (0.3 * LISTENER_BEAT_S)
                size = LISTENER_NOD_DEG * 0.6**beat * random.uniform(0.7, 1.1)
                pitch += size * np.exp(-0.5 * since**2)
            start_s += LISTENER_GAP_S * float(np.exp(0.35 * random.standard_normal()))
    return pitch
