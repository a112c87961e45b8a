"""Shape an emotion over a line: onset, apex, release and settling, phrase by phrase. numpy only.

A face does not wear an emotion: it starts near the voice, rises within a few tenths of a second,
peaks on the words that carry the feeling and relaxes between phrases (Ekman and Friesen 1978:
onset, apex and offset; Schmidt, Cohn and Tian 2003 measure 0.4 to 0.7 s for the onset of a
spontaneous smile and a slower release).
"""

from __future__ import annotations

import numpy as np

from ..emotion.pitch import FRAME_RATE
from ..style import KNOT_SPACING_S, style_noise
from .prosody import Array, Prosody, smooth

TRACE = 0.35
"""Share of the intensity before the voice begins and in long pauses: a trace stays on the face."""
SUSTAINED = 1.0
"""Share while speaking, between the stressed words."""
APEX = 1.4
"""Share on the strongest stress of a phrase; the mean over the clips of ``film_pd`` is 1.03."""
ONSET_S, RELEASE_S = 0.22, 0.7
"""Time constants: two thirds of a rise and of a fall."""
LEAD_S = 0.12
"""A face begins to move this long before the voice (visible speech onset, 0.1 to 0.2 s)."""
APEX_SPREAD_S = 0.28
"""Standard deviation of an apex in time; it lasts about two syllables."""
DRIFT, DRIFT_KNOT_S = 0.06, 1.3
"""Standard deviation and pace of the seeded micro-variation."""
GREATEST = 1.5
"""No moment is stronger than this share, so that intensity 1 stays within what was trained."""


def emotion_level(prosody: Prosody, *, seed: int, strength: float = 1.0) -> Array:
    """Return the share of an emotion's intensity at each frame.

    Args:
        prosody: Cues of the clip, T frames at 50 Hz.
        seed: Varies the micro-variation and which stresses get an apex.
        strength: 0 holds the emotion as a pose (all ones), 1 is the full shape.

    Returns:
        Shape (T,), within [0, 1.5].
    """
    frames = prosody.frames
    if strength == 0 or not prosody.phrases:
        return np.ones(frames)
    goal = TRACE + (SUSTAINED - TRACE) * _led(prosody.activity)
    goal += _apexes(prosody, seed) * _led(prosody.activity)
    level = _followed(goal)
    rate = FRAME_RATE * DRIFT_KNOT_S / KNOT_SPACING_S
    drift = style_noise(seed ^ 0x0D1F7, channels=1, frame_rate=rate, first_frame=0, frames=frames)
    level = level * (1 + DRIFT * drift[:, 0])
    shaped: Array = np.clip(1 + strength * (level - 1), 0, GREATEST)
    return shaped


def _led(activity: Array) -> Array:
    """Activity that begins ``LEAD_S`` earlier and ends when it did."""
    lead = round(LEAD_S * FRAME_RATE)
    early = np.concatenate([activity[lead:], np.repeat(activity[-1:], min(lead, len(activity)))])
    led: Array = np.maximum(activity, early[: len(activity)])
    return led


def _apexes(prosody: Prosody, seed: int) -> Array:
    """Bumps on stressed words: the strongest of a phrase in full, the others less."""
    times = np.arange(prosody.frames) / FRAME_RATE
    out = np.zeros(prosody.frames)
    random = np.random.Generator(np.random.Philox(key=(seed ^ 0xA9E8) % 2**64))
    for phrase in prosody.phrases:
        inside = [s for s in prosody.stresses if phrase.start_s <= s.time_s < phrase.end_s]
        if not inside:
            continue
        strongest = max(inside, key=lambda stress: stress.strength)
        for stress in inside:
            share = 1.0 if stress is strongest else 0.45 * random.uniform(0.3, 1.0)
            height = (APEX - SUSTAINED) * share * (0.5 + 0.5 * stress.strength)
            bump = height * np.exp(-0.5 * ((times - stress.time_s) / APEX_SPREAD_S) ** 2)
            np.maximum(out, bump, out=out)
    return out


def _followed(goal: Array) -> Array:
    """Return the goal as a face follows it: quick up, slow down, without corners."""
    up, down = (1 - np.exp(-1 / (FRAME_RATE * s)) for s in (ONSET_S, RELEASE_S))
    out = np.empty(len(goal))
    level = min(float(goal[0]), TRACE + 0.05) if len(goal) else 0.0
    for frame, aim in enumerate(goal.tolist()):
        level += (up if aim > level else down) * (aim - level)
        out[frame] = level
    return smooth(out, 0.06)
