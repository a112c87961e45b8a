"""Record which files and folders of the runtime's folder the installer created. No bpy.

Only what stands in the record is ever deleted. An entry is written before the file or folder is
created, so that an interrupted installation leaves nothing unrecorded. Entries are paths relative
to the folder, so that the folder can be moved.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path, PurePosixPath

from ..errors import InstallFailed

# Beside the files, so that it goes with the folder.
RECORD = "created.json"
RECORD_FORMAT = 1
LOCK = "lock"
"""Created by whoever opens the folder; never deleted, since another process may hold it."""
# A record of ours has some kilobytes; more is not read into memory.
MAX_RECORD_BYTES = 1024 * 1024
ENVIRONMENT_NAME = re.compile(r"env-\d{8}-\d{6}-\d+")
FIRST_RELEASE = {
    "current.json": {"python", "is_ours", "torch", "device", "build", "source"},
    "pending.json": {"source", "stage", "kept_bytes"},
}
"""Records of version 0.1 and fields that each of them has."""
PLACE_HINT = "Choose an empty folder, or one that holds a CSTalk runtime"


class Ownership:
    """The record of one runtime folder."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def open(self) -> None:
        """Begin or continue the record of a folder that is to be installed into.

        Raises:
            InstallFailed: The folder holds files that the installer did not create.
            OSError: The record cannot be written.
        """
        if self._read() is not None:
            return
        adopted = _entries_of_first_release(self._home)
        if adopted is None and _has_contents(self._home):
            raise InstallFailed(
                f"{self._home} holds files that CSTalk did not create", hint=PLACE_HINT
            )
        # Before anything is created, see the module.
        self._write(adopted or set())

    def require(self) -> None:
        """Refuse a folder that no installation was made in.

        Raises:
            InstallFailed: The folder has no record of an installation.
            OSError: The record cannot be written.
        """
        if self._read() is not None:
            return
        adopted = _entries_of_first_release(self._home)
        if adopted is None:
            raise InstallFailed(
                f"No CSTalk runtime is installed in {self._home}, nothing was removed",
                hint="Choose the folder that the runtime was installed into",
            )
        self._write(adopted)

    def claim(self, path: Path) -> None:
        """Record a file or folder that is about to be created.

        Args:
            path: Path below the runtime's folder.

        Raises:
            InstallFailed: It exists already and was not created by the installer.
            OSError: The record cannot be written.
        """
        entries = self._read() or set()
        entry = self._entry(path)
        if entry in entries:
            return
        # ``lexists``: a broken link is a file of somebody too.
        if os.path.lexists(path):
            raise InstallFailed(
                f"{path} exists and was not created by CSTalk",
                hint="Move it to another folder, then resume",
            )
        self._write(entries | {entry})

    def release(self, folder: Path) -> None:
        """Forget everything in a folder that the user installs from: it is theirs from now on.

        Args:
            folder: Any folder; one outside the runtime's folder changes nothing.

        Raises:
            OSError: The record cannot be written.
        """
        entries = self._read() or set()
        # Resolved, as the user may have chosen it through a link.
        chosen = folder.resolve()
        kept = {entry for entry in entries if chosen not in (self._home / entry).resolve().parents}
        kept -= {entry for entry in kept if (self._home / entry).resolve() == chosen}
        if kept != entries:
            self._write(kept)

    def owns(self, path: Path) -> bool:
        """Return whether the installer created a path."""
        return self._entry(path) in (self._read() or set())

    def entries(self) -> list[Path]:
        """Return all recorded paths, the deepest first."""
        # Depth first, so that a folder is empty when its turn comes.
        found = sorted(self._read() or set(), key=lambda entry: (-entry.count("/"), entry))
        return [self._home / entry for entry in found]

    def delete(self, path: Path) -> None:
        """Delete a recorded file or folder; leave everything else as it is.

        What cannot be deleted now stays in the record and is deleted next time: Windows keeps the
        files of a running worker. Links are removed without following them.

        Args:
            path: Path below the runtime's folder.

        Raises:
            OSError: The record cannot be written.
        """
        # Also checked by place: a record that was edited must not reach outside.
        if not self.owns(path) or not self._is_inside(path):
            return
        path.with_name(path.name + ".new").unlink(missing_ok=True)  # from a write that was cut off
        if path.is_symlink() or path.is_file():
            path.unlink(missing_ok=True)
        elif path.is_dir() and _is_created_whole(path):
            # Errors are ignored and the entry stays, which is tried again next time.
            shutil.rmtree(path, ignore_errors=True)
        # Only an empty folder: the user may have put a file of theirs there.
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()
        if not os.path.lexists(path):
            self._write((self._read() or set()) - {self._entry(path)})

    def close(self) -> None:
        """Delete the record once nothing is left in it. Raises OSError."""
        if not self._read():
            (self._home / RECORD).unlink(missing_ok=True)

    def _entry(self, path: Path) -> str:
        return path.relative_to(self._home).as_posix()

    def _is_inside(self, path: Path) -> bool:
        """Return whether no folder on the way to ``path`` is a link that leads elsewhere."""
        return path.parent.resolve() == self._home.resolve() / path.parent.relative_to(self._home)

    def _read(self) -> set[str] | None:
        """Return the recorded entries; None without a readable record."""
        record = self._home / RECORD
        try:
            # A file of another origin with this name counts as no record.
            if record.stat().st_size > MAX_RECORD_BYTES:
                return None
            values = json.loads(record.read_text(encoding="utf-8"))
            if values["format"] != RECORD_FORMAT:
                return None
            # Absolute paths and ``..`` could name anything on the machine.
            return {str(entry) for entry in values["created"] if _is_plain(str(entry))}
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def _write(self, entries: set[str]) -> None:
        values = {"format": RECORD_FORMAT, "created": sorted(entries)}
        write_whole(self._home / RECORD, values)


