"""Decode an audio file with the first decoder that reads it, in a thread that can be abandoned.

Neither the extension nor the first bytes decide: every decoder is asked in turn, and an exception
of a decoder means only that the next one is asked. The length is that of what decodes. Reading
happens in a thread, so that a file on a disk or share that hangs does not block cancellation.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import queue
import shutil
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from ..arrays import FloatArray
from ..errors import BadAudio
from . import wav
from .container import has_no_audio_track
from .decoders import DECODERS, Decoder, MissingDecoderError, NoAudioTrackError, Resources

log = logging.getLogger(__name__)

POLL_S = 0.1
STOP_S = 1.0
"""Time for a decoder to close its files before it is abandoned."""
QUEUED_BLOCKS = 8
INSTALL_HINT: Final = "Install ffmpeg or 'pip install soundfile', or export a 16-bit WAV file"
EXPORT_HINT: Final = "Export the audio again, for example as a 16-bit WAV file"
CHOOSE_HINT: Final = "Choose an audio or video file"


class AudioStream:
    """Decoded audio of one decoder. Iterate once; the attributes are final after the last block."""

    def __init__(self, decoder: Decoder, path: Path, poll: Callable[[], None]) -> None:
        """Start decoding.

        Args:
            decoder: The decoder.
            path: The file.
            poll: Called at least every 0.1 s while waiting; an exception in it ends the wait.
        """
        self.name = decoder.__name__
        self.sample_rate = 0
        self.stated_frames: int | None = None
        self.frames = 0
        self.failure: Exception | None = None
        """The exception that ended decoding early, if any."""
        self._poll = poll
        self._reader = _Reader(decoder, path)
        try:
            self._first = self._start()
        # BaseException: KeyboardInterrupt must close the file too.
        except BaseException:  # cancelled while the decoder opens the file
            self.close()
            raise

    def _start(self) -> FloatArray | None:
        item = self._take()
        if isinstance(item, _Opened):
            self.sample_rate, self.stated_frames = item.sample_rate, item.stated_frames
            item = self._take()
        if isinstance(item, _Ended):
            self.failure = item.error
            return None
        assert not isinstance(item, _Opened)
        return item

    @property
    def is_empty(self) -> bool:
        """True when not a single block was decoded."""
        return self._first is None

    @property
    def missing_frames(self) -> int:
        """Frames that the header states and that were not decoded; 0 if it states no length."""
        return max(0, (self.stated_frames or 0) - self.frames)

    def __iter__(self) -> Iterator[FloatArray]:
        """Yield blocks of shape (frames, channels), full scale 1."""
        block = self._first
        while block is not None:
            self.frames += len(block)
            yield block
            item = self._take()
            if isinstance(item, _Ended):
                self.failure = item.error
                return
            assert not isinstance(item, _Opened)
            block = item

    def close(self) -> None:
        """Stop decoding; a read that hangs is abandoned."""
        # A thread in a system call cannot be ended; as a daemon it keeps nothing alive.
        self._reader.stop()

    def _take(self) -> _Item:
        while True:
            self._poll()
            with contextlib.suppress(queue.Empty):
                item = self._reader.items.get(timeout=POLL_S)
                if isinstance(item, _Ended) and isinstance(item.error, MemoryError):
                    raise item.error  # not a fault of the file: the next decoder would fail too
                return item


@contextlib.contextmanager
def open_audio(
    path: Path, *, poll: Callable[[], None] = lambda: None
) -> Iterator[Iterator[AudioStream]]:
    """Open an audio file; the first stream of the result is the preferred one.

    A caller takes the next stream if one ended early, and keeps the longest.

    Args:
        path: Audio or video file.
        poll: Called at least every 0.1 s while waiting; an exception in it ends decoding.

    Yields:
        An iterator over streams with at least one block, one per decoder that reads the file.

    Raises:
        BadAudio: The file is missing or not a regular file, or (while iterating) no decoder
            yields any audio.
    """
    path = Path(path)
    # Before any decoder is opened: a FIFO would block the first.
    check_file(path)
    with contextlib.ExitStack() as stack:
        yield _streams(path, poll, stack)


@contextlib.contextmanager
def open_decoder(path: Path) -> Iterator[AudioStream]:
    """Open an audio file with the first decoder that reads it. Raises BadAudio."""
    with open_audio(path) as streams:
        yield next(streams)


def check_file(path: Path) -> None:
    """Raise BadAudio unless ``path`` is a regular file with content."""
    try:
        status = path.stat()
    except FileNotFoundError:
        raise BadAudio(
            f"Audio file not found: {path}", hint="Load it again, or check the path"
        ) from None
    except (OSError, ValueError) as error:
        raise BadAudio(f"Cannot read {path}: {error}", hint="Check its permissions") from error
    if stat.S_ISDIR(status.st_mode):
        raise BadAudio(f"{path} is a folder", hint=CHOOSE_HINT)
    if not stat.S_ISREG(status.st_mode):  # a FIFO would block, a device never ends
        raise BadAudio(f"{path} is a pipe, socket or device, not a file", hint=CHOOSE_HINT)
    if not status.st_size:
        raise BadAudio(f"{path.name} is empty (0 bytes)", hint=CHOOSE_HINT)


def _streams(
    path: Path, poll: Callable[[], None], stack: contextlib.ExitStack
) -> Iterator[AudioStream]:
    reasons: dict[str, Exception | None] = {}
    found = False
    # In order, each only when the one before gave up: probing formats by name is not reliable.
    for decoder in DECODERS:
        stream = AudioStream(decoder, path, poll)
        stack.callback(stream.close)
        if stream.is_empty:
            # A decoder that is not installed is no reason for a refusal.
            if not isinstance(stream.failure, MissingDecoderError):
                reasons[stream.name] = stream.failure
            continue
        log.debug("%s is decoded by %s", path.name, stream.name)
        found = True
        yield stream
    if not found:
        raise _refusal(path, reasons)


def _refusal(path: Path, reasons: dict[str, Exception | None]) -> BadAudio:
    """Return the error for a file that no decoder reads."""
    texts = [f"{name}: {_reason(error)}" for name, error in reasons.items()]
    log.info("cannot decode %s: %s", path.name, "; ".join(texts))
    # "Not a WAV file" says nothing about an MP3 file.
    shown = [text for text in texts if not text.endswith(wav.NOT_WAV)] or texts
    is_silent_video = any(isinstance(error, NoAudioTrackError) for error in reasons.values())
    if is_silent_video or has_no_audio_track(path):
        return BadAudio(f"{path.name} has no audio track", hint="Choose a file with sound")
    if None in reasons.values():  # decoded without an error, to nothing
        return BadAudio(f"{path.name} contains no audio samples", hint=EXPORT_HINT)
    # ffmpeg would read nearly anything: where it is missing it is the first advice.
    hint = EXPORT_HINT if shutil.which("ffmpeg") else INSTALL_HINT
    return BadAudio(f"{path.name} cannot be decoded as audio ({shown[0]})", hint=hint)


def _reason(error: Exception | None) -> str:
    if error is None:
        return "no samples"
    return " ".join(str(error).split()).rstrip(". ") or type(error).__name__


@dataclasses.dataclass(frozen=True)
class _Opened:
    sample_rate: int
    stated_frames: int | None


@dataclasses.dataclass(frozen=True)
class _Ended:
    error: Exception | None


_Item = _Opened | _Ended | FloatArray


class _Reader:
    """Runs a decoder in a thread and queues its blocks."""

    def __init__(self, decoder: Decoder, path: Path) -> None:
        # A bounded queue: a decoder must not read a whole film into memory.
        self.items: queue.Queue[_Item] = queue.Queue(QUEUED_BLOCKS)
        self._decoder, self._path = decoder, path
        self._stopped = threading.Event()
        self._resources = Resources()
        self._thread = threading.Thread(target=self._run, name=f"decode {path.name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread, or abandon it if a read hangs; a daemon does not keep a process alive."""
        self._stopped.set()
        # Interrupts first, so that the join does not wait for a hung read.
        for interrupt in self._resources.interrupts:
            interrupt()
        self._thread.join(STOP_S)

    def _run(self) -> None:
        error: Exception | None = None
        try:
            with self._resources as resources:
                self._decode(resources)
        # Whatever a decoder raises means that the next one is asked.
        except Exception as raised:  # noqa: BLE001 - whatever a decoder raises, the next is asked
            error = raised
        self._put(_Ended(error))

    def _decode(self, resources: Resources) -> None:
        decoded = self._decoder(self._path, resources)
        # Rates outside are a sign of a misread header.
        if decoded.sample_rate not in wav.SAMPLE_RATES:
            raise ValueError(f"{decoded.sample_rate} Hz is not a sample rate")
        self._put(_Opened(decoded.sample_rate, decoded.stated_frames))
        for block in decoded.blocks:
            if self._stopped.is_set():
                return
            if len(block):
                self._put(block)

    def _put(self, item: _Item) -> None:
        # put with a timeout: a consumer that stopped never empties the queue.
        while not self._stopped.is_set():
            with contextlib.suppress(queue.Full):
                self.items.put(item, timeout=POLL_S)
                return
