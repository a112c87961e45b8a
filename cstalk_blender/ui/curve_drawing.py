"""Draw the curve view with Blender's gpu and blf modules; needs a window."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import blf
import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader

from ..direct import curve_view
from ..direct.curve_view import Rect, View
from ..jobs.curve_view import Content

Color = tuple[float, float, float, float]
BACKGROUND: Color = (0.09, 0.09, 0.09, 0.88)
ROW: Color = (0.14, 0.14, 0.14, 0.9)
WAVE: Color = (0.42, 0.55, 0.68, 1.0)
TEXT: Color = (0.86, 0.86, 0.86, 1.0)
FAINT: Color = (0.55, 0.55, 0.55, 1.0)
DOUBT: Color = (1.0, 0.62, 0.18, 1.0)
CLOSURE: Color = (0.85, 0.28, 0.45, 0.9)
EDIT: Color = (0.35, 0.8, 0.45, 0.95)
OTHER_EDIT: Color = (0.35, 0.8, 0.45, 0.35)
PLAYHEAD: Color = (0.28, 0.5, 0.9, 1.0)
RANGE: Color = (1.0, 1.0, 1.0, 0.04)
OVERALL: Color = (0.4, 0.6, 1.0, 0.06)
SELECTED: Color = (1.0, 1.0, 1.0, 0.09)
# Apart in hue and in lightness, so that neighbours differ for colour-blind eyes as well.
CURVES: Sequence[Color] = (
    (0.95, 0.77, 0.25, 1.0),
    (0.36, 0.7, 0.93, 1.0),
    (0.9, 0.45, 0.35, 1.0),
    (0.55, 0.85, 0.55, 1.0),
    (0.78, 0.58, 0.9, 1.0),
)
REST: Color = (0.5, 0.5, 0.5, 0.5)
"""Of curves that move less than the named ones."""
TEXT_SIZE = 11


def draw(content: Content, view: View, frame: float, selected: tuple[float, float] | None) -> None:
    """Draw the strip.

    Args:
        content: What to show.
        view: Where.
        frame: The current frame.
        selected: Frames of a drag under way.
    """
    with _blending():
        _fill([view.rect], BACKGROUND)
        _fill([view.waveform, view.curves], ROW)
        _ranges(content, view, selected)
        _waveform(content, view)
        named = _curves(content, view)
        _marks(content, view)
        _words(content, view)
        _title(content, view, named)
        if view.first_frame <= frame <= view.last_frame:
            x = view.x_of(frame)
            half = max(1.0, view.scale) / 2
            _fill([Rect(x - half, view.rect.bottom, x + half, view.words.top)], PLAYHEAD)


@contextlib.contextmanager
def _blending() -> Iterator[None]:
    gpu.state.blend_set("ALPHA")
    try:
        yield
    finally:
        # What Blender draws next expects its own state.
        gpu.state.line_width_set(1.0)
        gpu.state.blend_set("NONE")


def _fill(rects: Sequence[Rect], color: Color) -> None:
    corners: list[tuple[float, float]] = []
    for r in rects:
        low, right, top = (r.left, r.bottom), (r.right, r.bottom), (r.right, r.top)
        corners += [low, right, top, low, top, (r.left, r.top)]
    if corners:
        _batch("TRIS", corners, color)


def _batch(kind: str, points: Any, color: Color) -> None:
    shader = gpu.shader.from_builtin("UNIFORM_COLOR")
    batch = batch_for_shader(shader, kind, {"pos": points})
    shader.bind()
    shader.uniform_float("color", color)
    batch.draw(shader)


def _ranges(content: Content, view: View, selected: tuple[float, float] | None) -> None:
    shown = (*zip(content.ranges, (OVERALL, RANGE), strict=True), (selected, SELECTED))
    for frames, color in shown:
        span = None if frames is None else view.span(*frames)
        if span is not None:
            _fill([Rect(span[0], view.curves.bottom, span[1], view.waveform.top)], color)


def _waveform(content: Content, view: View) -> None:
    peaks, curves, row = content.marks.peaks, content.curves, view.waveform
    if peaks is None or not len(peaks.low):
        return
    times = np.arange(len(peaks.low)) / peaks.per_second
    frames = curves.start_frame + times * curves.frame_rate
    pixels, low, high = curve_view.envelope(frames, peaks.low, peaks.high, view)
    if not len(pixels):
        return
    # Quiet recordings fill the row as well: the shape matters here, not the level.
    loudest = max(float(high.max()), -float(low.min()), 0.05)
    middle, half = (row.bottom + row.top) / 2, (row.top - row.bottom) / 2 - 1
    points = np.empty((2 * len(pixels), 2), np.float32)
    points[0::2, 0] = points[1::2, 0] = pixels + 0.5
    points[0::2, 1] = middle + low / loudest * half - 0.5
    points[1::2, 1] = middle + high / loudest * half + 0.5
    _batch("LINES", points, WAVE)


def _curves(content: Content, view: View) -> list[tuple[str, Color]]:
    """Draw the curves of the region; return names and colours of those that move most."""
    curves, row = content.curves, view.curves
    low, high = curve_view.bounds_of(curves.values)
    scale = (row.top - row.bottom - 4) / (high - low)
    order = curve_view.strongest(curves.values, len(curves.channels))
    colors = {column: CURVES[place] for place, column in enumerate(order[: len(CURVES)])}
    gpu.state.line_width_set(max(1.0, view.scale))
    # The strongest last, so that they lie above the others.
    for column in reversed(order):
        points = curve_view.polyline(curves.frames, curves.values[:, column], view)
        if len(points) < 2:
            continue
        points[:, 1] = row.bottom + 2 + (points[:, 1] - low) * scale
        _batch("LINE_STRIP", points.astype(np.float32), colors.get(column, REST))
    gpu.state.line_width_set(1.0)
    return [(curves.channels[column], color) for column, color in colors.items()]


def _marks(content: Content, view: View) -> None:
    row = view.marks
    middle = (row.bottom + row.top) / 2
    closures = [view.span(*closure) for closure in content.curves.closures]
    _fill([Rect(s[0], middle, s[1] + 1, row.top - 1) for s in closures if s], CLOSURE)
    for edit in content.marks.edits:
        span = view.span(edit.first_frame, edit.last_frame)
        if span is not None:
            is_own = edit.channel in content.curves.channels
            place = Rect(span[0], row.bottom + 1, span[1] + 1, middle - 1)
            _fill([place], EDIT if is_own else OTHER_EDIT)


def _words(content: Content, view: View) -> None:
    row = view.words
    shown = [
        (word, span)
        for word in content.marks.words
        if (span := view.span(word.first_frame, word.last_frame)) is not None
    ]
    texts = [f"{word.text}?" if word.is_doubtful else word.text for word, _span in shown]
    _size(view)
    places = [
        (span[0], blf.dimensions(0, text)[0])
        for (_word, span), text in zip(shown, texts, strict=True)
    ]
    height = (row.top - row.bottom) / curve_view.WORD_ROWS
    rows = curve_view.place_labels(places, view.right)
    for (word, span), text, at in zip(shown, texts, rows, strict=True):
        color = DOUBT if word.is_doubtful else TEXT
        # The stretch of the word is drawn also where its text has no room.
        _fill([Rect(span[0], row.bottom, max(span[1] - 1, span[0] + 1), row.bottom + 2)], color)
        if at is not None:
            _text(text, span[0], row.top - (at + 1) * height + 4 * view.scale, color)


def _title(content: Content, view: View, named: Sequence[tuple[str, Color]]) -> None:
    row = view.title
    y = row.bottom + 5 * view.scale
    _size(view)
    x = row.left + 4 * view.scale
    for text, color in ((content.region.capitalize(), TEXT), *named):
        width = blf.dimensions(0, text)[0]
        if x + width > row.right:
            return
        _text(text, x, y, color)
        x += width + 12 * view.scale


def _size(view: View) -> None:
    blf.size(0, TEXT_SIZE * view.scale)


def _text(text: str, x: float, y: float, color: Color) -> None:
    blf.color(0, *color)
    blf.position(0, x, y, 0)
    blf.draw(0, text)
