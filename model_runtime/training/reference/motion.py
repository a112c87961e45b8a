"""Reference motion: a whole acting face for speech that was never filmed. Torch, batched.

A clip's *script* (``Script``) holds what sound and text fix: the mouth of its phones, closures,
prosody. ``act`` turns scripts into faces under given emotion and style: prototypes of the emotion
rise and fall with prosody, brows beat with emphasis, lips keep their articulation, and lips that
must meet still meet.

Axes: B clips, T frames (50 Hz), C channels (the reference rig's), E emotions, S style.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from typing import Any

import torch
from torch import Tensor

from ...protocol import EMOTIONS
from .lips import close_lips, column, columns, tuck_lip
from .rig import expressions_file, reference_rig

# How a held expression breathes with speech: it never leaves (BASE), speaking lifts it (ACTIVITY),
# and it peaks on emphasis, the apex of an utterance. Shares of full strength, tuned by eye.
BASE_LEVEL, ACTIVITY_LEVEL, EMPHASIS_LEVEL = 0.66, 0.22, 0.24
STYLE_LEVEL = 0.08
"""How far style lifts or lowers an expression, share of full strength a standard deviation."""
STYLE_SKEW = 0.07
"""Left-right asymmetry of expressions for one standard deviation of style."""
LIP_ROOM = 0.4
"""Share of an emotion's mouth shape that gives way where the lips are busiest."""
ROUND_ROOM = 0.75
"""Share of what an emotion widens the lips by that gives way where speech rounds them most: happy
people say "oo" with round lips too."""
ROUNDEST = 0.7
"""Pucker and half the funnel of the roundest phones (uw, w)."""
WIDENING = tuple(
    f"{name}{side}"
    for name in ("mouthSmile", "mouthStretch", "mouthDimple")
    for side in ("Left", "Right")
)
CO_MOVEMENT = (
    # (follower, leader, share). Slopes on livelink_rom (captures' report): 0.19, 0.85, 0.74. Those
    # takes are extremes of single muscles, so the last two are halved for speech.
    ("cheekSquint", "mouthSmile", 0.19),
    ("eyeSquint", "cheekSquint", 0.42),
    ("noseSneer", "mouthUpperUp", 0.37),
)
MOUTH_REGIONS = ("jaw", "mouth", "tongue")


@dataclasses.dataclass(frozen=True)
class Script:
    """What a clip fixes before acting; leading axes free, here (B, T)."""

    mouth: Tensor
    """Speech curves, shape (B, T, C): mouth, jaw and tongue; upper face where captured, else 0."""
    closure: Tensor
    """Lips must meet, 0 to 1, shape (B, T)."""
    tuck: Tensor
    """Lower lip under the teeth, 0 to 1, shape (B, T)."""
    activity: Tensor
    """Speaking, 0 to 1, shape (B, T)."""
    emphasis: Tensor
    """Beats of the voice, shape (B, T)."""
    pitch: Tensor
    """Smooth pitch in standard deviations, shape (B, T)."""


@dataclasses.dataclass(frozen=True)
class _Prototypes:
    pose: Tensor  # (E, C)
    baton: Tensor  # (E, C)
    articulation: Tensor  # (E,), 1 changes nothing
    neutral_baton: Tensor  # (C,)
    neutral_pitch: Tensor
    neutral_fall: Tensor
    neutral_drift: Tensor
    mouth: Tensor  # (C,) 1 for channels of the mouth
    side: Tensor  # (C,) +1 left, -1 right, 0 centre


