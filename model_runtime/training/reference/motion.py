"""Make reference motion: a whole moving face for speech that was never filmed. Torch, batched.

A clip's *script* (``Script``) holds what audio and text fix: the mouth of its phones, closures,
prosody. ``act`` turns scripts into faces under given emotion and style: the emotion's pose rises
and falls with prosody, brows move with emphasis and pitch, and speech keeps the lip shapes it needs
(``expression_blending``). Emotion counts frame by frame, so that its weights may vary over time.

Axes: B clips, T frames (50 Hz), C channels (the reference rig's), E emotions, S style.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from typing import Any

import torch
from torch import Tensor

from ...choices import EMOTIONS
from .expression_blending import Demands, blend_expression, rounding_of
from .lips import close_lips, column, columns, tuck_lip
from .rig import expressions_file, reference_rig

BASE_LEVEL, ACTIVITY_LEVEL, EMPHASIS_LEVEL = 0.58, 0.24, 0.30
"""Level of an expression, share of full strength: always, more while speaking, most on emphasis.
Onset and release of a whole line come from the emotion weights, not from here."""
LEVEL_RANGE = (0.3, 1.3)
STYLE_LEVEL = 0.08
"""Change of an expression's level for one standard deviation of style, share of full strength."""
STYLE_SKEW = 0.07
"""Left-right asymmetry of expressions for one standard deviation of style."""
STYLE_BATON = 0.45
"""Change of the brows' emphasis movement for one standard deviation of style."""
EYES_EXPONENT, MOUTH_EXPONENT = 0.85, 1.2
"""Exponents of an emotion's weight: a weak emotion shows round the eyes first, a strong one takes
the mouth too. Both change nothing at weight 1. At weight 0.3 the upper face has 0.36 of its pose
and the mouth 0.24; judged on sheets of the prototypes at 0.3 and 1."""
EMPHASIS_OPENING = 0.3
"""Share by which speech opens further for each unit of emphasis above ``USUAL_EMPHASIS``."""
USUAL_EMPHASIS = 0.35
EFFORT_RANGE = (0.8, 1.35)
BATON_KNEE = 0.2
"""Emphasis from which neutral brows rise: between stresses they rest."""
JAW_KNEE, JAW_LIMIT = 0.55, 0.9
"""jawOpen from which further opening is compressed, and its largest value. Loud vowels of strong
emotions otherwise reached 0.97 for a few frames: 8 rectangular pulses a minute in anger."""
CEILING = 0.97
"""Largest value of a label: headroom, so that the network need not overshoot 1."""
NEUTRAL_KEPT = 0.4
"""Share of the neutral face's brow movement that stays under a full emotion."""
OPENERS = ("jawOpen", "mouthLowerDown", "mouthUpperUp")
"""Controls that scale fully with articulation; the others by ``SHAPE_SHARE`` of it."""
SHAPE_SHARE = 0.35
UNSCALED = ("tongueOut", "mouthRollLower", "mouthRollUpper", "mouthClose", "cheekPuff")
"""Contacts: more effort does not roll the lip or show the tongue further."""
CO_MOVEMENT = (
    # (follower, leader, share). Slopes on livelink_rom (captures' report): 0.19, 0.85, 0.74. Those
    # takes are extremes of single muscles, so the last two are halved for speech.
    ("cheekSquint", "mouthSmile", 0.19),
    ("eyeSquint", "cheekSquint", 0.42),
    ("noseSneer", "mouthUpperUp", 0.37),
)
CO_MOVEMENT_KNEE = 0.12
"""Leader values over which followers start to move: the small smile and lifted upper lip of plain
speech leave cheeks and nose alone, as on film. The bend also makes co-movement non-linear."""


