"""Define what the generator is trained to minimise.

Every term is 0 for the target curves and rises with its own kind of error. All tuned numbers are
fields of ``loss_weights``: the sections ``[loss]`` and ``[loss.focus]``.

Axes: B clips, T frames, C channels, R lip-model rigs, P phones.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ...config import GeneratorConfig
from ..data.batches import Batch
from ..preparation.items import UNKNOWN_PHONE
from ..reference.expression_blending import rounding_from
from ..reference.lips import lips_on
from ..reference.rig import reference_rig
from .loss_weights import LossFocus, LossWeights

ROLL, TONGUE = "mouthRollLower", "tongueOut"
PUCKER, FUNNEL = "mouthPucker", "mouthFunnel"
"""Channels with terms of their own; a rig without them lacks those terms."""


class GeneratorLoss:
    """Compute the terms on one batch, and their weighted sum."""

    def __init__(self, config: GeneratorConfig, spread: Tensor, weights: LossWeights) -> None:
        """Prepare the terms for a rig.

        Args:
            config: Channels, regions and phones.
            spread: Standard deviation of each channel over reference motion, shape (C,).
            weights: Weights of the terms.
        """
        focus = weights.focus
        # Errors count relative to how much a channel moves: a brow that moves little would stay at
        # its mean under an unscaled error.
        scale = 1 / (spread + focus.channel_floor)
        self.channel_weight = scale.square() / scale.square().mean()
        # Rare channels such as tongueOut have a spread near 0: without a limit they would dominate.
        self.channel_weight = self.channel_weight.clamp(max=focus.channel_limit)
        mouth_regions = {config.regions.index(r) for r in ("jaw", "mouth") if r in config.regions}
        # By name: a rig without these regions gets a mask of zeros.
        self.mouth = torch.tensor([float(r in mouth_regions) for r in config.region_of])
        by_phone = _phone_weights(focus)
        self.phone_weight = torch.tensor([by_phone.get(p, 1.0) for p in config.phones])
        self.weights, self.focus = weights, focus
        self.lips = lips_on(config.channels)
        self.roll, self.tongue, self.pucker, self.funnel = (
            config.channels.index(name) if name in config.channels else None
            for name in (ROLL, TONGUE, PUCKER, FUNNEL)
        )
        # Bounds of [0, 1] are a law of ARKit shapes; rotations and other rigs' controls may be
        # negative.
        shapes = reference_rig().channel_names
        self.bounded = torch.tensor([float(name in shapes) for name in config.channels])

    def __call__(
        self, curves: Tensor, phones: Tensor, batch: Batch
    ) -> tuple[Tensor, dict[str, float]]:
        """Return the loss and its terms by name.

        Args:
            curves: Generated curves, shape (B, T, C).
            phones: Phone logits, shape (B, T, P).
            batch: What was wanted.

        Returns:
            The weighted sum, a scalar, and each term before its weight.
        """
        terms = {
            "reconstruction": self._reconstruction(curves, batch),
            "velocity": self._velocity(curves, batch),
            "lip_gap": self._lip_gap(curves, batch),
            "lip_width": self._lip_width(curves, batch),
            "rounding": self._rounding(curves, batch),
            "spreading": self._spreading(curves, batch),
            "coupling": self._coupling(curves, batch),
            **self._contact(curves, batch),
            "tuck": self._tuck(curves, batch),
            "tongue": self._tongue(curves, batch),
            "stillness": self._stillness(curves, batch),
            "amplitude": self._amplitude(curves, batch),
            "bounds": self._bounds(curves),
            "phones": self._phones(phones, batch.phones),
        }
        # Summed by torch, not by Python's sum: one node of the graph, and the same order every
        # time.
        total = torch.stack(
            [getattr(self.weights, name) * term for name, term in terms.items()]
        ).sum()
        return total, {name: float(term.detach()) for name, term in terms.items()}

    def _reconstruction(self, curves: Tensor, batch: Batch) -> Tensor:
        # batch.closure and batch.tuck are 0 to 1 over the rise and fall of a contact, so that the
        # weight rises and falls with it.
        shown = self.focus.closure * batch.closure + self.focus.labiodental * batch.tuck
        weight = 1 + (shown + self.focus.still * batch.still)[..., None] * self.mouth
        weight = weight * _filmed_weight(batch, self.focus.filmed_reconstruction)
        return (self.channel_weight * weight * (curves - batch.curves).square()).mean()

    def _velocity(self, curves: Tensor, batch: Batch) -> Tensor:
        # Differences of frames 20 ms apart: errors of speed show as jitter before they show as
        # error.
        error = curves.diff(dim=1) - batch.curves.diff(dim=1)
        return (self.channel_weight * error.square()).mean()

    def _lip_gap(self, curves: Tensor, batch: Batch) -> Tensor:
        wanted = self.lips.gaps(batch.curves)
        # An error of the gap is seen at closed lips and hardly at an open vowel.
        closed = torch.exp(-wanted.clamp(min=0) / self.focus.closed_gap)
        # Lips pressed together have a negative gap, which nobody sees: below -.1 all counts as
        # closed.
        error = self.lips.gaps(curves).clamp(min=-0.1) - wanted.clamp(min=-0.1)
        weight = _filmed_weight(batch, self.focus.filmed_gap)
        return (weight * (1 + closed) * error.square()).mean()

    def _lip_width(self, curves: Tensor, batch: Batch) -> Tensor:
        error = self.lips.widths(curves) - self.lips.widths(batch.curves)
        return (_filmed_weight(batch, self.focus.filmed_width) * error.square()).mean()

    def _rounding(self, curves: Tensor, batch: Batch) -> Tensor:
        """Return the excess width of rounded phones, a mean over rounded frames."""
        if self.pucker is None or self.funnel is None:
            # Keeps the term in the graph with gradient 0: a constant has no backward.
            return curves.sum() * 0
        target = batch.curves
        # The demand is read from the target's own pucker and funnel: rounding in an emotion counts
        # too.
        demand = rounding_from(target[..., self.pucker], target[..., self.funnel])[..., None]
        wider = self.lips.widths(curves) - self.lips.widths(target)
        # One-sided: a mouth that is rounder than asked for costs nothing here; lip_width weighs
        # that.
        excess = (wider - self.focus.round_margin).clamp(min=0).square()
        return (demand * excess).sum() / (demand.sum() * wider.shape[-1] + 1)

    def _spreading(self, curves: Tensor, batch: Batch) -> Tensor:
        """Return the width that spread frames lack, a mean over spread frames."""
        wanted = self.lips.widths(batch.curves)
        spread = (wanted.mean(-1) > self.focus.spread_wanted) * (1 - batch.still)
        missing = wanted - self.lips.widths(curves) - self.focus.round_margin
        lacking = missing.clamp(min=0).square() * spread[..., None]
        return lacking.sum() / (spread.sum() * wanted.shape[-1] + 1)

    def _coupling(self, curves: Tensor, batch: Batch) -> Tensor:
        """Return the squared difference of the correlation of gap with width over the window."""
        made, wanted = (
            _correlation(self.lips.gaps(c), self.lips.widths(c)) for c in (curves, batch.curves)
        )
        weight = _filmed_weight(batch, self.focus.filmed_width)[:, 0]
        return (weight * (made - wanted).square()).mean()

    def _contact(self, curves: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Return missed and mistaken closures, both for one frame of m, b, p, f or v."""
        focus, gaps, wanted = self.focus, self.lips.gaps(curves), self.lips.gaps(batch.curves)
        # Above .9 is the hold of a contact; onset and release are left to the reconstruction.
        shut = (batch.closure > 0.9).float()[..., None]
        # A frame counts once: m before f is a closure, not a raised lip.
        raised = (batch.tuck > 0.9).float()[..., None] * (1 - shut)
        meeting = shut + raised
        open_ = (wanted > focus.open_wanted).float() * (1 - meeting)
        # Silence keeps the lips where they are: closed lips are right there.
        open_ = open_ * (1 - batch.still)[..., None]
        # Both terms are divided by the frames of contact, so that a mistake costs the same in
        # relation to a hit however many open vowels the batch holds.
        count = meeting.sum() * gaps.shape[-1] + 1
        felt = batch.emotion.sum(-1, keepdim=True).clamp(max=1)
        # Only as closed as the target: where a label leaves a gap, no more is asked.
        apart = shut * (gaps - wanted.clamp(min=focus.contact_gap)).clamp(min=0).square()
        too_low = (gaps - wanted.clamp(min=focus.raised_gap)).clamp(min=0).square()
        apart = apart + focus.raised * raised * too_low
        missed = (apart * (1 + focus.emotion_closure * felt)).sum() / count
        # Quadratic below speech_gap and 0 above: how far a vowel opens is left to lip_gap.
        lacking = (wanted.clamp(max=focus.speech_gap) - gaps).clamp(min=0).square()
        return {"closure": missed, "opening": (lacking * open_).sum() / count}

    def _tuck(self, curves: Tensor, batch: Batch) -> Tensor:
        """Return missed and mistaken roll, both for one frame of f or v."""
        if self.roll is None:
            return curves.sum() * 0
        # The roll is asked for in the hold alone; from onset to hold the label rises itself.
        under = (batch.tuck > 0.9).float()
        return _shown(
            curves[..., self.roll],
            batch.curves[..., self.roll],
            under,
            (self.focus.roll_needed, self.focus.roll_mistaken),
        )

    def _tongue(self, curves: Tensor, batch: Batch) -> Tensor:
        """Return a missing and a mistaken tongue, both for one frame of th or dh."""
        if self.tongue is None:
            return curves.sum() * 0
        # The target decides where the tongue must show: films leave it unobserved (wanted).
        wanted = batch.curves[..., self.tongue]
        return _shown(
            curves[..., self.tongue],
            wanted,
            (wanted > self.focus.tongue_shown).float(),
            (self.focus.tongue_needed, self.focus.tongue_mistaken),
        )

    def _stillness(self, curves: Tensor, batch: Batch) -> Tensor:
        # Both frames of a difference must be silent: at the border of a word the mouth may move.
        quiet = (batch.still[:, 1:] * batch.still[:, :-1])[..., None]
        # Against the motion of the target: emotions move the mouth in pauses too.
        motion = curves.diff(dim=1) - batch.curves.diff(dim=1)
        return (self.mouth * quiet * motion.square()).mean()

    def _amplitude(self, curves: Tensor, batch: Batch) -> Tensor:
        """Return the squared difference of standard deviations over time, of channels and lips."""
        # Over the whole window, without respect to time: a peak that comes late is an error of the
        # reconstruction alone.
        channels = (_deviation(curves) - _deviation(batch.curves)).square() * self.channel_weight
        lips = [
            (_deviation(measure(curves)) - _deviation(measure(batch.curves))).square().mean()
            for measure in (self.lips.gaps, self.lips.widths)
        ]
        return channels.mean() + self.focus.lip_amplitude * torch.stack(lips).sum()

    def _bounds(self, curves: Tensor) -> Tensor:
        margin = self.focus.bound_margin
        outside = (curves - 1 - margin).clamp(min=0) + (-margin - curves).clamp(min=0)
        return (self.bounded * outside.square()).mean()

    def _phones(self, logits: Tensor, phones: Tensor) -> Tensor:
        # cross_entropy over ignored frames alone is 0 / 0: NaN would end the training.
        if not bool((phones != UNKNOWN_PHONE).any()):
            return logits.sum() * 0  # no clip of the batch is aligned
        return functional.cross_entropy(
            logits.transpose(1, 2), phones, self.phone_weight, ignore_index=UNKNOWN_PHONE
        )


