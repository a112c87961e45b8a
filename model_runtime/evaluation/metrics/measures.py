"""Define the measures of the table: key, title, bar in each split, and how a value is written.

The bars are those of ``shared/docs/face.md``, section 1; rows that it does not name keep the bar
they had, or have none.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from ...arrays import BoolArray, DoubleArray
from .intervals import bootstrap_mean, wilson


@dataclasses.dataclass(frozen=True)
class Bar:
    """A range that a value must lie in, ends included; None is no bound."""

    low: float | None = None
    high: float | None = None

    def passes(self, value: float) -> bool:
        """Return whether a value lies in the range."""
        return self.attainment(value) == 1.0

    def attainment(self, value: float) -> float:
        """Return 1 for a value that passes, and less the farther it is off, down to 0.

        Below a lower bound it is the share of the bound that is reached, above an upper bound the
        bound over the value; beside a range with two bounds it falls by 1 over the width of the
        range. NaN attains nothing.
        """
        # A figure without cases must not count as met.
        if math.isnan(value):
            return 0.0
        low, high = self.low, self.high
        off = max(
            (low - value) if low is not None else 0, (value - high) if high is not None else 0
        )
        if off <= 0:
            return 1.0
        if low is not None and high is not None:
            # Beside a range, the width of the range is the scale: 0.02 off matters where the range
            # is 0.1.
            return max(0.0, 1 - off / (high - low))
        if low is not None:
            # A share of the bound: half of the required closures is half of the way.
            return max(0.0, value / low)
        assert high is not None
        return max(0.0, high / value)

    def __str__(self) -> str:
        """Return the range as the table prints it."""
        if self.low is None:
            return f"<= {self.high:g}"
        return f">= {self.low:g}" if self.high is None else f"{self.low:g} to {self.high:g}"


@dataclasses.dataclass(frozen=True)
class Measure:
    """One row of the table."""

    key: str
    title: str
    dev: Bar | None = None
    test: Bar | None = None
    """The bar in the test split; that of ``dev`` where None."""
    scale: float = 1.0
    """Factor from the value to what is printed, for example 1000 for ms."""
    digits: int = 3

    def bar(self, split: str) -> Bar | None:
        """Return the bar of a split; None for a row that is only shown."""
        return self.test if split == "test" and self.test is not None else self.dev


@dataclasses.dataclass(frozen=True)
class Figure:
    """A measured value with its interval, the number of cases, and the worst case behind it."""

    value: float
    worst: float | None = None
    worst_name: str = ""
    count: int = 0
    """Cases behind the value; 0 where they are not counted."""
    low: float = math.nan
    high: float = math.nan
    """95 % interval; NaN where there is none."""


def share_figure(hits: BoolArray) -> Figure:
    """Return the share of hits with Wilson's interval; NaN for no cases.

    Args:
        hits: One answer a case, shape (n,).
    """
    # NaN, not 0: a share of nothing is neither good nor bad.
    if not len(hits):
        return Figure(math.nan)
    low, high = wilson(int(hits.sum()), len(hits))
    return Figure(float(hits.mean()), count=len(hits), low=low, high=high)


def mean_figure(values: DoubleArray | Sequence[float]) -> Figure:
    """Return the mean with a bootstrap interval over the values; NaN is passed over.

    Args:
        values: One value a clip or phone, shape (n,).
    """
    known = np.asarray(values, np.float64)
    known = known[np.isfinite(known)]
    if not len(known):
        return Figure(math.nan)
    low, high = bootstrap_mean(known)
    return Figure(float(known.mean()), count=len(known), low=low, high=high)


def _low(value: float) -> Bar:
    return Bar(low=value)


def _high(value: float) -> Bar:
    return Bar(high=value)


MEASURES: Final[tuple[Measure, ...]] = (
    Measure("closure", "m/b/p that close", _low(0.95)),
    Measure("closure_worst", "  worst speaker of read English", _low(0.85)),
    Measure("mistakes", "linguals that close by mistake", _high(0.05)),
    Measure("auc", "AUC open vowels over m/b/p", _low(0.99)),
    Measure("openness", "correlation with expected openness", _low(0.72)),
    # One frame at 60 fps on either side; two would be 33 ms.
    Measure("lag", "median lag, ms", Bar(-0.0201, 0.0201), scale=1000, digits=0),
    Measure("width_auc", "AUC width, spread over rounded", _low(0.88)),
    # Widths of Audio2Face-3D and of a person's take (face.md, section 4).
    Measure("width_round", "mean width (rest 1): uw ow w uh", Bar(0.85, 0.95)),
    Measure("width_r", "  r er", Bar(0.91, 0.95)),
    Measure("width_open", "  aa ae ay aw ao ah", Bar(0.93, 0.98)),
    Measure("width_spread", "  iy ey ih", Bar(1.00, 1.04)),
    Measure("width_s", "  s z", Bar(0.94, 1.00)),
    Measure("grid_s1_gap", "filmed grid_s1, held out: lip gap", _low(0.85)),
    Measure("grid_s1_width", "  mouth width", _low(0.70)),
    Measure("grid_s1_coupling", "  gap with width, ours minus film", Bar(-0.25, 0.25)),
    Measure("grid_s1_range", "  width range over film's", Bar(0.75, 1.3)),
    Measure("grid_s4_gap", "filmed grid_s4, held out: lip gap", _low(0.85)),
    Measure("grid_s4_width", "  mouth width", _low(0.62)),
    Measure("grid_s4_coupling", "  gap with width, ours minus film", Bar(-0.25, 0.25)),
    Measure("grid_s4_range", "  width range over film's", Bar(0.75, 1.3)),
    Measure("unseen_gap", "filmed talkers never trained on: lip gap", _low(0.72)),
    Measure("unseen_width", "  mouth width", _low(0.48)),
    Measure("unseen_coupling", "  gap with width, ours minus film", Bar(-0.25, 0.25)),
    Measure("unseen_range", "  width range over film's", Bar(0.75, 1.3)),
    # The labels have none (face.md, section 1).
    Measure("pulses", "rectangular pulses a minute", _high(1.0), digits=1),
    Measure("pulses_emotion", "  worst emotion", _high(1.0), digits=1),
    Measure("over_one", "frames with raw output above 1", _high(0.002), digits=4),
    Measure("speed", "99th percentile of speed over labels'", _high(1.5)),
    Measure("unrounded", "uw w ow uh sh zh ch jh not narrower than rest", _high(0.15)),
    Measure("unrounded_emotion", "  worst emotion", _high(0.30)),
    Measure("r_narrow", "r narrower than rest", _low(0.6)),
    Measure("r_narrow_emotion", "  worst emotion", _low(0.6)),
    Measure("protrusion", "protrusion of rounded phones, mesh units", _low(0.15)),
    Measure("protrusion_emotion", "  worst emotion", _low(0.15)),
    Measure("labiodental", "f/v as a labiodental", _low(0.70)),
    Measure("labiodental_emotion", "  worst emotion", _low(0.70)),
    Measure("rolled", "lower lip rolled in other phones", _high(0.08)),
    Measure("rolled_emotion", "  worst emotion", _high(0.08)),
    Measure("tongue", "th/dh with a visible tongue", _low(0.6)),
    Measure("tongue_emotion", "  worst emotion", _low(0.6)),
    Measure("readability", "nine visemes read off the mouth", _low(0.80)),
    Measure("readability_emotion", "  worst emotion", _low(0.77)),
    Measure("doubt_roll", "roll at P(f, v) .1-.2 over above .8", _high(0.5)),
    Measure("doubt_closure", "closure at P(m, b, p) .1-.2 over above .8", _high(0.5)),
    Measure("nonspeech", "no speech: lip motion over speech's, worst", _high(0.05)),
    Measure("gaze", "standard deviation of gaze", _low(0.03)),
    Measure("brows", "  of brows, neutral", _low(0.08)),
    Measure("blinks", "blinks a minute", Bar(12, 34), digits=1),
    Measure("lids", "  largest difference of the lids", _low(0.01)),
    # Medians and ranges of people who speak freely on film (face.md 3 j).
    Measure("head_yaw", "head: deviation of yaw in a clip, degrees", Bar(1.1, 8.6), digits=1),
    Measure("head_pitch", "  of pitch", Bar(1.3, 6.3), digits=1),
    Measure("head_roll", "  of roll", Bar(1.5, 7.3), digits=1),
    Measure("head_speed", "  speed, degrees a second", Bar(2, 18), digits=1),
    Measure("head_pause", "  speed in pauses over speed in speech"),
    Measure("head_voice", "  correlation of its speed with loudness"),
    Measure("onset", "expression level in the first 0.25 s", _high(0.6)),
    Measure("level_deviation", "  its standard deviation in a clip", _low(0.2)),
    Measure("mirror", "left-right correlation of the mouth"),
    Measure("phones_right", "phone head, read English: frames right", _low(0.80)),
    Measure("phones_mbp", "  F1 m/b/p", _low(0.85)),
    Measure("phones_fv", "  F1 f/v", _low(0.85)),
    Measure("phones_w", "  F1 w", _low(0.85)),
    Measure("phones_uw", "  F1 uw", _low(0.80)),
    Measure("phones_worst", "  worst reader below the mean", _high(0.08)),
    Measure("phones_children", "  children below the mean", _high(0.08)),
    Measure("phones_telephone", "  telephone band below the same clips", _high(0.08)),
    Measure("emotion_closure", "closure lost at intensity 1, worst emotion", _high(0.03)),
    Measure("emotion_025", "emotion named, intensity 0.25"),
    Measure("emotion_050", "  intensity 0.5"),
    Measure("emotion_075", "  intensity 0.75"),
    Measure("emotion_100", "  intensity 1", _low(0.90)),
    # Five sixths of the labels' 0.65.
    Measure("emotion_strength", "  share of its pose shown, weakest emotion", _low(0.55)),
    Measure("emotion_rise", "  smallest rise from step to step", _low(-0.005)),
    Measure("intensity_zero", "intensity 0 off neutral, largest", _high(0.001), digits=4),
    # Above 0 at all: every quarter step must show.
    Measure("intensity_step", "upper face: least rise, quarter step", _low(1e-9)),
    # No bar: linear rules made the reference, and a linear map explains it (face.md, section 2).
    Measure("comovement", "co-movement: distance to reference"),
    Measure("comovement_gain", "  lowered against no-correlation", _low(0.20)),
    Measure("motion_range", "motion range over reference"),
    Measure("range_change", "  against no-correlation", Bar(-0.05, 0.05)),
    Measure("jitter", "jitter: acceleration over reference", Bar(0.85, 1.15)),
    # Shown for comparison with papers; none has a bar, since definitions differ between them.
    Measure("mod", "MOD to reference, of jawOpen 1"),
    Measure("lve", "LVE to reference, mesh units^2"),
    Measure("eve", "EVE to reference, mesh units^2"),
    Measure("mve", "MVE to reference, mesh units"),
    Measure("fdd", "FDD to reference, signed (+ moves less)"),
    Measure("fdd_absolute", "FDD to reference, absolute"),
    Measure("slcc", "SLCC, speech and lip intensity"),
    Measure("slcc_difference", "  off the reference's"),
    Measure("beats", "beat consistency (SAiD)"),
    Measure("diversity", "diversity over seeds, mesh units", digits=4),
    Measure("cost", "60 s of sound, warm, this machine, s", _high(0.4)),
)

MEASURE_BY_KEY: Final = {measure.key: measure for measure in MEASURES}


def verdict(measure: Measure, figure: Figure, *, split: str = "dev") -> bool | None:
    """Return whether a figure reaches the bar; None without a bar or without a value.

    Args:
        measure: The row.
        figure: Its value.
        split: ``dev`` or ``test``.
    """
    bar = measure.bar(split)
    # Neither met nor missed.
    if bar is None or math.isnan(figure.value):
        return None
    return bar.passes(figure.value)
