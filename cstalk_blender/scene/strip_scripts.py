"""Read the text strips of the sequencer as the script of a sound strip. Main thread only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bpy

from .. import compat


def script_under(scene: bpy.types.Scene, first: int, last: int) -> str:
    """Return the texts of all text strips that overlap a stretch, in order of time.

    Args:
        scene: The scene with the sequencer.
        first: First frame of the stretch.
        last: Frame after the last one.

    Returns:
        The texts, joined by line breaks; empty without text strips.
    """
    found = []
    for strip in text_strips(scene):
        begin, end = compat.strip_span(strip)
        if begin < last and end > first and strip.text.strip():
            found.append((begin, strip.channel, strip.text.strip()))
    return "\n".join(text for _begin, _channel, text in sorted(found))


def text_strips(scene: bpy.types.Scene) -> Iterator[Any]:
    """Yield all text strips that are not muted, those in meta strips too."""
    open_strips = list(compat.placed_strips(scene))
    while open_strips:
        strip = open_strips.pop()
        if strip.mute:
            continue
        if strip.type == "TEXT":
            yield strip
        open_strips += compat.children_of(strip)
