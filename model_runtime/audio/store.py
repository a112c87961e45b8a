"""Speech files to mono float32 at 16 kHz, and the loudness that the networks expect. No torch.

A sound of any length is decoded, mixed and resampled in blocks. What results is kept in memory up
to about eight minutes and in an unnamed temporary file beyond (230 MB of disk for an hour).
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from ..arrays import FloatArray
from ..errors import BadArgument, BadAudio
from ..files import unwritable
from .decoders import DecodedStream, open_decoder
from .resample import Resampler

SAMPLE_RATE = 16_000
"""Hz, of everything behind this module."""
MIN_DURATION_S = 0.1
"""Shorter than the shortest syllable: nothing to act on."""
SAMPLE_RATES = range(4_000, 768_001)
"""Hz that a file may have: from the worst telephone to the best studio."""
MAX_ODD_RATE = 192_000
"""Above this only rates in a simple ratio to 16 kHz: filters for others would take 200 MB."""
MAX_ODD_PERIOD = 640
MAX_PEAK = 16.0
"""24 dB over full scale; louder float files hold integers by mistake."""
SILENCE_PEAK = 2e-6
"""Peak to peak, under the last bit of 16-bit sound by far; only digital silence is below."""
MEMORY_BYTES = 32 * 1024 * 1024

TARGET_LEVEL_DB = -23.0
"""dB under full scale to which speech is brought, near EBU R 128's programme level."""
GAIN_RANGE_DB = (-20.0, 30.0)
LEVEL_FRAME = 320
"""Samples in a loudness frame, 20 ms."""
LOUD_PERCENTILE = 98.0
"""Where the loudest speech is; clicks shorter than 2 % of the sound do not count."""
ACTIVE_RANGE_DB = 15.0
"""Frames this far under the loud ones are speech; quieter ones are pauses, noise and breath."""
CANCEL_RATIO = 0.1
"""A mix 20 dB under its loudest channel means channels that cancel each other."""


@dataclasses.dataclass(frozen=True)
class Speech:
    """A decoded sound, level untouched."""

    samples: FloatArray
    """Mono at 16 kHz, shape (N,), finite."""
    duration_s: float
    """Exact length of the used part of the file, before resampling rounded it."""


def load_speech(
    path: str | Path, *, start_s: float = 0.0, duration_s: float | None = None
) -> Speech:
    """Decode a sound file into memory.

    Args:
        path: WAV always; FLAC, OGG, MP3, M4A and more where a decoder is installed.
        start_s: Where to begin, in seconds.
        duration_s: How much to take; None, or more than there is, means to the end.

    Raises:
        BadAudio: No file, a folder, empty, no sound file, truncated, NaN samples, digital silence,
            or less than 0.1 s.
        BadArgument: ``start_s`` or ``duration_s`` is negative or not finite, or the start lies
            beyond the end.
    """
    with SpeechStore.open(path, start_s=start_s, duration_s=duration_s) as store:
        return Speech(store.read(0, store.sample_count), store.duration_s)


def level_gain(samples: FloatArray) -> float:
    """Factor that brings the speech in a clip to -23 dB under full scale.

    The level is the median RMS of the 20 ms frames within 15 dB of the 98th percentile: pauses,
    noise and clicks hardly move it. The gain is kept within -20 and +30 dB; a clip without any
    signal gets 1.

    Args:
        samples: Mono at 16 kHz, shape (N,).
    """
    meter = LevelMeter()
    meter.push(samples)
    return meter.gain()


class LevelMeter:
    """``level_gain`` of a sound that comes in blocks; any cutting gives the same gain."""

    def __init__(self) -> None:
        self._powers: list[FloatArray] = []
        self._rest = np.zeros(0, np.float32)

    def push(self, block: FloatArray) -> None:
        """Give some samples, shape (N,)."""
        samples = np.concatenate([self._rest, block])
        whole = len(samples) - len(samples) % LEVEL_FRAME
        frames = samples[:whole].reshape(-1, LEVEL_FRAME)
        self._powers.append(np.einsum("ij,ij->i", frames, frames) / np.float32(LEVEL_FRAME))
        self._rest = samples[whole:].copy()

    def gain(self) -> float:
        """The factor for everything pushed so far; the last part of a frame is left out."""
        power = np.concatenate(self._powers) if self._powers else np.zeros(0, np.float32)
        if not power.any():
            return 1.0
        loud = float(np.percentile(power, LOUD_PERCENTILE)) or float(power.max())
        active = power[power >= loud * 10 ** (-ACTIVE_RANGE_DB / 10)]
        level_db = 10 * math.log10(float(np.median(active)))
        low, high = GAIN_RANGE_DB
        return float(10 ** (min(max(TARGET_LEVEL_DB - level_db, low), high) / 20))


