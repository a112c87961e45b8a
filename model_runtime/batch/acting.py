"""One line from its sound to finished files, with its rating; raises what is wrong with it.

``perform`` does the work exactly as for ``generate``. An engine in between hands every window on
and keeps what the phone head said, for the rating.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import numpy as np

from ..arrays import FloatArray
from ..audio.decoders import open_decoder
from ..audio.features import ReadSamples
from ..cli.options import acting_title
from ..config import GeneratorConfig
from ..curves.formats.registry import write_curves
from ..curves.track import CurveTrack
from ..emotion.detect import DetectedEmotion, resolve_auto
from ..emotion.keys import EmotionKey, checked_keys
from ..engines.base import Engine, EngineOutput, extract_features
from ..errors import BadArgument, BadOutput
from ..generate import Progress, perform
from ..protocol import Performance
from .lines.fingerprint import FilePrint, FileState, check_unchanged, file_digest
from .lines.journal import DONE, Entry
from .lines.manifest import Row, keys_text
from .lines.plan import Line
from .quality import ClipMeter, Heard, rate, spark

FEW_KEYS = 4
"""Changes of emotion that the report lists one by one; animated ones come ten a second."""


class Listening:
    """An engine that keeps the phones of the one line it runs."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._asked_frames = engine.window_frames
        self._done = 0
        self._phones: list[FloatArray] = []

    @property
    def name(self) -> str:
        """See ``Engine``."""
        return self._engine.name

    @property
    def device(self) -> str:
        """See ``Engine``."""
        return self._engine.device

    @property
    def note(self) -> str:
        """See ``Engine``."""
        return self._engine.note

    @property
    def config(self) -> GeneratorConfig:
        """See ``Engine``."""
        return self._engine.config

    @property
    def window_frames(self) -> int:
        """See ``Engine``; what was answered last tells how the next window is cut."""
        self._asked_frames = self._engine.window_frames
        return self._asked_frames

    def extract_features(
        self, read: ReadSamples, sample_count: int, *, first_frame: int, frames: int
    ) -> FloatArray:
        """See ``engines.base.extract_features``."""
        return extract_features(
            self._engine, read, sample_count, first_frame=first_frame, frames=frames
        )

    def run(self, features: FloatArray, emotion: FloatArray, style: FloatArray) -> EngineOutput:
        """See ``Engine.run``. Windows come in order, as ``infer.generate_raw`` cuts them."""
        output = self._engine.run(features, emotion, style)
        before = min(self._done, self.config.context_frames)
        kept = min(self._asked_frames, len(output.phones) - before)
        self._phones.append(output.phones[before : before + kept])
        self._done += kept
        return output

    def heard(self) -> Heard:
        """The phones of the line so far, without the context of the windows."""
        config = self.config
        return Heard(config.phones, np.concatenate(self._phones), config.frame_rate)


def performance_of(row: Row, base: Performance) -> Performance:
    """What the options ask for, with what is said of one line.

    An emotion that a line names is at full strength unless the line says how strong it is.

    Raises:
        BadArgument: The line has a problem.
    """
    if row.problem:
        raise BadArgument(row.problem, hint=row.hint)
    said, keys = row.acting, base.emotion_keys
    if said.emotion or said.intensity is not None:
        emotion = said.emotion or (keys[0].emotion if keys else "neutral")
        intensity = 1.0 if said.intensity is None else said.intensity
        keys = (EmotionKey(0.0, emotion, intensity),)
    if said.emotion_at:
        keys = (*keys[:1], *said.emotion_at)
    return dataclasses.replace(
        base,
        audio=Path(row.audio),
        emotion_keys=keys,
        seed=base.seed if said.seed is None else said.seed,
        start_s=said.cut_start_s,
        duration_s=said.cut_duration_s,
    )


