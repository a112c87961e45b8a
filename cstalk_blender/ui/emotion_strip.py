"""Emotions over a line as a small picture for lists: a band of colours, made once each."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import bpy.utils.previews
import numpy as np

from ..dialogue import emotion_keys
from ..package import protocol

SIDE = 32
"""Pixels of the picture: Blender's own size for icons of previews."""
EDGE = 5
"""Rows left clear above and below the band."""
MOST = 2000
"""Pictures kept; a longer list begins afresh."""
_pictures: bpy.utils.previews.ImagePreviewCollection | None = None


def attach() -> None:
    """Make the store of pictures."""
    global _pictures  # noqa: PLW0603 - Blender wants one collection for each add-on
    _pictures = bpy.utils.previews.new()


def detach() -> None:
    """Give the pictures back; Blender complains about those that are left."""
    global _pictures
    store, _pictures = _pictures, None
    if store is not None:
        bpy.utils.previews.remove(store)


def icon(keys: Sequence[protocol.EmotionKey], start_s: float, duration_s: float) -> int:
    """Icon number of the band of a line; 0, which draws nothing, where there are no pictures."""
    return _icon(emotion_keys.band(keys, start_s, duration_s, SIDE), EDGE)


def wide_icons(
    keys: Sequence[protocol.EmotionKey], start_s: float, duration_s: float, pieces: int
) -> Sequence[int]:
    """Icon numbers that, side by side, are the band of a line in so many pieces."""
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
