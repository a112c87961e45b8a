"""Read the script of a clip from the command line and write its words with their times."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from ..curves.track import SCRIPT_MATCH, CurveTrack
from ..errors import BadArgument
from ..files import replace_file
from ..text.subtitles import read_subtitles, write_srt
from ..text.textgrid import write_textgrid
from ..text.track import track_from_json

LARGEST_SCRIPT_BYTES = 4 << 20
"""A script of forty hours; anything larger is another file."""
WORD_FORMATS = (".textgrid", ".srt", ".json")


def add_script_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a script."""
    group = parser.add_argument_group("script")
    group.add_argument("--text", default="", metavar="TEXT", help="the words that are spoken")
    group.add_argument(
        "--text-file", type=Path, metavar="FILE", help="file with the words: text, SRT or WebVTT"
    )
    group.add_argument(
        "--words",
        type=Path,
        metavar="OUT.TextGrid|srt|json",
        help="write words and phones with their times; needs a script",
    )


def script_from(options: argparse.Namespace) -> str:
    """Return the script that the options give; empty without one.

    Args:
        options: Parsed options of ``add_script_options``.

    Raises:
        BadArgument: Both a text and a file, a file that cannot be read, or words without a script.
    """
    # Two scripts may differ, and taking one of them would be a guess.
    if options.text and options.text_file:
        raise BadArgument("--text and --text-file are both given", hint="Give one of them")
    script = read_script(options.text_file) if options.text_file else str(options.text)
    if options.words:
        if not script.strip():
            raise BadArgument("--words needs a script", hint="Add --text or --text-file")
        if options.words.suffix.lower() not in WORD_FORMATS:
            raise BadArgument(
                f"Unknown format of {options.words.name}", hint="Use .TextGrid, .srt or .json"
            )
    return script


def read_script(path: Path) -> str:
    """Read the words of a text or subtitle file.

    Args:
        path: UTF-8, UTF-16 or Windows-1252 text; ``.srt`` and ``.vtt`` are read as subtitles.

    Raises:
        BadArgument: The file is missing, too large, or cannot be read.
    """
    try:
        # Asked before reading, as for any file of the user.
        if path.stat().st_size > LARGEST_SCRIPT_BYTES:
            raise BadArgument(f"The script {path.name} is too large", hint="Give the line alone")
        if path.suffix.lower() in (".srt", ".vtt"):
            return " ".join(cue.text for cue in read_subtitles(path))
        data = path.read_bytes()
    except OSError as error:
        raise BadArgument(
            f"The script {path} cannot be read: {error.strerror}", hint="Check --text-file"
        ) from error
    # A byte order mark names UTF-16; UTF-8 otherwise, and what is no UTF-8 is Windows-1252, in
    # which any bytes are text.
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def write_words(track: CurveTrack, path: Path) -> None:
    """Write the words and phones of generated curves.

    Args:
        track: Curves that were generated with a script.
        path: Target; the ending chooses Praat TextGrid, SRT or JSON.

    Raises:
        BadArgument: The curves have no words.
        BadOutput: The file cannot be written.
    """
    match: Any = track.request.get(SCRIPT_MATCH)
    if not isinstance(match, dict):
        raise BadArgument(
            "The model recognises no phones, so words have no times", hint="Use another --model"
        )
    phone_track = track_from_json(match["track"])
    if path.suffix.lower() == ".textgrid":
        write_textgrid(phone_track, path)
    elif path.suffix.lower() == ".srt":
        write_srt(phone_track.words, path)
    else:
        # JSON has all that was found, doubtful words included.
        replace_file(path, json.dumps(match, ensure_ascii=False, indent=1).encode("utf-8"))
