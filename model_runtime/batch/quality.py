"""Rate a finished line without a reference recording: measures and one score. numpy only.

The expected motion comes from the model's own phone probabilities: where they say /m b p/, the lips
must meet. The measures are those of ``evaluation.metrics`` with channel names in place of a mesh,
so that they cost a millisecond per line.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from ..arrays import BoolArray, DoubleArray, FloatArray
from ..curves.resample import lip_opening
from ..curves.track import CurveTrack

BILABIALS = ("m", "b", "p")
OPEN_VOWELS = ("aa", "ae", "ah", "ao", "aw", "ay", "eh", "ey", "ow")
SILENCE = "sil"
CANDIDATE = 0.6
"""Total probability of m, b and p at which one of them certainly occurs."""
HELD = 0.3
"""Total probability that still belongs to the same m, b or p."""
SILENT = 0.5
"""Probability of silence from which a frame is silent."""
CLOSED_FRACTION = 0.15
"""Lip aperture, relative to the 90th percentile in speech, below which the lips have met."""
CLOSURE_MARGIN_S = 0.02
"""How far outside of the detected m, b or p the contact may be; as in ``evaluation.metrics``."""
EXPECTED_ELSEWHERE = 0.35
MAX_LAG_S = 0.2
FREE_LAG_S = 0.04
"""Lag that viewers do not notice: two frames at 50 Hz."""
SPEECH_TOP_HZ = 12.0
"""Lips and jaw move more slowly than this; faster motion is jitter."""
FREE_JITTER = 0.4
"""The shipped model has 0.3 on clean speech: speed weights fast motion more."""
STILL_SPEED = 0.02
"""Mean speed of the mouth, in channel units per second, below which jitter is not measured."""
FREE_CLIPPING = 0.001
FREE_SILENCE = 0.7
NOTHING_SAID = 0.995
FREE_CONFIDENCE = 0.5
SPARK_POINTS = 60
FULL_SCALE = 0.999
CLIP_RUN = 3
"""Consecutive samples at full scale that count as clipped; one or two may be a normalised peak."""


@dataclasses.dataclass(frozen=True)
class Quality:
    """Measures of one line; None where one cannot be measured."""

    score: float
    """0 to 100; see ``_penalties``."""
    closure: float | None
    """Part of the detected m, b, p at which the lips meet."""
    closures: int
    """Number of detected m, b, p."""
    lag_s: float | None
    """Seconds by which the lips are late; negative: early."""
    jitter: float | None
    """Part of the mouth's speed that is faster than speech, 0 to 1."""
    clipping: float | None
    """Part of the audio samples that are clipped."""
    silence: float
    """Part of the line without speech."""
    confidence: float
    """Mean probability of the likeliest phone in speech."""
    notes: tuple[str, ...]
    """What lowered the score, largest effect first."""


@dataclasses.dataclass(frozen=True)
class PhoneProbabilities:
    """Phone probabilities of a line, from the model."""

    phones: tuple[str, ...]
    probabilities: FloatArray
    """Shape (T, P), rows sum to 1."""
    frame_rate: float

    def total(self, names: Sequence[str]) -> FloatArray:
        """Return the total probability of some phones, shape (T,)."""
        columns = [i for i, name in enumerate(self.phones) if name in names]
        out: FloatArray = self.probabilities[:, columns].sum(axis=1)
        return out


