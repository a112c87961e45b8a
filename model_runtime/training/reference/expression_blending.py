"""Blend the mouth of an expression with the mouth of speech. Torch, batched, no files.

Speech and expression claim the same lips. Each articulation demand (rounding, lip closure,
labiodental contact) lowers the expression channels that oppose it, frame by frame, in proportion to
the demand and to how much the channel opposes it. Demands rise and fall with the
articulation, so the blend has no steps. What widening is left in a rounded phone is taken back by
more pucker, because lip width and protrusion are what the listener sees (motor equivalence, Perkell
et al. 1993), not single muscles.

Axes: B clips, T frames (50 Hz), C channels (the reference rig's).
"""

from __future__ import annotations

import dataclasses
import functools

import torch
from torch import Tensor

from .lips import arkit_lips, column, columns
from .rig import reference_rig

ROUNDING_ONSET, ROUNDING_FULL = 0.10, 0.20
"""Pucker plus 0.6 funnel at which rounding starts and is complete. In phones that need none the sum
stays near 0.12, r has 0.18, sh, w and uw reach 0.28 (labels of 49 clips of the development
speakers). With onset 0.11 and full 0.25 half of the r under a smile were wider than rest."""
FUNNEL_SHARE = 0.6
YIELD_TO_ROUNDING = {
    "mouthSmile": 0.85,
    "mouthStretch": 0.95,
    "mouthDimple": 0.95,
    "mouthPress": 0.8,
    "mouthUpperUp": 0.5,
    "mouthLowerDown": 0.5,
    "mouthFrown": 0.4,
    "jawOpen": 0.6,
}
"""Share of an expression channel that gives way to complete rounding: what widens gives way almost
fully, what opens by half. Checked by eye on two heads, smile and anger over "oo" and "sh"."""
YIELD_TO_CLOSURE = {
    "mouthUpperUp": 0.9,
    "mouthLowerDown": 1.0,
    "mouthShrugLower": 0.6,
    "mouthStretch": 0.5,
    "mouthSmile": 0.25,
    "mouthFunnel": 1.0,
    "jawOpen": 0.8,
}
YIELD_TO_LABIODENTAL = {
    "mouthLowerDown": 1.0,
    "mouthShrugLower": 0.8,
    "mouthUpperUp": 0.3,
    "mouthStretch": 0.5,
    "mouthSmile": 0.25,
    "mouthFunnel": 1.0,
    "mouthPress": 0.7,
    "jawOpen": 0.8,
}
"""Shares that give way to lips that must meet, and to a lower lip at the upper teeth."""
BUSY_YIELD = 0.25
"""Share of an expression's mouth that gives way where the lips move most."""
COMPENSATION, COMPENSATION_LIMIT = 0.7, 0.3
"""Share of an expression's remaining widening that extra pucker takes back, and pucker at most."""


@dataclasses.dataclass(frozen=True)
class Demands:
    """Claim of each articulation on the lips, 0 to 1, shape (B, T)."""

    rounding: Tensor
    closure: Tensor
    labiodental: Tensor


def rounding_of(mouth: Tensor) -> Tensor:
    """Return how much speech curves (..., T, C) round the lips, 0 to 1, shape (..., T)."""
    return rounding_from(mouth[..., column("mouthPucker")], mouth[..., column("mouthFunnel")])


def rounding_from(pucker: Tensor, funnel: Tensor) -> Tensor:
    """Return how much pucker and funnel round the lips, 0 to 1.

    Args:
        pucker: Values of mouthPucker, any shape.
        funnel: Values of mouthFunnel, the same shape.
    """
    engaged = pucker + FUNNEL_SHARE * funnel
    share = ((engaged - ROUNDING_ONSET) / (ROUNDING_FULL - ROUNDING_ONSET)).clamp(0, 1)
    # Smoothstep: no corner where rounding sets in.
    return share.square() * (3 - 2 * share)


def blend_expression(speech: Tensor, expression: Tensor, demands: Demands) -> Tensor:
    """Return the sum of speech and the part of the expression that speech leaves room for.

    Args:
        speech: Speech curves, shape (B, T, C).
        expression: Expression to add, shape (B, T, C).
        demands: What speech needs of the lips.

    Returns:
        Shape (B, T, C), not bounded. Equal to ``speech`` where the expression is 0.
    """
    yields = _yields()
    # Busy lips leave less room for an expression, whatever the phone.
    room = 1 - BUSY_YIELD * _lip_activity(speech)[..., None] * yields.mouth
    for demand, share in (
        (demands.rounding, yields.rounding),
        (demands.closure, yields.closure),
        (demands.labiodental, yields.labiodental),
    ):
        # Products, not minima: two demands on one channel leave less than either.
        room = room * (1 - demand[..., None] * share)
    kept = expression * room
    blended = speech + kept
    lips = arkit_lips()
    # Measured on what is left of the expression, in lip width: several channels widen at once.
    widened = lips.widths(kept).mean(-1).clamp(min=0)
    # Pucker narrows, so that its width is negative.
    narrowing = -lips.width[column("mouthPucker")].mean()
    pucker = (COMPENSATION * demands.rounding * widened / narrowing).clamp(max=COMPENSATION_LIMIT)
    blended[..., column("mouthPucker")] += pucker
    return blended


@dataclasses.dataclass(frozen=True)
class _Yields:
    rounding: Tensor
    closure: Tensor
    labiodental: Tensor
    mouth: Tensor


@functools.cache
def _yields() -> _Yields:
    mouth = torch.tensor([float(c.region in ("jaw", "mouth")) for c in reference_rig().channels])
    return _Yields(
        rounding=_share_by_channel(YIELD_TO_ROUNDING),
        closure=_share_by_channel(YIELD_TO_CLOSURE),
        labiodental=_share_by_channel(YIELD_TO_LABIODENTAL),
        mouth=mouth,
    )


def _share_by_channel(shares: dict[str, float]) -> Tensor:
    names = reference_rig().channel_names
    plain = [name.removesuffix("Left").removesuffix("Right") for name in names]
    return torch.tensor([shares.get(name, 0.0) for name in plain])


def _lip_activity(speech: Tensor) -> Tensor:
    busy = columns(("jawOpen", "mouthPucker", "mouthFunnel", "mouthLowerDownLeft"))
    return (1.2 * speech[..., busy].sum(-1)).clamp(0, 1)
