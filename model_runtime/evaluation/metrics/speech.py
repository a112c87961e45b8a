"""Measure lips from phone times and mesh curves. numpy only; every function is pure.

The definitions are those of ``shared/docs/data.md``, section *Evaluation*, unless a docstring says
otherwise. Gaps are divided by the clip's own reference, so that a quiet actor is not punished:
reference = 90th percentile of the gap over the clip's speech.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np

from ...arrays import BoolArray, DoubleArray, IntArray

BILABIALS = frozenset(["m", "b", "p"])
# /hh/ and /y/ are lingual here: nothing in them asks for closed lips.
LINGUALS = frozenset(["t", "d", "n", "s", "z", "k", "g", "ng", "l", "th", "dh", "hh", "y"])
OPEN_VOWELS = frozenset(["aa", "ae", "ah", "ao", "aw", "ay", "eh", "ey", "ow"])
SPREAD = frozenset(["iy", "ih", "ey", "eh"])
"""Vowels that widen the lips. /s z/ take the width of their neighbours and are left out."""
ROUNDED = frozenset(["uw", "uh", "ow", "w"])
"""Phones that narrow the lips. American /ao/ is hardly rounded and /oy/ ends spread: left out."""

CLOSED_FRACTION = 0.15  # of the reference: an m/b/p under it is closed (data.md)
CLOSURE_MARGIN_S = 0.020  # how far beyond an m/b/p, f or v the contact may lie (data.md)
MISTAKE_FRACTION = 0.10  # of the reference: a lingual that never rises above it closed (data.md)
LINGUAL_MINIMUM_S = 0.040  # shorter linguals are passed over (data.md)
VOWEL_MINIMUM_S = 0.050  # shorter vowels are passed over (data.md)
EXPECTED_ELSEWHERE = 0.35  # openness expected of other phones (data.md)
EXPECTED_WINDOW_S = 0.080  # Hann window that smooths the expected openness (data.md)
MAXIMUM_LAG_S = 0.200  # lags searched on either side (data.md)


class TimedPhone(Protocol):
    """Anything with a lower-case ARPABET phone and its times; ``sil`` is silence."""

    @property
    def phone(self) -> str:
        """Name of the phone."""
        ...

    @property
    def start_s(self) -> float:
        """Start, seconds of the clip."""
        ...

    @property
    def end_s(self) -> float:
        """End, seconds of the clip."""
        ...


@dataclasses.dataclass(frozen=True)
class LipCurves:
    """Lip measures of one clip on a mesh, one value a frame; frame i is at i / fps seconds."""

    fps: float
    gap: DoubleArray
    """Height between the middles of the inner lips, in mesh units; shape (frames,)."""
    width: DoubleArray
    """Distance between the mouth corners, 1 at rest; shape (frames,)."""
    teeth_gap: DoubleArray
    """How far the lower lip hangs under the edge of the upper teeth, in mesh units; (frames,)."""
    protrusion: DoubleArray
    """How far the middles of the lips stand before their rest, in mesh units; shape (frames,)."""


def frames_of(phone: TimedPhone, *, fps: float, frames: int, margin_s: float = 0.0) -> IntArray:
    """Return frames within a phone with a margin on both sides; one at least.

    The frame nearest to the phone's middle stands in when none lies within. Frames beyond the ends
    of the clip are left out; the answer is empty where the whole phone lies beyond.

    Args:
        phone: The phone.
        fps: Frames a second.
        frames: Number of frames of the clip.
        margin_s: Seconds added on both sides; negative takes away.
    """
    # +- 1e-6: products of times and rates miss whole frames by rounding.
    first = int(np.ceil((phone.start_s - margin_s) * fps - 1e-6))
    last = int(np.floor((phone.end_s + margin_s) * fps + 1e-6))
    if last < first:
        # A phone shorter than a frame still has a frame.
        first = last = round((phone.start_s + phone.end_s) / 2 * fps)
    # Empty where the phone lies beyond the curves.
    return np.arange(max(0, first), min(frames - 1, last) + 1)


def speech_mask(phones: Iterable[TimedPhone], *, fps: float, frames: int) -> BoolArray:
    """Return which frames lie in any phone but silence, shape (frames,).

    Args:
        phones: Of the clip.
        fps: Frames a second.
        frames: Number of frames of the clip.
    """
    mask = np.zeros(frames, bool)
    for phone in phones:
        if phone.phone != "sil":
            mask[frames_of(phone, fps=fps, frames=frames)] = True
    return mask


def gap_reference(lips: LipCurves, phones: Sequence[TimedPhone]) -> float:
    """Return the 90th percentile of the gap over the clip's speech; NaN where nothing opens.

    A face that never opens has no reference: its closures would be worth nothing.

    Args:
        lips: Of the clip.
        phones: Of the clip.
    """
    mask = speech_mask(phones, fps=lips.fps, frames=len(lips.gap))
    if not mask.any():
        return float("nan")
    reference = float(np.percentile(lips.gap[mask], 90))
    # Not positive: an overlap of the lips at rest is no opening.
    return reference if reference > 0 else float("nan")


def bilabial_minima(lips: LipCurves, phones: Sequence[TimedPhone]) -> DoubleArray:
    """Return the smallest gap of each m/b/p within +-20 ms, over the reference.

    A clip whose face never opens yields infinity, so that a frozen mouth scores no closure.

    Args:
        lips: Of the clip.
        phones: Of the clip.
    """
    return _gap_extremes(lips, phones, BILABIALS, margin_s=CLOSURE_MARGIN_S, smallest=True)


def lingual_maxima(lips: LipCurves, phones: Sequence[TimedPhone]) -> DoubleArray:
    """Return the largest gap of each lingual over 40 ms, over the reference.

    Args:
        lips: Of the clip.
        phones: Of the clip.
    """
    return _gap_extremes(lips, phones, LINGUALS, minimum_s=LINGUAL_MINIMUM_S)


def open_vowel_maxima(lips: LipCurves, phones: Sequence[TimedPhone]) -> DoubleArray:
    """Return the largest gap of each open vowel over 50 ms, over the reference.

    Args:
        lips: Of the clip.
        phones: Of the clip.
    """
    return _gap_extremes(lips, phones, OPEN_VOWELS, minimum_s=VOWEL_MINIMUM_S)


def closure_rate(minima: DoubleArray) -> float:
    """Return the share of m/b/p with a gap under 15 % of the reference; NaN for none."""
    return float(np.mean(minima < CLOSED_FRACTION)) if len(minima) else float("nan")


def mistake_rate(maxima: DoubleArray) -> float:
    """Return the share of linguals with a gap under 10 % of the reference; NaN for none."""
    return float(np.mean(maxima < MISTAKE_FRACTION)) if len(maxima) else float("nan")


def auc(high: DoubleArray, low: DoubleArray) -> float:
    """Return the chance that a value of ``high`` is over one of ``low``; NaN for none.

    The area under the ROC curve (Mann-Whitney U over the number of pairs).

    Args:
        high: Values that should be high, shape (n,).
        low: Values that should be low, shape (m,); ties count half.
    """
    if not (len(high) and len(low)):
        return float("nan")
    # Sorted once: all pairs in n log n instead of n m.
    ordered = np.sort(low)
    # left and right differ by the ties, which count half.
    below = np.searchsorted(ordered, high, side="left")
    not_above = np.searchsorted(ordered, high, side="right")
    return float((below + not_above).sum() / (2 * len(high) * len(low)))


def phone_widths(
    lips: LipCurves, phones: Sequence[TimedPhone], which: frozenset[str]
) -> DoubleArray:
    """Return the mean width over the middle half of each chosen phone over 50 ms.

    Our own definition (data.md gives none): the ends of a phone belong half to its neighbours.

    Args:
        lips: Of the clip.
        phones: Of the clip.
        which: Phones to choose.
    """
    return _middle_means(lips.width, lips.fps, phones, which)


def expected_openness(phones: Iterable[TimedPhone], *, fps: float, frames: int) -> DoubleArray:
    """Return the openness that phones ask for, shape (frames,), 0 where no phone is.

    Smoothed by a Hann window of 80 ms; shape (frames,), 0 where no phone is.

    Args:
        phones: Of the clip.
        fps: Frames a second.
        frames: Number of frames of the clip.
    """
    values = np.zeros(frames)
    for phone in phones:
        if phone.phone in BILABIALS or phone.phone == "sil":
            level = 0.0
        else:
            level = 1.0 if phone.phone in OPEN_VOWELS else EXPECTED_ELSEWHERE
        first, last = round(phone.start_s * fps), round(phone.end_s * fps)
        values[first:last] = level
    # + 2 and [1:-1]: numpy's window ends in zeros that would not count.
    window = np.hanning(round(EXPECTED_WINDOW_S * fps) + 2)[1:-1]
    return np.convolve(values, window / window.sum(), mode="same")[:frames]


def correlation(a: DoubleArray, b: DoubleArray) -> float:
    """Return Pearson's r of two series; 0 where one of them does not move.

    Args:
        a: Shape (n,).
        b: Shape (n,).
    """
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a @ a) * (b @ b)))
    # Two constants: neither follows the other.
    return float(a @ b) / scale if scale > 1e-12 else 0.0


def lag_s(follower: DoubleArray, leader: DoubleArray, *, fps: float) -> float:
    """Return the seconds by which ``follower`` comes after ``leader``: the best shift.

    Searched within +-200 ms in whole frames; ties go to the smallest shift. Negative: early.

    Args:
        follower: Shape (frames,).
        leader: Shape (frames,).
        fps: Frames a second.
    """
    # At most half of the clip, so that half of it still overlaps.
    reach = min(round(MAXIMUM_LAG_S * fps), len(leader) // 2)
    # By size: argmax takes the first of equal scores, the smallest shift.
    shifts = sorted(range(-reach, reach + 1), key=abs)
    scores = [_shifted_correlation(follower, leader, shift) for shift in shifts]
    return shifts[int(np.argmax(scores))] / fps


def _shifted_correlation(follower: DoubleArray, leader: DoubleArray, shift: int) -> float:
    length = len(leader) - abs(shift)
    # One of the two starts later by the shift.
    start_follower, start_leader = max(0, shift), max(0, -shift)
    return correlation(
        follower[start_follower : start_follower + length],
        leader[start_leader : start_leader + length],
    )


def _middle_means(
    values: DoubleArray, fps: float, phones: Sequence[TimedPhone], which: frozenset[str]
) -> DoubleArray:
    means = []
    for phone in phones:
        length = phone.end_s - phone.start_s
        if phone.phone in which and length >= VOWEL_MINIMUM_S:
            # The middle half: the ends belong to the neighbours as well.
            frames = frames_of(phone, fps=fps, frames=len(values), margin_s=-length / 4)
            if len(frames):
                means.append(float(values[frames].mean()))
    return np.array(means)


def _gap_extremes(
    lips: LipCurves,
    phones: Sequence[TimedPhone],
    which: frozenset[str],
    *,
    minimum_s: float = 0.0,
    margin_s: float = 0.0,
    smallest: bool = False,
) -> DoubleArray:
    reference = gap_reference(lips, phones)
    values = []
    for phone in phones:
        if phone.phone not in which or phone.end_s - phone.start_s < minimum_s - 1e-6:
            continue
        frames = frames_of(phone, fps=lips.fps, frames=len(lips.gap), margin_s=margin_s)
        if len(frames) and not np.isnan(reference):
            gaps = lips.gap[frames] / reference
            values.append(float(gaps.min() if smallest else gaps.max()))
        elif len(frames):
            # Nothing opens: every closure would count as one, so it is taken as infinitely open.
            values.append(float("inf") if smallest else 0.0)
    return np.array(values)
