"""What has become of each line: one JSON object a line, appended as it happens. Stdlib only.

Appending survives any end of the process: a line cut off half-way is passed over, and its curves
are made again. The last entry of a target counts.
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
from .fingerprint import FilePrint, FileState, is_same

JOURNAL_NAME = "journal.jsonl"
FORMAT = 1
DONE, FAILED = "done", "failed"


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """How one line ended; a row of the report."""

    target: str
    """First file of the line, POSIX path relative to the output folder: names the line."""
    name: str
    state: str
    """``done`` or ``failed``."""
    key: str = ""
    """Of ``fingerprint.line_key``; empty where the sound could not be read."""
    sound: FilePrint | None = None
    outputs: dict[str, FilePrint] = dataclasses.field(default_factory=dict)
    """The files of the line, by target."""
    frames: int = 0
    fps: float = 0.0
    duration_s: float = 0.0
    """Of the sound that was acted."""
    seconds: float = 0.0
    """Time it took."""
    character: str = ""
    acting: str = ""
    """Emotion and intensity that were asked for, in words."""
    heard: str = ""
    """What was heard in the voice, in words; empty where the emotion was not left to it."""
    acted_at: str = ""
    """Then also what was acted, as ``--emotion-at`` writes it."""
    code: str = ""
    error: str = ""
    hint: str = ""
    attempts: int = 1
    quality: dict[str, Any] = dataclasses.field(default_factory=dict)
    """Of ``quality.Quality``; empty for a failed line."""
    spark: tuple[int, ...] = ()
    """Opening of the lips over the line, 0 to 99, for the report."""

    @property
    def score(self) -> float:
        """Of the rating, 0 to 100; a failed line has 0."""
        return float(self.quality.get("score", 0.0)) if self.state == DONE else 0.0

    def is_made(self, folder: Path) -> bool:
        """Whether the line is done and its files are there as they were written."""
        if self.state != DONE or not self.outputs:
            return False
        return all(is_same(folder / target, found) for target, found in self.outputs.items())


class Journal:
    """The journal of one output folder. Only the holder of the folder's lock opens it.

    In memory it takes a hundred bytes a line: entries are read from the file when they are wanted.
    """

    def __init__(self, state_folder: Path) -> None:
        self._path = state_folder / JOURNAL_NAME
        self._stream: IO[bytes] | None = None

    def thin_entries(self) -> dict[str, Entry]:
        """The last entry of each target, without rating, plot and words."""
        return {
            entry.target: dataclasses.replace(entry, quality={}, spark=(), error="", hint="")
            for entry in read_entries(self._path)
        }

    def start(self, without: Collection[str] = ()) -> None:
        """Open for more, first leaving out what is outdated and the entries of some targets.

        Raises:
            BadOutput: The file cannot be written.
        """
        last = {entry.target: offset for offset, entry in _with_offsets(self._path)}
        kept = sorted(offset for target, offset in last.items() if target not in without)
        with replacing(self._path) as new:
            if kept:
                with self._path.open("rb") as old:
                    for offset in kept:
                        old.seek(offset)
                        new.write(old.readline())
        try:
            self._stream = self._path.open("ab")
        except OSError as error:
            raise self._unwritable(error) from error

    def ranked(self, targets: Collection[str]) -> Iterator[Entry]:
        """The last entries of some targets, worst first: failed, then by score, then by name."""
        places: dict[str, tuple[bool, float, str, int]] = {}
        for offset, entry in _with_offsets(self._path):
            if entry.target in targets:
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
        """Add one entry; it is with the system when this returns. Raises BadOutput."""
        if self._stream is None:
            raise BadOutput(f"{self._path} is not open", hint="Call start first")
        try:
            self._stream.write(_text(entry))
            self._stream.flush()
        except OSError as error:
            raise self._unwritable(error) from error

    def close(self) -> None:
        """Bring everything to the disk and close."""
        if self._stream is not None:
            os.fsync(self._stream.fileno())
            self._stream.close()
            self._stream = None

    def _unwritable(self, error: OSError) -> BadOutput:
        reason = error.strerror or error
        return BadOutput(f"Cannot write {self._path}: {reason}", hint="Make room on the disk")


def read_entries(path: Path) -> Iterator[Entry]:
    """The entries of a journal file in their order; what is not whole is passed over."""
    return (entry for _, entry in _with_offsets(path))


def _with_offsets(path: Path) -> Iterator[tuple[int, Entry]]:
    """Each entry and the byte at which it begins; none without a file."""
    try:
        stream = path.open("rb")
    except FileNotFoundError:
        return
    with stream:
        offset = 0
        for text in stream:
            entry = _entry(text) if text.endswith(b"\n") else None
            if entry is not None:
                yield offset, entry
            offset += len(text)


def _text(entry: Entry) -> bytes:
    values = {"v": FORMAT, **dataclasses.asdict(entry)}
    # Escapes, so that names that are no UTF-8 (surrogates) can be written too.
    return json.dumps(values, ensure_ascii=True).encode("ascii") + b"\n"


def _entry(text: bytes) -> Entry | None:
    try:
        values = json.loads(text)
        if values.pop("v") != FORMAT:
            return None
        sound = values.pop("sound")
        sound = None if sound is None else _print(sound)
        outputs = {name: _print(found) for name, found in values.pop("outputs").items()}
        spark = tuple(values.pop("spark"))
        return Entry(**values, sound=sound, outputs=outputs, spark=spark)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _print(values: dict[str, Any]) -> FilePrint:
    return FilePrint(values["sha256"], FileState(**values["state"]))