def act(
    performance: Performance,
    engine: Engine,
    sound: FilePrint,
    *,
    progress: Progress,
    cancelled: Callable[[], bool],
) -> tuple[CurveTrack, Entry]:
    """Curves of one line, and its entry without names and files. Raises what ``perform`` raises.

    Raises:
        BadAudio: Also when the sound is no longer the one whose digest ``sound`` is.
    """
    started = time.perf_counter()
    listening = Listening(engine)
    engine = cast(Engine, listening)
    track = perform(performance, engine, progress=progress, cancelled=cancelled)
    clipping = _clipping(performance)
    check_unchanged(performance.audio, sound)
    quality = rate(track, listening.heard(), clipping)
    entry = Entry(
        target="",
        name="",
        state=DONE,
        sound=sound,
        frames=track.frame_count,
        fps=track.fps,
        duration_s=round(track.duration_s, 3),
        seconds=round(time.perf_counter() - started, 3),
        acting=acting_words(performance),
        heard=track.detected_title,
        acted_at=_acted_at(track, performance, engine.config.emotions),
        quality=_rounded(quality),
        spark=spark(track),
    )
    return track, entry


def write_line(track: CurveTrack, line: Line, folder: Path) -> dict[str, FilePrint]:
    """Write the files of a line, each whole or not at all, and what they hold. Raises BadOutput."""
    made = {}
    for target, path in zip(line.targets, line.paths(folder), strict=True):
        make_folder(path.parent)
        write_curves(track, path)
        made[target] = print_of(path)
    return made


def print_of(path: Path) -> FilePrint:
    """What a file that was just written holds. Raises BadOutput if it is gone already."""
    try:
        return FilePrint(file_digest(path), FileState.of(path))
    except OSError as error:
        raise BadOutput(
            f"{path} is gone after it was written: {error.strerror}", hint="Check the disk"
        ) from error


def make_folder(folder: Path) -> None:
    """Make an output folder with its parents. Raises BadOutput."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadOutput(
            f"Cannot make the folder {folder}: {error.strerror}", hint="Check the path"
        ) from error


def formats_of(targets: Sequence[str]) -> tuple[str, ...]:
    """Endings of a line's files, lower case."""
    return tuple(target.rpartition(".")[2].lower() for target in targets)


def acting_words(performance: Performance) -> str:
    """The emotion of a line in a few words, however often it changes."""
    if len(performance.emotion_keys) <= FEW_KEYS:
        return acting_title(performance)
    strongest: dict[str, float] = {}
    for key in performance.emotion_keys:
        if key.emotion != "neutral" and key.intensity:
            strongest[key.emotion] = max(key.intensity, strongest.get(key.emotion, 0.0))
    words = [f"{name} up to {intensity:.2g}" for name, intensity in strongest.items()]
    return ", ".join(words) or "neutral"


def _acted_at(track: CurveTrack, performance: Performance, emotions: Sequence[str]) -> str:
    """The keys of a line with what was heard in the place of ``auto``; empty where none is."""
    if not track.detected_emotion:
        return ""
    heard = DetectedEmotion.from_json(track.detected_emotion)
    asked = checked_keys(performance.emotion_keys, emotions)
    return keys_text(resolve_auto(asked, heard, emotions))


def _clipping(performance: Performance) -> float:
    """Share of clipped samples in the used piece of the sound, as it was recorded."""
    meter, at = ClipMeter(), 0
    with open_decoder(performance.audio) as stream:
        first = round(performance.start_s * stream.sample_rate)
        length = performance.duration_s
        stop = None if length is None else first + round(length * stream.sample_rate)
        for block in stream.blocks:
            meter.push(block[max(0, first - at) : None if stop is None else max(0, stop - at)])
            at += len(block)
            if stop is not None and at >= stop:
                break
    return meter.share()


def _rounded(quality: object) -> dict[str, object]:
    values = dataclasses.asdict(quality)  # type: ignore[call-overload]
    return {
        name: round(value, 4) if isinstance(value, float) else value
        for name, value in values.items()
    }
