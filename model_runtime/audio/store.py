"""Decode an audio file to mono float32 at 16 kHz. No torch.

A file of any length is decoded, mixed and resampled in blocks. The result is kept in memory up to
about eight minutes, and in an unnamed temporary file beyond (230 MB of disk for an hour).
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import tempfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from ..arrays import FloatArray
from ..errors import BadArgument, BadAudio
from ..files import unwritable
from .decoding import AudioStream, open_audio
from .level import GainEnvelope, LevelMeter
from .resample import Resampler

SAMPLE_RATE = 16_000
"""Hz, of everything after this module."""
MAX_ODD_RATE = 192_000
MAX_ODD_PERIOD = 640
"""Above ``MAX_ODD_RATE`` the ratio to 16 kHz is rounded to a denominator up to this: the filters of
other ratios would take 200 MB. 383,999 Hz is read as 384,000, which drifts by 9 ms in an hour."""
SILENCE_PEAK = 2e-6
"""Peak to peak, far below the last bit of 16-bit audio: only digital silence is below."""
# About eight minutes of float32 at 16 kHz.
MEMORY_BYTES = 32 * 1024 * 1024
CANCEL_RATIO = 0.1
"""A mix 20 dB below its loudest channel means that channels cancel each other."""
LATEST_S = 1e9
"""Later than the end of any file: times up to the largest float are cut to it."""
MISSING_S = 0.1
"""A decoder that leaves out more than this is compared with the others."""


@dataclasses.dataclass(frozen=True)
class Speech:
    """A decoded clip without any gain."""

    samples: FloatArray
    """Mono at 16 kHz, shape (N,), finite."""
    duration_s: float
    """Exact length of the used part of the file, before rounding by the resampler."""
    warnings: tuple[str, ...] = ()
    """See ``SpeechStore.warnings``."""


def load_speech(
    path: str | Path, *, start_s: float = 0.0, duration_s: float | None = None
) -> Speech:
    """Decode an audio file into memory.

    Args:
        path: WAV without further packages; other formats with an installed decoder.
        start_s: Start of the used part, in seconds.
        duration_s: Length of the used part; None, or more than there is, means to the end.

    Raises:
        BadAudio: The file is missing, not a regular file or empty; no decoder reads it; it has no
            audio track; or it is silent.
        BadArgument: ``start_s`` or ``duration_s`` is negative or not finite, or the start is
            beyond the end.
    """
    with SpeechStore.open(path, start_s=start_s, duration_s=duration_s) as store:
        return Speech(store.read(0, store.sample_count), store.duration_s, store.warnings)


class SpeechStore:
    """A decoded clip that can be read from any sample. Use ``SpeechStore.open``."""

    def __init__(self) -> None:
        self.sample_count = 0
        self.duration_s = 0.0
        self.envelope = GainEnvelope(np.ones(1), np.zeros(1))
        """Gain that brings the clip to the level of speech; ``read`` does not apply it."""
        self.warnings: tuple[str, ...] = ()
        """What was missing or replaced in the file, one sentence each."""
        # Spooled: short clips never touch the disk.
        self._file = tempfile.SpooledTemporaryFile(max_size=MEMORY_BYTES)  # noqa: SIM115

    @classmethod
    @contextlib.contextmanager
    def open(
        cls,
        path: str | Path,
        *,
        start_s: float = 0.0,
        duration_s: float | None = None,
        watch: Callable[[float], None] = lambda _seconds: None,
    ) -> Iterator[SpeechStore]:
        """Decode a file.

        Args:
            path: See ``load_speech``.
            start_s: See ``load_speech``.
            duration_s: See ``load_speech``.
            watch: Called with the seconds decoded so far, at least every 0.1 s even if the disk
                hangs; an exception in it ends decoding.

        Raises:
            BadArgument, BadAudio: See ``load_speech``.
        """
        _check_range(start_s, duration_s)
        store = _decode(Path(path), start_s, duration_s, watch)
        try:
            yield store
        finally:
            store.close()

    def read(self, first: int, count: int) -> FloatArray:
        """Return samples without gain.

        Args:
            first: First sample.
            count: Number of samples.

        Returns:
            Shape (count,), shorter at the end of the clip.
        """
        # Four bytes a sample.
        self._file.seek(first * 4)
        return np.frombuffer(self._file.read(count * 4), np.float32)

    def read_levelled(self, first: int, count: int) -> FloatArray:
        """Return samples at the level of speech.

        Args:
            first: First sample.
            count: Number of samples.

        Returns:
            Shape (count,), shorter at the end of the clip.
        """
        samples = self.read(first, count)
        return samples * self.envelope.range(first, len(samples))

    def close(self) -> None:
        """Free the memory or the temporary file."""
        with contextlib.suppress(OSError):  # a full disk was reported when it was written
            self._file.close()

    def _fill(self, stream: AudioStream, part: _Part, progress: Callable[[float], None]) -> None:
        """Store the wanted part of a stream."""
        # Known now: the decoder has opened the file.
        rate = stream.sample_rate
        resampler, meter = Resampler(_simple_rate(rate), SAMPLE_RATE), LevelMeter()
        for block in stream:
            wanted = part.cut(block)
            progress(part.seen / rate)
            if len(wanted):
                self._keep(resampler.push(part.mix(wanted)), meter)
            # Decoding stops where the wanted part ends, not at the end of an hour's recording.
            elif part.is_complete:
                break
        self._keep(resampler.flush(), meter)
        self.duration_s = part.taken / rate
        self.envelope = meter.envelope()

    # On a full disk the error must name the folder of temporary files.
    def _keep(self, samples: FloatArray, meter: LevelMeter) -> None:
        try:
            self._file.write(np.ascontiguousarray(samples, np.float32).tobytes())
            self._file.flush()
        except OSError as error:  # a long clip goes to the disk
            raise unwritable(Path(tempfile.gettempdir()), error) from error
        self.sample_count += len(samples)
        meter.push(samples)


class _Part:
    """The part of a file that is used, and what was found in it."""

    def __init__(self, start_s: float, duration_s: float | None, rate: int) -> None:
        self.first = round(min(start_s, LATEST_S) * rate)
        self.count = None if duration_s is None else round(min(duration_s, LATEST_S) * rate)
        self.seen = self.taken = self.not_finite = 0
        self.lowest, self.highest = math.inf, -math.inf

    @property
    def is_complete(self) -> bool:
        """True when the requested duration was decoded."""
        return self.count is not None and self.taken >= self.count

    def cut(self, block: FloatArray) -> FloatArray:
        """Return the rows of the next block that belong to the part."""
        # Rows beyond the part are not even copied.
        stop = None if self.count is None else self.count - self.taken
        rows = block[max(0, self.first - self.seen) :][:stop]
        self.seen += len(block)
        self.taken += len(rows)
        return rows

    def mix(self, rows: FloatArray) -> FloatArray:
        """Return the mean of the channels, or the loudest one if they cancel each other, (N,)."""
        finite = np.isfinite(rows)
        if not finite.all():
            self.not_finite += int((~finite).any(axis=1).sum())
            # Zero, not the neighbour: a run of NaN has no neighbour.
            rows = np.where(finite, rows, np.float32(0))
        mono: FloatArray = rows.mean(axis=1, dtype=np.float32)
        if rows.shape[1] > 1:
            # float64: a long block of loud samples overflows the digits of float32.
            power = np.einsum("ij,ij->j", rows, rows, dtype=np.float64)
            mixed = np.einsum("i,i->", mono, mono, dtype=np.float64)
            # 20 dB below the loudest channel: opposite phases, as of a badly wired microphone.
            if mixed < CANCEL_RATIO**2 * power.max():
                mono = np.ascontiguousarray(rows[:, int(power.argmax())])
        self.lowest = min(self.lowest, float(mono.min()))
        self.highest = max(self.highest, float(mono.max()))
        return mono


def _decode(
    path: Path, start_s: float, duration_s: float | None, watch: Callable[[float], None]
) -> SpeechStore:
    """Decode with the first decoder that reads the whole file, or the one that reads most of it."""
    decoded_s = 0.0

    def progress(seconds: float) -> None:
        nonlocal decoded_s
        decoded_s = seconds
        watch(seconds)

    attempts: list[tuple[SpeechStore, _Part, AudioStream]] = []
    best: SpeechStore | None = None
    try:
        with open_audio(path, poll=lambda: watch(decoded_s)) as streams:
            for stream in streams:
                part = _Part(start_s, duration_s, stream.sample_rate)
                attempts.append((SpeechStore(), part, stream))
                attempts[-1][0]._fill(stream, part, progress)
                missing_s = stream.missing_frames / stream.sample_rate
                # A whole file ends the search: other decoders could only give the same.
                if part.is_complete or (stream.failure is None and missing_s <= MISSING_S):
                    break
        store, part, stream = _longest(attempts)
        _check_content(part, stream, path.name)
        store.warnings = tuple(_warnings(part, stream, path.name))
        best = store
        return store
    finally:
        for store, _, _ in attempts:
            if store is not best:
                store.close()


def _longest(
    attempts: list[tuple[SpeechStore, _Part, AudioStream]],
) -> tuple[SpeechStore, _Part, AudioStream]:
    """Return the first attempt, unless a later one is longer by more than ``MISSING_S``."""
    # The first wins ties: decoders are listed by exactness.
    best = attempts[0]
    for attempt in attempts[1:]:
        if attempt[0].duration_s > best[0].duration_s + MISSING_S:
            best = attempt
    return best


def _warnings(part: _Part, stream: AudioStream, name: str) -> Iterator[str]:
    """Yield what the user should know about a file that was decoded in spite of defects."""
    rate = stream.sample_rate
    if not part.is_complete and stream.missing_frames:
        missing_s = stream.missing_frames / rate
        yield f"{name}: the last {missing_s:.3g} s that its header states are missing"
    elif not part.is_complete and stream.failure is not None:
        yield f"{name} is damaged after {part.seen / rate:.3g} s, and the rest is missing"
    if part.not_finite:
        yield f"{name}: {part.not_finite} samples are not numbers and were replaced by silence"


def _simple_rate(rate: int) -> Fraction:
    """Return the sample rate in a ratio to 16 kHz whose filters have a moderate size."""
    ratio = Fraction(rate, SAMPLE_RATE)
    # Exact up to 192 kHz; above, filters of the exact ratio would be too large.
    if rate > MAX_ODD_RATE:
        ratio = ratio.limit_denominator(MAX_ODD_PERIOD)
    return ratio * SAMPLE_RATE


def _check_range(start_s: float, duration_s: float | None) -> None:
    if not (math.isfinite(start_s) and start_s >= 0):
        raise BadArgument(f"Start time {start_s} s", hint="Use 0 or a later time in the file")
    if duration_s is not None and not (math.isfinite(duration_s) and duration_s > 0):
        raise BadArgument(f"Duration {duration_s} s", hint="Use a positive number of seconds")


def _check_content(part: _Part, stream: AudioStream, name: str) -> None:
    if not part.taken and part.seen > part.first:
        raise BadArgument(
            f"The duration is shorter than one sample of {name}", hint="Use a longer duration"
        )
    if not part.taken:
        raise BadArgument(
            f"Start time {part.first / stream.sample_rate:g} s is beyond the end of {name} "
            f"({part.seen / stream.sample_rate:g} s)",
            hint="Start earlier",
        )
    # Digital silence has no level that could be raised.
    if part.highest - part.lowest < SILENCE_PEAK:
        raise BadAudio(f"{name} is silent", hint="Check the recording or the track")
