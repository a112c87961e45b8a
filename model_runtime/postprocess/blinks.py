"""Place blinks and add them to curves. Seeded; the times do not depend on the frame rate.

A speaker blinks every two to six seconds, more than half of the time at the end of a phrase or in a
pause. The lids close in 80 ms, stay closed for 30 ms and open in 140 ms, about seven frames at
30 fps, the length that EmoTalk uses as well; the muscle around the eye contracts slightly.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..arrays import DoubleArray, FloatArray

MIN_INTERVAL_S, MAX_INTERVAL_S = 2.0, 6.0
MEDIAN_INTERVAL_S = 3.3
INTERVAL_SPREAD = 0.35
"""Standard deviation of the logarithm of an interval."""
FREEDOM_S = 1.0
"""A blink may move this far towards a pause, in seconds."""
DISTANCE_COST = 0.3
"""Cost per second of that move; a pause has value 1."""
GAZE_SHIFT_WORTH = 0.8
"""Value of a blink during a large saccade, where a pause is worth 1 (Evinger et al. 1994: most
gaze shifts of over 30 degrees come with a blink, few of under 10)."""
PHRASE_END_WORTH = 0.5
EDGE_S = 0.15
"""Speech of this length followed by silence of this length is the end of a phrase."""
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
"""Value of each channel in a full blink. A rig without any of these does not blink."""


def blink_times(
    silence: FloatArray,
    *,
    frame_rate: float,
    duration_s: float,
    seed: int,
    gaze_shifts_s: Sequence[float] = (),
) -> DoubleArray:
    """Return the times at which the lids are closed, ascending, 2 to 6 s apart.

    Args:
        silence: Probability of silence in each model frame, shape (T,).
        frame_rate: Model frames per second.
        duration_s: Length of the clip; every blink begins and ends within it.
        seed: Any integer.
        gaze_shifts_s: Times of large saccades, in seconds; blinks move to those near them.
    """
    # Philox, whose numbers depend on key and counter alone and are the same on every platform.
    random = np.random.Generator(np.random.Philox(key=seed % 2**64))
    worth = _pause_worth(silence, frame_rate)
    for time_s in gaze_shifts_s:
        frame = round(time_s * frame_rate)
        # Two frames, so that rounding does not miss the shift.
        worth[max(0, frame) : frame + 2] += np.float32(GAZE_SHIFT_WORTH)
    last = duration_s - CLOSED_S - OPENING_S
    found: list[float] = []
    # The first interval begins before the clip.
    earliest, aim = CLOSING_S, random.uniform(0.5, MEDIAN_INTERVAL_S)
    latest = MAX_INTERVAL_S
    while earliest <= last:
        low = max(earliest, aim - FREEDOM_S)
        high = min(latest, aim + FREEDOM_S, last)
        if high < low:
            break
        # The small term includes ``high`` itself.
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
    """Return how far blinks close the lids in each output frame.

    The closed moment is moved to the nearest output frame, so that blinks close fully even at
    12 fps.

    Args:
        blinks: From ``blink_times``.
        fps: Output frames per second.
        frames: Number of output frames.

    Returns:
        Values in [0, 1], shape (frames,).
    """
    closure = np.zeros(frames, np.float32)
    for shut_s in np.round(blinks * fps) / fps:
        # The loop touches the frames of each blink alone.
        first = max(0, int(np.floor((shut_s - CLOSING_S) * fps)))
        stop = min(frames, int(np.ceil((shut_s + CLOSED_S + OPENING_S) * fps)) + 1)
        since = np.arange(first, stop) / fps - shut_s
        falling = np.clip(1 + since / CLOSING_S, 0, 1)
        rising = np.clip(1 - (since - CLOSED_S) / OPENING_S, 0, 1)
        # Lids close at constant speed and open slowly, as recorded lids do.
        lids = np.where(since < 0, np.sin(falling * np.pi / 2), rising * rising * (3 - 2 * rising))
        part = closure[first:stop]
        # Blinks that touch do not close the lids twice.
        np.maximum(part, lids, out=part, casting="same_kind")
    return closure


def add_blinks(
    values: FloatArray,
    channels: tuple[str, ...],
    closure: FloatArray,
    *,
    right_closure: FloatArray | None = None,
) -> FloatArray:
    """Add blinks to curves.

    A channel moves from its current value towards 1, so a lid that is lowered by emotion does not
    close beyond 1.

    Args:
        values: Shape (frames, channels).
        channels: Names of the columns.
        closure: From ``lid_closure``, shape (frames,).
        right_closure: The same for channels that end in ``Right``; None takes ``closure``.
    """
    out = values.copy()
    for column, name in enumerate(channels):
        strength = BLINK_CHANNELS.get(name)
        if strength is not None:
            lids = closure
            if right_closure is not None and name.endswith("Right"):
                lids = right_closure
            out[:, column] += np.float32(strength) * lids * np.maximum(0, 1 - values[:, column])
    return out


def _pause_worth(silence: FloatArray, frame_rate: float) -> FloatArray:
    """Return the value of a blink in each model frame: 1 in a pause, more at a phrase end."""
    edge = max(1, round(EDGE_S * frame_rate))
    kernel = np.full(edge, 1 / edge)
    # Ends are repeated, so that the clip's borders are no phrase ends by themselves.
    padded = np.pad(silence, (edge, edge), mode="edge")
    means = np.convolve(padded, kernel, mode="valid")
    before, after = means[: len(silence)], means[edge + 1 : edge + 1 + len(silence)]
    ends: FloatArray = np.maximum(0, after - before)
    return silence + np.float32(PHRASE_END_WORTH) * ends
