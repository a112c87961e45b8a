"""The measures of the table: what each is called, the bar it must reach, and how it is written."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Final


@dataclasses.dataclass(frozen=True)
class Measure:
    """One row of the table."""

    key: str
    title: str
    bar: str = ""
    """The bar as people read it; empty for a row that is only shown."""
    passes: Callable[[float], bool] | None = None
    scale: float = 1.0
    """Factor from the value to what is printed, for example 1000 for ms."""
    digits: int = 3


@dataclasses.dataclass(frozen=True)
class Figure:
    """A measured value, and the worst case behind it."""

    value: float
    worst: float | None = None
    worst_name: str = ""


def at_least(bar: float) -> Callable[[float], bool]:
    """A bar from below."""
    return lambda value: value >= bar


def at_most(bar: float) -> Callable[[float], bool]:
    """A bar from above."""
    return lambda value: value <= bar


def within(low: float, high: float) -> Callable[[float], bool]:
    """A bar on both sides, ends included."""
    return lambda value: low <= value <= high


# Bars: the model's issue, section "What it must show"; that of ``rolled`` is our own.
MEASURES: Final[tuple[Measure, ...]] = (
    Measure("closure", "m/b/p that close", ">= 0.92", at_least(0.92)),
    Measure("closure_worst", "  worst test-other speaker", ">= 0.85", at_least(0.85)),
    Measure("mistakes", "linguals that close by mistake", "<= 0.05", at_most(0.05)),
    Measure("auc", "AUC open vowels over m/b/p", ">= 0.988", at_least(0.988)),
    Measure("openness", "correlation with expected openness", ">= 0.75", at_least(0.75)),
    Measure("lag", "median lag, ms", "within 20", within(-0.0201, 0.0201), scale=1000, digits=0),
    Measure("width_auc", "AUC width, spread over rounded", ">= 0.92", at_least(0.92)),
    Measure("tuck", "f/v with the lower lip tucked", ">= 0.85", at_least(0.85)),
    Measure("rolled", "  lower lip rolled in other phones", "<= 0.10", at_most(0.10)),
    Measure("grid_s1_gap", "filmed grid_s1, held out: lip gap", ">= 0.82", at_least(0.82)),
    Measure("grid_s1_width", "  mouth width", ">= 0.55", at_least(0.55)),
    Measure("grid_s1_gap_shifted", "  lip gap, film 40 ms earlier"),
    Measure("grid_s4_gap", "filmed grid_s4, held out: lip gap", ">= 0.82", at_least(0.82)),
    Measure("grid_s4_width", "  mouth width", ">= 0.55", at_least(0.55)),
    Measure("grid_s4_gap_shifted", "  lip gap, film 40 ms earlier"),
    Measure("grid_s31_gap", "filmed grid_s31, unseen: lip gap", ">= 0.80", at_least(0.80)),
    Measure("grid_s31_width", "  mouth width", ">= 0.60", at_least(0.60)),
    Measure("grid_s31_gap_shifted", "  lip gap, film 40 ms earlier"),
    Measure("nonspeech", "no speech: lip motion over speech's", "<= 0.03", at_most(0.03)),
    Measure(
        "emotion_closure", "closure lost at intensity 1, worst emotion", "<= 0.03", at_most(0.03)
    ),
    Measure("emotion_025", "emotion named, intensity 0.25"),
    Measure("emotion_050", "  intensity 0.5"),
    Measure("emotion_075", "  intensity 0.75"),
    Measure("emotion_100", "  intensity 1", ">= 0.90", at_least(0.90)),
    Measure("emotion_rise", "  smallest rise from step to step", ">= 0", at_least(-0.005)),
    Measure(
        "intensity_zero", "intensity 0 off neutral, largest", "<= 0.001", at_most(0.001), digits=4
    ),
    Measure("intensity_step", "upper face: least rise, quarter step", "> 0", lambda v: v > 0),
    Measure("comovement", "co-movement: distance to reference"),
    Measure("comovement_gain", "  lowered against no-correlation", ">= 0.20", at_least(0.20)),
    Measure("motion_range", "motion range over reference"),
    Measure("range_change", "  against no-correlation", "within 0.05", within(-0.05, 0.05)),
    Measure("jitter", "jitter: acceleration over reference", "0.85 to 1.15", within(0.85, 1.15)),
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
    Measure("cost", "60 s of sound, warm, this machine, s", "<= 0.5", at_most(0.5)),
)

MEASURE_BY_KEY: Final = {measure.key: measure for measure in MEASURES}


def verdict(measure: Measure, figure: Figure) -> bool | None:
    """Whether the figure reaches the bar; None without a bar or without a value."""
    if measure.passes is None or math.isnan(figure.value):
        return None
    return measure.passes(figure.value)
