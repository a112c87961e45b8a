"""How good a finished line looks, without a reference: measures and one score. numpy only.

What should be seen comes from the model's own phone head: it hears /m b p/, and the lips must meet
there. The measures are those of ``evaluation.metrics`` with the names of channels in place of a
mesh, so that they cost a millisecond a line and need no recording of a face.
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
"""Probability of m, b and p together at which one is heard for sure."""
HELD = 0.3
"""Probability that still belongs to the same m, b or p."""
SILENT = 0.5
"""Probability of silence from which a frame is silent."""
CLOSED_FRACTION = 0.15
"""Of the line's wide opening (90th percentile in speech): under it the lips have met."""
CLOSURE_MARGIN_S = 0.02
"""How far beyond the heard m, b or p the contact may lie; both as in ``evaluation.metrics``."""
EXPECTED_ELSEWHERE = 0.35
MAX_LAG_S = 0.2
FREE_LAG_S = 0.04
"""A lag nobody sees: two frames at 50 Hz, within which picture and sound pass as together."""
SPEECH_TOP_HZ = 12.0
"""Lips and jaw move slower than this; what is faster is tremble."""
FREE_JITTER = 0.4
"""The shipped model on clean speech has 0.3: a share of speed favours what is fast."""
STILL_SPEED = 0.02
"""Mean speed of the mouth, channel units a second, under which nothing moves that could tremble."""
FREE_CLIPPING = 0.001
FREE_SILENCE = 0.7
NOTHING_SAID = 0.995
FREE_CONFIDENCE = 0.5
SPARK_POINTS = 60
FULL_SCALE = 0.999
CLIP_RUN = 3
"""Samples at full scale in a row that make a clipped peak; one or two may be a normalised peak."""


@dataclasses.dataclass(frozen=True)
class Quality:
    """Measures of one line; what cannot be measured is None."""

    score: float
    """0 to 100; see ``_penalties``."""
    closure: float | None
    """Share of heard m, b, p at which the lips meet."""
    closures: int
    """How many m, b, p were heard."""
    lag_s: float | None
    """Seconds by which the lips come after what is heard; negative: early."""
    jitter: float | None
    """Share of the lips' speed that is faster than speech, 0 to 1."""
    clipping: float | None
    """Share of the sound's samples that are cut off at full scale."""
    silence: float
    """Share of the line in which nothing is said."""
    confidence: float
    """Mean probability of the likeliest phone while something is said."""
    notes: tuple[str, ...]
    """What lowered the score, in words, the weightiest first."""


@dataclasses.dataclass(frozen=True)
class Heard:
    """The phone head's answer for a line."""

    phones: tuple[str, ...]
    probabilities: FloatArray
    """Shape (T, P), rows sum to 1."""
    frame_rate: float

    def total(self, names: Sequence[str]) -> FloatArray:
        """Probability that one of some phones is said, shape (T,)."""
        columns = [i for i, name in enumerate(self.phones) if name in names]
        out: FloatArray = self.probabilities[:, columns].sum(axis=1)
        return out


def rate(track: CurveTrack, heard: Heard, clipping: float | None) -> Quality:
    """Measure a finished line.

    Args:
        track: Finished curves at any frame rate.
        heard: The phones of the same sound, frame 0 at the same moment.
        clipping: From ``ClipMeter``; None where it was not measured.
    """
    opening = lip_opening(track).astype(np.float64)
    times = np.arange(len(opening)) / track.fps
    silent = _at(times, heard.total([SILENCE]), heard.frame_rate) > SILENT
    closed = _closures(opening, ~silent, track.fps, heard)
    speaking = heard.total([SILENCE]) <= SILENT
    certainty = heard.probabilities.max(axis=1)
    measures = Quality(
        score=100.0,
        closure=float(np.mean(closed)) if closed else None,
        closures=len(closed),
        lag_s=_lag(opening, times, track.fps, heard),
        jitter=_jitter(track),
        clipping=clipping,
        silence=float(silent.mean()),
        confidence=float(certainty[speaking].mean()) if speaking.any() else 0.0,
        notes=(),
    )
    penalties = sorted(_penalties(measures), reverse=True)
    return dataclasses.replace(
        measures,
        score=max(0.0, 100.0 - sum(points for points, _ in penalties)),
        notes=tuple(note for _, note in penalties),
    )


def spark(track: CurveTrack) -> tuple[int, ...]:
    """The opening of the lips over the line in at most 60 points of 0 to 99, for a small plot.

    Each point alternates between the least and the most of its piece, so that closures stay to be
    seen in a long line.
    """
    opening = lip_opening(track)
    pieces = np.array_split(opening, min(SPARK_POINTS, len(opening)))
    points = np.array([p.max() if i % 2 else p.min() for i, p in enumerate(pieces)])
    top = max(float(points.max()), 0.1)
    return tuple(int(value) for value in np.clip(points / top * 99, 0, 99))


