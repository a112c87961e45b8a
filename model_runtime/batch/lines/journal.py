"""Record how each line ended: one JSON object per line, appended at once. Stdlib only.

Appending survives any end of the process: an incomplete entry is ignored, and its line is generated
again. The last entry of a target counts.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO, Any

from ...errors import BadOutput
from ...files import replacing
from .fingerprint import FilePrint, FileState

JOURNAL_NAME = "journal.jsonl"
FORMAT = 2
NAMES_OF_VERSION_1 = {
    "sound": "audio",
    "acting": "emotion",
    "heard": "detected_emotion",
    "acted_at": "detected_emotion_at",
    "spark": "opening",
}
"""Fields that journals of release 0.1 call otherwise."""
DONE, FAILED = "done", "failed"


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """The outcome of one line, a row of the report."""

    target: str
    """First file of the line, as a POSIX path relative to the output folder."""
    name: str
    state: str
    """``done`` or ``failed``."""
    key: str = ""
    """From ``fingerprint.line_key``; empty where the audio file could not be read."""
    audio: FilePrint | None = None
    outputs: dict[str, FilePrint] = dataclasses.field(default_factory=dict)
    """Files that were written for the line, by target; of an earlier run if the line failed."""
    frames: int = 0
    fps: float = 0.0
    duration_s: float = 0.0
    """Length of the curves."""
    seconds: float = 0.0
    """Wall-clock seconds the line took."""
    character: str = ""
    emotion: str = ""
    """Requested emotion and intensity, in words."""
    detected_emotion: str = ""
    """Emotion detected in the voice, in words; empty unless it was asked for."""
    detected_emotion_at: str = ""
    """Emotion keys that were used then, see ``keys.keys_text``."""
    text_matched: float | None = None
    """Share of the script's words that were found, 0 to 1; None without a script."""
    code: str = ""
    error: str = ""
    hint: str = ""
    attempts: int = 1
    quality: dict[str, Any] = dataclasses.field(default_factory=dict)
    """Fields of ``quality.Quality``; empty for a failed line."""
    opening: tuple[int, ...] = ()
    """Lip aperture over the line, 0 to 99, for the report."""

    @property
    def score(self) -> float:
        """Rating, 0 to 100; 0 for a failed line."""
        return float(self.quality.get("score", 0.0)) if self.state == DONE else 0.0


class Journal:
    """Journal of one output folder, opened by the holder of the folder's lock.

    It takes a hundred bytes of memory per line: entries are read from the file when needed.
    """

    # Entries stay on the disk: ten thousand lines with plots would take the memory.
    def __init__(self, state_folder: Path) -> None:
        self._path = state_folder / JOURNAL_NAME
        self._stream: IO[bytes] | None = None

    def thin_entries(self) -> dict[str, Entry]:
        """Return the last entry of each target, without plot and details of the rating."""
        return {entry.target: _thin(entry) for entry in read_entries(self._path)}

    def start(self) -> None:
        """Drop outdated entries and open the file for more.

        Raises:
            BadOutput: The file cannot be written.
        """
        # The last entry of a target counts.
        last = {entry.target: offset for offset, entry in _with_offsets(self._path)}
        # In the order of the file, so that it stays readable as a history.
        kept = sorted(last.values())
        # Rewritten beside and replaced: a kill leaves the old journal whole.
        with replacing(self._path) as new:
            if kept:
                with self._path.open("rb") as old:
                    for offset in kept:
                        old.seek(offset)
                        new.write(old.readline())
        try:
            # Appended from here on, line by line.
            self._stream = self._path.open("ab")
        except OSError as error:
            raise self._unwritable(error) from error

    def ranked(self, targets: Collection[str]) -> Iterator[Entry]:
        """Yield the last entries of some targets: failed ones, then by score, then by name."""
        places: dict[str, tuple[bool, float, str, int]] = {}
        for offset, entry in _with_offsets(self._path):
            if entry.target in targets:
                # False sorts before True: failed lines come first.
                rank = (entry.state == DONE, entry.score, entry.name, offset)
                places[entry.target] = rank
        if not places:
            return
        with self._path.open("rb") as stream:
            for *_, offset in sorted(places.values()):
                stream.seek(offset)
                found = _entry(stream.readline())
                if found is not None:
                    yield found

    def append(self, entry: Entry) -> None:
        """Add one entry and flush it. Raises BadOutput."""
        if self._stream is None:
            raise BadOutput(f"{self._path} is not open", hint="Call start first")
        try:
            self._stream.write(_text(entry))
            # Flushed: what was reported as done survives the end of the process.
            self._stream.flush()
        except OSError as error:
            raise self._unwritable(error) from error

    def is_on_disk(self) -> bool:
        """Return whether the file that is written to is still in its folder."""
        return self._path.exists()

    def close(self) -> None:
        """Sync everything to the disk and close. Raises BadOutput; it is closed then, too."""
        stream, self._stream = self._stream, None
        if stream is None:
            return
        try:
            # Closing writes what a full disk has refused so far, and fails again.
            with stream:
                # Synced once at the end: for each line it would take too long.
                os.fsync(stream.fileno())
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> BadOutput:
        reason = error.strerror or error
        return BadOutput(f"Cannot write {self._path}: {reason}", hint="Free some space on the disk")


def read_entries(path: Path) -> Iterator[Entry]:
    """Yield the entries of a journal file in order; incomplete ones are ignored."""
    return (entry for _, entry in _with_offsets(path))


def _with_offsets(path: Path) -> Iterator[tuple[int, Entry]]:
    """Yield each entry with the byte at which it begins; nothing without a file."""
    try:
        stream = path.open("rb")
    except FileNotFoundError:
        return
    except OSError as error:
        raise BadOutput(
            f"Cannot read {path}: {error.strerror or error}", hint="Choose another output folder"
        ) from error
    with stream:
        offset = 0
        for text in stream:
            # A line without its break was torn by a kill.
            entry = _entry(text) if text.endswith(b"\n") else None
            if entry is not None:
                yield offset, entry
            offset += len(text)


def _text(entry: Entry) -> bytes:
    values = {"v": FORMAT, **dataclasses.asdict(entry)}
    # Escapes, so that file names that are not UTF-8 (surrogates) can be written too.
    return json.dumps(values, ensure_ascii=True).encode("ascii") + b"\n"


def _entry(text: bytes) -> Entry | None:
    # Anything unreadable counts as not done.
    try:
        values = json.loads(text)
        version = values.pop("v")
        if version == 1:
            values = {NAMES_OF_VERSION_1.get(name, name): v for name, v in values.items()}
        elif version != FORMAT:
            return None
        audio = values.pop("audio")
        audio = None if audio is None else _print(audio)
        outputs = {name: _print(found) for name, found in values.pop("outputs").items()}
        opening = tuple(values.pop("opening"))
        return Entry(**values, audio=audio, outputs=outputs, opening=opening)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _thin(entry: Entry) -> Entry:
    # The score is all that the plan needs of earlier runs.
    kept = {name: entry.quality[name] for name in ("score",) if name in entry.quality}
    return dataclasses.replace(entry, quality=kept, opening=(), error="", hint="")


def _print(values: dict[str, Any]) -> FilePrint:
    return FilePrint(values["sha256"], FileState(**values["state"]))