def rate(track: CurveTrack, phones: PhoneProbabilities, clipping: float | None) -> Quality:
    """Measure a finished line.

    Args:
        track: Finished curves at any frame rate.
        phones: The phones of the same clip; frame 0 is at the same time.
        clipping: From ``ClipMeter``; None where it was not measured.
    """
    # The aperture from channel names: a mesh is not at hand.
    opening = lip_opening(track).astype(np.float64)
    times = np.arange(len(opening)) / track.fps
    # Interpolated to the curves' rate, which may be 12 or 120.
    silent = _at(times, phones.total([SILENCE]), phones.frame_rate) > SILENT
    closed = _closures(opening, ~silent, track.fps, phones)
    speaking = phones.total([SILENCE]) <= SILENT
    certainty = phones.probabilities.max(axis=1)
    measures = Quality(
        score=100.0,
        closure=float(np.mean(closed)) if closed else None,
        closures=len(closed),
        lag_s=_lag(opening, times, track.fps, phones),
        jitter=_jitter(track),
        clipping=clipping,
        silence=float(silent.mean()),
        confidence=float(certainty[speaking].mean()) if speaking.any() else 0.0,
        notes=(),
    )
    # The largest penalty first, in the notes as well.
    penalties = sorted(_penalties(measures), reverse=True)
    return dataclasses.replace(
        measures,
        score=max(0.0, 100.0 - sum(points for points, _ in penalties)),
        notes=tuple(note for _, note in penalties),
    )


def opening_plot(track: CurveTrack) -> tuple[int, ...]:
    """Return the lip aperture over the line as at most 60 points, 0 to 99, for a small plot.

    Points alternate between minimum and maximum of their part, so that closures stay visible in a
    long line.
    """
    opening = lip_opening(track)
    pieces = np.array_split(opening, min(SPARK_POINTS, len(opening)))
    # Minimum and maximum in turn: a mean would hide every closure.
    points = np.array([p.max() if i % 2 else p.min() for i, p in enumerate(pieces)])
    # At least .1: a mouth that hardly moves must look like one.
    top = max(float(points.max()), 0.1)
    return tuple(int(value) for value in np.clip(points / top * 99, 0, 99))


class ClipMeter:
    """Measures the part of clipped samples in audio that comes in blocks."""

    def __init__(self) -> None:
        self._clipped = self._total = 0

    def push(self, block: FloatArray) -> None:
        """Add samples, shape (frames, channels)."""
        loud = np.abs(block) >= FULL_SCALE
        self._total += loud.size
        # Loud blocks are rare: nothing is computed for the others.
        if not loud.any():
            return
        run = loud[CLIP_RUN - 1 :].copy()
        # Three samples in a row at full scale, channel by channel.
        for shift in range(CLIP_RUN - 1):
            run &= loud[shift : len(loud) - CLIP_RUN + 1 + shift]
        self._clipped += int(run.sum())

    def share(self) -> float:
        """Return the part of clipped samples, 0 to 1."""
        return self._clipped / self._total if self._total else 0.0


def _penalties(found: Quality) -> list[tuple[float, str]]:
    """Return points to subtract from 100, and why."""
    points: list[tuple[float, str]] = []

    def charge(amount: float, note: str) -> None:
        # Half a point is not worth a note.
        if amount >= 0.5:
            points.append((amount, note))

    if found.closure is not None:
        missed = round((1 - found.closure) * found.closures)
        charge(50 * (1 - found.closure), f"lips stay open at {missed} of {found.closures} m/b/p")
    if found.lag_s is not None:
        late = "late" if found.lag_s > 0 else "early"
        over = abs(found.lag_s) - FREE_LAG_S
        charge(30 * min(1, over / 0.1), f"lips {abs(found.lag_s) * 1000:.0f} ms {late}")
    if found.jitter is not None:
        over = found.jitter - FREE_JITTER
        charge(30 * min(1, over / 0.4), f"jitter ({found.jitter:.0%} of the speed)")
    if found.clipping is not None:
        over = found.clipping - FREE_CLIPPING
        charge(5 + 20 * min(1, over / 0.05) if over > 0 else 0, "audio is clipped")
    # Nothing said: further measures mean nothing.
    if found.silence >= NOTHING_SAID:
        charge(80, "no speech detected")
        return points
    over = found.silence - FREE_SILENCE
    charge(40 * over / (1 - FREE_SILENCE), f"{found.silence:.0%} of the line is silent")
    under = FREE_CONFIDENCE - found.confidence
    charge(60 * under / FREE_CONFIDENCE, f"speech unclear ({found.confidence:.0%} confidence)")
    return points


