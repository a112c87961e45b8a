"""Define what the generator is trained to minimise.

Every term is 0 for the target curves and rises with its own kind of error. All tuned numbers are
fields of ``LossWeights`` and ``LossFocus``: the sections ``[loss]`` and ``[loss.focus]``.

Axes: B clips, T frames, C channels, R lip-model rigs, P phones.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ...config import GeneratorConfig
from ..data.batches import Batch
from ..preparation.items import UNKNOWN_PHONE
from ..reference.expression_blending import rounding_from
from ..reference.lips import lips_on
from ..reference.rig import reference_rig

CHANNEL_FLOOR = 0.04
"""Standard deviation under which a channel's error is not scaled up any further."""
ROLL, TONGUE = "mouthRollLower", "tongueOut"
PUCKER, FUNNEL = "mouthPucker", "mouthFunnel"
"""Channels with terms of their own; a rig without them lacks those terms."""


@dataclasses.dataclass(frozen=True)
class LossFocus:
    """Hold where the terms weigh more, and from which value on an error counts."""

    closure: float = 1.0
    """Extra reconstruction weight of the mouth where lips meet. At 3, with 20 for f and v, the
    mouth closed in doubt: dh opened to a fifth of its target on the development speakers."""
    labiodental: float = 3.0
    """Extra reconstruction weight in f and v, which are rare and quiet."""
    still: float = 5.0
    """Extra reconstruction weight where nothing is said: a mouth must not follow noise."""
    emotion_closure: float = 1.0
    """Extra weight of a missed closure under full emotion: a smile must not hold the lips apart."""
    raised: float = 3.0
    """Weight of a lower lip that is too low in f or v, beside lips that do not meet in m, b, p."""
    filmed_gap: float = 4.0
    """Extra weight of the lip gap on film: an hour of film stands beside twenty of rules."""
    filmed_width: float = 1.0
    """Extra weight of lip width on film, lower because people differ in it: of three filmed people
    one widens an open mouth, one narrows it and one does neither."""
    filmed_reconstruction: float = 0.0
    """Extra weight of single channels on film. Landmarks show the lips; how a fit splits them into
    channels is arbitrary, and taught with weight it taught artefacts."""
    contact_gap: float = 0.01
    """Gap (of jawOpen 1) up to which lips count as closed."""
    speech_gap: float = 0.12
    """Gap that speech frames must reach at least, a third of a usual open vowel. At 0.07 the mouth
    all but closed where m, b or p had a probability of one in eleven (docs/face.md, measure g)."""
    raised_gap: float = 0.04
    """Gap up to which the lower lip of an f or v is near enough to the teeth."""
    open_wanted: float = 0.1
    """Gap of the target from which a frame counts as open."""
    closed_gap: float = 0.12
    """Gap over which the extra weight of closed lips falls to 1/e."""
    roll_needed: float = 0.85
    """Share of the target's roll that f and v must reach."""
    roll_mistaken: float = 0.25
    """Weight of excess roll in a frame beside lacking roll in a frame of f or v. The lip is half
    rolled where f or v has a probability of one in five; at 0.02 it was one in fifty, and the roll
    became a square pulse."""
    tongue_needed: float = 0.8
    """Share of the target's tongue that th and dh must reach."""
    tongue_shown: float = 0.2
    """tongueOut of the target from which the tongue must show."""
    tongue_mistaken: float = 0.2
    """As ``roll_mistaken``, for the tongue."""
    round_margin: float = 0.01
    """Width over the target's that a rounded phone may have, and that a spread one may lack."""
    spread_wanted: float = 0.015
    """Width of the target over rest from which a frame counts as spread."""
    bound_margin: float = 0.02
    """Distance outside [0, 1] that costs nothing: the output is clipped."""
    phone_silence: float = 0.5
    """Cross-entropy weight of silence; 1 for phones not named here."""
    phone_bilabial: float = 2.5
    phone_labiodental: float = 3.0
    """f and v. At 7 half of what was classified as f or v was s, t, k or hh."""
    phone_confused: float = 1.5
    """n, ng, d, t, dh and th, which m, b, p, f and v are mistaken for."""
    channel_floor: float = CHANNEL_FLOOR
    channel_limit: float = 4.0
    """Largest weight of a channel beside the mean."""


@dataclasses.dataclass(frozen=True)
class LossWeights:
    """Hold the weight of each term; 0 leaves it out.

    Squared errors of curves are small beside a cross-entropy: with weights near 1 the shared layers
    follow the phones, and rare channels (the lip roll of f and v) never leave their mean.
    """

    reconstruction: float = 40.0
    velocity: float = 300.0
    lip_gap: float = 30.0
    """Error of the lip gap in mesh space, heavier when closed (Audio2Face-3D's lip distance)."""
    lip_width: float = 80.0
    rounding: float = 120.0
    """Width beyond the target's in rounded phones, each rounded frame alike."""
    spreading: float = 60.0
    """Width that is missing where the target is wider than rest, each spread frame alike. Rounding
    alone narrows in doubt: spread vowels had .978 of rest where their labels had 1.002."""
    coupling: float = 1.0
    """Difference of the correlation of gap with width over a window, heavier on film: a mean of the
    two errors does not see that a mouth narrows whenever it opens."""
    closure: float = 190.0
    """Gap beyond contact where lips must meet (m, b, p) or the lower lip rise (f, v)."""
    opening: float = 60.0
    """Gap that is missing where speech needs one."""
    tuck: float = 15.0
    """Roll that the lower lip lacks in f and v, or has elsewhere."""
    tongue: float = 15.0
    """Tongue that is missing in th and dh, or shows elsewhere."""
    stillness: float = 1200.0
    """Mouth velocity where nothing is said (Audio2Face-3D's volume stability)."""
    amplitude: float = 40.0
    """Difference of the standard deviation over the window, of each channel and of gap and width:
    squared error alone regresses to the mean where the audio leaves doubt. A decoder on posteriors
    kept 37 % of the brows' deviation without it and 57 % at 20 (24 clips of development speakers).
    """
    bounds: float = 600.0
    """Blend shapes outside [0, 1]: clipped, they become square pulses."""
    phones: float = 1.0
    correlation: float = 0.4
    """Term of the frozen correlation module."""
    focus: LossFocus = LossFocus()

    def __post_init__(self) -> None:
        """Accept ``focus`` as the table of a settings file; unknown keys raise TypeError."""
        if isinstance(self.focus, dict):
            focus: dict[str, Any] = self.focus
            object.__setattr__(self, "focus", LossFocus(**focus))


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
        return channels.mean() + torch.stack(lips).sum()

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
    spread = (a.square().mean(1) * b.square().mean(1) + 1e-8).sqrt()
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
