"""Remember which exported files CSTalk wrote, so that it replaces no other file. No bpy.

One hidden JSON file per folder holds the digest of every file as it was written. A file that was
changed since, or that somebody else wrote, does not match.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from ...package import files

# Hidden on Linux and macOS; a name that no exporter writes.
RECORD = ".cstalk_exports.json"


def may_replace(path: Path) -> bool:
    """Return True when there is no file at ``path``, or the one that was written by CSTalk."""
    try:
        # A missing record gives None, which no digest equals: a foreign file is never replaced.
        return _digest(path) == _read(path.parent).get(path.name)
    except FileNotFoundError:
        return True


def note(path: Path) -> None:
    """Record the file at ``path`` as written by CSTalk.

    Raises:
        BadOutput: The record cannot be written.
    """
    known = _read(path.parent)
    # By name in the folder, so that a folder can be moved as a whole.
    known[path.name] = _digest(path)
    text = json.dumps(known, indent=1, ensure_ascii=False)
    files.replace_file(path.parent / RECORD, text.encode("utf-8"))


def _read(folder: Path) -> dict[str, str]:
    try:
        found = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    # An unreadable record protects all files, see `may_replace`.
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        # 128 bits are more than enough against chance.
        return hashlib.file_digest(file, "blake2b").hexdigest()[:32]
