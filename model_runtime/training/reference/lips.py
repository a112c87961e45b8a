"""Measure lips in mesh space as linear functions of the channels, and close lips.

Shape keys are linear, so on every rig the inner lips are ``rest + a . weights`` apart.
``lip_models.json`` holds those coefficients for three public ARKit heads, measured on their meshes
(``captures.lip_models``). Losses and reference motion use all three, so that closed lips are closed
on any ARKit face and not on one alone.

Axes: B batch, T frames, C channels (the reference rig's, ARKit 52), R rigs.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from .rig import reference_rig

LIP_MODELS = Path(__file__).with_name("lip_models.json")
OVERCLOSE = 0.03
"""Gap (of jawOpen 1) the lips are pressed beyond contact, so that contact survives resampling."""
JAW_KEPT = 0.75
"""Share of the jaw opening that stays while the lips close: the jaw rises, but not fully."""
CLOSED_PUCKER = 0.12
"""mouthPucker that closed lips have beyond the phone's own: mouthClose widens the mouth of all
three heads, and lips of filmed talkers are narrower in m, b, p (.954 and .959 of rest on dev clips
of grid_s1 and grid_s4, .97 the iPhone capture) than in open vowels (.979, .964, .97)."""
TUCK_ROLL = 0.58
"""mouthRollLower of a labiodental: the lower lip meets the teeth on all three heads; middle of the
accepted range .35-.80."""
PUCKER_LOST = 0.8
"""Share of pucker and of the raised chin that gives way to labiodental contact."""
TUCK_GAP = 0.06
"""Gap left at a labiodental: the upper lip stays clear of the lower lip."""

OPENERS = (
    "mouthFunnel",
    "mouthLowerDownLeft",
    "mouthLowerDownRight",
    "mouthUpperUpLeft",
    "mouthUpperUpRight",
    "mouthShrugUpper",
    "tongueOut",
)


@dataclasses.dataclass(frozen=True)
class LipModels:
    """Hold linear lip measures of several rigs; lengths in units of the gap at jawOpen 1."""

    gap_rest: Tensor
    """Shape (R,)."""
    gap: Tensor
    """Shape (C, R)."""
    width: Tensor
    """Shape (C, R), relative to neutral width."""

    def gaps(self, curves: Tensor) -> Tensor:
        """Return the inner-lip gap beyond rest of curves (..., C), shape (..., R)."""
        return curves @ self.gap

    def widths(self, curves: Tensor) -> Tensor:
        """Return the mouth width beyond rest of curves (..., C), shape (..., R)."""
        return curves @ self.width


@functools.cache
def arkit_lips() -> LipModels:
    """Return the lip models of the three public heads."""
    data = json.loads(LIP_MODELS.read_text(encoding="utf-8"))
    # Sorted: the order of rigs decides columns of the coefficients.
    rigs = [data["rigs"][name] for name in sorted(data["rigs"])]
    return LipModels(
        gap_rest=torch.tensor([rig["gap_rest"] for rig in rigs]),
        # Contiguous, since it is multiplied in every step of the training.
        gap=torch.tensor([rig["gap"] for rig in rigs]).T.contiguous(),
        width=torch.tensor([rig["width"] for rig in rigs]).T.contiguous(),
    )


def lips_on(channels: Sequence[str]) -> LipModels:
    """Return the lip models as functions of another rig's channels, matched by name.

    Every gap and width is 0 on a rig that shares no channel with the reference rig.
    """
    # By name, since rigs order their channels differently.
    known = arkit_lips()
    gap = torch.zeros(len(channels), known.gap.shape[1])
    width = torch.zeros_like(gap)
    for place, name in enumerate(channels):
        if name in reference_rig().channel_names:
            gap[place], width[place] = known.gap[column(name)], known.width[column(name)]
    return LipModels(known.gap_rest.clone(), gap, width)


@functools.cache
def column(name: str) -> int:
    """Return the column of a channel of the reference rig."""
    return reference_rig().channel_names.index(name)


def columns(names: tuple[str, ...]) -> list[int]:
    """Return the columns of several channels of the reference rig."""
    return [column(name) for name in names]


def close_lips(curves: Tensor, closure: Tensor) -> Tensor:
    """Return curves whose lips meet where ``closure`` is 1.

    Openers fade out, the jaw rises a little, and mouthClose takes up the remaining gap of the rig
    that needs it most, so that the lips meet on every rig.

    Args:
        curves: Shape (..., T, C).
        closure: Shape (..., T), 0 to 1.

    Returns:
        A new tensor of the shape of ``curves``.
    """
    lips = arkit_lips()
    strength = closure[..., None]
    # A copy: the caller's curves stay as they are.
    out = curves.clone()
    out[..., columns(OPENERS)] *= 1 - strength
    jaw, shut = column("jawOpen"), column("mouthClose")
    out[..., jaw] *= 1 - (1 - JAW_KEPT) * closure
    pucker = column("mouthPucker")
    out[..., pucker] += CLOSED_PUCKER * closure * (1 - out[..., pucker])
    # Emptied first: what mouthClose adds is computed from the gap that the others leave.
    out[..., shut] = 0
    left = (lips.gaps(out) + OVERCLOSE) / -lips.gap[shut]
    # The rig that needs most, so that the lips meet on all; the others press a little more.
    needed = left.amax(-1).clamp(min=0) * closure
    # An own mouthClose of the curves fades, and is never added on top.
    out[..., shut] = torch.maximum(curves[..., shut] * (1 - closure), needed).clamp(max=1)
    return out


def tuck_lip(curves: Tensor, tuck: Tensor) -> Tensor:
    """Return curves whose lower lip meets the upper teeth where ``tuck`` is 1 (f and v).

    Args:
        curves: Shape (..., T, C).
        tuck: Labiodental contact, shape (..., T), 0 to 1.

    Returns:
        A new tensor of the shape of ``curves``.
    """
    lips = arkit_lips()
    out = curves.clone()
    lower = columns(("mouthLowerDownLeft", "mouthLowerDownRight", "mouthFunnel", "tongueOut"))
    out[..., lower] *= 1 - tuck[..., None]
    # Protruded lips cannot touch the teeth: "food" starts without its rounding.
    out[..., columns(("mouthPucker", "mouthShrugLower"))] *= 1 - PUCKER_LOST * tuck[..., None]
    roll, jaw, shut = column("mouthRollLower"), column("jawOpen"), column("mouthClose")
    out[..., roll] = torch.maximum(out[..., roll], TUCK_ROLL * tuck)
    out[..., jaw] *= 1 - 0.5 * tuck
    # The mean over rigs: a gap is left anyway, so that none has to be met exactly.
    left = (lips.gaps(out) - TUCK_GAP).mean(-1).clamp(min=0)
    out[..., shut] = torch.maximum(out[..., shut], left * tuck).clamp(max=1)
    return out