def _closures(
    opening: DoubleArray, speech: BoolArray, fps: float, phones: PhoneProbabilities
) -> list[bool]:
    """Return for each detected m, b, p whether the lips meet."""
    probability = phones.total(BILABIALS)
    candidates = [
        (first, stop)
        # Hysteresis: a dip in the probability does not split a phone.
        for first, stop in _runs(probability >= HELD)
        if probability[first:stop].max() >= CANDIDATE
    ]
    # The clip's own opening: a quiet speaker is not worse.
    wide = float(np.percentile(opening[speech], 90)) if speech.any() else 0.0
    closed = []
    for first, stop in candidates:
        low = int(np.ceil((first / phones.frame_rate - CLOSURE_MARGIN_S) * fps - 1e-6))
        high = int(np.floor(((stop - 1) / phones.frame_rate + CLOSURE_MARGIN_S) * fps + 1e-6))
        if high < low:  # at 12 fps a short one lies between two frames
            low = high = round((first + stop - 1) / 2 / phones.frame_rate * fps)
        # Empty where the closure lies beyond the curves.
        inside = opening[max(0, low) : max(0, high) + 1]
        if len(inside):
            closed.append(wide > 0 and bool(inside.min() < CLOSED_FRACTION * wide))
    return closed


def _lag(
    opening: DoubleArray, times: DoubleArray, fps: float, phones: PhoneProbabilities
) -> float | None:
    """Return the shift at which the lips match the phones best, None without speech or motion.

    The expected aperture is 1 in open vowels, 0 in m, b, p and silence, 0.35 elsewhere.
    """
    vowels, closed = phones.total(OPEN_VOWELS), phones.total([*BILABIALS, SILENCE])
    expected = vowels + EXPECTED_ELSEWHERE * np.maximum(0, 1 - vowels - closed)
    leader = _at(times, expected.astype(np.float32), phones.frame_rate)
    # At most a quarter of the clip may be shifted out.
    reach = min(round(MAX_LAG_S * fps), len(leader) // 4)
    # Nothing to compare: silence, or a mouth at rest.
    if leader.std() < 0.05 or opening.std() < 1e-3 or reach < 1:
        return None
    a, b = opening - opening.mean(), leader - leader.mean()
    # By size: argmax takes the first of equal scores, the smallest shift.
    shifts = sorted(range(-reach, reach + 1), key=abs)
    scores = [
        float(a[max(0, s) : len(a) + min(0, s)] @ b[max(0, -s) : len(b) + min(0, -s)])
        for s in shifts
    ]
    best = int(np.argmax(scores))
    return shifts[best] / fps if scores[best] > 0 else None


def _jitter(track: CurveTrack) -> float | None:
    """Return the part of the mouth's speed, as amplitude, above 12 Hz.

    None up to 24 fps, which cannot show such motion, and for fewer than five frames.
    """
    columns = [i for i, name in enumerate(track.channels) if name.startswith(("jaw", "mouth"))]
    speed = np.diff(track.values[:, columns], axis=0)
    # Up to 24 fps such motion cannot be shown.
    if len(speed) < 4 or track.fps <= 2 * SPEECH_TOP_HZ:
        return None
    # A still mouth has only rounding to measure.
    if np.abs(speed).mean() * track.fps < STILL_SPEED:
        return 0.0
    # Without the ends, which are 0: every frame counts.
    window = np.hanning(len(speed) + 2)[1:-1, None]
    power = np.abs(np.fft.rfft(speed * window, axis=0)) ** 2
    total = float(power.sum())
    fast = np.fft.rfftfreq(len(speed), 1 / track.fps) > SPEECH_TOP_HZ
    return float(np.sqrt(power[fast].sum() / total)) if total > 1e-12 else 0.0


def _at(times: DoubleArray, values: FloatArray, frame_rate: float) -> DoubleArray:
    """Interpolate a series of model frames linearly at other times."""
    return np.interp(times, np.arange(len(values)) / frame_rate, values.astype(np.float64))


def _runs(mask: BoolArray) -> list[tuple[int, int]]:
    """Return first and one-past-last index of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
