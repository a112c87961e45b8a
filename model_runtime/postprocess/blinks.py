"""When the face blinks, and what the lids do then. Seeded; the same for any frame rate.

People blink every two to six seconds, and more than half of the time at the end of a phrase or in a
pause. The lids fall in 80 ms, stay shut for 30 ms and rise in 140 ms, about seven frames at 30 fps
(EmoTalk's blinks have that length as well), and the muscle around the eye squeezes a little.
"""

from __future__ import annotations

import numpy as np

from ..arrays import DoubleArray, FloatArray

MIN_INTERVAL_S, MAX_INTERVAL_S = 2.0, 6.0
MEDIAN_INTERVAL_S = 3.3
INTERVAL_SPREAD = 0.35
"""Standard deviation of the logarithm of an interval."""
FREEDOM_S = 1.0
"""A blink may move this far towards a pause."""
DISTANCE_COST = 0.3
"""What a second of that move costs, where a pause is worth 1."""
PHRASE_END_WORTH = 0.5
EDGE_S = 0.15
"""Speech this long before and silence this long after make a phrase end."""
CLOSING_S, CLOSED_S, OPENING_S = 0.08, 0.03, 0.14

BLINK_CHANNELS = {
    "eyeBlinkLeft": 1.0,
    "eyeBlinkRight": 1.0,
    "eyeSquintLeft": 0.25,
    "eyeSquintRight": 0.25,
    "cheekSquintLeft": 0.06,
    "cheekSquintRight": 0.06,
    "browDownLeft": 0.03,
    "browDownRight": 0.03,
}
"""How far each channel goes in a full blink. A rig that has none of these does not blink."""


def blink_times(
    silence: FloatArray, *, frame_rate: float, duration_s: float, seed: int
) -> DoubleArray:
    """Seconds at which the lids are shut, ascending, 2 to 6 s apart.

    Args:
        silence: Probability of silence in each model frame, shape (T,).
        frame_rate: Model frames a second.
        duration_s: Length of the performance; no blink begins or ends outside it.
        seed: Any integer; another seed blinks at other times.
    """
    random = np.random.Generator(np.random.Philox(key=seed % 2**64))
    worth = _pause_worth(silence, frame_rate)
    last = duration_s - CLOSED_S - OPENING_S
    found: list[float] = []
    # The first interval begins before the sound does.
    earliest, aim = CLOSING_S, random.uniform(0.5, MEDIAN_INTERVAL_S)
    latest = MAX_INTERVAL_S
    while earliest <= last:
        low = max(earliest, aim - FREEDOM_S)
        high = min(latest, aim + FREEDOM_S, last)
        if high < low:
            break
        candidates = np.arange(low, high + 1e-9, 1 / frame_rate)
        frames = np.minimum((candidates * frame_rate).astype(int), len(worth) - 1)
        scores = worth[frames] - DISTANCE_COST * np.abs(candidates - aim)
        chosen = float(candidates[int(scores.argmax())])
        found.append(chosen)
        interval = MEDIAN_INTERVAL_S * np.exp(INTERVAL_SPREAD * random.standard_normal())
        aim = chosen + float(np.clip(interval, MIN_INTERVAL_S, MAX_INTERVAL_S))
        earliest, latest = chosen + MIN_INTERVAL_S, chosen + MAX_INTERVAL_S
    return np.array(found, np.float64)


def lid_closure(blinks: DoubleArray, *, fps: float, frames: int) -> FloatArray:
    """How far blinks close the lids in each output frame, 0 to 1, shape (frames,).

    A shut moment is moved to the nearest output frame, so that even at 12 fps every blink closes.
    """
    closure = np.zeros(frames, np.float32)
    for shut_s in np.round(blinks * fps) / fps:
        first = max(0, int(np.floor((shut_s - CLOSING_S) * fps)))
        stop = min(frames, int(np.ceil((shut_s + CLOSED_S + OPENING_S) * fps)) + 1)
        since = np.arange(first, stop) / fps - shut_s
        falling = np.clip(1 + since / CLOSING_S, 0, 1)
        rising = np.clip(1 - (since - CLOSED_S) / OPENING_S, 0, 1)
        # Lids fall evenly and rise late and slowly: the squared side leaves the eye half shut.
        lids = np.where(since < 0, np.sin(falling * np.pi / 2), rising * rising * (3 - 2 * rising))
        part = closure[first:stop]
        np.maximum(part, lids, out=part, casting="same_kind")
    return closure


def add_blinks(values: FloatArray, channels: tuple[str, ...], closure: FloatArray) -> FloatArray:
    """Curves with lids that also do what ``closure`` says.

    A channel moves from where it is towards its goal, so a lid that emotion lowered still just
    shuts.

    Args:
        values: Shape (frames, channels).
        channels: Names of the columns.
        closure: From ``lid_closure``, shape (frames,).
    """
    out = values.copy()
    for column, name in enumerate(channels):
        strength = BLINK_CHANNELS.get(name)
        if strength is not None:
            out[:, column] += np.float32(strength) * closure * np.maximum(0, 1 - values[:, column])
    return out


def _pause_worth(silence: FloatArray, frame_rate: float) -> FloatArray:
    """How welcome a blink is in each model frame: 1 in a pause, more where a phrase has ended."""
    edge = max(1, round(EDGE_S * frame_rate))
    kernel = np.full(edge, 1 / edge)
    padded = np.pad(silence, (edge, edge), mode="edge")
    means = np.convolve(padded, kernel, mode="valid")
    before, after = means[: len(silence)], means[edge + 1 : edge + 1 + len(silence)]
    ends: FloatArray = np.maximum(0, after - before)
    return silence + np.float32(PHRASE_END_WORTH) * ends
