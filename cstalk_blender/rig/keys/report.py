"""Describe what a bake wrote, and what clearing it left."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import bpy
import numpy as np
from numpy.typing import NDArray

from ...package import track
from ..drive.plan import Plan
from .hand_edits import KeptEdit

# As many as fit into a line of the panel.
LISTED_EDITS = 4


@dataclasses.dataclass(frozen=True)
class BakeReport:
    """Result of a bake."""

    objects: tuple[str, ...]
    """Names of the baked objects, the target first."""
    actions: tuple[str, ...]
    """Names of their Actions: one for all where Actions have slots."""
    frames: int
    """Frames of the performance; without fitting, also keyframes on each curve."""
    channels: int
    """Channels of the track that are keyed on at least one object."""
    seconds: float
    """Length of the performance."""
    first_frame: float
    last_frame: float
    missing: tuple[str, ...]
    """Channels of the track without a shape key on any object."""
    driven: tuple[str, ...]
    """Shape keys left to their drivers."""
    widened: tuple[str, ...]
    """Shape keys whose slider range was too small."""
    rerouted: tuple[str, ...] = ()
    """Shape keys moved through the property that their driver follows."""
    refused: tuple[str, ...] = ()
    """Reasons why shape keys were left to their drivers, one sentence each."""
    kept: tuple[str, ...] = ()
    """Earlier Actions that were not replaced, one sentence each."""
    keys: int = 0
    """Keyframes written on all curves."""
    fit_error: float = 0.0
    """Largest deviation of fitted keys, as a share of a curve's range; 0 with a key per frame."""

    edits: tuple[KeptEdit, ...] = ()
    """Edits of the artist that the new keyframes keep."""

    def summary(self) -> str:
        """Return one line for the panel: frames, channels, seconds, and how few keys."""
        text = f"{self.frames} frames, {self.channels} channels, {self.seconds:.1f} s"
        if not self.fit_error:
            return text
        return f"{text}, {self.keys} keys within {100 * self.fit_error:.1f} %"

    def edit_sentence(self) -> str:
        """Return what was kept of the artist's edits, for the panel; empty without one."""
        if not self.edits:
            return ""
        texts = [
            f"{_short(edit.path)} {edit.first_frame:.0f}-{edit.last_frame:.0f}"
            for edit in self.edits[:LISTED_EDITS]
        ]
        more = len(self.edits) - LISTED_EDITS
        rest = f" and {more} more" if more > 0 else ""
        count = "1 hand edit" if len(self.edits) == 1 else f"{len(self.edits)} hand edits"
        return f"Kept {count} (frames): {', '.join(texts)}{rest}"


def _short(path: str) -> str:
    """Return the name in a data path: ``key_blocks["jawOpen"].value`` is jawOpen."""
    return path.split('"')[1] if path.count('"') >= 2 else path


@dataclasses.dataclass(frozen=True)
class ClearReport:
    """Result of clearing a performance."""

    objects: tuple[str, ...]
    """Names of the objects that had one."""
    kept: tuple[str, ...] = ()
    """Actions that were taken off but kept in the file, one sentence each."""


def report_of(
    plans: Sequence[Plan],
    curves: track.CurveTrack,
    frames: NDArray[np.float64],
    made: Sequence[bpy.types.Action],
    *,
    widened: Sequence[str],
    kept: Sequence[str],
) -> BakeReport:
    """Return the report of a bake.

    Args:
        plans: Plan of each face.
        curves: The performance.
        frames: Scene frame of each keyframe, shape (frames,).
        made: The Actions.
        widened: Shape keys whose sliders were widened.
        kept: Sentences about earlier Actions that were kept.
    """
    driven = {name: why for plan in plans for name, why in plan.driven.items()}
    reasons: dict[str, list[str]] = {}
    for name, why in sorted(driven.items()):
        # Sentences by reason: one driver script on fifty keys is one sentence.
        reasons.setdefault(why, []).append(name)
    return BakeReport(
        objects=tuple(plan.face.name for plan in plans if plan.targets),
        actions=tuple(dict.fromkeys(action.name for action in made)),
        frames=curves.frame_count,
        channels=len({channel for plan in plans for channel in plan.keyed}),
        seconds=curves.duration_s,
        first_frame=float(frames[0]),
        last_frame=float(frames[-1]),
        missing=tuple(c for c in curves.channels if not any(c in plan.known for plan in plans)),
        driven=tuple(sorted(driven)),
        widened=tuple(sorted(set(widened))),
        rerouted=tuple(sorted({name for plan in plans for name in plan.rerouted})),
        refused=tuple(
            f"The driver of {names[0]}{f' and {len(names) - 1} more' if names[1:] else ''} cannot "
            f"be inverted: {why}"
            for why, names in reasons.items()
        ),
        kept=tuple(kept),
    )