class ClipMeter:
    """Share of samples cut off at full scale, of a sound that comes in blocks."""

    def __init__(self) -> None:
        self._clipped = self._total = 0

    def push(self, block: FloatArray) -> None:
        """Give some samples, shape (frames, channels)."""
        loud = np.abs(block) >= FULL_SCALE
        self._total += loud.size
        if not loud.any():
            return
        run = loud[CLIP_RUN - 1 :].copy()
        for shift in range(CLIP_RUN - 1):
            run &= loud[shift : len(loud) - CLIP_RUN + 1 + shift]
        self._clipped += int(run.sum())

    def share(self) -> float:
        """Clipped samples over all."""
        return self._clipped / self._total if self._total else 0.0


def _penalties(found: Quality) -> list[tuple[float, str]]:
    """Points off 100 and why. A line loses most for open lips at m, b, p and for unheard speech."""
    points: list[tuple[float, str]] = []

    def charge(amount: float, note: str) -> None:
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
        charge(30 * min(1, over / 0.4), f"tremble ({found.jitter:.0%} fast)")
    if found.clipping is not None:
        over = found.clipping - FREE_CLIPPING
        charge(5 + 20 * min(1, over / 0.05) if over > 0 else 0, "sound is clipped")
    if found.silence >= NOTHING_SAID:
        charge(80, "no speech heard")
        return points
    over = found.silence - FREE_SILENCE
    charge(40 * over / (1 - FREE_SILENCE), f"{found.silence:.0%} of the line is silent")
    under = FREE_CONFIDENCE - found.confidence
    charge(60 * under / FREE_CONFIDENCE, f"speech hard to hear ({found.confidence:.0%} sure)")
    return points


def _closures(opening: DoubleArray, speech: BoolArray, fps: float, heard: Heard) -> list[bool]:
    """For each heard m, b, p, whether the lips meet."""
    probability = heard.total(BILABIALS)
    candidates = [
        (first, stop)
        for first, stop in _runs(probability >= HELD)
        if probability[first:stop].max() >= CANDIDATE
    ]
    wide = float(np.percentile(opening[speech], 90)) if speech.any() else 0.0
    closed = []
    for first, stop in candidates:
        low = int(np.ceil((first / heard.frame_rate - CLOSURE_MARGIN_S) * fps - 1e-6))
        high = int(np.floor(((stop - 1) / heard.frame_rate + CLOSURE_MARGIN_S) * fps + 1e-6))
        if high < low:  # at 12 fps a short one lies between two frames
            low = high = round((first + stop - 1) / 2 / heard.frame_rate * fps)
        inside = opening[max(0, low) : max(0, high) + 1]
        if len(inside):
            closed.append(wide > 0 and bool(inside.min() < CLOSED_FRACTION * wide))
    return closed


def _lag(opening: DoubleArray, times: DoubleArray, fps: float, heard: Heard) -> float | None:
    """The shift at which the lips follow what is heard best; None where nothing is said or moves.

    Expected is 1 in open vowels, 0 in m, b, p and silence, 0.35 elsewhere, by probability.
    """
    vowels, closed = heard.total(OPEN_VOWELS), heard.total([*BILABIALS, SILENCE])
    expected = vowels + EXPECTED_ELSEWHERE * np.maximum(0, 1 - vowels - closed)
    leader = _at(times, expected.astype(np.float32), heard.frame_rate)
    reach = min(round(MAX_LAG_S * fps), len(leader) // 4)
    if leader.std() < 0.05 or opening.std() < 1e-3 or reach < 1:
        return None
    a, b = opening - opening.mean(), leader - leader.mean()
    shifts = sorted(range(-reach, reach + 1), key=abs)
    scores = [
        float(a[max(0, s) : len(a) + min(0, s)] @ b[max(0, -s) : len(b) + min(0, -s)])
        for s in shifts
    ]
    best = int(np.argmax(scores))
    return shifts[best] / fps if scores[best] > 0 else None


def _jitter(track: CurveTrack) -> float | None:
    """Share of the mouth's frame-to-frame speed, as amplitude, above 12 Hz.

    None up to 24 fps, which show nothing so fast, and for less than five frames.
    """
    columns = [i for i, name in enumerate(track.channels) if name.startswith(("jaw", "mouth"))]
    speed = np.diff(track.values[:, columns], axis=0)
    if len(speed) < 4 or track.fps <= 2 * SPEECH_TOP_HZ:
        return None
    if np.abs(speed).mean() * track.fps < STILL_SPEED:
        return 0.0
    window = np.hanning(len(speed) + 2)[1:-1, None]
    power = np.abs(np.fft.rfft(speed * window, axis=0)) ** 2
    total = float(power.sum())
    fast = np.fft.rfftfreq(len(speed), 1 / track.fps) > SPEECH_TOP_HZ
    return float(np.sqrt(power[fast].sum() / total)) if total > 1e-12 else 0.0


def _at(times: DoubleArray, values: FloatArray, frame_rate: float) -> DoubleArray:
    """A series of model frames at other times, joined by straight lines."""
    return np.interp(times, np.arange(len(values)) / frame_rate, values.astype(np.float64))


def _runs(mask: BoolArray) -> list[tuple[int, int]]:
    """First and one-past-last of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
