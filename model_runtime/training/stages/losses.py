"""What the generator is trained to minimise.

Axes: B clips, T frames, C channels, R lip-model rigs, P phones.
"""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor
from torch.nn import functional

from ...config import GeneratorConfig
from ..data.batches import Batch
from ..preparation.items import UNKNOWN_PHONE
from ..reference.lips import TUCK_ROLL, lips_on


@dataclasses.dataclass(frozen=True)
class LossWeights:
    """Weight of each term; 0 leaves it out.

    Squared errors of curves are small numbers beside a cross-entropy: with weights near 1 the
    shared layers follow the phones, and rare channels (the lip roll of f and v) never leave their
    mean.
    """

    reconstruction: float = 40.0
    velocity: float = 300.0
    lip_gap: float = 30.0
    """Error of the lip gap in mesh space, heavier when closed (Audio2Face-3D's lip distance)."""
    lip_width: float = 80.0
    closure: float = 190.0
    """Gap beyond contact that is left where lips must meet (m, b, p) or the lower lip rise (f, v).
    """
    opening: float = 40.0
    """Gap that is missing where speech needs one."""
    tuck: float = 30.0
    """Roll that the lower lip lacks where it must lie under the teeth, or has elsewhere."""
    stillness: float = 120.0
    """Mouth velocity where nothing is said (Audio2Face-3D's volume stability)."""
    phones: float = 1.0
    correlation: float = 0.4
    """The frozen correlation module's say."""


CLOSURE_FOCUS = 1.0
"""Reconstruction of the mouth weighs so much more where lips meet: eyes catch a missed closure.

Much more, and the mouth shuts whenever in doubt: at 3, with 20 for f and v, dh opened to a fifth
and n to a third of what was wanted on the development speakers."""
TUCK_FOCUS = 3.0
"""And where the lower lip lies under the teeth: f and v are rare and quiet."""
STILL_FOCUS = 5.0
"""And where nothing is said: a mouth that answers a dropped pan looks broken."""
PHONE_WEIGHT = (
    {"sil": 0.5}
    | dict.fromkeys(("m", "b", "p"), 2.5)
    | dict.fromkeys(("f", "v"), 7.0)
    | dict.fromkeys(("n", "ng", "d", "t", "dh", "th"), 1.5)
)
"""Cross-entropy of phones the lips show weighs more, of silence less; 1 for those not named.

n, d and t are what m, b and p are taken for and weigh half way, or the balance would tip."""
CONTACT_GAP, SPEECH_GAP = 0.01, 0.07
"""Gap (of jawOpen 1) up to which lips look closed, and from which they look open.

Beyond these nothing is gained, so that the two terms weigh a missed closure against a mistaken one
where the sound leaves doubt, and the curves' own error shapes what is certain. With the weights as
they are, lips all but meet where m, b or p is likelier than one in eleven, and meet where it is
likelier than one in four."""
RAISED_GAP = 0.04
"""Gap up to which the lower lip of an f or v is near enough to the teeth: lips need not meet."""
RAISED_FOCUS = 3.0
"""A lower lip that is not raised for f or v weighs so much more than lips that do not meet."""
FELT_FOCUS = 1.0
"""A missed closure weighs so much more under full emotion: a smile must not hold the lips apart."""
OPEN_WANTED = 0.1
"""Gap of the reference from which a frame counts as open."""
CLOSED_GAP = 0.12
"""Gap (of jawOpen 1) over which the closed-lip weight falls to 1/e."""
TUCK_NEEDED = 0.75
"""Share of the reference's roll that looks tucked."""
TUCK_MISTAKEN = 0.02
"""Roll too much, a frame, beside roll lacking in a frame of f or v: half rolled where f or v is
likelier than one in fifty, for f and v are easily missed and a lip half rolled in an s or a th is
hardly seen. Without it the network rolls the lip all the time, for it costs so little."""
FILMED_FOCUS = 4.0
"""Errors of a filmed mouth weigh so much more: an hour of film stands beside twenty of rules."""
FILMED_WIDTH_FOCUS = 0.5
"""And those of its width only so much more: of three filmed people one widens an open mouth, one
narrows it and one does neither, so that two of them say little about the next."""
TUCKED = "mouthRollLower"
"""Channel that the tuck is asked of; a rig without it is not asked."""
CHANNEL_FLOOR = 0.04
"""Standard deviation under which a channel's error is not scaled up any further."""