def write_whole(path: Path, values: object) -> None:
    """Write a JSON file so that it is either complete or as before.

    Args:
        path: File to write.
        values: Anything that JSON can hold.

    Raises:
        OSError: The file cannot be written.
    """
    temporary = path.with_name(path.name + ".new")
    try:
        with temporary.open("w", encoding="utf-8") as stream:
            json.dump(values, stream, indent=1)
            stream.flush()
            # Without it a crash of the system may leave an empty file under the final name.
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:  # after a full disk
        temporary.unlink(missing_ok=True)


def _is_plain(entry: str) -> bool:
    """Return whether a recorded path is relative and stays below its folder."""
    path = PurePosixPath(entry)
    # Backslashes and drive letters are harmless on Linux and not on Windows.
    is_local = not path.is_absolute() and "\\" not in entry and ":" not in entry
    return is_local and bool(path.parts) and ".." not in path.parts


def _is_created_whole(path: Path) -> bool:
    """Return whether everything inside a recorded folder was created by the installer too.

    That holds for environments and pip's cache. The folder of downloads may hold wheels of the
    user, so its files are recorded one by one.
    """
    return bool(ENVIRONMENT_NAME.fullmatch(path.name)) or path.name == "pip"


def _has_contents(home: Path) -> bool:
    return home.is_dir() and any(path.name != LOCK for path in home.iterdir())


def _entries_of_first_release(home: Path) -> set[str] | None:
    """Return what version 0.1, which kept no record, created in a folder; None for other folders.

    Its folders are known by records with all fields of that version, or by its lock beside an
    environment with a name of its form.
    """
    records = {name for name, fields in FIRST_RELEASE.items() if _has_fields(home / name, fields)}
    environments = {
        path.name
        # The file that makes a folder a virtual environment.
        for path in home.glob("env-*")
        if ENVIRONMENT_NAME.fullmatch(path.name) and (path / "pyvenv.cfg").is_file()
    }
    if not records and not (environments and (home / LOCK).is_file()):
        return None
    files = {name for name in (*FIRST_RELEASE, "install.log") if (home / name).is_file()}
    downloads = set()
    if "pending.json" in records and (home / "wheels").is_dir():
        # Complete wheels are left out: some may be the user's.
        found = [*(home / "wheels").glob("*.whl.part"), *(home / "wheels").glob("pip")]
        downloads = {"wheels", *(path.relative_to(home).as_posix() for path in found)}
    return files | environments | downloads


def _has_fields(path: Path, fields: set[str]) -> bool:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(values, dict) and fields <= values.keys()