@dataclasses.dataclass(frozen=True)
class Script:
    """Values that a clip fixes before acting; leading axes free, here (B, T)."""

    mouth: Tensor
    """Speech curves, shape (B, T, C): mouth, jaw and tongue; upper face where captured, else 0."""
    closure: Tensor
    """Lips must meet, 0 to 1, shape (B, T)."""
    tuck: Tensor
    """Labiodental contact: lower lip at the upper teeth, 0 to 1, shape (B, T)."""
    activity: Tensor
    """Speaking, 0 to 1, shape (B, T)."""
    emphasis: Tensor
    """Emphasis of the voice, 0 to about 1.3, shape (B, T)."""
    pitch: Tensor
    """Smooth pitch in standard deviations, shape (B, T)."""


@dataclasses.dataclass(frozen=True)
class _Prototypes:
    pose: Tensor  # (E, C)
    baton: Tensor  # (E, C)
    pause: Tensor  # (E, C), added while nothing is said
    lower: Tensor  # (C,) 1 in the jaw and the mouth
    articulation: Tensor  # (E,), 1 changes nothing
    neutral_baton: Tensor  # (C,)
    neutral_pitch: Tensor
    neutral_fall: Tensor
    neutral_drift: Tensor
    scaling: Tensor  # (C,) share of the articulation factor that a channel takes
    side: Tensor  # (C,) +1 left, -1 right, 0 centre


def act(script: Script, emotion: Tensor, style: Tensor) -> Tensor:
    """Return the curves of a whole face.

    Args:
        script: The clips.
        emotion: Weights, shape (B, T, E), free to vary over time; the neutral column is ignored.
        style: Smooth noise of unit variance, shape (B, T, S), S at least 4.

    Returns:
        Shape (B, T, C), within [0, 1]. Speech with brow, lid and small smile movement where all
        emotion weights are 0.
    """
    table = _prototypes()
    emotion = emotion.clone()
    # Neutral is the absence of the others; its weight would count as strength.
    emotion[..., 0] = 0
    total = emotion.sum(-1, keepdim=True)
    neutral_share = 1 - (1 - NEUTRAL_KEPT) * total.clamp(0, 1)
    expression = _expression(script, emotion, style, table)
    expression = expression + _neutral_face(script, style, table) * neutral_share
    speech = script.mouth * _effort(script, emotion, table)
    demands = Demands(rounding_of(script.mouth), script.closure, script.tuck)
    curves = _follow(_soften(blend_expression(speech, expression, demands)).clamp(0, CEILING))
    # Contacts last: whatever came after could open them again.
    curves = tuck_lip(curves, script.tuck)
    return close_lips(curves, script.closure).clamp(0, 1)


def prototype_poses() -> Tensor:
    """Return the poses of the emotions at full strength, shape (E, C); neutral is 0."""
    return _prototypes().pose


def _expression(script: Script, emotion: Tensor, style: Tensor, table: _Prototypes) -> Tensor:
    """Return the pose of the emotions (B, T, C), with what emphasis and pauses change of it."""
    silent = 1 - script.activity

    def shown(weights: Tensor) -> Tensor:
        pose = weights @ table.pose + (weights @ table.pause) * silent[..., None]
        held = pose.clamp(min=0) * _level(script, style)[..., None]
        return held + (weights @ table.baton) * script.emphasis[..., None]

    eyes, mouth = shown(emotion.pow(EYES_EXPONENT)), shown(emotion.pow(MOUTH_EXPONENT))
    skew = 1 + STYLE_SKEW * style[..., 2:3] * table.side
    return (eyes + table.lower * (mouth - eyes)) * skew


def _effort(script: Script, emotion: Tensor, table: _Prototypes) -> Tensor:
    """Return the factor (B, T, C) of speech: emotion and emphasis open further."""
    louder = 1 + EMPHASIS_OPENING * (script.emphasis - USUAL_EMPHASIS) * script.activity
    felt = 1 + emotion @ (table.articulation - 1)
    factor = (louder.clamp(*EFFORT_RANGE) * felt)[..., None]
    # Channels outside of speech keep a factor of 1.
    return 1 + (factor - 1) * table.scaling


def _level(script: Script, style: Tensor) -> Tensor:
    lifted = BASE_LEVEL + ACTIVITY_LEVEL * script.activity + EMPHASIS_LEVEL * script.emphasis
    return (lifted + STYLE_LEVEL * style[..., 0]).clamp(*LEVEL_RANGE)


