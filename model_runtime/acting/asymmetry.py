"""Vary the left against the right half of the face, slightly and by seed. numpy only.

An iPhone capture correlates by .99 to 1.0 between the halves of the mouth, so this is a choice of
acting, not a property to reproduce: expressions of emotion are a little stronger on one side
(Borod, Haywood and Koff 1997), and no two brows rise alike. Lips that have to meet are left alone.
"""

from __future__ import annotations

import numpy as np

from ..curves.track import CurveTrack
from ..style import KNOT_SPACING_S, style_noise

VARIED = (
    *("browDown", "browOuterUp", "cheekSquint", "eyeSquint", "eyeWide", "noseSneer"),
    *("mouthSmile", "mouthFrown", "mouthDimple"),
)
"""Pairs without a part in closing the lips."""
SIDE_SHARE, NOISE_SHARE = 0.06, 0.05
"""Constant lean to the favoured side and standard deviation of the slow change, of a value."""
NOISE_KNOT_S = 1.7


def vary_sides(
    track: CurveTrack, *, seed: int, strength: float = 1.0, favoured: str = "auto"
) -> CurveTrack:
    """Return curves whose two halves differ a little.

    Args:
        track: Curves at any frame rate; pairs are found by the endings ``Left`` and ``Right``.
        seed: Draws the side and the slow change.
        strength: 0 leaves the curves as they are; 1 differs by about 8 %.
        favoured: The stronger side, of ``choices.FAVOURED_SIDES``; ``auto`` is drawn by the seed.

    Returns:
        Curves of the same shape; a channel at 0 stays at 0.
    """
    if strength == 0:
        return track
    side = {"left": 1.0, "right": -1.0}.get(favoured, 1.0 if seed % 2 else -1.0)
    pairs = [
        (track.channels.index(f"{name}Left"), track.channels.index(f"{name}Right"))
        for name in VARIED
        if f"{name}Left" in track.channels and f"{name}Right" in track.channels
    ]
    if not pairs:
        return track
    rate = track.fps * NOISE_KNOT_S / KNOT_SPACING_S
    noise = style_noise(
        seed ^ 0xA57, channels=len(pairs), frame_rate=rate, first_frame=0, frames=track.frame_count
    )
    lean = strength * (SIDE_SHARE * side + NOISE_SHARE * np.clip(noise, -2, 2))
    values = track.values.copy()
    for column, (left, right) in enumerate(pairs):
        values[:, left] *= 1 + lean[:, column]
        values[:, right] *= 1 - lean[:, column]
    return track.replaced(values=values)