class SpeechStore:
    """A decoded sound that can be read from any sample on. Close it, or use it in ``with``."""

    def __init__(self) -> None:
        self.sample_count = 0
        self.duration_s = 0.0
        self.gain = 1.0
        """Factor of ``level_gain`` over the whole sound; ``read`` does not apply it."""
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
        """Decode ``path``; arguments and errors are those of ``load_speech``.

        ``watch`` is told the seconds decoded so far, block by block; what it raises ends decoding.
        """
        _check_range(start_s, duration_s)
        store = cls()
        try:
            with open_decoder(Path(path)) as stream:
                store._fill(stream, Path(path).name, start_s, duration_s, watch)
            yield store
        finally:
            with contextlib.suppress(OSError):  # a full disk was reported when it was written
                store._file.close()

    def read(self, first: int, count: int) -> FloatArray:
        """Samples from ``first`` on, shape (count,), fewer at the end of the sound."""
        self._file.seek(first * 4)
        return np.frombuffer(self._file.read(count * 4), np.float32)

    def read_levelled(self, first: int, count: int) -> FloatArray:
        """``read`` at the level of all speech: with ``gain`` applied, shape (count,)."""
        return self.read(first, count) * np.float32(self.gain)

    def _fill(
        self,
        stream: DecodedStream,
        name: str,
        start_s: float,
        duration_s: float | None,
        watch: Callable[[float], None],
    ) -> None:
        _check_rate(stream.sample_rate, name)
        first = round(start_s * stream.sample_rate)
        count = None if duration_s is None else round(duration_s * stream.sample_rate)
        resampler, meter = Resampler(stream.sample_rate, SAMPLE_RATE), LevelMeter()
        total = taken = 0
        lowest, highest = math.inf, -math.inf
        for block in stream.blocks:
            part = block[max(0, first - total) :][: None if count is None else count - taken]
            total += len(block)
            watch(total / stream.sample_rate)
            if not len(part):
                if count is not None and taken >= count:
                    break
                continue
            taken += len(part)
            mono = _mix(part, name)
            lowest, highest = min(lowest, float(mono.min())), max(highest, float(mono.max()))
            self._keep(resampler.push(mono), meter)
        self._keep(resampler.flush(), meter)
        _check_content(taken, total, stream.sample_rate, first, highest - lowest, name)
        self.duration_s = taken / stream.sample_rate
        self.gain = meter.gain()

    def _keep(self, samples: FloatArray, meter: LevelMeter) -> None:
        try:
            self._file.write(np.ascontiguousarray(samples, np.float32).tobytes())
            self._file.flush()
        except OSError as error:  # a long sound goes to the disk
            raise unwritable(Path(tempfile.gettempdir()), error) from error
        self.sample_count += len(samples)
        meter.push(samples)


def _mix(block: FloatArray, name: str) -> FloatArray:
    """Mean of the channels, or the loudest where they cancel each other; shape (frames,)."""
    if not np.isfinite(block).all():
        raise BadAudio(
            f"{name} holds samples that are not numbers (NaN or infinity)",
            hint="Export the sound again, as 16-bit WAV",
        )
    peak = float(np.abs(block).max())
    if peak > MAX_PEAK:
        raise BadAudio(
            f"{name} holds float samples up to {peak:.3g}, where full scale is 1",
            hint="Export the sound again, as 16-bit WAV",
        )
    if block.shape[1] == 1:
        return np.ascontiguousarray(block[:, 0])
    mean: FloatArray = block.mean(axis=1, dtype=np.float32)
    power = np.einsum("ij,ij->j", block, block)
    if float(mean @ mean) < CANCEL_RATIO**2 * float(power.max()):
        return np.ascontiguousarray(block[:, int(power.argmax())])
    return mean


def _check_range(start_s: float, duration_s: float | None) -> None:
    if not (math.isfinite(start_s) and start_s >= 0):
        raise BadArgument(f"Start of {start_s} s", hint="Use 0 or a later time of the sound")
    if duration_s is not None and not (math.isfinite(duration_s) and duration_s > 0):
        raise BadArgument(f"Duration of {duration_s} s", hint="Use a positive number of seconds")


def _check_rate(rate: int, name: str) -> None:
    period = SAMPLE_RATE // math.gcd(SAMPLE_RATE, rate)
    if rate not in SAMPLE_RATES or (rate > MAX_ODD_RATE and period > MAX_ODD_PERIOD):
        raise BadAudio(
            f"{name} says it has {rate} samples a second",
            hint="Convert it to 48000 Hz, or export the sound again",
        )


def _check_content(
    taken: int, total: int, sample_rate: int, first: int, peak_to_peak: float, name: str
) -> None:
    if total == 0:
        raise BadAudio(f"{name} holds no samples", hint="Export the sound again")
    if taken == 0:
        raise BadArgument(
            f"Start of {first / sample_rate:g} s is beyond the end of {name} "
            f"({total / sample_rate:g} s)",
            hint="Begin earlier",
        )
    if taken < MIN_DURATION_S * sample_rate:
        raise BadAudio(
            f"{name} gives {taken / sample_rate:.3g} s of sound, less than the "
            f"minimum of {MIN_DURATION_S} s",
            hint="Use a longer piece of speech",
        )
    if peak_to_peak < SILENCE_PEAK:
        raise BadAudio(
            f"{name} holds digital silence and no speech", hint="Check the recording or the track"
        )
