"""Download wheels with progress, resume them, check their digests. No bpy.

A file is written as ``NAME.part`` and renamed when it is complete and its SHA-256 is the one in the
index. An existing part is continued by a range request.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import hashlib
import http.client
import re
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..errors import InstallFailed
from .commands import Stop

# Large enough for speed, small enough that a stop is felt at once.
CHUNK_BYTES = 256 * 1024
# For each read, not for a file.
TIMEOUT_S = 60.0
TRIES = 5
"""Each attempt continues where the previous one failed."""
PAUSE_S = 1.0
"""Before the second attempt; doubled for each further one."""
# In parallel, but few: each is a question to the index's server.
SIZE_QUESTIONS = 4
# No path separators and no leading dot: the name comes from the network and becomes a file.
SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]*\.whl")
INDEX_HINT = "Check the PyTorch index in the preferences, or choose another source"
# ``file`` for folders of wheels, which pip's report names by URL.
SCHEMES = ("https", "http", "file")
PARTIAL_CONTENT, RANGE_REFUSED = 206, 416


@dataclasses.dataclass(frozen=True)
class Wheel:
    """One file of an installation, as named by the index."""

    name: str
    """Project name, for display."""
    url: str
    sha256: str = ""

    @property
    def file_name(self) -> str:
        """Last part of the URL. Raises InstallFailed unless it is a plain wheel name."""
        name = urllib.parse.unquote(urllib.parse.urlsplit(self.url).path.rpartition("/")[2])
        if not SAFE_NAME.fullmatch(name):
            raise InstallFailed(
                f"The index names a file that is no wheel: {name!r}", hint=INDEX_HINT
            )
        return name

    @property
    def local_path(self) -> Path | None:
        """Path of a ``file:`` URL; None for other URLs."""
        parts = urllib.parse.urlsplit(self.url)
        if parts.scheme != "file":
            return None
        return Path(urllib.request.url2pathname(parts.path))


class Download:
    """Downloads wheels into one folder."""

    def __init__(
        self,
        folder: Path,
        *,
        stop: Stop,
        certificates: str = "",
        claim: Callable[[Path], None] = lambda _path: None,
        progress: Callable[[int, int, str], None] = lambda _done, _total, _name: None,
    ) -> None:
        """Create the download; nothing is fetched yet.

        Args:
            folder: Existing folder for the files.
            stop: Checked every 256 KB.
            certificates: File of trusted certificates besides the system's; may be empty.
            claim: Called with the path of each file before it is created; raises InstallFailed to
                prevent it.
            progress: Called with bytes done, total bytes (0 while unknown) and the project name.
        """
        self._folder, self._stop, self._progress = folder, stop, progress
        self._claim = claim
        self._context = ssl.create_default_context()
        # Python from python.org on macOS finds no certificates of its own.
        if certificates:
            self._context.load_verify_locations(cafile=certificates)
        self._done = 0
        self._total = 0

    def sizes(self, wheels: Sequence[Wheel]) -> int:
        """Return the total size in bytes; files of unknown size count 0."""
        # In threads, as each question waits for the network alone.
        with concurrent.futures.ThreadPoolExecutor(SIZE_QUESTIONS) as pool:
            self._total = sum(pool.map(self._size, wheels))
        return self._total

    def fetch(self, wheels: Sequence[Wheel]) -> list[Path]:
        """Download the wheels and return their paths in order; complete files are kept.

        Raises:
            InstallFailed: No connection, an error of the server, a damaged file, or a full disk.
            InstallCancelled: Stopped; partial files stay for the next attempt.
        """
        return [self._fetch_one(wheel) for wheel in wheels]

    def _fetch_one(self, wheel: Wheel) -> Path:
        # Also before files that are complete: digests of gigabytes take seconds.
        self._stop.check()
        if urllib.parse.urlsplit(wheel.url).scheme not in SCHEMES:
            raise InstallFailed(
                f"The index names a URL of an unsupported kind: {wheel.url[:80]}", hint=INDEX_HINT
            )
        local = wheel.local_path
        if local is not None:
            return self._checked_local(wheel, local)
        path = self._folder / wheel.file_name
        # A wheel of an earlier attempt is used again, unless the index has another one of that
        # name.
        if path.is_file() and _digest_fits(path, wheel):
            self._advance(path.stat().st_size, wheel)
            return path
        # ``.part`` until its digest fits, so that a file named ``.whl`` is always whole.
        part = path.with_name(path.name + ".part")
        self._claim(path)
        self._claim(part)
        for attempt in range(TRIES):
            before = self._done
            try:
                self._continue(wheel, part)
                break
            except (OSError, http.client.HTTPException, ValueError) as error:
                # Bytes of the failed attempt are counted again when the next one continues.
                self._done = before
                if attempt == TRIES - 1 or not _is_temporary(error):
                    raise _failure(wheel, error) from error
                self._pause(PAUSE_S * 2**attempt)
        if not _digest_fits(part, wheel):
            # Continuing a damaged part would never make it whole.
            part.unlink()
            raise InstallFailed(
                f"{wheel.file_name} is damaged: its digest differs from the index's",
                hint="Resume to download it again",
            )
        # Atomic in one folder.
        part.replace(path)
        return path

    def _checked_local(self, wheel: Wheel, path: Path) -> Path:
        if not path.is_file() or not _digest_fits(path, wheel):
            raise InstallFailed(f"{path} is missing or damaged", hint="Copy the file again")
        self._advance(path.stat().st_size, wheel)
        return path

    def _continue(self, wheel: Wheel, part: Path) -> None:
        """Download the missing rest of one file. Raises OSError, HTTPException, ValueError."""
        # What is there already is not asked for again.
        existing = part.stat().st_size if part.is_file() else 0
        headers = {"Range": f"bytes={existing}-"} if existing else {}
        try:
            answer = self._open(wheel.url, headers)
        except urllib.error.HTTPError as error:
            if error.code != RANGE_REFUSED:
                raise
            return  # the part is complete or worthless: its digest decides
        with answer:
            # A server that ignores ``Range`` answers 200 with the whole file, which replaces the
            # part.
            mode = "ab" if existing and answer.status == PARTIAL_CONTENT else "wb"
            expected = int(answer.headers.get("Content-Length") or 0)
            if mode == "ab":
                self._advance(existing, wheel)
            with part.open(mode) as stream:
                received = 0
                while chunk := answer.read(CHUNK_BYTES):
                    stream.write(chunk)
                    received += len(chunk)
                    self._advance(len(chunk), wheel)
                    # After writing: what was received counts for the next attempt.
                    self._stop.check()
        # A closed connection ends ``read`` like the end of the file does.
        if received < expected:
            raise ConnectionError(f"received {received} of {expected} bytes")

    def _advance(self, count: int, wheel: Wheel) -> None:
        self._done += count
        # Sizes that servers do not tell make the total too small.
        self._progress(self._done, max(self._total, self._done), wheel.name)

    def _size(self, wheel: Wheel) -> int:
        local = wheel.local_path
        try:
            if local is not None:
                return local.stat().st_size
            self._stop.check()
            # HEAD: the size without the file.
            with self._open(wheel.url, {}, method="HEAD") as answer:
                return int(answer.headers.get("Content-Length") or 0)
        # A size is for the bar and the disk check; the download itself names the error.
        except (OSError, http.client.HTTPException, ValueError):
            return 0

    def _open(self, url: str, headers: dict[str, str], method: str = "GET") -> Any:
        request = urllib.request.Request(url, headers=headers, method=method)
        return urllib.request.urlopen(request, timeout=TIMEOUT_S, context=self._context)

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        # In short steps, so that a stop does not wait for the pause.
        while time.monotonic() < end:
            self._stop.check()
            time.sleep(0.05)


def _digest_fits(path: Path, wheel: Wheel) -> bool:
    # An index without digests is trusted as pip trusts it.
    if not wheel.sha256:
        return True
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        # In blocks: a wheel of PyTorch has more than a gigabyte.
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest() == wheel.sha256


def _is_temporary(error: Exception) -> bool:
    """Return whether another attempt may succeed."""
    if isinstance(error, urllib.error.HTTPError):
        # Time-out and too many requests pass; other errors below 500 will be the same again.
        return error.code in (408, 429) or error.code >= 500
    if isinstance(error, urllib.error.URLError):
        # A certificate that is refused stays refused.
        return not isinstance(error.reason, ssl.SSLCertVerificationError)
    return not (isinstance(error, OSError) and error.errno in _DISK_ERRORS)


_DISK_ERRORS = (28, 30, 13, 122)
"""No space, read-only, no permission, over quota."""


def _failure(wheel: Wheel, error: Exception) -> InstallFailed:
    reason = getattr(error, "reason", None) or error
    # Compared by number, as the system's text is in the user's language.
    if isinstance(error, OSError) and error.errno == 28:
        return InstallFailed("The disk is full", hint="Free some disk space, then resume")
    return InstallFailed(
        f"{wheel.name} could not be downloaded: {reason}",
        hint="Check the internet connection, then resume",
    )
