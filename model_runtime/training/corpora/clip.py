"""Define FaceClip, which every corpus loader gives, and the reading of a whole corpus."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from ...arrays import BoolArray, FloatArray
from ...curves.resample import resample
from ...curves.rig import load_rig
from ...curves.track import CurveTrack
from ...errors import BadCurves
from .matching import on_rig

UNKNOWN_EMOTION = "unknown"
"""Emotion of a clip whose corpus does not say; never a name of ``choices.EMOTIONS``."""
SPLITS = ("train", "val", "test", "unused")
"""``unused``: the clip's speaker and its sentence belong to different splits."""


@dataclasses.dataclass(frozen=True)
class FaceClip:
    """One recording of a face, of a voice, or of both. Values are read from disk when asked for."""

    corpus: str
    """Kind of corpus, a name of ``read_corpus``."""
    clip_id: str
    """Unique within the corpus."""
    file: Path
    """Where the curves, or the voice alone, come from."""
    audio: Path | None
    """Sound or film with sound; None where there is none."""
    speaker: str
    sentence: str
    """Equal for clips in which the same words are said; the clip's own id where that is unknown."""
    emotion: str
    """A name of ``choices.EMOTIONS``, or ``UNKNOWN_EMOTION``."""
    intensity: float
    """Share of full strength, 0..1; 0 for neutral and for an unknown emotion."""
    licence: str
    rig: str = ""
    """Rig definition of ``channels``; empty for speech without a face."""
    # Left out of comparison: a function is equal only to itself.
    load: Callable[[], CurveTrack] | None = dataclasses.field(
        default=None, repr=False, compare=False
    )
    """Reads the file's own channels, in its own names, order and rate. Raises BadCurves."""
    text: str = ""
    """Words of the clip where the corpus gives them."""
    channels: tuple[str, ...] = ()
    """Channels of the rig that the file has, in the rig's order."""
    fps: float = 0.0
    """Frame rate of the file; 0 without a face."""
    frames: int = 0
    split: str = "train"
    held_out: bool = False
    """The corpus itself keeps this clip for evaluation: it goes to ``test`` or is unused."""

    @property
    def duration_s(self) -> float:
        """Seconds of face; 0 without one."""
        return self.frames / self.fps if self.fps else 0.0

    def curves(self, fps: float | None = None) -> CurveTrack:
        """Return the clip's channels within the rig's bounds; frame 0 is at 0 s of the audio.

        Args:
            fps: Frames a second to resample to (monotone cubic in time); None keeps the file's.

        Raises:
            BadCurves: The clip has no face, or the file cannot be read any more.
            BadArgument: ``fps`` is out of range.
        """
        track, _ = self._read()
        # In the rig's order, not the file's.
        columns = [track.channels.index(name) for name in self.channels]
        own = track.replaced(values=track.values[:, columns], channels=self.channels)
        return own if fps is None else resample(own, fps)

    def rig_curves(self, fps: float) -> tuple[FloatArray, BoolArray]:
        """Return all channels of the clip's rig, (frames, channels), and which the file has.

        A channel the file lacks is 0 and False: its values say nothing and must not be learnt from.

        Raises:
            BadCurves, BadArgument: As ``curves``.
        """
        track, observed = self._read()
        return resample(track, fps).values, observed

    def _read(self) -> tuple[CurveTrack, BoolArray]:
        """Return all channels of the rig at the file's rate, and which of them the file has."""
        if self.load is None or not self.rig:
            raise BadCurves(f"{self.corpus}/{self.clip_id} is speech without a face")
        return on_rig(self.load(), load_rig(self.rig))

    def checked(self) -> FaceClip:
        """Return the clip with channels, rate and length filled in from its file.

        Raises:
            BadCurves: The file cannot be read, holds no channel of the rig, or fewer than 2 frames.
        """
        if not self.rig:
            return self
        track, observed = self._read()
        # Speed and splits need two frames at least.
        if track.frame_count < 2:
            raise BadCurves(f"{track.frame_count} frames are no motion")
        names = tuple(name for name, seen in zip(track.channels, observed, strict=True) if seen)
        return dataclasses.replace(self, channels=names, fps=track.fps, frames=track.frame_count)


@dataclasses.dataclass(frozen=True)
class SkippedFile:
    """A file that could not be used."""

    file: Path
    reason: str
    """One line for a person."""


@dataclasses.dataclass(frozen=True)
class CorpusReading:
    """A corpus as found in a folder."""

    kind: str
    clips: tuple[FaceClip, ...]
    """Sorted by clip id."""
    skipped: tuple[SkippedFile, ...]

    def split(self, name: str) -> tuple[FaceClip, ...]:
        """Return the clips of one of ``SPLITS``."""
        return tuple(clip for clip in self.clips if clip.split == name)

    def summary(self) -> str:
        """Return one line: clips, their speakers and splits, and how many files were skipped."""
        counts = Counter(clip.split for clip in self.clips)
        splits = ", ".join(f"{counts[name]} {name}" for name in SPLITS if counts[name])
        speakers = len({clip.speaker for clip in self.clips})
        return (
            f"{self.kind}: {len(self.clips)} clips of {speakers} speakers"
            f"{f' ({splits})' if splits else ''}, {len(self.skipped)} files skipped"
        )
