"""Draw the emotions of a line as small icons, colour over time, each made once."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import bpy.utils.previews
import numpy as np

from ..dialogue import emotion_keys
from ..package import protocol

SIDE = 32
"""Pixels per side: the icon size of Blender's previews."""
EDGE = 5
"""Transparent rows above and below the colours."""
MOST = 2000
"""Icons kept; beyond it all are freed."""
_pictures: bpy.utils.previews.ImagePreviewCollection | None = None


def attach() -> None:
    """Create the collection of icons."""
    global _pictures  # noqa: PLW0603 - one collection per add-on
    _pictures = bpy.utils.previews.new()


def detach() -> None:
    """Free the icons; Blender warns about any that are left at exit."""
    global _pictures
    store, _pictures = _pictures, None
    if store is not None:
        bpy.utils.previews.remove(store)


def icon(keys: Sequence[protocol.EmotionKey], start_s: float, duration_s: float) -> int:
    """Return the icon of a line; 0, which draws nothing, without icons.

    Args:
        keys: Emotion keys of the line.
        start_s: Second of the audio file at which the line starts.
        duration_s: Length of the line in seconds.
    """
    return _icon(emotion_keys.band(keys, start_s, duration_s, SIDE), EDGE)


def wide_icons(
    keys: Sequence[protocol.EmotionKey], start_s: float, duration_s: float, pieces: int
) -> Sequence[int]:
    """Return icons that show a line side by side.

    Args:
        keys: Emotion keys of the line.
        start_s: Second of the audio file at which the line starts.
        duration_s: Length of the line in seconds.
        pieces: Number of icons.
    """
    colours = emotion_keys.band(keys, start_s, duration_s, SIDE * pieces)
    return [_icon(colours[i * SIDE : (i + 1) * SIDE], 0) for i in range(pieces)]


def _icon(colours: emotion_keys.Colours, edge: int) -> int:
    if _pictures is None:
        return 0
    name = f"{edge}:{np.round(colours * 31).astype(np.uint8).tobytes().hex()}"
    if name not in _pictures:
        if len(_pictures) >= MOST:
            detach()
            attach()
        picture = _pictures.new(name)
        picture.icon_size = picture.image_size = (SIDE, SIDE)
        pixels = np.zeros((SIDE, SIDE, 4), np.float32)
        pixels[edge : SIDE - edge, :, :3] = colours[None]
        pixels[edge : SIDE - edge, :, 3] = 1.0
        picture.icon_pixels_float = picture.image_pixels_float = pixels.ravel()
    return int(_pictures[name].icon_id)
