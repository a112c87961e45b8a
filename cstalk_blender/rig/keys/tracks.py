"""Recognise our NLA tracks and the Actions that their strips play."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bpy

from .ownership import BATCH

TRACK = "CSTalk Lines"
"""Name of our NLA tracks; those for clips that overlap are numbered."""
IDLE_TRACK = "CSTalk Idle"
"""Name of our NLA track of waiting and listening, below the clips."""
IDLE_LINE = "(idle)"
"""Name by which an Action of waiting is known among the clips; no audio file is named so."""
STRIP = "cstalk_strip"
"""Custom property of an Action that was made to be played by strips."""
FACE_0_1 = "cstalk_face"
"""Custom property by which version 0.1 referred to the face of a clip's Action."""


def our_tracks(owner: bpy.types.ID) -> Iterator[Any]:
    """Yield our NLA tracks on a data block, renamed ones included."""
    if owner.animation_data is None:
        return
    for nla_track in owner.animation_data.nla_tracks:
        plays = [strip.action for strip in nla_track.strips]
        holds_clips = bool(plays) and all(a is not None and is_clip(a) for a in plays)
        # Renamed tracks are recognised by what they play.
        if nla_track.name.startswith((TRACK, IDLE_TRACK)) or holds_clips:
            yield nla_track


def has_clips(owner: bpy.types.ID) -> bool:
    """Return True when CSTalk strips play on a data block."""
    return next(our_tracks(owner), None) is not None


def is_clip(action: bpy.types.Action) -> bool:
    """Return True for an Action that was made to be played by strips."""
    return bool(action.get(STRIP)) or all(
        action.get(mark) is not None for mark in (BATCH, FACE_0_1)
    )
