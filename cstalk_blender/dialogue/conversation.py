"""Plan who listens to whom between the lines of a scene. No bpy."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from ..package import idle, prosody, protocol, track

TURN_S = 0.18
"""Listeners begin to look this long after somebody begins to speak: about a reaction time."""
SWITCH_S = 0.1
"""Length of the step from one direction to the next; the eyes smooth nothing, the head does."""

Direction = Callable[[int], tuple[float, float]]
"""Yaw and pitch in degrees from a listener to a speaker, by the speaker's id."""


@dataclasses.dataclass(frozen=True)
class Turn:
    """Somebody speaks: seconds of the timeline, and the id of the face."""

    start_s: float
    stop_s: float
    speaker: int


def idle_scene(
    turns: Sequence[Turn], listener: int, *, first_s: float, direction: Direction | None
) -> idle.IdleScene:
    """Return what goes on around a character that does not speak.

    Args:
        turns: All turns of the scene, in any order.
        listener: Id of the character's face.
        first_s: Second of the timeline at which its curves begin.
        direction: Where each speaker is; None for a character that only waits.
    """
    if direction is None:
        return idle.IdleScene()
    others = sorted((t for t in turns if t.speaker != listener), key=lambda t: t.start_s)
    spans: list[prosody.Phrase] = []
    keys: list[protocol.LookKey] = []
    for turn in others:
        start_s, stop_s = turn.start_s - first_s, turn.stop_s - first_s
        if spans and start_s < spans[-1].end_s:  # two speak at once: the listening goes on
            spans[-1] = prosody.Phrase(spans[-1].start_s, max(stop_s, spans[-1].end_s))
        else:
            spans.append(prosody.Phrase(start_s, stop_s))
        yaw, pitch = direction(turn.speaker)
        looks_s = max(start_s + TURN_S, keys[-1].time_s + SWITCH_S if keys else 0.0)
        before = keys[-1] if keys else protocol.LookKey(0.0, yaw, pitch)
        keys.append(protocol.LookKey(looks_s, before.yaw_deg, before.pitch_deg))
        keys.append(protocol.LookKey(looks_s + SWITCH_S, yaw, pitch))
    return idle.IdleScene(tuple(spans), tuple(keys))


def partner_or_none(turns: Sequence[Turn], turn: Turn) -> int | None:
    """Return whom the speaker of a turn talks to: who spoke before, else who speaks next.

    Args:
        turns: All turns of the scene, in any order.
        turn: One of them.
    """
    others = [t for t in turns if t.speaker != turn.speaker]
    before = [t for t in others if t.start_s <= turn.start_s]
    if before:
        return max(before, key=lambda t: t.start_s).speaker
    return min(others, key=lambda t: t.start_s).speaker if others else None


def moving_channels(curves: track.CurveTrack) -> track.CurveTrack:
    """Return curves without the channels that stay at zero: they need no keyframes."""
    moves = [i for i in range(len(curves.channels)) if np.any(np.abs(curves.values[:, i]) > 1e-5)]
    names = tuple(curves.channels[i] for i in moves)
    return curves.replaced(values=curves.values[:, moves], channels=names)


def over_idle(
    begin_s: float,
    waiting: track.CurveTrack,
    lines: Sequence[tuple[float, track.CurveTrack]],
    fade_s: float,
) -> track.CurveTrack:
    """Return waiting with lines in it, each faded in and out.

    Args:
        begin_s: Second of the timeline at the first frame of ``waiting``.
        waiting: Curves of waiting that cover all lines.
        lines: Second of each line's first frame, and its curves, at the same frame rate.
        fade_s: Seconds in which a line takes over, and gives back.
    """
    names = list(waiting.channels)
    names += [n for _s, line in lines for n in line.channels if n not in names]
    names = list(dict.fromkeys(names))
    values = np.zeros((waiting.frame_count, len(names)), np.float32)
    values[:, : len(waiting.channels)] = waiting.values
    fade = max(1, round(fade_s * waiting.fps))
    for second, line in sorted(lines, key=lambda pair: pair[0]):
        first = round((second - begin_s) * waiting.fps)
        columns = [names.index(name) for name in line.channels]
        frames = np.arange(len(values))
        inside = np.clip(frames - first, 0, line.frame_count - 1)
        outside = np.maximum(first - frames, frames - first - line.frame_count + 1)
        share = 0.5 + 0.5 * np.cos(np.pi * np.clip(outside / fade, 0, 1))
        # Channels that a line lacks go on waiting, as they do below its strip.
        spoken = line.values[inside] - values[:, columns]
        values[:, columns] += share[:, None].astype(np.float32) * spoken
    return track.CurveTrack(values, tuple(names), waiting.fps)
