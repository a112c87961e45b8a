"""Compute where the curve view draws what: pixels of frames, envelopes, rows of words. No bpy.

Coordinates are pixels from the lower left corner of the viewport's region.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..arrays import FloatArray

# Heights in pixels at a resolution scale of 1. The strip takes about a sixth of a full screen.
MARKS, CURVES, WAVEFORM, WORDS, TITLE = 12, 72, 36, 30, 18
"""Rows from bottom to top: closures and hand edits, curves, waveform, words, title."""
MARGIN = 8
LEAST_TOP = 0.5
"""Top of the axis at least: speech rarely moves a shape key further, and weak curves look weak."""
NARROWEST = 120
"""Pixels of width under which nothing is drawn."""
WORD_ROWS = 2
WORD_GAP = 4
"""Pixels between two words of a row."""


@dataclasses.dataclass(frozen=True)
class Rect:
    """A rectangle in pixels."""

    left: float
    bottom: float
    right: float
    top: float

    def contains(self, x: float, y: float) -> bool:
        """Return whether a point lies within.

        Args:
            x: Pixels from the left.
            y: Pixels from below.
        """
        return self.left <= x <= self.right and self.bottom <= y <= self.top


@dataclasses.dataclass(frozen=True)
class View:
    """The strip at the lower edge of a viewport and the frames that it shows."""

    left: float
    right: float
    bottom: float
    scale: float
    """Pixels per unit of the heights above."""
    first_frame: float
    last_frame: float
    """Above ``first_frame``."""

    @property
    def rect(self) -> Rect:
        """Return the whole strip."""
        height = (MARKS + CURVES + WAVEFORM + WORDS + TITLE) * self.scale
        return Rect(self.left, self.bottom, self.right, self.bottom + height)

    @property
    def marks(self) -> Rect:
        """Return the row of closures and hand edits."""
        return self._row(0, MARKS)

    @property
    def curves(self) -> Rect:
        """Return the row of curves."""
        return self._row(MARKS, CURVES)

    @property
    def waveform(self) -> Rect:
        """Return the row of the waveform."""
        return self._row(MARKS + CURVES, WAVEFORM)

    @property
    def words(self) -> Rect:
        """Return the rows of words."""
        return self._row(MARKS + CURVES + WAVEFORM, WORDS)

    @property
    def title(self) -> Rect:
        """Return the row of the title."""
        return self._row(MARKS + CURVES + WAVEFORM + WORDS, TITLE)

    @property
    def pixels_per_frame(self) -> float:
        """Return the width of a frame."""
        return (self.right - self.left) / (self.last_frame - self.first_frame)

    def x_of(self, frame: float) -> float:
        """Return the pixel of a frame, which may lie outside of the strip."""
        return self.left + (frame - self.first_frame) * self.pixels_per_frame

    def frame_at(self, x: float) -> float:
        """Return the frame of a pixel, within the frames shown."""
        frame = self.first_frame + (x - self.left) / self.pixels_per_frame
        return min(max(frame, self.first_frame), self.last_frame)

    def span(self, first_frame: float, last_frame: float) -> tuple[float, float] | None:
        """Return the pixels of a range of frames within the strip.

        Args:
            first_frame: Start.
            last_frame: End, not below it.

        Returns:
            Left and right, at least one pixel apart; None for a range outside of the strip.
        """
        if last_frame < self.first_frame or first_frame > self.last_frame:
            return None
        left = max(self.x_of(first_frame), self.left)
        return left, max(min(self.x_of(last_frame), self.right), left + 1)

    def _row(self, below: float, height: float) -> Rect:
        bottom = self.bottom + below * self.scale
        return Rect(self.left, bottom, self.right, bottom + height * self.scale)


def view_or_none(
    width: float,
    covered: tuple[float, float],
    scale: float,
    frames: tuple[float, float],
    within: tuple[float, float] | None = None,
) -> View | None:
    """Return the strip of a viewport.

    Args:
        width: Width of the region in pixels.
        covered: Pixels at the left and the right that toolbar and sidebar cover.
        scale: Resolution scale of the user interface.
        frames: First and last frame of the performance.
        within: First and last frame of the preview range; it limits the strip where both overlap.

    Returns:
        The strip; None where it has no room, or the performance has no length.
    """
    left, right = covered[0] + MARGIN * scale, width - covered[1] - MARGIN * scale
    first, last = frames
    if within is not None and max(first, within[0]) < min(last, within[1]):
        first, last = max(first, within[0]), min(last, within[1])
    if right - left < NARROWEST * scale or last <= first:
        return None
    return View(left, right, MARGIN * scale, scale, first, last)


def envelope(
    frames: NDArray[np.float64], low: FloatArray, high: FloatArray, view: View
) -> tuple[NDArray[np.float64], FloatArray, FloatArray]:
    """Return the lowest and the highest value over each column of pixels.

    Args:
        frames: Scene frame of each sample, ascending, shape (samples,).
        low: Lowest values, shape (samples,).
        high: Highest values, shape (samples,).
        view: The strip.

    Returns:
        Pixels, lowest and highest values of the columns that hold samples, each of one shape.
    """
    first, last = np.searchsorted(frames, [view.first_frame, view.last_frame])
    pixels = view.left + (frames[first : last + 1] - view.first_frame) * view.pixels_per_frame
    pixels = np.floor(pixels[pixels <= view.right + 1e-6])
    if not len(pixels):
        return pixels, low[:0], high[:0]
    # Only the starts of columns: `reduceat` takes each up to the next one.
    starts = np.flatnonzero(np.diff(pixels, prepend=pixels[0] - 1))
    end = first + len(pixels)
    return (
        pixels[starts],
        np.minimum.reduceat(low[first:end], starts),
        np.maximum.reduceat(high[first:end], starts),
    )


def polyline(frames: NDArray[np.float64], values: FloatArray, view: View) -> NDArray[np.float64]:
    """Return the points of a curve; each peak is drawn however long the curve is.

    Args:
        frames: Scene frame of each value, ascending, shape (frames,).
        values: Shape (frames,).
        view: The strip.

    Returns:
        Pixel and value of each point, shape (points, 2): each sample, or the lowest and the
        highest of each column of pixels where columns hold several.
    """
    if view.pixels_per_frame * float(np.diff(frames).min(initial=np.inf)) >= 1:
        first, last = np.searchsorted(frames, [view.first_frame, view.last_frame])
        shown = slice(first, last + 1)
        pixels = view.left + (frames[shown] - view.first_frame) * view.pixels_per_frame
        inside = pixels <= view.right + 1e-6
        return np.column_stack((pixels[inside], values[shown][inside]))
    pixels, low, high = envelope(frames, values, values, view)
    points = np.empty((2 * len(pixels), 2))
    points[0::2, 0] = points[1::2, 0] = pixels
    # Every second column from above, so that the line does not cross each column twice.
    is_odd = np.arange(len(pixels)) % 2 == 1
    points[0::2, 1], points[1::2, 1] = np.where(is_odd, high, low), np.where(is_odd, low, high)
    return points


def bounds_of(values: FloatArray) -> tuple[float, float]:
    """Return the lowest and the highest value of the axis: 0 to 0.5, or what the curves reach.

    Args:
        values: Shape (frames, channels), of channels of one region.
    """
    if not values.size:
        return 0.0, LEAST_TOP
    return min(0.0, float(values.min())), max(LEAST_TOP, float(values.max()))


def strongest(values: FloatArray, count: int) -> list[int]:
    """Return the columns that move most, the strongest first; resting ones are left out.

    Args:
        values: Shape (frames, channels).
        count: Largest number of columns.
    """
    if not values.size:
        return []
    spans = np.ptp(values, axis=0)
    order = np.argsort(-spans, kind="stable")
    return [int(column) for column in order[:count] if spans[column] > 1e-3]


def place_labels(
    places: Sequence[tuple[float, float]], right: float, rows: int = WORD_ROWS
) -> list[int | None]:
    """Return a row for each label so that none overlaps another or the right end.

    Args:
        places: Left end and width of each label in pixels, ascending by the left end.
        right: Right end of the row.
        rows: Number of rows; the first is filled first.

    Returns:
        The row of each label; None for one that has no room.
    """
    ends = [-np.inf] * rows
    found: list[int | None] = []
    for left, width in places:
        free = [row for row in range(rows) if ends[row] <= left]
        row = free[0] if free and left + width <= right else None
        if row is not None:
            ends[row] = left + width + WORD_GAP
        found.append(row)
    return found
