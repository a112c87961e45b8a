"""Sound files of every kind as blocks of float32: our own WAV reader, then whatever is installed.

FLAC, Ogg, Opus, MP3 and AIFF go to soundfile where it is present; what it cannot read (M4A, AAC,
WMA, video) goes to ``ffmpeg`` where that is on the PATH, then to audioread, which knows the
decoders of macOS. Only files whose first bytes name a known container are handed on.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import io
import logging
import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, TypeAlias, cast

import numpy as np

from ..arrays import FloatArray
from ..errors import BadAudio
from . import wav as audio_wav

log = logging.getLogger(__name__)

BLOCK_FRAMES = 1 << 16
INSTALL_HINT = "Install ffmpeg or 'pip install soundfile', or export the sound as a 16-bit WAV"

# First bytes of the containers that soundfile, ffmpeg or audioread read: (offset, bytes, title).
SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"RIFF", "WAV"),
    (0, b"RF64", "WAV"),
    (0, b"RIFX", "WAV"),
    (0, b"fLaC", "FLAC"),
    (0, b"OggS", "Ogg"),
    (0, b"ID3", "MP3"),
    (0, b"FORM", "AIFF"),
    (0, b".snd", "AU"),
    (0, b"caff", "CAF"),
    (0, b"wvpk", "WavPack"),
    (0, b"#!AMR", "AMR"),
    (0, b"\x1aE\xdf\xa3", "Matroska"),
    (0, b"0&\xb2u", "WMA"),
    (4, b"ftyp", "MPEG-4"),
    (4, b"moov", "MPEG-4"),
)


@dataclasses.dataclass(frozen=True)
class DecodedStream:
    """A sound being decoded. Iterate ``blocks`` once, to its end or to the end of your patience."""

    sample_rate: int
    blocks: Iterator[FloatArray]
    """Blocks of shape (frames, channels), full scale 1."""


class _MissingDecoderError(Exception):
    """This decoder is not installed."""


class _RefusedError(Exception):
    """This decoder does not read the file; ``str`` says why."""


@contextlib.contextmanager
def open_decoder(path: Path) -> Iterator[DecodedStream]:
    """Open a sound file with the first decoder that reads it.

    Raises:
        BadAudio: No file, a folder, empty, not a sound file, corrupt, or no decoder for it here.
            Corruption that shows later is raised while iterating.
    """
    title = _container(path)
    reasons: list[str] = []
    for decoder in (_own_wav, _soundfile, _ffmpeg, _audioread):
        with contextlib.ExitStack() as stack:
            try:
                stream = decoder(path, stack)
            except _MissingDecoderError:
                continue
            except _RefusedError as refusal:
                reasons.append(f"{decoder.__name__.strip('_')}: {refusal}")
                continue
            log.debug("%s is read by %s", path.name, decoder.__name__.strip("_"))
            yield stream
            return
    log.info("no decoder for %s: %s", path.name, "; ".join(reasons) or "none installed")
    if reasons:
        raise BadAudio(f"{path.name} is a broken or unusual {title} file", hint=INSTALL_HINT)
    raise BadAudio(f"{path.name} is a {title} file and no decoder for it here", hint=INSTALL_HINT)


def _container(path: Path) -> str:
    """Title of the container by the first bytes."""
    choose = "Choose a WAV, FLAC, OGG, MP3 or M4A file"
    try:
        if path.is_dir():
            raise BadAudio(f"{path} is a folder", hint=choose)
        with path.open("rb") as stream:
            start = stream.read(16)
    except FileNotFoundError:
        raise BadAudio(f"No such sound file: {path}", hint="Check the path") from None
    except (OSError, ValueError) as error:
        raise BadAudio(f"{path} cannot be read: {error}", hint="Check its permissions") from error
    if not start:
        raise BadAudio(f"{path.name} is empty (0 bytes)", hint=choose)
    for offset, magic, title in SIGNATURES:
        if start[offset : offset + len(magic)] == magic:
            return title
    if start[0] == 0xFF and start[1:2] >= b"\xe0":
        return "MP3"  # a frame header without tags: MP3 or bare AAC
    raise BadAudio(f"{path.name} is not a sound file, whatever its name says", hint=choose)


def _own_wav(path: Path, stack: contextlib.ExitStack) -> DecodedStream:
    stream = stack.enter_context(path.open("rb"))
    if stream.read(4) not in (b"RIFF", b"RF64"):
        raise _MissingDecoderError
    stream.seek(0)
    header = audio_wav.read_header(cast(BinaryIO, stream), path.name)
    if header is None:
        raise _RefusedError("a codec inside WAV")
    blocks = audio_wav.read_blocks(cast(BinaryIO, stream), header, path.name)
    return DecodedStream(header.sample_rate, blocks)


def _soundfile(path: Path, stack: contextlib.ExitStack) -> DecodedStream:
    try:
        import soundfile
    except (ImportError, OSError) as error:  # OSError: the wheel without its libsndfile
        raise _MissingDecoderError from error
    try:
        with _native_stderr_closed():
            file = stack.enter_context(soundfile.SoundFile(str(path)))
    except soundfile.SoundFileError as error:
        raise _RefusedError(str(error)) from error

    def read() -> FloatArray:
        with _native_stderr_closed():
            return cast(FloatArray, file.read(BLOCK_FRAMES, "float32", always_2d=True))

    def blocks() -> Iterator[FloatArray]:
        seen = 0
        try:
            while len(block := read()):
                seen += len(block)
                yield block
        except soundfile.SoundFileError as error:
            raise _broken(path, str(error)) from error
        if seen < file.frames < 1 << 62:  # a length nobody knows is given as 2**63 - 1
            raise _broken(path, f"only {seen} of {file.frames} samples")

    return DecodedStream(file.samplerate, blocks())


def _ffmpeg(path: Path, stack: contextlib.ExitStack) -> DecodedStream:
    program = shutil.which("ffmpeg")
    if program is None:
        raise _MissingDecoderError
    # The protocol list keeps a crafted playlist from opening anything but files.
    command = [program, "-nostdin", "-v", "error", "-xerror", "-protocol_whitelist", "file,pipe"]
    command += ["-i", f"file:{path.resolve()}", "-map", "0:a:0", "-c:a", "pcm_f32le"]
    command += ["-f", "wav", "pipe:1"]
    errors = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - the stack closes it
    flags = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=errors,
        creationflags=flags,
    )
    stack.callback(_end_child, child)
    stdout = cast(BinaryIO, child.stdout)
    try:
        header = audio_wav.read_header(stdout, path.name)
    except BadAudio as error:
        raise _RefusedError(_last_line(errors)) from error
    if header is None:
        raise _RefusedError("ffmpeg wrote no PCM")

    def blocks() -> Iterator[FloatArray]:
        open_ended = dataclasses.replace(header, data_bytes=None)
        yield from audio_wav.read_blocks(stdout, open_ended, path.name)
        if child.wait() != 0:
            raise _broken(path, _last_line(errors))

    return DecodedStream(header.sample_rate, blocks())


def _audioread(path: Path, stack: contextlib.ExitStack) -> DecodedStream:
    if importlib.util.find_spec("audioread") is None:
        raise _MissingDecoderError
    with warnings.catch_warnings():  # its WAV reader imports modules that Python 3.13 drops
        warnings.simplefilter("ignore")
        import audioread

        try:
            file = stack.enter_context(audioread.audio_open(str(path)))
        except (audioread.DecodeError, OSError, EOFError) as error:
            raise _RefusedError(str(error) or type(error).__name__) from error

    def blocks() -> Iterator[FloatArray]:
        try:
            for data in file:
                integers = np.frombuffer(data, "<i2").reshape(-1, file.channels)
                yield integers.astype(np.float32) / 2.0**15
        except (audioread.DecodeError, OSError, EOFError) as error:
            raise _broken(path, str(error)) from error

    return DecodedStream(int(file.samplerate), blocks())


@contextlib.contextmanager
def _native_stderr_closed() -> Iterator[None]:
    """Lead file descriptor 2 nowhere: mpg123 in libsndfile writes warnings of its own to it."""
    try:
        kept = os.dup(2)
    except OSError:  # a program without a stderr has nothing to keep clean
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _broken(path: Path, reason: str) -> BadAudio:
    reason = reason.rstrip(". ")
    log.info("%s is broken: %s", path.name, reason)
    return BadAudio(
        f"{path.name} is truncated or corrupt: {reason or 'it cannot be decoded to its end'}",
        hint="Copy or export the file again",
    )


def _end_child(child: subprocess.Popen[bytes]) -> None:
    if child.stdout is not None:
        child.stdout.close()
    if child.poll() is None:
        child.kill()
    child.wait()


def _last_line(errors: io.BufferedRandom | BinaryIO) -> str:
    errors.seek(0)
    lines = errors.read()[-2000:].decode("utf-8", "replace").strip().splitlines()
    return lines[-1].strip() if lines else ""


Decoder: TypeAlias = Callable[[Path, contextlib.ExitStack], DecodedStream]