class GeneratorLoss:
    """The terms on one batch; call gives their weighted sum and each by name."""

    def __init__(self, config: GeneratorConfig, spread: Tensor, weights: LossWeights) -> None:
        """``spread``: standard deviation of each channel over reference motion, shape (C,)."""
        scale = 1 / (spread + CHANNEL_FLOOR)
        self.channel_weight = scale.square() / scale.square().mean()
        self.channel_weight = self.channel_weight.clamp(max=4.0)
        mouth_regions = {config.regions.index(r) for r in ("jaw", "mouth") if r in config.regions}
        self.mouth = torch.tensor([float(r in mouth_regions) for r in config.region_of])
        self.phone_weight = torch.tensor([PHONE_WEIGHT.get(p, 1.0) for p in config.phones])
        self.weights = weights
        self.lips = lips_on(config.channels)
        self.roll = config.channels.index(TUCKED) if TUCKED in config.channels else None

    def __call__(
        self, curves: Tensor, phones: Tensor, batch: Batch
    ) -> tuple[Tensor, dict[str, float]]:
        """Loss of curves (B, T, C) and phone logits (B, T, P) against the batch."""
        terms = {
            "reconstruction": self._reconstruction(curves, batch),
            "velocity": self._velocity(curves, batch),
            "lip_gap": self._lip_gap(curves, batch),
            "lip_width": self._lip_width(curves, batch),
            **self._contact(curves, batch),
            "tuck": self._tuck(curves, batch),
            "stillness": self._stillness(curves, batch),
            "phones": self._phones(phones, batch.phones),
        }
        total = torch.stack(
            [getattr(self.weights, name) * term for name, term in terms.items()]
        ).sum()
        return total, {name: float(term.detach()) for name, term in terms.items()}

    def _reconstruction(self, curves: Tensor, batch: Batch) -> Tensor:
        shown = CLOSURE_FOCUS * batch.closure + TUCK_FOCUS * batch.tuck
        focus = 1 + (shown + STILL_FOCUS * batch.still)[..., None] * self.mouth
        focus = focus * _filmed_weight(batch, FILMED_FOCUS)
        return (self.channel_weight * focus * (curves - batch.curves).square()).mean()

    def _velocity(self, curves: Tensor, batch: Batch) -> Tensor:
        error = curves.diff(dim=1) - batch.curves.diff(dim=1)
        return (self.channel_weight * error.square()).mean()

    def _lip_gap(self, curves: Tensor, batch: Batch) -> Tensor:
        wanted = self.lips.gaps(batch.curves)
        closed = torch.exp(-wanted.clamp(min=0) / CLOSED_GAP)
        error = self.lips.gaps(curves).clamp(min=-0.1) - wanted.clamp(min=-0.1)
        return (_filmed_weight(batch, FILMED_FOCUS) * (1 + closed) * error.square()).mean()

    def _lip_width(self, curves: Tensor, batch: Batch) -> Tensor:
        error = self.lips.widths(curves) - self.lips.widths(batch.curves)
        return (_filmed_weight(batch, FILMED_WIDTH_FOCUS) * error.square()).mean()

    def _contact(self, curves: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Missed and mistaken closures, both for one frame of m, b, p, f or v."""
        shut = (batch.closure > 0.9).float()[..., None]
        raised = (batch.tuck > 0.9).float()[..., None] * (1 - shut)
        meeting = shut + raised
        open_ = (self.lips.gaps(batch.curves) > OPEN_WANTED).float()
        open_ = open_ * (1 - meeting) * (1 - batch.still)[..., None]
        gaps = self.lips.gaps(curves)
        count = meeting.sum() * gaps.shape[-1] + 1
        felt = batch.emotion.sum(-1, keepdim=True).clamp(max=1)
        apart = shut * (gaps - CONTACT_GAP).clamp(min=0).square()
        apart = apart + RAISED_FOCUS * raised * (gaps - RAISED_GAP).clamp(min=0).square()
        missed = (apart * (1 + FELT_FOCUS * felt)).sum() / count
        mistaken = ((SPEECH_GAP - gaps).clamp(min=0).square() * open_).sum() / count
        return {"closure": missed, "opening": mistaken}

    def _stillness(self, curves: Tensor, batch: Batch) -> Tensor:
        quiet = (batch.still[:, 1:] * batch.still[:, :-1])[..., None]
        motion = curves.diff(dim=1) - batch.curves.diff(dim=1)
        return (self.mouth * quiet * motion.square()).mean() * 10

    def _tuck(self, curves: Tensor, batch: Batch) -> Tensor:
        """Missed and mistaken roll, both for one frame of f or v."""
        under = (batch.tuck > 0.9).float()
        if self.roll is None:
            return curves.sum() * 0
        roll, wanted = curves[..., self.roll], batch.curves[..., self.roll]
        lacking = (TUCK_NEEDED * TUCK_ROLL - roll).clamp(min=0).square() * under
        mistaken = (roll - wanted).clamp(min=0).square() * (1 - under)
        return (lacking + TUCK_MISTAKEN * mistaken).sum() / (under.sum() + 1)

    def _phones(self, logits: Tensor, phones: Tensor) -> Tensor:
        if not bool((phones != UNKNOWN_PHONE).any()):
            return logits.sum() * 0  # nobody aligned these clips
        return functional.cross_entropy(
            logits.transpose(1, 2), phones, self.phone_weight, ignore_index=UNKNOWN_PHONE
        )


def _filmed_weight(batch: Batch, focus: float) -> Tensor:
    return (1 + focus * batch.filmed)[:, None, None]
