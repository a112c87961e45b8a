"""Match channels of a file to those of a rig, by name and never by position."""

from __future__ import annotations

import re

import numpy as np

from ...arrays import BoolArray
from ...curves.rig import RigDefinition
from ...curves.track import CurveTrack
from ...errors import BadCurves

NAMESPACE = re.compile(r"^.*[:|]")
BLENDSHAPE_NODE = re.compile(r"^blendshapes?\d*\.", re.IGNORECASE)
CAMEL_SIDE = re.compile(r"(?<=[a-z])([LR])$")
SEPARATORS = re.compile(r"[\s._-]+")
LAST_WORDS = {
    **{"l": "left", "r": "right"},
    **{f"{short}{axis}": f"{word}{axis}" for short, word in (("t", "translate"), ("r", "rotate"))
       for axis in "xyz"},
}  # fmt: skip
WILD_FACTOR = 4.0
"""Values this many times the reach of a channel's bounds are in another unit, such as percent."""


def spelling(name: str) -> str:
    """Return one spelling of a channel name.

    ``eyeBlinkLeft``, ``EyeBlinkLeft``, ``eye_blink_left``, ``eyeBlink_L``, ``eyeBlinkL`` and
    ``blendShape2.eyeBlink_L`` are the same, and so are ``CTRL_C_jaw-translateY`` and
    ``CTRL_C_jaw.ty``.
    """
    # Maya writes namespaces and node names in front.
    bare = BLENDSHAPE_NODE.sub("", NAMESPACE.sub("", name.strip()))
    # A side may be one letter with or without a separator.
    words = SEPARATORS.split(CAMEL_SIDE.sub(r"_\1", bare).lower())
    return "".join([*words[:-1], LAST_WORDS.get(words[-1], words[-1])])


def match_channels(names: tuple[str, ...], rig: RigDefinition) -> tuple[int | None, ...]:
    """Return the column for each channel of a rig; None where the file has none.

    Args:
        names: Of the file's columns.
        rig: Rig definition.

    Raises:
        BadCurves: No name belongs to the rig, or two names stand for one channel.
    """
    columns: dict[str, int] = {}
    wanted = {spelling(channel) for channel in rig.channel_names}
    for column, name in enumerate(names):
        key = spelling(name)
        # Two columns for one channel: which one is meant is not known.
        if key in wanted and key in columns:
            raise BadCurves(f"{names[columns[key]]!r} and {name!r} are the same channel")
        columns[key] = column
    sources = tuple(columns.get(spelling(channel)) for channel in rig.channel_names)
    if all(source is None for source in sources):
        raise BadCurves(f"None of its {len(names)} channels belongs to {rig.title}")
    return sources


def on_rig(track: CurveTrack, rig: RigDefinition) -> tuple[CurveTrack, BoolArray]:
    """Return a file's curves as all channels of a rig, and which of these the file has.

    Values are kept within the rig's bounds; absent channels are 0.

    Args:
        track: Curves of the file.
        rig: Rig definition.

    Raises:
        BadCurves: As ``match_channels``, or values far beyond the bounds.
    """
    sources = match_channels(track.channels, rig)
    observed = np.array([source is not None for source in sources])
    picked = [source for source in sources if source is not None]
    low, high = (bound[observed] for bound in rig.bounds())
    values = track.values[:, picked]
    # An error of unit is far above any bound: percent are a hundred times too large.
    reach = WILD_FACTOR * np.maximum(np.abs(low), np.abs(high))
    if (np.abs(values) > reach).any():
        worst = int((np.abs(values) / reach).max(axis=0).argmax())
        raise BadCurves(
            f"{track.channels[picked[worst]]} reaches {np.abs(values[:, worst]).max():g}, "
            f"far beyond {low[worst]:g}..{high[worst]:g}: values in another unit"
        )
    full = np.zeros((track.frame_count, len(rig.channels)), np.float32)
    # Within the reach, capture noise passes the bounds a little: clipped.
    full[:, observed] = np.clip(values, low, high)
    return track.replaced(values=full, channels=rig.channel_names), observed
