"""Judge the mouth of a face: does it open, do the lips meet, do they pass through each other.

Everything is measured on the evaluated mesh where its vertices can be followed, else on the sum of
the keyframes' motions.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import bpy
import numpy as np

from ...arrays import Array
from ...package import track
from ..binding import solved
from ..binding.wiring import wiring_of
from ..drive.mouth import Mouth, motion_of
from ..fitting import lips
from .evaluation import Points

OPENING = "jawOpen"
SHUT_PART = 0.25
"""A mouth that opens by less than this part of what its keyframes make is held shut by something:
modifiers that smooth or follow the skin leave more than half on the heads of the tests."""
WEAK_JAW = 0.1
"""Of the mouth's width: a jaw that opens by less at jawOpen 1 holds no usable shape. The demo head
and the three public heads open by 0.56 to 0.98."""
CROSSED = 0.1
"""Of the mouth's width: lips that overlap by more are seen to pass through each other. Pressed lips
overlap by up to 0.055 on the three public heads, for the demo line."""


@dataclasses.dataclass(frozen=True)
class MouthFindings:
    """Result of checking a mouth."""

    sentences: tuple[str, ...] = ()
    """Measurements in millimetres and counts of closures."""
    problems: tuple[str, ...] = ()
    lips_open: bool = False
    """True when lips that should meet do not."""


@dataclasses.dataclass(frozen=True)
class MouthFrames:
    """Frames of a performance at which the mesh is evaluated, as indices of its keyframes."""

    silent: int
    """Least opening."""
    widest: int
    closed: int | None
    """Tightest closure within speech; None when there is none."""
    deepest: int
    """Frame at which the lips overlap most, or come nearest."""

    # Frames may coincide; a dict keeps their order.
    def needed(self) -> list[int]:
        """Return the frames to evaluate, each once."""
        frames = (self.silent, self.widest, self.closed, self.deepest)
        return list(dict.fromkeys(frame for frame in frames if frame is not None))


def opening_problem_or_none(face: bpy.types.Object, curves: track.CurveTrack) -> str | None:
    """Return why nothing on a face opens its mouth, by its mapping; None when something does.

    Args:
        face: The head.
        curves: The performance.
    """
    if OPENING not in curves.channels or solved.fit_or_none(face) is not None:
        return None  # a fit opens the mouth by whatever keys and bones the face has
    report = next(r for r in wiring_of(face).reports() if r.channel == OPENING)
    if report.status != "missing":
        return None
    return f"The mouth of {face.name!r} does not open: {report.reason}"


def mouth_frames(reference: Array, gaps: Array, keys_per_second: float) -> MouthFrames:
    """Choose the frames at which a mouth is evaluated.

    Args:
        reference: Relative gap of the demo head, (frames,).
        gaps: Gap that the keyframes make on this face, mesh units, (frames,).
        keys_per_second: Frames per second of both.
    """
    runs = lips.closure_runs(reference, keys_per_second)
    closed = [a + int(np.argmin(reference[a:b])) for a, b in runs]
    return MouthFrames(
        # By the reference: where the lips should meet, not where they do.
        silent=int(np.argmin(np.abs(reference))),
        widest=int(np.argmax(reference)),
        closed=min(closed, key=reference.__getitem__) if closed else None,
        # On this face's own gaps: an overlap is an error of this face.
        deepest=int(np.argmin(gaps)),
    )


def judge_mouth(
    mouth: Mouth,
    frames: MouthFrames,
    points: dict[int, Points],
    gaps: Array,
    *,
    millimetre: float,
    obstacles: Sequence[str],
) -> MouthFindings:
    """Compare the evaluated mouth with its keyframes and its own jaw.

    Args:
        mouth: Mouth of the face.
        frames: The evaluated frames.
        points: Evaluated vertices at each of them, (vertices, 3); empty when they cannot be
            followed.
        gaps: Gap that the keyframes make, mesh units, (frames,).
        millimetre: Millimetres per mesh unit.
        obstacles: Sentences about settings that hide keyframes.
    """
    width, name = mouth.marks.width, mouth.face.name
    # Float64, since gaps are small differences of large coordinates.
    seen = {index: mouth.gap(some.astype(np.float64)) for index, some in points.items()}
    gap_at = {index: seen.get(index, float(gaps[index])) for index in frames.needed()}
    opening = gap_at[frames.widest] - gap_at[frames.silent]
    keyed = float(gaps[frames.widest] - gaps[frames.silent])
    marks = [mouth.marks.lip_lower, mouth.marks.lip_upper]
    # The jaw by itself, evaluated from the stored shapes: independent of the performance's
    # loudness.
    lower, upper = motion_of(mouth.face, OPENING)[marks]
    own_jaw = float((lower - upper) @ mouth.marks.down)
    sentences = [
        f"The mouth opens by {opening * millimetre:.1f} mm, its jaw by {own_jaw * millimetre:.1f} "
        "mm at jawOpen 1"
    ]
    if frames.closed is not None:
        sentences.append(
            f"Lip gap {gap_at[frames.widest] * millimetre:.1f} mm at the widest, "
            f"{max(gap_at[frames.closed], 0.0) * millimetre:.1f} mm at a closure"
        )
    problems = []
    if own_jaw < WEAK_JAW * width:
        problems.append(
            f"The mouth of {name!r} stays shut: jawOpen 1 opens it by {own_jaw * millimetre:.1f} "
            "mm only; does its shape key hold the right shape?"
        )
    # Only for a jaw that works: else the first sentence explains the second.
    elif opening < SHUT_PART * keyed:
        cause = obstacles[0] if obstacles else "something else moves the lips"
        problems.append(
            f"The mouth of {name!r} opens by {opening * millimetre:.1f} mm, its keyframes ask for "
            f"{keyed * millimetre:.1f} mm: {cause}"
        )
    if gap_at[frames.deepest] < -CROSSED * width:
        problems.append(
            f"The lips of {name!r} pass through each other by "
            f"{-gap_at[frames.deepest] * millimetre:.1f} mm: lower the gain of mouthClose under "
            "Mapping"
        )
    return MouthFindings(tuple(sentences), tuple(problems))
