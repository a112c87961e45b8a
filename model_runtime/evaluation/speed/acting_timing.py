"""Time what acting costs beside the model: ``python -m model_runtime benchmark --acting``.

Processor time, not wall-clock time, so that other programs on the machine change little.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

from ...acting import dynamics, layers, prosody
from ...acting.idle import idle_track
from ...audio.store import SpeechStore
from ...curves.rig import load_rig
from ...emotion.pitch import FRAME_RATE
from ...engines.base import Engine
from ...generate import perform
from ...protocol import NATURAL_ACTING, Acting, EmotionKey, Performance
from ..table import aligned

REPEATS = 5
"""The least of so many times counts: the others were interrupted."""
IDLE_S = 10.0
BAR = 0.05
"""Greatest share of generation for eyes, head and idle together."""


@dataclasses.dataclass(frozen=True)
class ActingTiming:
    """Processor seconds of one clip."""

    audio_s: float
    whole_s: float
    """Generation with natural acting."""
    parts: dict[str, float]
    """Seconds of each part."""

    @property
    def share(self) -> float:
        """Share of eyes, head and idle in the generation."""
        return sum(self.parts[name] for name in COUNTED) / self.whole_s


CUES, DYNAMICS, EYES, HEAD = "cues", "dynamics", "eyes and lids", "head"
IDLE = f"idle, {IDLE_S:g} s"
COUNTED = (EYES, HEAD, IDLE)


def time_acting(engine: Engine, audio: Path) -> ActingTiming:
    """Time acting on one clip.

    Args:
        engine: Generates the curves.
        audio: The clip.

    Raises:
        BadAudio: It cannot be decoded.
    """
    performance = Performance(
        audio, emotion_keys=(EmotionKey(0.0, "happy", 1.0),), acting=NATURAL_ACTING
    )
    track = perform(dataclasses.replace(performance, acting=Acting()), engine)
    rig = load_rig(engine.config.rig)
    with SpeechStore.open(audio) as store:
        frames = round(store.duration_s * FRAME_RATE)

        def cues() -> prosody.Prosody:
            return prosody.measure_prosody(store.read_levelled, store.sample_count, frames)

        measured = cues()
        direction = layers.Direction(measured, {}, 1)
        fixations = layers.plan_gaze(direction)

        def eyes() -> object:
            return layers.add_acting(
                track, rig, Acting(eyes=1), direction, layers.plan_gaze(direction)
            )

        parts = {
            CUES: least(cues),
            DYNAMICS: least(lambda: dynamics.emotion_level(measured, seed=1)),
            EYES: least(eyes),
            HEAD: least(
                lambda: layers.add_acting(track, rig, Acting(head=1), direction, fixations)
            ),
            IDLE: least(lambda: idle_track(rig, IDLE_S)),
        }
        whole_s = least(lambda: perform(performance, engine), repeats=2)
        return ActingTiming(store.duration_s, whole_s, parts)


def as_text(timing: ActingTiming) -> str:
    """Return a table of the parts and the share that has a bar."""
    rows = [["", "processor", "of generation"]]
    rows += [
        [name, f"{1000 * seconds:.1f} ms", f"{100 * seconds / timing.whole_s:.1f} %"]
        for name, seconds in timing.parts.items()
    ]
    rows.append(["generation with acting", f"{1000 * timing.whole_s:.0f} ms", "100 %"])
    verdict = "held" if timing.share <= BAR else "missed"
    return (
        f"Acting of {timing.audio_s:.0f} s of speech\n{aligned(rows)}\n"
        f"eyes, head and idle: {100 * timing.share:.1f} % (bar {100 * BAR:g} %: {verdict})"
    )


def least(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Return the least processor time of some runs, in seconds.

    Args:
        work: What is timed.
        repeats: Number of runs.
    """
    found = []
    for _run in range(repeats):
        started = time.process_time()
        work()
        found.append(time.process_time() - started)
    return min(found)
