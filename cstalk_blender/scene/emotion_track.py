"""Read emotion over time from animated weights and timeline markers. Main thread only.

The scene and each character have a set of weights that can be keyed. An enabled set is used, the
character's before the scene's. Otherwise markers named after emotions (``happy 0.7``,
``Anna: sad``) apply from their frame on. If a line has its own emotion, it starts with that, and
only markers within the line apply.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import bpy

from .. import compat
from ..dialogue import emotion_keys
from ..package import choices, protocol
from ..text import counted

MAX_FACTOR = choices.MAX_INTENSITY
# Neutral has none: it is what is left where nothing is keyed.
WEIGHTS = tuple(name for name in choices.EMOTIONS if name != choices.EMOTIONS[0])
"""Emotions that have a weight. Neutral is the state without any."""


def _weight(name: str) -> Any:
    return bpy.props.FloatProperty(
        name=name.capitalize(),
        description=f"Weight from 0 to 1 (default: 0). {choices.EMOTION_DESCRIPTIONS[name]}",
        default=0.0,
        min=0.0,
        soft_max=1.0,
        max=MAX_FACTOR,
        step=5,
        precision=2,
        subtype="FACTOR",
        options={"ANIMATABLE"},
    )


class CSTALK_PG_emotions(bpy.types.PropertyGroup):
    """Animatable emotion weights of a scene or a character."""

    use: bpy.props.BoolProperty(
        name="Animated Emotion",
        description="Use these weights and their keyframes instead of timeline markers and the "
        "emotion that is set (default: off)",
        default=False,
        options=set(),
    )
    intensity: bpy.props.FloatProperty(
        name="Intensity",
        description="Factor on all weights (default: 1)",
        default=1.0,
        min=0.0,
        soft_max=1.0,
        max=MAX_FACTOR,
        step=5,
        precision=2,
        subtype="FACTOR",
        options={"ANIMATABLE"},
    )
    # Written out, since Blender reads annotations and a loop makes none.
    happy: _weight("happy")
    sad: _weight("sad")
    angry: _weight("angry")
    surprised: _weight("surprised")
    fearful: _weight("fearful")
    disgusted: _weight("disgusted")
    contemptuous: _weight("contemptuous")


def keys_for(
    scene: bpy.types.Scene,
    character: bpy.types.Object | None,
    *,
    zero_frame: float,
    start_s: float,
    duration_s: float,
    has_own_emotion: bool,
    segment_s: float | None = None,
) -> tuple[protocol.EmotionKey, ...]:
    """Return the emotion keys of a line from weights or markers; empty without either.

    Args:
        scene: Its weights and markers.
        character: The face, whose own weights are used before the scene's.
        zero_frame: Scene frame at time 0 of the audio file.
        start_s: Second of the file at which the line starts.
        duration_s: Length of the line in seconds.
        has_own_emotion: The line starts with its own emotion.
        segment_s: Sampling interval of weights in seconds; None: ``emotion_keys.SEGMENT_S``.
    """
    rate = scene.render.fps / scene.render.fps_base
    group = _group_or_none(scene, character)
    if group is not None:
        at_frame = sampler(group)
        return emotion_keys.keys_of(
            lambda second: at_frame(zero_frame + second * rate),
            start_s,
            duration_s,
            segment_s=emotion_keys.SEGMENT_S if segment_s is None else segment_s,
        )
    marks = _marks(scene, character)
    first, last = zero_frame + start_s * rate, zero_frame + (start_s + duration_s) * rate
    # A marker on the first frame is the one before.
    inside = [(f, mark) for f, mark in marks if first < f < last]
    before = [(f, mark) for f, mark in marks if f <= first][-1:] if not has_own_emotion else []
    return tuple(
        protocol.EmotionKey(
            max(start_s, round((frame - zero_frame) / rate, 4)), mark.emotion, mark.intensity
        )
        for frame, mark in (*before, *inside)
    )


def direction_text(
    scene: bpy.types.Scene,
    character: bpy.types.Object | None,
    *,
    zero_frame: float,
    duration_s: float,
) -> str:
    """Return which weights or markers set the emotion of a line; empty for none.

    Args:
        scene: Its weights and markers.
        character: The face, whose own weights are used before the scene's.
        zero_frame: Scene frame at time 0 of the audio file.
        duration_s: Length of the line in seconds.
    """
    group = _group_or_none(scene, character)
    if group is not None:
        return f"Emotion from the animated weights of {group.id_data.name}"
    marks = _marks(scene, character)
    last = zero_frame + duration_s * scene.render.fps / scene.render.fps_base
    before = [mark for frame, mark in marks if frame <= zero_frame][-1:]
    inside = [mark for frame, mark in marks if zero_frame < frame < last]
    if not before and not inside:
        return ""
    return f"Emotion from {counted(len(before) + len(inside), 'timeline marker')}"


def sampler(group: CSTALK_PG_emotions) -> Callable[[float], dict[str, float]]:
    """Return a function from a frame to each weight times the intensity.

    It evaluates F-curves without changing the scene's frame.
    """
    owner, start = group.id_data, group.path_from_id()
    curves = {curve.data_path: curve for curve in compat.curves_of(owner)}

    def value(name: str, frame: float) -> float:
        curve = curves.get(f"{start}.{name}")
        return float(getattr(group, name) if curve is None else curve.evaluate(frame))

    def weights(frame: float) -> dict[str, float]:
        # Held to the range that keyframes may leave.
        factor = min(MAX_FACTOR, max(0.0, value("intensity", frame)))
        return {n: factor * min(MAX_FACTOR, max(0.0, value(n, frame))) for n in WEIGHTS}

    return weights


def _marks(scene: bpy.types.Scene, character: Any) -> list[tuple[int, Any]]:
    """Return frame and emotion of the markers that apply to a character, in order."""
    names = _names_of(character)
    return [
        (marker.frame, mark)
        for marker in sorted(scene.timeline_markers, key=lambda marker: marker.frame)
        if (mark := emotion_keys.read_marker(marker.name)) is not None
        and (not mark.role or mark.role.casefold() in names)
    ]


def _group_or_none(scene: bpy.types.Scene, character: Any) -> CSTALK_PG_emotions | None:
    # The nearest first: a face, then what it belongs to, then the scene.
    for owner in (*_with_parents(character), scene):
        if owner.cstalk_emotions.use:
            return owner.cstalk_emotions
    return None


def _names_of(character: bpy.types.Object | None) -> set[str]:
    return {owner.name.casefold() for owner in _with_parents(character)}


def _with_parents(character: bpy.types.Object | None) -> Sequence[bpy.types.Object]:
    found = []
    while character is not None:
        found.append(character)
        character = character.parent
    return found


def attach() -> None:
    """Add the weights to scenes and objects."""
    for owner in (bpy.types.Scene, bpy.types.Object):
        # Removed again in `detach`, while the values stay in the file.
        owner.cstalk_emotions = bpy.props.PointerProperty(type=CSTALK_PG_emotions)  # type: ignore[func-returns-value]


def detach() -> None:
    """Undo `attach`."""
    for owner in (bpy.types.Scene, bpy.types.Object):
        del owner.cstalk_emotions


CLASSES = (CSTALK_PG_emotions,)
