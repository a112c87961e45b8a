"""Read script files, also those beside an audio file. Standard library only."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from ...errors import BadArgument, BadCurves
from ..track import SILENCE
from .subtitles import cues_of
from .textgrid import track_of_textgrid

SUBTITLE_SUFFIXES = (".srt", ".vtt")
SCRIPT_SUFFIXES = (".txt", ".lab", *SUBTITLE_SUFFIXES)
"""Endings of a sidecar, the first that exists counts."""
LARGEST_SCRIPT_BYTES = 2 << 20
"""A script of twenty hours, which still fits into one message; anything larger is another file."""
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    # Before UTF-16, whose mark is the first half of this one.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
TIMED_LABEL = re.compile(r"\s*\d+(\.\d+)?\s+\d+(\.\d+)?\s+\S+")
"""A line of an HTK label file: start, end, label."""
_UNDEFINED = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")


def decoded(data: bytes) -> str:
    """Return the text of a file, whose encoding is recognised: UTF-8, UTF-16, Windows-1252."""
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    if data[1:2] == b"\0":  # UTF-16 without a mark: texts begin with ASCII
        return data.decode("utf-16-le", "replace")
    if data[:1] == b"\0":
        return data.decode("utf-16-be", "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        # Excel's "CSV" on Windows; its five undefined bytes are read as Latin-1.
        is_latin = _UNDEFINED.search(data)
        return data.decode("latin-1" if is_latin else "cp1252")


def read_script(path: Path) -> str:
    """Read the words of a text or subtitle file.

    Args:
        path: UTF-8, UTF-16 or Windows-1252 text. ``.srt`` and ``.vtt`` keep their times, which
            ``script.match_script`` uses.

    Raises:
        BadArgument: The file is missing, too large, holds no text, or has no subtitles.
    """
    try:
        # The size of a pipe or device is 0: only reading tells.
        with path.open("rb") as stream:
            data = stream.read(LARGEST_SCRIPT_BYTES + 1)
    except OSError as error:
        raise BadArgument(
            f"The script {path.name} cannot be read: {error.strerror}",
            hint="Check the path and the permissions of the file",
        ) from error
    if len(data) > LARGEST_SCRIPT_BYTES:
        raise BadArgument(
            f"The script {path.name} is larger than {LARGEST_SCRIPT_BYTES >> 20} MB",
            hint="Give the text of this line alone",
        )
    text = decoded(data)
    if "\0" in text:
        raise BadArgument(
            f"The script {path.name} is not a text file", hint="Save it as plain text, UTF-8"
        )
    if path.suffix.lower() in SUBTITLE_SUFFIXES and not cues_of(text):
        raise BadArgument(
            f"{path.name} has no subtitles", hint="Use an SRT or WebVTT file with times"
        )
    return text


def read_timing(path: Path) -> str:
    """Read a TextGrid whose times of words or phones are to be used as they are.

    Args:
        path: In Praat's long or short text format, with tiers ``words``, ``phones`` or both.

    Returns:
        Its text, which takes the place of a script.

    Raises:
        BadArgument: The file cannot be read, or is no such TextGrid.
    """
    text = read_script(path).lstrip("\ufeff")
    try:
        track = track_of_textgrid(text, path.name)
    except BadCurves as error:
        raise BadArgument(str(error), hint=error.hint) from error
    if not any(phone.name != SILENCE for phone in track.phones) and not track.words:
        raise BadArgument(
            f"{path.name} has no words or phones", hint="Choose the TextGrid of this recording"
        )
    return text


def script_beside(audio: Path) -> Path | None:
    """Return the script file beside an audio file, ``line.txt`` or ``line.lab``; None without one.

    Label files with times belong to other programs and are passed over.
    """
    for suffix in SCRIPT_SUFFIXES:
        path = audio.with_suffix(suffix)
        try:
            if path.is_file() and not (suffix == ".lab" and _has_times(path)):
                return path
        except (OSError, ValueError):  # ValueError: a NUL in the name
            continue
    return None


def _has_times(path: Path) -> bool:
    with path.open("rb") as stream:
        lines = decoded(stream.read(4096)).splitlines()
    lines = [line for line in lines if line.strip()]
    return bool(lines) and TIMED_LABEL.fullmatch(lines[0]) is not None