def _shown(
    values: Tensor, wanted: Tensor, needed_at: Tensor, shares: tuple[float, float]
) -> Tensor:
    """Return missing and mistaken motion of a rare channel for one frame that needs it.

    Args:
        values: Generated channel, shape (B, T).
        wanted: Its target, shape (B, T).
        needed_at: 1 in frames that need it, shape (B, T).
        shares: Share of the target that is needed, and weight of a mistake.
    """
    needed, mistaken = shares
    lacking = (needed * wanted - values).clamp(min=0).square() * needed_at
    # Excess counts outside the phones alone: in them more than the target is no fault.
    excess = (values - wanted).clamp(min=0).square() * (1 - needed_at)
    return (lacking + mistaken * excess).sum() / (needed_at.sum() + 1)


def _deviation(values: Tensor) -> Tensor:
    """Return the standard deviation over time of values (B, T, N), smooth at 0; shape (B, N)."""
    # 1e-5 under the root: the derivative of a root at 0 is infinite, and channels at rest are
    # common.
    return (values.var(1, unbiased=False) + 1e-5).sqrt()


def _correlation(a: Tensor, b: Tensor) -> Tensor:
    """Return the correlation over time of two series (B, T, R), 0 where one rests; shape (B, R)."""
    a, b = a - a.mean(1, keepdim=True), b - b.mean(1, keepdim=True)
    # 1e-7 is a thousandth of speech: a window at rest has no correlation to teach.
    spread = (a.square().mean(1) * b.square().mean(1) + 1e-7).sqrt()
    return (a * b).mean(1) / spread


# Phone errors weigh by what the face shows: lips are seen, n against d is not.
def _phone_weights(focus: LossFocus) -> dict[str, float]:
    return (
        {"sil": focus.phone_silence}
        | dict.fromkeys(("m", "b", "p"), focus.phone_bilabial)
        | dict.fromkeys(("f", "v"), focus.phone_labiodental)
        | dict.fromkeys(("n", "ng", "d", "t", "dh", "th"), focus.phone_confused)
    )


def _filmed_weight(batch: Batch, focus: float) -> Tensor:
    return (1 + focus * batch.filmed)[:, None, None]