def act(script: Script, emotion: Tensor, style: Tensor) -> Tensor:
    """Curves of a whole face.

    Args:
        script: The clips.
        emotion: Weights, shape (B, T, E); the neutral column counts nothing.
        style: Smooth noise of unit variance, shape (B, T, S), S at least 4.

    Returns:
        Shape (B, T, C), within [0, 1]. Nothing but the speech itself and small brow, lid and smile
        movement where all emotion weights are 0.
    """
    table = _prototypes()
    emotion = emotion.clone()
    emotion[..., 0] = 0
    total = emotion.sum(-1, keepdim=True)
    level = _level(script, style)[..., None]
    held = (emotion @ table.pose) * level
    beats = (emotion @ table.baton) * script.emphasis[..., None]
    skew = 1 + STYLE_SKEW * style[..., 2:3] * table.side
    expression = (held + beats) * skew + _neutral_face(script, style, table) * (
        1 - 0.6 * total
    ).clamp(min=0)
    articulation = 1 + (emotion @ (table.articulation - 1))[..., None]
    speech = script.mouth * (1 + (articulation - 1) * table.mouth)
    lip_room = 1 - LIP_ROOM * _lip_activity(script.mouth)[..., None] * table.mouth
    expression = expression * lip_room
    expression[..., columns(WIDENING)] *= 1 - ROUND_ROOM * _roundness(script.mouth)[..., None]
    curves = (speech + expression).clamp(0, 1)
    curves = _follow(curves)
    curves = tuck_lip(curves, script.tuck)
    return close_lips(curves, script.closure).clamp(0, 1)


def _level(script: Script, style: Tensor) -> Tensor:
    lifted = BASE_LEVEL + ACTIVITY_LEVEL * script.activity + EMPHASIS_LEVEL * script.emphasis
    return (lifted + STYLE_LEVEL * style[..., 0]).clamp(0.3, 1.3)


def _neutral_face(script: Script, style: Tensor, table: _Prototypes) -> Tensor:
    rise, fall = script.pitch.clamp(min=0), (-script.pitch).clamp(min=0)
    face = script.emphasis[..., None] * table.neutral_baton * (1 + 0.3 * style[..., 1:2])
    face = face + rise[..., None] * table.neutral_pitch * script.activity[..., None]
    face = face + fall[..., None] * table.neutral_fall * script.activity[..., None]
    # Drift of opposite channels takes turns: brows raised in one half of the noise, lowered else.
    drift = torch.stack([style[..., 3].clamp(min=0), (-style[..., 3]).clamp(min=0)], -1)
    down = torch.zeros_like(table.neutral_drift)
    down[columns(("browDownLeft", "browDownRight", "eyeSquintLeft", "eyeSquintRight"))] = 1
    return face + table.neutral_drift * ((1 - down) * drift[..., :1] + down * drift[..., 1:])


def _lip_activity(mouth: Tensor) -> Tensor:
    busy = columns(("jawOpen", "mouthPucker", "mouthFunnel", "mouthLowerDownLeft"))
    return (1.2 * mouth[..., busy].sum(-1)).clamp(0, 1)


def _roundness(mouth: Tensor) -> Tensor:
    rounding = mouth[..., column("mouthPucker")] + 0.5 * mouth[..., column("mouthFunnel")]
    return (rounding / ROUNDEST).clamp(0, 1)


def _follow(curves: Tensor) -> Tensor:
    out = curves.clone()
    for follower, leader, share in CO_MOVEMENT:
        for side in ("Left", "Right"):
            pulled = share * out[..., column(leader + side)]
            place = column(follower + side)
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

    nothing: dict[str, Any] = {"pose": {}, "baton": {}, "articulation": 1.0}
    rows = [data["emotions"].get(name, nothing) for name in EMOTIONS]
    sides = [c.name.endswith("Left") - c.name.endswith("Right") for c in rig.channels]
    return _Prototypes(
        pose=torch.stack([vector(row["pose"]) for row in rows]),
        baton=torch.stack([vector(row["baton"]) for row in rows]),
        articulation=torch.tensor([float(row["articulation"]) for row in rows]),
        neutral_baton=vector(data["neutral_baton"]),
        neutral_pitch=vector(data["neutral_pitch"]),
        neutral_fall=vector(data["neutral_fall"]),
        neutral_drift=vector(data["neutral_drift"]),
        mouth=torch.tensor([float(c.region in MOUTH_REGIONS) for c in rig.channels]),
        side=torch.tensor([float(side) for side in sides]),
    )
