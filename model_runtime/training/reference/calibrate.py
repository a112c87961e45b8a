"""Fit the articulation model's openness and timing to filmed mouths.

Only what film measures well is fitted: jaw and lip heights, and the timing of both. Rounding,
width, tongue, chin and contacts keep their hand-set values.
"""

from __future__ import annotations

import dataclasses
import logging
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ...evaluation.metrics.speech import expected_openness
from ..corpora.held_out import TRAIN
from ..corpora.speech import read_speech_corpus
from ..preparation.filmed import FilmedClip, filmed_grid, unfilmed_clip
from ..preparation.items import CLOSURE_RAMP_S
from ..preparation.phones import known_alignments
from ..settings import Settings
from .articulation import (
    BILABIALS,
    CALIBRATED,
    FRAME_RATE,
    ArticulationModel,
    phone_envelope,
    save_articulation,
    units_of,
)
from .lips import arkit_lips, column, columns

log = logging.getLogger(__name__)

EPOCHS = 14
LEARNING_RATE = 0.02
PRIOR = {
    "targets": 3.0,
    "log_strengths": 0.15,
    "log_before_s": 0.3,
    "log_after_s": 0.3,
    "loudness_gain": 1.0,
}
"""Weight of staying near the hand-set value, against a mean squared error over 10^5 frames: phones
that GRID's 51 words lack keep their hand-set targets."""
# Beside the controls, since controls that trade against each other give the same gap.
GAP_WEIGHT = 4.0
FITTED = ("jawOpen", "mouthLowerDown", "mouthUpperUp")
"""Controls whose targets are fitted. Fitted to the two films, spread and rounded vowels of other
voices came closer together and an unseen woman's width was lost: widths differ between people.
Chin, press and roll hardly move in a landmark fit, which would pull them to 0."""
TIMED = ("jaw", "height")
"""Groups whose strengths and reaches are fitted."""
TARGET_RANGE = (0.75, 1.25)
"""Fitted targets as shares of the hand-set ones: GRID says th, w and oo in two words each, between
closed neighbours, and m before open vowels only."""
OPENNESS_WEIGHT = 0.4
"""Weight of following the openness expected of phones in read speech, beside the film: GRID's 51
words would teach that a close vowel opens as far as an open one."""
OPENNESS_CLIPS = 240


@dataclasses.dataclass(frozen=True)
class Error:
    """Hold the distance of the model from film; correlations are means over clips."""

    controls_rms: float
    gap_correlation: float
    width_correlation: float


def calibrate(settings: Settings, output: Path = CALIBRATED) -> tuple[Error, Error]:
    """Fit on the training clips of grid_s1 and grid_s4, write ``output``, report held-out errors.

    Args:
        settings: Where data and caches are.
        output: File to write.

    Returns:
        Held-out errors of the hand-set and of the calibrated model.
    """
    clips = filmed_grid(settings.data, settings.work)
    train = [clip for clip in clips if not clip.held_out]
    held_out = [clip for clip in clips if clip.held_out]
    read = read_speech(settings)
    model = ArticulationModel()
    before = measure(model, held_out)
    fit(model, train, read)
    after = measure(model, held_out)
    note = (
        f"Fitted on {len(train)} clips of grid_s1 and grid_s4; held out ({len(held_out)} clips): "
        f"hand-set {before}, calibrated {after}"
    )
    save_articulation(model, output, note)
    log.info(note)
    return before, after


def read_speech(settings: Settings) -> list[FilmedClip]:
    """Return clips of read English with phones and no film, which keep the vowels apart."""
    folder = settings.data / "speech" / "librispeech_mini"
    clips = [c for c in read_speech_corpus(folder) if c.split == TRAIN]
    aligned = known_alignments(settings.work, "librispeech_mini")
    # Short clips keep a step short.
    picked = [clip for clip in clips if clip.file in aligned and clip.duration_s < 8]
    return [unfilmed_clip(clip, aligned[clip.file].phones) for clip in picked[:OPENNESS_CLIPS]]


def fit(model: ArticulationModel, clips: Sequence[FilmedClip], read: Sequence[FilmedClip]) -> None:
    """Minimise the error over film and of the openness of read speech, with a hand-set prior.

    Args:
        model: Model to fit in place.
        clips: Filmed clips.
        read: Clips of read speech without film.
    """
    start = {name: value.detach().clone() for name, value in model.named_parameters()}
    optimiser = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, EPOCHS)
    order = list(clips)
    # A generator of its own: the order must not depend on what ran before.
    shuffle = random.Random(1)
    for epoch in range(EPOCHS):
        shuffle.shuffle(order)
        total = 0.0
        for first in range(0, len(order), 32):
            part = order[first : first + 32]
            error = torch.stack([_clip_error(model, clip) for clip in part]).mean()
            # Eight clips of read speech for 32 of film, in turn, so that all of them are heard.
            heard = [read[(first + n) % len(read)] for n in range(0, 32, 4)]
            missed = torch.stack([1 - _openness(model, clip) for clip in heard]).mean()
            # The error is a mean over clips; the prior counts against their sum.
            loss = error + OPENNESS_WEIGHT * missed + _prior(model, start) / len(order)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            # Reaches are exponents, so that a single clip could move them far.
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            # Projected after each step; Adam's own momentum is left as it is.
            _keep_in_bounds(model, start)
            total += float(error.detach()) * len(part)
            openness = float(missed.detach())
        schedule.step()
        log.info(
            "calibrate %d/%d  error %.5f  openness missed %.3f",
            epoch + 1,
            EPOCHS,
            total / len(order),
            openness,
        )


