"""Draw the curves of each region under the waveform, with words and phones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from model_runtime.audio import store as audio
from model_runtime.curves.rig import load_rig
from model_runtime.curves.track import CurveTrack

from .job import Job
from .words import Word

NAMED = 5  # channels of a region with a colour and a name: those that move most
WAVE_COLUMNS = 2400  # points of the waveform's outline
COLOURS = ("#e4572e", "#2e86ab", "#55a630", "#9b5de5", "#f2a541")
QUIET = "#b9bfc9"
INK = "#22262e"


def draw_diagram(job: Job, curves: CurveTrack, words: Sequence[Word]) -> None:
    """Write the diagram of a run.

    Args:
        job: The run; its audio, title and output path are used.
        curves: Generated curves.
        words: Timed words; empty for speech without them.
    """
    rig = load_rig("arkit52")
    # Regions of the rig that have channels: a rig may name empty ones.
    regions = [name for name in rig.regions if set(rig.region_columns(name))]
    # Jaw and mouth are what lip-sync is judged by, so they are taller.
    heights = [1.3, *(2.0 if name in ("jaw", "mouth") else 1.25 for name in regions)]
    figure = Figure(figsize=(16, 1.35 * sum(heights)), dpi=100, layout="constrained")
    figure.suptitle(job.title, x=0.012, ha="left", color=INK, fontsize=15)
    rows = figure.subplots(len(heights), 1, sharex=True, gridspec_kw={"height_ratios": heights})
    _draw_wave(rows[0], Path(job.audio), words)
    for axes, region in zip(rows[1:], regions, strict=True):
        # Curves may lack channels of the rig.
        names = [c.name for c in rig.channels if c.region == region and c.name in curves.channels]
        _draw_region(axes, region, names, curves, words)
    rows[0].set_xlim(0, curves.duration_s)
    rows[-1].set_xlabel("time in seconds")
    # Under another name first: a viewer that has the picture open never sees half of it.
    partial = Path(job.out_diagram).with_suffix(".partial.png")
    figure.savefig(partial, facecolor="white")
    partial.replace(job.out_diagram)


def _draw_wave(axes: Axes, path: Path, words: Sequence[Word]) -> None:
    samples, rate = audio.load_speech(path).samples, audio.SAMPLE_RATE
    per_column = max(1, len(samples) // WAVE_COLUMNS)
    # Minimum and maximum of each block: a mean would flatten the waveform.
    blocks = samples[: len(samples) // per_column * per_column].reshape(-1, per_column)
    times_s = (np.arange(len(blocks)) + 0.5) * per_column / rate
    axes.fill_between(times_s, blocks.min(1), blocks.max(1), color="#5b6778", linewidth=0)
    peak = max(float(np.abs(samples).max()), 1e-3)
    # Room above the wave for words and phones.
    axes.set_ylim(-1.1 * peak, 2.1 * peak)
    axes.set_yticks([])
    axes.set_ylabel("audio", color=INK)
    for word in words:
        axes.text(word.middle_s, 1.62 * peak, word.name, ha="center", fontsize=11, color=INK)
        for phone in word.phones:
            axes.text(
                phone.middle_s, 1.2 * peak, phone.name, ha="center", fontsize=6.5, color="#7a8494"
            )
    _mark_words(axes, words)


def _draw_region(
    axes: Axes, region: str, names: list[str], curves: CurveTrack, words: Sequence[Word]
) -> None:
    times_s = curves.times_s()
    by_motion = sorted(names, key=lambda name: -float(np.ptp(curves.column(name))))
    # Grey first, so that the named lines lie on top.
    for name in by_motion[NAMED:]:
        axes.plot(times_s, curves.column(name), color=QUIET, linewidth=0.8)
    for name, colour in zip(by_motion[:NAMED], COLOURS, strict=False):
        axes.plot(times_s, curves.column(name), color=colour, linewidth=1.5, label=name)
    values = curves.values[:, [curves.channels.index(name) for name in names]]
    # At least 0.3: noise of a still region must not look like motion.
    axes.set_ylim(min(0.0, float(values.min())) - 0.02, max(0.3, 1.06 * float(values.max())))
    axes.set_ylabel(f"{region} ({len(names)})", color=INK)
    axes.grid(axis="y", color="#eceef2")
    # Beside the plot: inside it would cover curves.
    axes.legend(loc="center left", bbox_to_anchor=(1.003, 0.5), fontsize=8.5, frameon=False)
    _mark_words(axes, words)


def _mark_words(axes: Axes, words: Sequence[Word]) -> None:
    for index, word in enumerate(words):
        # Words in two shades, under everything else.
        axes.axvspan(
            word.start_s,
            word.end_s,
            color="#f3f5f8" if index % 2 else "#e9edf3",
            linewidth=0,
            zorder=0,
        )
    axes.spines[["top", "right"]].set_visible(False)
