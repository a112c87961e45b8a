"""Read the script of a clip from the command line and write its words with their times."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from ..curves.track import SCRIPT_MATCH, CurveTrack
from ..errors import BadArgument
from ..files import replace_file
from ..protocol import Pronunciation
from ..text.formats.files import read_script, read_timing, script_beside
from ..text.formats.subtitles import write_srt
from ..text.formats.textgrid import write_textgrid
from ..text.letter_sounds import LANGUAGES
from ..text.pronounce import entries_of, read_own_dictionary
from ..text.track import phone_track_or_none

WORD_FORMATS = (".textgrid", ".srt", ".json")


def add_script_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a script."""
    group = parser.add_argument_group("script")
    group.add_argument("--text", default="", metavar="TEXT", help="the words that are spoken")
    group.add_argument(
        "--text-file", type=Path, metavar="FILE", help="file with the words: text, SRT or WebVTT"
    )
    group.add_argument(
        "--textgrid",
        type=Path,
        metavar="FILE",
        help="Praat TextGrid with tiers words or phones, whose times are used as they are",
    )
    add_text_options(group)
    group.add_argument(
        "--words",
        type=Path,
        metavar="OUT.TextGrid|srt|json",
        help="write words and phones with their times; SRT needs a script",
    )


def add_text_options(group: argparse._ArgumentGroup) -> None:
    """Add the options of scripts that ``generate`` and ``batch`` share."""
    group.add_argument(
        "--language",
        default="en",
        metavar="CODE",
        help=f"language of the words: en (default), {', '.join(sorted(LANGUAGES))}, or another "
        "that espeak-ng reads where it is installed; else the audio alone is used",
    )
    group.add_argument(
        "--dictionary",
        type=Path,
        metavar="FILE.json",
        help='pronunciations of names and invented words, as {"Xanthe": "z ae n th iy"}',
    )
    group.add_argument(
        "--no-text",
        action="store_true",
        help="use no script, not even line.txt or line.lab beside line.wav",
    )


def script_from(options: argparse.Namespace) -> str:
    """Return the script that the options give, or that of a file beside the audio; else empty.

    Args:
        options: Parsed options of ``add_script_options``, with ``audio``.

    Raises:
        BadArgument: Several options for one script, or a file that cannot be read.
    """
    files = [options.text_file is not None, options.textgrid is not None]
    if sum([bool(options.text), *files, options.no_text]) > 1:
        raise BadArgument(
            "More than one of --text, --text-file, --textgrid and --no-text is given",
            hint="Give one of them",
        )
    script = str(options.text)
    path = script_file_or_none(options)
    if path is not None:
        script = read_timing(path) if path == options.textgrid else read_script(path)
    if options.words:
        _check_words(options.words, has_script=bool(script.strip()))
    return script


def script_file_or_none(options: argparse.Namespace) -> Path | None:
    """Return the file that ``script_from`` reads: the given one, or that beside the audio."""
    path: Path | None = options.text_file or options.textgrid
    if path is None and not (options.text or options.no_text):
        path = script_beside(options.audio)
    return path


def pronunciations_from(options: argparse.Namespace) -> tuple[Pronunciation, ...]:
    """Return the entries of the dictionary that the options name.

    Raises:
        BadArgument: It is missing, or not a valid dictionary.
    """
    path: Path | None = options.dictionary
    if path is None:
        return ()
    if not path.is_file():
        raise BadArgument(f"Dictionary not found: {path}", hint="Check --dictionary")
    return entries_of(read_own_dictionary(path))


def _check_words(path: Path, *, has_script: bool) -> None:
    suffix = path.suffix.lower()
    if suffix not in WORD_FORMATS:
        raise BadArgument(f"Unknown format of {path.name}", hint="Use .TextGrid, .srt or .json")
    if suffix == ".srt" and not has_script:
        raise BadArgument("Subtitles need a script", hint="Add --text or --text-file")


def write_words(track: CurveTrack, path: Path) -> None:
    """Write the words and phones of generated curves.

    Args:
        track: Curves, generated with or without a script.
        path: Target; the ending chooses Praat TextGrid, SRT or JSON.

    Raises:
        BadArgument: The curves have no phones.
        BadOutput: The file cannot be written.
    """
    phone_track = phone_track_or_none(track.request)
    if phone_track is None:
        raise BadArgument(
            "The model recognises no phones, so nothing has times", hint="Use another --model"
        )
    if path.suffix.lower() == ".textgrid":
        write_textgrid(phone_track, path)
    elif path.suffix.lower() == ".srt":
        write_srt(phone_track.words, path)
    else:
        match: Any = track.request.get(SCRIPT_MATCH)
        found = match if isinstance(match, dict) else {}
        data = {**found, "track": phone_track.as_json()}
        replace_file(path, json.dumps(data, ensure_ascii=False, indent=1).encode("utf-8"))