def measure(model: ArticulationModel, clips: Sequence[FilmedClip]) -> Error:
    """Return the error of the model.

    Args:
        model: The articulation model.
        clips: Filmed clips.
    """
    squares, gaps, widths = [], [], []
    with torch.no_grad():
        for clip in clips:
            controls = model.articulate(units_of(clip.phones), clip.loudness)
            squares.append((controls - _controls_of(model, clip.curves)).square().mean())
            curves = _spread(model, controls)
            gaps.append(_correlation(_gap(_shut(curves, clip)), _gap(clip.curves)))
            widths.append(_correlation(_width(curves), _width(clip.curves)))
    return Error(
        round(float(torch.stack(squares).mean().sqrt()), 4),
        round(float(torch.stack(gaps).mean()), 3),
        round(float(torch.stack(widths).mean()), 3),
    )


def _openness(model: ArticulationModel, clip: FilmedClip) -> Tensor:
    """Return the correlation of the lip gap with the openness expected from the phones."""
    gap = _gap(_shut(_spread(model, _controls(model, clip)), clip))
    wanted = expected_openness(clip.phones, fps=FRAME_RATE, frames=len(gap))
    return _correlation(gap, torch.from_numpy(wanted.astype(np.float32)))


def _controls(model: ArticulationModel, clip: FilmedClip) -> Tensor:
    start_s = torch.tensor([unit.start_s for unit in clip.units])
    end_s = torch.tensor([unit.end_s for unit in clip.units])
    controls: Tensor = model(model.index_of(clip.units), start_s, end_s, clip.loudness)
    return controls


def _clip_error(model: ArticulationModel, clip: FilmedClip) -> Tensor:
    controls = _controls(model, clip)
    curves = _spread(model, controls)
    # A target that closes the lips would pull its neighbours shut as well.
    free = 1 - _closure(clip)  # closures are made by close_lips, not by targets
    error = (controls - _controls_of(model, clip.curves)).square().mean()
    gap = (free * (_gap(curves) - _gap(clip.curves)).square()).mean()
    return error + GAP_WEIGHT * gap


def _keep_in_bounds(model: ArticulationModel, start: dict[str, Tensor]) -> None:
    """Restore what is not fitted, and keep fitted targets within their range."""
    held = [i for i, name in enumerate(model.controls) if name not in FITTED]
    groups = [i for i, name in enumerate(model.groups) if name not in TIMED]
    low, high = (share * start["targets"] for share in TARGET_RANGE)
    with torch.no_grad():
        model.targets.copy_(model.targets.clamp(min=low, max=high))
        model.targets[:, held] = start["targets"][:, held]
        model.loudness_gain.copy_(start["loudness_gain"])
        for name in ("log_strengths", "log_before_s", "log_after_s"):
            getattr(model, name)[:, groups] = start[name][:, groups]


def _prior(model: ArticulationModel, start: dict[str, Tensor]) -> Tensor:
    terms = [
        PRIOR[name] * (value - start[name]).square().sum()
        for name, value in model.named_parameters()
    ]
    return torch.stack(terms).sum()


def _spread(model: ArticulationModel, controls: Tensor) -> Tensor:
    """Return controls (T, K) on the ARKit channels (T, 52), differentiable."""
    out = controls.new_zeros(len(controls), len(arkit_lips().gap))
    for index, name in enumerate(model.controls):
        out[:, _places(name)] = controls[:, index : index + 1]
    return out


def _controls_of(model: ArticulationModel, curves: Tensor) -> Tensor:
    """Return the mean of both sides of each control, (T, 52) to (T, K)."""
    return torch.stack([curves[:, _places(name)].mean(1) for name in model.controls], 1)


def _places(name: str) -> list[int]:
    # Central channels have their own name, the others a side.
    try:
        return [column(name)]
    except ValueError:
        return columns((name + "Left", name + "Right"))


def _gap(curves: Tensor) -> Tensor:
    return arkit_lips().gaps(curves)[:, 0].clamp(min=0)


def _width(curves: Tensor) -> Tensor:
    # The first rig is the Face Cap head, on which the films were fitted.
    return arkit_lips().widths(curves)[:, 0]


def _closure(clip: FilmedClip) -> Tensor:
    return phone_envelope(clip.phones, BILABIALS, len(clip.curves), ramp_s=CLOSURE_RAMP_S)


def _shut(curves: Tensor, clip: FilmedClip) -> Tensor:
    from .lips import close_lips

    return close_lips(curves.clamp(0, 1), _closure(clip))


def _correlation(a: Tensor, b: Tensor) -> Tensor:
    # A clip without motion has no correlation; torch would give NaN, which spreads through the
    # mean.
    if a.std() < 1e-6 or b.std() < 1e-6:
        return torch.zeros(())
    return torch.corrcoef(torch.stack([a, b]))[0, 1]
