"""Decode one audio file with one decoder. Each decoder takes a path and yields blocks of float32.

``own_wav`` needs numpy only. ``soundfile`` reads FLAC, Ogg, Opus, MP3, AIFF and more; ``ffmpeg``
reads almost everything, videos included; ``core_audio`` is part of macOS. A decoder raises
``MissingDecoderError`` if it is not installed, and any other exception if it cannot read the file.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import os
import platform
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeAlias, cast

import numpy as np

from ..arrays import FloatArray
from . import wav
from .container import mp3_states_length
from .ogg import FileRange, link_ranges
from .resample import Resampler

BLOCK_FRAMES = 1 << 16
ESTIMATING_CODEC = "MPEG_LAYER"
"""Prefix of codecs whose length libsndfile estimates from the bit rate if it is not stated."""
MAX_FRAMES = 1 << 48
"""libsndfile reports 2**63 - 1 frames for an unknown length."""


class MissingDecoderError(Exception):
    """The decoder is not installed."""


class NoAudioTrackError(Exception):
    """The file is readable, but has no audio track."""


@dataclasses.dataclass(frozen=True)
class Decoded:
    """A file that a decoder has opened."""

    sample_rate: int
    blocks: Iterator[FloatArray]
    """Blocks of shape (frames, channels), full scale 1. Iterate once."""
    stated_frames: int | None = None
    """Length according to the header; None if it is unknown or an estimate."""


class Resources(contextlib.ExitStack):
    """Files and processes of a decoder, closed on exit.

    ``interrupts`` are called from another thread to unblock a read that hangs.
    """

    def __init__(self) -> None:
        super().__init__()
        self.interrupts: list[Callable[[], object]] = []


# Decoders are plain functions: a new one is a line in DECODERS.
Decoder: TypeAlias = Callable[[Path, Resources], Decoded]


def own_wav(path: Path, resources: Resources) -> Decoded:
    """Decode PCM and float WAV files.

    Args:
        path: The file.
        resources: Closes the file after decoding.

    Raises:
        WavError: Not such a file.
    """
    stream = cast(BinaryIO, resources.enter_context(path.open("rb")))
    header = wav.read_header(stream)
    return Decoded(header.sample_rate, wav.read_blocks(stream, header), header.frames)


def soundfile(path: Path, resources: Resources) -> Decoded:
    """Decode with libsndfile; every link of a chained Ogg file.

    Args:
        path: The file.
        resources: Closes the file after decoding.

    Raises:
        MissingDecoderError, OSError: See the module.
    """
    try:
        import soundfile as library
    except (ImportError, OSError) as error:  # OSError: the wheel without its libsndfile
        raise MissingDecoderError from error

    class ForwardFile(library.SoundFile):  # type: ignore[misc]
        """A file that is never asked for its position, which fails on FLAC from a pipe."""

        def seekable(self) -> bool:
            return False

    def open_file(source: Any) -> Any:
        try:
            # mpg123 inside libsndfile prints warnings on damaged frames.
            with _NO_NATIVE_STDERR:
                return resources.enter_context(ForwardFile(source))
        except library.LibsndfileError as error:
            raise OSError(error.error_string) from error  # without the path

    # libsndfile stops at the end of the first link of a chained file.
    links = link_ranges(path)
    if len(links) > 1:
        stream = cast(BinaryIO, resources.enter_context(path.open("rb")))
        files = [open_file(FileRange(stream, *link)) for link in links]
        return Decoded(files[0].samplerate, _chained(files))
    file = open_file(str(path))
    # Without a tag the length of an MP3 file is an estimate from its bit rate.
    is_stated = not file.subtype.startswith(ESTIMATING_CODEC) or (
        file.format != "WAV" and mp3_states_length(path)
    )
    is_stated = is_stated and 0 < file.frames < MAX_FRAMES
    return Decoded(file.samplerate, _read_file(file), file.frames if is_stated else None)


def ffmpeg(path: Path, resources: Resources) -> Decoded:
    """Decode the first audio track with the program ffmpeg, if it is on the PATH.

    Args:
        path: The file.
        resources: Closes the file after decoding.

    Raises:
        MissingDecoderError, NoAudioTrackError, OSError: See the module.
    """
    program = shutil.which("ffmpeg")
    if program is None:
        raise MissingDecoderError
    # The protocol list keeps a crafted playlist from opening anything but files.
    # -nostdin: ffmpeg would otherwise read the worker's requests from stdin.
    command = [program, "-nostdin", "-v", "error", "-protocol_whitelist", "file,pipe"]
    # file: keeps a name that begins with a dash or a protocol from being taken for one.
    command += ["-i", f"file:{path.resolve()}", "-map", "0:a:0", "-c:a", "pcm_f32le"]
    command += ["-f", "wav", "pipe:1"]
    # A file, not a pipe: a long complaint would fill a pipe that nobody reads.
    errors = resources.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - the stack closes it
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=errors,
        # On Windows a console program opens a window otherwise.
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
    resources.callback(_end_child, child)
    # Killed from another thread: a read from its pipe returns at once.
    resources.interrupts.append(child.kill)
    stdout = cast(BinaryIO, child.stdout)

    def complaint() -> str:
        errors.seek(0)
        # The last line is the reason; what stands before are details.
        lines = errors.read()[-2000:].decode("utf-8", "replace").strip().splitlines()
        return lines[-1].strip() if lines else ""

    try:
        header = wav.read_header(stdout)
    except wav.WavError as error:
        reason = complaint()
        if "matches no streams" in reason:
            raise NoAudioTrackError(reason) from error
        raise OSError(reason or "no output") from error

    def blocks() -> Iterator[FloatArray]:
        # ffmpeg writes to a pipe and cannot go back to fill in the length.
        yield from wav.read_blocks(stdout, dataclasses.replace(header, data_bytes=None))
        # Samples before the fault are kept: the caller compares lengths.
        if child.wait() != 0:
            raise OSError(complaint() or "ffmpeg failed")

    return Decoded(header.sample_rate, blocks())


def core_audio(path: Path, resources: Resources) -> Decoded:
    """Decode with Core Audio of macOS, through the package audioread.

    Args:
        path: The file.
        resources: Closes the file after decoding.

    Raises:
        MissingDecoderError: Another system, or the package is not installed.
    """
    if platform.system() != "Darwin" or importlib.util.find_spec("audioread") is None:
        raise MissingDecoderError
    from audioread import macca

    file = resources.enter_context(macca.ExtAudioFile(str(path)))

    def blocks() -> Iterator[FloatArray]:
        for data in file:
            # Core Audio is asked for 16 bits, little-endian.
            integers = np.frombuffer(data, "<i2").reshape(-1, file.channels)
            yield integers.astype(np.float32) / 2.0**15

    return Decoded(int(file.samplerate), blocks())


DECODERS: Final[tuple[Decoder, ...]] = (own_wav, soundfile, ffmpeg, core_audio)
"""In the order in which they are tried: fast and exact ones first."""


def _read_file(file: Any) -> Iterator[FloatArray]:
    while True:
        with _NO_NATIVE_STDERR:
            # always_2d: mono has a channel axis as well.
            block = cast(FloatArray, file.read(BLOCK_FRAMES, "float32", always_2d=True))
        if not len(block):
            return
        yield block


def _chained(files: list[Any]) -> Iterator[FloatArray]:
    """Yield the samples of all links, mono, at the sample rate of the first."""
    rate = files[0].samplerate
    for file in files:
        # Links of a radio recording may differ in rate.
        resampler = Resampler(file.samplerate, rate)
        for block in _read_file(file):
            yield resampler.push(block.mean(axis=1, dtype=np.float32))[:, None]
        yield resampler.flush()[:, None]


class _NativeStderr:
    """Discards what native code writes to file descriptor 2: warnings of mpg123 in libsndfile.

    The descriptor belongs to the whole process and several threads decode at a time, so the first
    one that enters redirects it and the last one that leaves restores it.
    """

    def __init__(self) -> None:
        # File descriptor 2 belongs to the process, not to the thread.
        self._lock = threading.Lock()
        self._users = 0
        self._kept: int | None = None

    def __enter__(self) -> None:
        with self._lock:
            self._users += 1
            if self._users > 1:
                return
            with contextlib.suppress(OSError):  # the process may have no stderr
                self._kept = os.dup(2)
                null = os.open(os.devnull, os.O_WRONLY)
                os.dup2(null, 2)
                os.close(null)

    def __exit__(self, *_error: object) -> None:
        with self._lock:
            self._users -= 1
            # Another thread still decodes: its messages must not come through.
            if self._users or self._kept is None:
                return
            os.dup2(self._kept, 2)
            os.close(self._kept)
            self._kept = None


_NO_NATIVE_STDERR = _NativeStderr()


def _end_child(child: subprocess.Popen[bytes]) -> None:
    if child.stdout is not None:
        # Closed before the wait: a child that writes would never end.
        child.stdout.close()
    if child.poll() is None:
        child.kill()
    child.wait()
