"""Write WAV files of audio that the worker process cannot decode. Main thread only.

The worker reads WAV itself and other formats through ffmpeg. Without ffmpeg, Blender's decoder
(Audaspace, module ``aud``) writes a WAV file, once per audio file.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from pathlib import Path
from typing import Any

from ..errors import BadSound
from ..package import files, wav
from .audio_length import MOST_DECODED

log = logging.getLogger(__name__)

FOLDER = "cstalk-sounds"
BUFFER_FRAMES = 65_536
SAMPLE_BYTES = 2
SPACE_MARGIN = 32 << 20
"""Bytes that must stay free beside the two copies that decoding writes."""
SPACE_HINT = "Free some space, or choose another temporary folder in Blender's preferences"


def for_model(path: Path, temporary_folder: Path) -> Path:
    """Return ``path``, or a WAV file of the same name if the worker cannot decode ``path``.

    Decoding takes about 0.5 s for two minutes of audio; later calls reuse the file.

    Args:
        path: Audio file.
        temporary_folder: Existing folder that Blender deletes at exit.

    Raises:
        BadSound: There is no space for the WAV file.
    """
    # With ffmpeg the worker decodes every format itself.
    # Opening a pipe would wait for its other end; the worker refuses it.
    if not path.is_file() or shutil.which("ffmpeg") is not None or _worker_reads(path):
        return path
    return decoded_or_none(path, temporary_folder) or path


def decoded_or_none(path: Path, temporary_folder: Path) -> Path | None:
    """Return a WAV file of ``path`` decoded by Blender; None if it cannot decode it.

    The worker then reports that it has no decoder.

    Args:
        path: Audio file.
        temporary_folder: Existing folder that Blender deletes at exit.

    Raises:
        BadSound: There is no space for the WAV file.
    """
    # Slow to import, and not needed to enable the add-on.
    import wave

    try:
        import aud
    except ImportError:  # bpy 4.2 from PyPI, and some distributions, lack it
        return None
    try:
        facts = path.stat()
        # Path, times, size and number: an edited file is decoded again, also one that was replaced
        # by a copy with its time.
        parts = (facts.st_mtime_ns, facts.st_ctime_ns, facts.st_size, facts.st_ino)
        key = f"{path.resolve()}\n{parts}"
        folder = temporary_folder / FOLDER / hashlib.sha256(key.encode()).hexdigest()[:16]
        target = folder / f"{path.stem}.wav"  # Actions are named after the stem
        if target.is_file():
            return target
        sound = aud.Sound.file(str(path))
        # First: of a file that it cannot open, Audaspace's `data` ends the whole of Blender.
        _rate, channels = sound.specs
        frames = _length(sound, path)
        folder.mkdir(parents=True, exist_ok=True)
        # `write` does the same when the disk is full.
        _check_space(folder, frames * channels * SAMPLE_BYTES, path)
        partial = folder / "partial.wav"
        try:
            sound.write(
                *(str(partial), 0, 0),
                *(aud.FORMAT_S16, aud.CONTAINER_WAV, aud.CODEC_PCM, 0, BUFFER_FRAMES),
            )
            # Renamed when it is whole; a partial file is never taken for a result.
            _keep_frames(partial, target, frames)
        finally:
            partial.unlink(missing_ok=True)
    # Whatever it raises on a damaged file is a refusal.
    except (OSError, EOFError, ValueError, RuntimeError, wave.Error, aud.error) as error:
        if isinstance(error, OSError) and error.errno in files.NO_SPACE:
            raise _no_space(path) from error
        log.info("Blender does not decode %s: %s", path.name, error)
        return None
    return target


def _check_space(folder: Path, wanted: int, path: Path) -> None:
    """Raise `BadSound` unless two copies of the decoded audio fit into a folder.

    Args:
        folder: Where they are written.
        wanted: Bytes of one copy; not above 0 if the length is unknown.
        path: The audio file.
    """
    if shutil.disk_usage(folder).free < 2 * max(wanted, 0) + SPACE_MARGIN:
        raise _no_space(path)


def _no_space(path: Path) -> BadSound:
    return BadSound(f"No space to decode {path.name} in the temporary folder", hint=SPACE_HINT)


def _length(sound: Any, path: Path) -> int:
    """Return the frames that a file decodes to.

    The stated length is an estimate in MP3 files of variable rate (too long) and in transport
    streams (too short), and -1 in a FLAC file from a pipe.

    Args:
        sound: The file in Audaspace.
        path: The file; a large one is not decoded a second time, and its stated length counts.
    """
    if path.stat().st_size <= MOST_DECODED:
        return len(sound.data())
    return int(sound.length)


def _keep_frames(padded: Path, target: Path, frames: int) -> None:
    """Copy a WAV file without the padding of its last block.

    Args:
        padded: The file that Audaspace wrote.
        target: The copy.
        frames: Length without padding; 0 or less if it is unknown.
    """
    import wave

    whole = target.with_suffix(".new")
    try:
        with wave.open(str(padded), "rb") as source, wave.open(str(whole), "wb") as kept:
            kept.setparams(source.getparams())
            left = source.getnframes()
            if frames > 0:
                left = min(left, frames)
            while left > 0:
                count = min(left, BUFFER_FRAMES)
                kept.writeframes(source.readframes(count))
                left -= count
        whole.replace(target)
    finally:  # after a full disk
        whole.unlink(missing_ok=True)


def _worker_reads(path: Path) -> bool:
    """Return whether the worker reads a file without a decoder: WAV with plain samples.

    Others have the same first bytes: ADPCM, MP3 and AC-3 in a WAV file, or an AVI film.
    """
    try:
        with path.open("rb") as stream:
            wav.read_header(stream)
    except OSError:
        return True  # the worker reports the reason
    except ValueError:  # WavError is one
        return False
    return True
