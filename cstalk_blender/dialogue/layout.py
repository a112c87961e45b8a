"""Compute the frame on which each line starts, and join the lines of one face. No bpy."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from ..arrays import FloatArray
from ..package import track

CurveTrack = track.CurveTrack


@dataclasses.dataclass(frozen=True)
class Slot:
    """Requested time and length of a line."""

    place_s: float | None
    """Requested second of the timeline; None: after the previous line."""
    length_s: float
    """Length of the used part of the audio file; 0 while unknown."""
    is_out: bool = False
    """It failed or is not generated: without a length it takes no time."""
    group: str = ""
    """Lines of one group (a scene) follow each other."""


def first_frames(
    slots: Sequence[Slot], *, start_frame: float, rate: float, gap_s: float
) -> list[float | None]:
    """Return the frame on which each line starts; None after a line of unknown length.

    Args:
        slots: In the order of the list.
        start_frame: Frame of second 0 of the timeline, and of the first line.
        rate: Frames a second.
        gap_s: Silence between two lines.
    """
    frames: list[float | None] = []
    free: dict[str, float | None] = {}
    for slot in slots:
        # Groups have their own time line: scenes are placed independently.
        after = free.get(slot.group, start_frame)
        begin = after if slot.place_s is None else start_frame + slot.place_s * rate
        frames.append(begin)
        if slot.length_s > 0 and begin is not None:
            # Whole frames, as strips begin on them.
            after = round(begin + (slot.length_s + gap_s) * rate)
        elif slot.length_s <= 0:
            # A failed line takes no time; one of unknown length makes what follows unknown.
            after = begin if slot.is_out else None
        free[slot.group] = after
    return frames


def joined(
    lines: Sequence[tuple[float, CurveTrack]], rest_s: float
) -> tuple[float, CurveTrack, list[slice]]:
    """Join many lines to one track; between them the face rests.

    Args:
        lines: Second of the timeline at which each line's first frame lies, and its curves, all at
            one frame rate and of the same channels. Where two overlap, the later one counts.
        rest_s: Seconds in which the face leaves rest before a line, and returns to it after.

    Returns:
        Second of the first frame, the curves, and the frames of speech and of returning to rest:
        outside of them all values are zero and need no keyframes.
    """
    # Sorted, so that the later of two that overlap is written last.
    lines = sorted(lines, key=lambda line: line[0])
    fps, channels = lines[0][1].fps, lines[0][1].channels
    rest = round(rest_s * fps)
    begin_s = lines[0][0] - rest / fps
    offsets = [round((second - begin_s) * fps) for second, _curves in lines]
    frames = max(o + c.frame_count for o, (_s, c) in zip(offsets, lines, strict=True)) + rest
    values = np.zeros((frames, len(channels)), np.float32)
    spoken = []
    # All lines first, then the fades, which look at where lines are.
    for offset, (_second, curves) in zip(offsets, lines, strict=True):
        values[offset : offset + curves.frame_count] = _columns(curves, channels)
        spoken.append(slice(max(0, offset - rest), offset + curves.frame_count + rest))
    _come_to_rest(values, offsets, [curves.frame_count for _s, curves in lines], rest)
    return begin_s, CurveTrack(values, channels, fps), spoken


def _come_to_rest(
    values: FloatArray, offsets: Sequence[int], counts: Sequence[int], rest: int
) -> None:
    """Fade to rest around each line, where no other line is."""
    busy = np.zeros(len(values), bool)
    for offset, count in zip(offsets, counts, strict=True):
        busy[offset : offset + count] = True
    for offset, count in zip(offsets, counts, strict=True):
        for step in range(1, rest + 1):
            # A raised cosine from the line's edge to rest.
            share = np.float32(0.5 + 0.5 * np.cos(np.pi * step / rest))
            for edge, frame in (
                (offset, offset - step),
                (offset + count - 1, offset + count - 1 + step),
            ):
                if 0 <= frame < len(values) and not busy[frame]:
                    # Between two lines the stronger fade counts, so that the face need not rest in
                    # a short pause.
                    strongest = np.abs(values[frame]) >= np.abs(share * values[edge])
                    values[frame] = np.where(strongest, values[frame], share * values[edge])


def _columns(curves: CurveTrack, channels: tuple[str, ...]) -> FloatArray:
    if curves.channels == channels:
        return curves.values
    # A line without head motion has no such channels: they rest.
    values = np.zeros((curves.frame_count, len(channels)), np.float32)
    for column, name in enumerate(channels):
        if name in curves.channels:
            values[:, column] = curves.column(name)
    return values
