"""Generate the curves of one line, rate them and write its files.

``perform`` does the work exactly as for the command ``generate``. A wrapper around the engine
keeps the phone probabilities, which the rating needs.
"""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import numpy as np

from ..arrays import FloatArray
from ..audio.decoding import open_decoder
from ..curves.formats.registry import write_curves
from ..curves.track import CurveTrack
from ..emotion.detect import DetectedEmotion, resolve_auto
from ..emotion.keys import checked_keys, emotion_title
from ..engines.base import Engine, EngineOutput, WrappedEngine
from ..errors import BadOutput
from ..generate import Progress, perform
from ..protocol import BatchLine, Performance
from ..text.script import LEAST_MATCHED
from ..written import Record, write_recorded
from .lines.fingerprint import FilePrint, FileState, check_unchanged
from .lines.journal import DONE, Entry
from .lines.keys import keys_text
from .quality import ClipMeter, PhoneProbabilities, Quality, opening_plot, rate

FEW_KEYS = 4
"""Changes of emotion that the report lists one by one; animated ones come ten per second."""


class PhoneRecorder(WrappedEngine):
    """An engine that keeps the phone probabilities of the one line it runs."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._asked_frames = engine.window_frames
        self._done = 0
        self._phones: list[FloatArray] = []

    @property
    def window_frames(self) -> int:
        """See ``Engine``; what was answered last tells how the next window is cut."""
        # Recorded here, since an engine may lower it when memory runs out.
        self._asked_frames = self._inner.window_frames
        return self._asked_frames

    def run(self, features: FloatArray, emotion: FloatArray, style: FloatArray) -> EngineOutput:
        """See ``Engine.run``. Windows come in order, as ``infer.generate_raw`` cuts them."""
        output = self._inner.run(features, emotion, style)
        # The context before a window exists only where there are frames before it.
        before = min(self._done, self.config.context_frames)
        kept = min(self._asked_frames, len(output.phones) - before)
        # Without context, so that windows join to the whole clip.
        self._phones.append(output.phones[before : before + kept])
        self._done += kept
        return output

    def phones(self) -> PhoneProbabilities:
        """Return the phones of the line so far, without the context of the windows."""
        config = self.config
        phones = np.concatenate(self._phones)
        return PhoneProbabilities(config.phones, phones, config.frame_rate)


def generate_line(
    performance: Performance,
    engine: Engine,
    audio: FilePrint,
    *,
    progress: Progress,
    cancelled: Callable[[], bool],
) -> tuple[CurveTrack, Entry]:
    """Generate the curves of one line and rate them.

    Args:
        performance: The line.
        engine: Runs the model.
        audio: Digest of the audio file when it was checked.
        progress: Called with the completed part, 0 to 1, and the stage.
        cancelled: Checked between windows.

    Returns:
        The curves, and the journal entry without names and files.

    Raises:
        RuntimeFault: What ``perform`` raises.
        BadAudio: Also if the audio file has changed since ``audio`` was computed.
    """
    started = time.perf_counter()
    recorder = PhoneRecorder(engine)
    track = perform(performance, cast(Engine, recorder), progress=progress, cancelled=cancelled)
    # After the curves: a file that cannot be decoded has failed there already.
    clipping = _clipping(performance)
    # Again at the end: a program may have written the file while it was read.
    check_unchanged(performance.audio, audio)
    quality = _with_text(rate(track, recorder.phones(), clipping), track)
    entry = Entry(
        target="",
        name="",
        state=DONE,
        audio=audio,
        frames=track.frame_count,
        fps=track.fps,
        duration_s=round(track.duration_s, 3),
        seconds=round(time.perf_counter() - started, 3),
        emotion=emotion_words(performance),
        detected_emotion=track.detected_title,
        detected_emotion_at=_detected_keys(track, performance, engine.config.emotions),
        text_matched=track.text_matched,
        quality=_rounded(dataclasses.replace(quality, notes=(*track.warnings, *quality.notes))),
        opening=opening_plot(track),
    )
    return track, entry


def _with_text(quality: Quality, track: CurveTrack) -> Quality:
    """Return the rating, at most the share of the script where that is too small to be used."""
    matched = track.text_matched
    if matched is None or matched >= LEAST_MATCHED:
        return quality
    note = f"only {matched:.0%} of the script was found: check that this is the right file"
    score = min(quality.score, 100 * matched)
    return dataclasses.replace(quality, score=score, notes=(note, *quality.notes))


def write_line(
    track: CurveTrack, line: BatchLine, folder: Path, record: Record
) -> dict[str, FilePrint]:
    """Write the files of a line, each replaced as a whole.

    Args:
        track: The curves.
        line: Names the files.
        folder: Output folder.
        record: Record of the output folder.

    Returns:
        The contents of each file, by target.

    Raises:
        BadOutput: A file cannot be written.
    """
    write = functools.partial(write_curves, track)
    return {target: write_output(folder / target, record, write) for target in line.targets}


def write_output(path: Path, record: Record, write: Callable[[Path], None]) -> FilePrint:
    """Write one file of a line, with its folder, and return its contents.

    Args:
        path: The file.
        record: Record of the output folder.
        write: Called with the path under which the file is written.

    Raises:
        BadOutput: It cannot be written.
    """
    # Subfolders come from names in lists.
    create_folder(path.parent)
    digest = write_recorded(path, record, write)
    try:
        return FilePrint(digest, FileState.of(path))
    except OSError as error:
        raise BadOutput(
            f"{path} disappeared after it was written: {error.strerror}", hint="Check the disk"
        ) from error


def create_folder(folder: Path) -> None:
    """Create an output folder with its parents. Raises BadOutput."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadOutput(
            f"Cannot create the folder {folder}: {error.strerror}", hint="Check the path"
        ) from error


def formats_of(targets: Sequence[str]) -> tuple[str, ...]:
    """Return the endings of a line's files, in lower case."""
    return tuple(target.rpartition(".")[2].lower() for target in targets)


def emotion_words(performance: Performance) -> str:
    """Return the emotion of a line in a few words, however often it changes."""
    if len(performance.emotion_keys) <= FEW_KEYS:
        return emotion_title(performance.emotion_keys)
    strongest: dict[str, float] = {}
    for key in performance.emotion_keys:
        # The largest of each emotion: animated keys come ten a second.
        if key.emotion != "neutral" and key.intensity:
            strongest[key.emotion] = max(key.intensity, strongest.get(key.emotion, 0.0))
    words = [f"{name} up to {intensity:.2g}" for name, intensity in strongest.items()]
    return ", ".join(words) or "neutral"


def _detected_keys(track: CurveTrack, performance: Performance, emotions: Sequence[str]) -> str:
    """Return the keys of a line with the detected ones for ``auto``; empty without detection."""
    if not track.detected_emotion:
        return ""
    detected = DetectedEmotion.from_json(track.detected_emotion)
    requested = checked_keys(performance.emotion_keys, emotions, performance.expressions)
    return keys_text(resolve_auto(requested, detected, emotions))


def _clipping(performance: Performance) -> float:
    """Return the part of clipped samples in the used part of the audio file."""
    meter, at = ClipMeter(), 0
    # Decoded once more, at the file's own rate: clipping does not survive mixing and resampling.
    with open_decoder(performance.audio) as stream:
        first = round(performance.start_s * stream.sample_rate)
        length = performance.duration_s
        stop = None if length is None else first + round(length * stream.sample_rate)
        for block in stream:
            # Only the used part: a clipped slate before the line does not count.
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
