"""Turn the lines of a list into protocol messages. Standard library only."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from ...protocol import BatchLine, EmotionKey, Performance
from .manifest import Row
from .plan import Line


def performance_of(row: Row, base: Performance) -> Performance:
    """Return the performance of one line.

    An emotion that a line names is at full strength unless the line says how strong it is.

    Args:
        row: The line; what it does not say is taken from ``base``.
        base: Parameters that hold for all lines.
    """
    acting, keys = row.acting, base.emotion_keys
    if acting.emotion or acting.intensity is not None:
        emotion = acting.emotion or (keys[0].emotion if keys else "neutral")
        # An emotion without intensity means full strength.
        intensity = 1.0 if acting.intensity is None else acting.intensity
        keys = (EmotionKey(0.0, emotion, intensity),)
    if acting.emotion_at:
        # The first key is the emotion of the start.
        keys = (*keys[:1], *acting.emotion_at)
    script = acting.script or base.script
    return dataclasses.replace(
        base,
        audio=Path(row.audio),
        emotion_keys=keys,
        seed=base.seed if acting.seed is None else acting.seed,
        start_s=acting.cut_start_s,
        duration_s=acting.cut_duration_s,
        script=script,
        # Of the dictionary, what this line needs: another entry does not change its key.
        pronunciations=tuple(p for p in base.pronunciations if p.word in script.lower()),
    )


def batch_line(line: Line, base: Performance) -> BatchLine:
    """Return the message that describes a planned line.

    Args:
        line: The line.
        base: Parameters that hold for all lines.
    """
    row = line.row
    return BatchLine(
        id=line.id,
        performance=performance_of(row, base),
        targets=line.targets,
        name=row.name,
        character=row.character,
        problem=row.problem,
        hint=row.hint,
        note=row.note,
    )
