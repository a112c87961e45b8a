"""Record which files CSTalk wrote, and tell them from files of the user. Standard library only.

A record has a line per file: the digest of its path and the SHA-256 of its contents. The line is
written before the file stands at its path, so that a process that is killed leaves no file that
nobody wrote.
"""

from __future__ import annotations

import contextlib
import enum
import hashlib
import logging
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from .errors import BadOutput
from .files import (
    check_unprotected,
    check_writable,
    file_digest,
    is_marked,
    replace_file,
    unwritable,
)

log = logging.getLogger(__name__)

RECORD_NAME = "written.txt"
STATE_VARIABLE = "CSTALK_STATE_HOME"
LARGEST_BYTES = 4 << 20
"""About 40,000 files; of a larger record the older half is dropped when it is opened."""
# 128 bits: enough against chance, and the file stays small.
NAME_DIGITS = 32
OVERWRITE_HINT = "Choose another name, or replace it with --overwrite"


class Owner(enum.Enum):
    """Whose file stands at a path."""

    NOBODY = enum.auto()
    """There is no file."""
    CSTALK = enum.auto()
    """CSTalk wrote it, and it is as it was written: it may be replaced."""
    EDITED = enum.auto()
    """CSTalk wrote it, and it was changed since."""
    USER = enum.auto()
    """Nothing shows that CSTalk wrote it."""


class Record:
    """Digests of the files that CSTalk wrote. Thread-safe; processes may share one."""

    def __init__(self, path: Path, base: Path | None = None) -> None:
        """Name the record; it is read when it is first needed.

        Args:
            path: File of the record.
            base: Files within this folder are known by their path relative to it, so that the
                folder can be moved. None: every file by its whole path.
        """
        self._path = path
        # The place of a file in the folder, so that links are resolved as for files.
        self._base = None if base is None else _place(base / "any").parent
        self._known: dict[str, str] | None = None
        self._lock = threading.Lock()

    def owner_of(self, path: Path) -> Owner:
        """Return whose file stands at a path, by the record or else by its mark."""
        # A broken link is a file as well.
        if not os.path.lexists(path):
            return Owner.NOBODY
        if not path.is_file():  # opening a FIFO would wait for its other end
            return Owner.USER
        written = self.digest_or_none(path)
        if written is None:
            return Owner.CSTALK if is_marked(path) else Owner.USER
        try:
            return Owner.CSTALK if file_digest(path) == written else Owner.EDITED
        except OSError:
            # Unreadable counts as the user's, which protects it.
            return Owner.USER

    def digest_or_none(self, path: Path) -> str | None:
        """Return the SHA-256 of what was last written at a path."""
        with self._lock:
            return self._read().get(self._name(path))

    def add(self, path: Path, sha256: str) -> None:
        """Add the contents that a file is about to get.

        A record that cannot be written is no error: the file then counts as the user's.

        Args:
            path: The file.
            sha256: Its SHA-256 in hexadecimal.
        """
        name = self._name(path)
        with self._lock:
            # Writing the same again would only lengthen the record.
            if self._read().get(name) == sha256:
                return
            self._read()[name] = sha256
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                # One small write in append mode, so that lines of several processes do not mix;
                # the line break comes first and ends a line that a full disk cut off.
                with self._path.open("ab", buffering=0) as stream:
                    stream.write(f"\n{name} {sha256}".encode("ascii"))
            except OSError as error:
                log.warning("%s cannot be written: %s", self._path, error)

    def _name(self, path: Path) -> str:
        place = _place(path)
        if self._base is not None and place.is_relative_to(self._base):
            text = place.relative_to(self._base).as_posix()
        else:
            text = str(place)
        # Windows ignores case: one file must have one name.
        digest = hashlib.sha256(os.path.normcase(text).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()[:NAME_DIGITS]

    def _read(self) -> dict[str, str]:
        if self._known is None:
            self._known = {}
            with contextlib.suppress(OSError, BadOutput):
                lines = self._path.read_bytes().splitlines()
                if sum(map(len, lines)) > LARGEST_BYTES:
                    # The older half, as lines are in the order of writing.
                    lines = lines[len(lines) // 2 :]
                    replace_file(self._path, b"\n".join(lines))
                for line in lines:
                    name, _, sha256 = line.decode("ascii", "replace").strip().partition(" ")
                    # Later lines win: a file written twice has its last digest.
                    self._known[name] = sha256
        return self._known


def user_record() -> Record:
    """Return the record of files that are written one by one, in the user's state folder."""
    return Record(state_folder() / RECORD_NAME)


def state_folder() -> Path:
    """Return the folder for what CSTalk remembers between commands; it may not exist."""
    chosen = os.environ.get(STATE_VARIABLE)
    if chosen:
        return Path(chosen).absolute()
    home = Path(os.path.expanduser("~"))
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData/Local") / "cstalk" / "state"
    if sys.platform == "darwin":
        return home / "Library/Application Support/cstalk"
    return Path(os.environ.get("XDG_STATE_HOME") or home / ".local/state") / "cstalk"


def check_replaceable(path: Path, record: Record, *, overwrite: bool = False) -> None:
    """Check that a file can be written and that no file of the user would be lost.

    Args:
        path: The file that is to be written.
        record: Says what CSTalk wrote there.
        overwrite: Replace any file.

    Raises:
        BadOutput: It cannot be written, or a file of the user or an edited one stands there.
    """
    check_writable(path)
    owner = Owner.NOBODY if overwrite else record.owner_of(path)
    if owner is Owner.USER:
        raise BadOutput(f"{path} exists and was not written by CSTalk", hint=OVERWRITE_HINT)
    if owner is Owner.EDITED:
        raise BadOutput(f"{path} was changed after CSTalk wrote it", hint=OVERWRITE_HINT)


def write_recorded(path: Path, record: Record, write: Callable[[Path], None]) -> str:
    """Write a file, and record its contents before it stands at its path.

    Args:
        path: The file; an existing one is replaced whole.
        record: Gets the digest.
        write: Called with the path of a file in the same folder and of the same suffix.

    Returns:
        SHA-256 of the file, in hexadecimal.

    Raises:
        BadOutput: It cannot be written; an existing file is as it was.
    """
    check_unprotected(path)
    with _beside(path) as temporary:
        try:
            write(temporary)
        except BadOutput as fault:
            # The user knows the final name, not the temporary one.
            raise BadOutput(
                str(fault).replace(str(temporary), str(path)), hint=fault.hint
            ) from None
        before = record.digest_or_none(path)
        try:
            digest = file_digest(temporary)
            # Before the rename, see the module.
            record.add(path, digest)
            os.replace(temporary, path)
        except OSError as error:
            if before is not None:  # what stands there is still the earlier file
                record.add(path, before)
            raise unwritable(path, error) from error
    return digest


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """Yield the name of a new temporary file next to a path; it is removed if it is left."""
    try:
        handle, name = tempfile.mkstemp(prefix=".cstalk-", suffix=path.suffix, dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise unwritable(path, error) from error
    try:
        yield Path(name)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(name)


def _place(path: Path) -> Path:
    """Return where a file would be written: links of its folder are followed, its own is not."""
    # Replacing a link replaces the link, not its target.
    return Path(os.path.realpath(path.parent)) / path.name