def _neutral_face(script: Script, style: Tensor, table: _Prototypes) -> Tensor:
    rise, fall = script.pitch.clamp(min=0), (-script.pitch).clamp(min=0)
    # Bounded: style is noise, and a negative factor would turn the beats around.
    varied = (1 + STYLE_BATON * style[..., 1:2]).clamp(0.2, 2.0)
    stressed = (script.emphasis - BATON_KNEE).clamp(min=0)[..., None]
    face = stressed * table.neutral_baton * varied
    face = face + rise[..., None] * table.neutral_pitch * script.activity[..., None]
    face = face + fall[..., None] * table.neutral_fall * script.activity[..., None]
    # Drift of opposite channels takes turns: brows raised in one half of the noise, lowered else.
    drift = torch.stack([style[..., 3].clamp(min=0), (-style[..., 3]).clamp(min=0)], -1)
    down = torch.zeros_like(table.neutral_drift)
    down[columns(("browDownLeft", "browDownRight", "eyeSquintLeft", "eyeSquintRight"))] = 1
    return face + table.neutral_drift * ((1 - down) * drift[..., :1] + down * drift[..., 1:])


def _soften(curves: Tensor) -> Tensor:
    """Return curves whose jaw approaches ``JAW_LIMIT`` smoothly above ``JAW_KNEE``."""
    out, room = curves.clone(), JAW_LIMIT - JAW_KNEE
    jaw = out[..., column("jawOpen")]
    bent = JAW_KNEE + room * torch.tanh((jaw - JAW_KNEE) / room)
    out[..., column("jawOpen")] = torch.where(jaw > JAW_KNEE, bent, jaw)
    return out


def _follow(curves: Tensor) -> Tensor:
    out = curves.clone()
    # In this order: the cheek follows the smile, then the eye follows the cheek.
    for follower, leader, share in CO_MOVEMENT:
        for side in ("Left", "Right"):
            pulled = share * (out[..., column(leader + side)] - CO_MOVEMENT_KNEE).clamp(min=0)
            place = column(follower + side)
            # Towards 1, so that a channel that is raised already is not pushed past its end.
            out[..., place] = (out[..., place] + pulled * (1 - out[..., place])).clamp(max=1)
    return out


@functools.cache
def _prototypes() -> _Prototypes:
    data: dict[str, Any] = json.loads(expressions_file().read_text(encoding="utf-8"))
    rig = reference_rig()
    width = len(rig.channels)

    def vector(values: dict[str, float]) -> Tensor:
        out = torch.zeros(width)
        for name, value in values.items():
            out[column(name)] = value
        return out

    nothing: dict[str, Any] = {"pose": {}, "baton": {}, "pause": {}, "articulation": 1.0}
    rows = [data["emotions"].get(name, nothing) for name in EMOTIONS]
    # True minus False: 1 for left, -1 for right, 0 for neither.
    sides = [c.name.endswith("Left") - c.name.endswith("Right") for c in rig.channels]
    return _Prototypes(
        pose=torch.stack([vector(row["pose"]) for row in rows]),
        baton=torch.stack([vector(row["baton"]) for row in rows]),
        pause=torch.stack([vector(row["pause"]) for row in rows]),
        lower=torch.tensor([float(c.region in ("jaw", "mouth")) for c in rig.channels]),
        articulation=torch.tensor([float(row["articulation"]) for row in rows]),
        neutral_baton=vector(data["neutral_baton"]),
        neutral_pitch=vector(data["neutral_pitch"]),
        neutral_fall=vector(data["neutral_fall"]),
        neutral_drift=vector(data["neutral_drift"]),
        scaling=torch.tensor([_scaling(c.name, c.region) for c in rig.channels]),
        side=torch.tensor([float(side) for side in sides]),
    )


def _scaling(name: str, region: str) -> float:
    if region not in ("jaw", "mouth") or name in UNSCALED:
        return 0.0
    return 1.0 if name.startswith(OPENERS) else SHAPE_SHARE
