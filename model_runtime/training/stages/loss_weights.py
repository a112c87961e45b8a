"""Hold the tuned numbers of the generator's losses: ``[loss]`` and ``[loss.focus]``. No torch."""

from __future__ import annotations

import dataclasses
from typing import Any

CHANNEL_FLOOR = 0.04
"""Standard deviation under which a channel's error is not scaled up any further."""


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
    lip_amplitude: float = 1.0
    """Weight of gap and width in ``amplitude``, beside the mean of all channels."""
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
