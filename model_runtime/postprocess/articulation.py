"""Hold the mouth to phones that are known from a script: closures, labiodentals, rounding, tongue.

The network keeps the timing between phones, the amplitude and the emotion; where a phone demands a
contact or a shape, the curves pass into it and out again over the time that lips take. numpy only.
Values of the shapes are those of the reference motion that the network learned
(``training/reference/phone_targets.json``), so that both agree where the network is sure. Rounding
is held a little below its targets: ``commitment`` brings the mouth there, and more would narrow it
to .78 of its rest where talking people have .85 to .95.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from ..arrays import DoubleArray, FloatArray
from ..text.track import Phone

RISE_S, FALL_S = 0.07, 0.06
"""Lips close in 60 to 80 ms and part a little faster (Löfqvist and Gracco 1997)."""
LEAST_CONFIDENCE = 0.15
"""Phones that were aligned with less are left to the network: the audio wins over the script."""
# Between the two a phone counts in part, so that no word switches the mouth on and off.
ENOUGH_CONFIDENCE = 0.45
"""From here on a phone is held in full; between the two it is held in part."""
OVERCLOSE = 0.03
"""Lips are pressed this much beyond contact, so that contact survives resampling."""

OPENERS = (
    *("mouthFunnel", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft"),
    *("mouthUpperUpRight", "mouthShrugUpper", "tongueOut"),
)
WIDENERS = (
    *("mouthStretchLeft", "mouthStretchRight", "mouthDimpleLeft", "mouthDimpleRight"),
    *("mouthSmileLeft", "mouthSmileRight"),
)
WIDENERS_KEPT = 0.3
"""Share of a smile that stays in a rounded sound: a smiling mouth still rounds."""


@dataclasses.dataclass(frozen=True)
class _Shape:
    """The mouth shape that a class of phones demands."""

    phones: frozenset[str]
    floors: dict[str, float]
    """Least values of channels in the middle of the phone."""
    kept: dict[str, float]
    """Share of other channels that stays."""


ROUNDED = _Shape(
    frozenset({"uw", "uh", "w"}),
    {"mouthPucker": 0.38},
    dict.fromkeys(WIDENERS, WIDENERS_KEPT),
)
PROTRUDED = _Shape(
    frozenset({"sh", "zh", "ch", "jh", "r", "er", "ao", "ow"}),
    {"mouthPucker": 0.18, "mouthFunnel": 0.1},
    dict.fromkeys(WIDENERS, 0.5),
)
LABIODENTAL = _Shape(
    frozenset({"f", "v"}),
    {"mouthRollLower": 0.52, "mouthUpperUpLeft": 0.12, "mouthUpperUpRight": 0.12},
    {
        **{"mouthLowerDownLeft": 0.0, "mouthLowerDownRight": 0.0, "mouthFunnel": 0.0},
        **{"tongueOut": 0.0, "mouthPucker": 0.2, "mouthShrugLower": 0.4, "jawOpen": 0.5},
    },
)
DENTAL = _Shape(frozenset({"th", "dh"}), {"tongueOut": 0.34, "jawOpen": 0.1}, {})
# Later shapes act on the result of earlier ones: where they meet, contact wins over rounding.
SHAPES = (PROTRUDED, ROUNDED, DENTAL, LABIODENTAL)
BILABIALS = frozenset({"m", "b", "p"})
ROLL_CEILING = 0.2
"""Most lower-lip roll in the middle of phones that have none: f and v alone roll the lip."""
UNROLLED = frozenset(
    (
        *("aa", "ae", "ah", "ao", "eh", "er", "ih", "iy", "uh", "uw", "ow", "ey", "ay", "aw", "oy"),
        *("l", "r", "w", "y", "s", "z", "sh", "t", "d", "n", "k", "g"),
    )
)


def hold_articulation(
    values: FloatArray, channels: Sequence[str], phones: Sequence[Phone], *, frame_rate: float
) -> FloatArray:
    """Return curves in which known phones have their contacts and shapes.

    Args:
        values: Raw curves, shape (T, C), frame k at k / ``frame_rate`` s.
        channels: Names of the columns; demands on channels that are absent are dropped.
        phones: Aligned phones, in seconds of the clip.
        frame_rate: Frames a second.

    Returns:
        A new array; frames away from the demanding phones are as before, bit by bit.
    """
    out = values.astype(np.float32, copy=True)
    column = {name: i for i, name in enumerate(channels)}
    times = np.arange(len(values)) / frame_rate
    for shape in SHAPES:
        _hold(out, column, shape, _demand(times, phones, shape.phones))
    if "mouthRollLower" in column:
        # Shorter than a closure: the lip unrolls as soon as f or v ends.
        free = _demand(times, phones, UNROLLED, rise_s=0.02, fall_s=0.02)
        roll = out[:, column["mouthRollLower"]]
        capped = np.minimum(roll, ROLL_CEILING)
        out[:, column["mouthRollLower"]] = roll + free * (capped - roll)
    # Last: nothing may open the lips of a closure again.
    _close(out, column, _demand(times, phones, BILABIALS))
    return out


def certainty(phone: Phone) -> float:
    """Return how far an aligned phone is to be believed, 0 to 1."""
    if phone.confidence < LEAST_CONFIDENCE:
        return 0.0
    span = ENOUGH_CONFIDENCE - LEAST_CONFIDENCE
    # Never less than 0.4: a phone that is taken at all must be seen.
    return min(1.0, 0.4 + 0.6 * (phone.confidence - LEAST_CONFIDENCE) / span)


def _demand(
    times: DoubleArray,
    phones: Sequence[Phone],
    names: frozenset[str],
    *,
    rise_s: float = RISE_S,
    fall_s: float = FALL_S,
) -> FloatArray:
    """Return the hold of a class of phones on the mouth at each time, 0 to 1, shape (T,)."""
    demand = np.zeros(len(times), np.float32)
    for phone in phones:
        if phone.name not in names or phone.confidence < LEAST_CONFIDENCE:
            continue
        sure = certainty(phone)
        # Full from a quarter of the phone on: contact begins with the silence of a stop.
        length = phone.end_s - phone.start_s
        first, last = phone.start_s + 0.25 * length, phone.end_s - 0.25 * length
        # Only the frames that the phone reaches are touched.
        low = np.searchsorted(times, first - rise_s)
        high = np.searchsorted(times, last + fall_s, side="right")
        part = times[low:high]
        rise = np.clip((part - first + rise_s) / rise_s, 0, 1)
        fall = np.clip((last + fall_s - part) / fall_s, 0, 1)
        ramp = np.minimum(rise, fall)
        bump = sure * (0.5 - 0.5 * np.cos(np.pi * ramp))
        # The maximum, not the sum: neighbours of one class do not add up.
        np.maximum(demand[low:high], bump, out=demand[low:high], casting="same_kind")
        if not len(part) or bump.max() < sure:  # between two frames: the nearest holds the phone
            nearest = int(np.abs(times - (first + last) / 2).argmin())
            demand[nearest] = max(demand[nearest], np.float32(sure))
    return demand


def _hold(out: FloatArray, column: dict[str, int], shape: _Shape, demand: FloatArray) -> None:
    for name, kept in shape.kept.items():
        if name in column:
            out[:, column[name]] *= 1 - (1 - kept) * demand
    for name, floor in shape.floors.items():
        if name in column:
            values = out[:, column[name]]
            out[:, column[name]] = values + demand * (np.maximum(values, floor) - values)


def _close(out: FloatArray, column: dict[str, int], closure: FloatArray) -> None:
    """Let the lips meet: openers fade, the jaw rises, mouthClose takes up the rest of the gap."""
    if "jawOpen" not in column or "mouthClose" not in column:
        return
    for name in OPENERS:
        if name in column:
            out[:, column[name]] *= 1 - closure
    jaw, shut = column["jawOpen"], column["mouthClose"]
    # The jaw rises in a closure, but not shut: the lips do the rest.
    out[:, jaw] *= 1 - 0.25 * closure
    if "mouthRollLower" in column:  # pressed lips roll in a little, never as far as for f
        roll = out[:, column["mouthRollLower"]]
        out[:, column["mouthRollLower"]] = roll + closure * (np.minimum(roll, 0.15) - roll)
    needed = np.maximum(out[:, jaw] + OVERCLOSE, out[:, shut])
    # Never beyond 1, which no rig's shape goes past.
    out[:, shut] = np.minimum(out[:, shut] + closure * (needed - out[:, shut]), 1.0)
