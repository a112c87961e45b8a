"""Resolve and install packages with the pip of a new environment. No bpy."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from ..errors import InstallFailed
from . import commands
from .commands import Stop
from .fetch import Wheel
from .plan import OTHER_REQUIREMENTS, Source
from .sources import FOLDER
from .state import disk_bytes

GOOD_PIP = "pip>=24.1"
"""Resolves from metadata alone (23.3) and prints progress as plain numbers (24.1)."""
UNPACK = (
    *("install", "--isolated", "--no-input", "--disable-pip-version-check", "--require-virtualenv"),
    *("--no-cache-dir", "--no-index", "--no-deps", "--no-compile", "--quiet"),
)
# Wheels only: building from source needs compilers and runs code of the package.
ASK = ("install", "--dry-run", "--ignore-installed", "--only-binary", ":all:")
CERTIFICATES = "from pip._vendor import certifi; print(certifi.where())"
# Measuring visits thousands of files.
MEASURE_EVERY = 10
"""Calls of ``on_wait``, 0.1 s apart, between two measurements of the folder."""

Report = Callable[[float, str], None]
"""Takes the fraction of a stage and a line of detail."""


class Packages:
    """The packages of one environment."""

    def __init__(self, python: Path, *, stop: Stop, log: Path, cache: Path, scratch: Path) -> None:
        """Create the object; nothing is started yet.

        Args:
            python: The environment's interpreter.
            stop: Ends the running command.
            log: File for pip's output.
            cache: Folder for what pip downloads itself.
            scratch: Folder for temporary files.
        """
        self._python, self._stop, self._log = python, stop, log
        self._cache, self._scratch = cache, scratch
        self._settings: dict[str, str] | None = None
        # -s and -E keep packages of the user's Python out of the environment's.
        self._command = (str(python), "-s", "-E", "-X", "utf8", "-m", "pip")

    # An old pip downloads whole wheels to learn what they require.
    def renew_pip(self, source: Source) -> None:
        """Update pip; without a connection the version that comes with Python is used."""
        if source.kind == FOLDER:
            return
        try:
            self._pip(["install", "--upgrade", "--quiet", GOOD_PIP], what="Updating pip")
        except InstallFailed:
            with self._log.open("a", encoding="utf-8") as kept:
                kept.write("pip was not updated\n")

    def certificates(self) -> str:
        """Return pip's file of trusted certificates, for a Python that finds none; or empty."""
        # pip carries Mozilla's list of certificates, and its own copy is always there.
        try:
            output = commands.run(
                [self._python, "-c", CERTIFICATES], stop=self._stop, log=self._log, what="pip"
            )
        except InstallFailed:
            return ""
        path = Path(output.strip().splitlines()[-1] if output.strip() else "")
        # The path comes from a program's output and must exist.
        return str(path) if path.is_file() else ""

    def resolve(self, source: Source, report_progress: Report) -> list[Wheel]:
        """Return every wheel to install; PyTorch's own index is asked for PyTorch alone.

        Raises:
            InstallFailed: No connection, or no wheel for this Python and system.
            InstallCancelled: Stopped.
        """
        torch, numpy = source.torch_requirement, OTHER_REQUIREMENTS[0]
        if source.kind == FOLDER:
            # A folder is complete or it is not: nothing is added from the network.
            places = ["--no-index", "--find-links", source.path]
            wheels = self._ask(places, [torch, numpy], report_progress, has_user_indexes=False)
            return self._with_optional(wheels, places, report_progress, has_user_indexes=False)
        # Without an index of PyTorch all comes from pip's own, as at a company with one mirror.
        if not source.index_url:
            return self._ask(
                [], [torch, *OTHER_REQUIREMENTS], report_progress, has_user_indexes=True
            )
        places = ["--index-url", source.index_url]
        # PyTorch's index alone: on it every package is from PyTorch, and on PyPI torch is another
        # build.
        wheels = self._ask(places, [torch, numpy], report_progress, has_user_indexes=False)
        return self._with_optional(wheels, [], report_progress, has_user_indexes=True)

    def install(self, files: Sequence[Path], folder: Path, report_progress: Report) -> None:
        """Install wheels into an environment; nothing is downloaded.

        Args:
            files: The wheels.
            folder: The environment.
            report_progress: Called once a second.

        Raises:
            InstallFailed: A wheel does not fit, or the disk is full.
            InstallCancelled: Stopped.
        """
        total = max(1, unpacked_bytes(files))
        # The environment has pip already.
        before = disk_bytes(folder)
        calls = 0

        def look() -> None:
            nonlocal calls
            calls += 1
            if calls % MEASURE_EVERY == 0:
                done = min(1.0, (disk_bytes(folder) - before) / total)
                report_progress(done, f"{megabytes(done * total)} of {megabytes(total)}")

        # The wheels are chosen: a constraint or an index of the user can only make this fail.
        commands.run(
            [*self._command, *UNPACK, *files],
            stop=self._stop,
            log=self._log,
            what="Unpacking",
            environment=commands.isolated_environment(),
            on_wait=look,
        )

    def _with_optional(
        self,
        wheels: list[Wheel],
        places: list[str],
        report_progress: Report,
        *,
        has_user_indexes: bool,
    ) -> list[Wheel]:
        """Return ``wheels`` with the optional packages added, if they can be found."""
        try:
            more = self._ask(
                places,
                list(OTHER_REQUIREMENTS[1:]),
                report_progress,
                has_user_indexes=has_user_indexes,
            )
        # Without soundfile some formats need ffmpeg, and everything else works.
        except InstallFailed:
            return wheels
        names = {wheel.name for wheel in wheels}
        return wheels + [wheel for wheel in more if wheel.name not in names]

    def _ask(
        self,
        places: list[str],
        requirements: list[str],
        report_progress: Report,
        *,
        has_user_indexes: bool,
    ) -> list[Wheel]:
        report = self._scratch / "report.json"
        # A report of an earlier question must not be read as the answer.
        report.unlink(missing_ok=True)

        def read(line: str) -> None:
            words = line.split()  # "Progress 123 of 456": from an index without metadata
            if words[:1] == ["Progress"] and len(words) == 4 and words[1].isdigit():
                report_progress(0.5, f"{megabytes(int(words[1]))} of {megabytes(int(words[3]))}")

        self._pip(
            [*ASK, "--report", report, *places, *requirements],
            what="Asking for the packages",
            has_user_indexes=has_user_indexes,
            on_line=read,
        )
        return wheels_in(report.read_text(encoding="utf-8"))

    def _pip(
        self,
        arguments: Sequence[str | Path],
        *,
        what: str,
        has_user_indexes: bool = True,
        on_line: Callable[[str], None] = lambda _line: None,
        on_wait: Callable[[], None] = lambda: None,
    ) -> None:
        variables = commands.pip_environment(has_user_indexes=has_user_indexes, cache=self._cache)
        if not has_user_indexes:
            # The connection of pip's configuration; variables of the process come last and win.
            variables = self._connection() | variables
        commands.run(
            [*self._command, *arguments],
            stop=self._stop,
            log=self._log,
            what=what,
            environment=variables,
            on_line=on_line,
            on_wait=on_wait,
        )

    def _connection(self) -> dict[str, str]:
        """Return proxy, certificate and timeouts of the user's pip configuration as variables."""
        # Once: the configuration does not change during an installation.
        if self._settings is None:
            try:
                listing = commands.run(
                    [*self._command, "config", "list"], stop=self._stop, log=self._log, what="pip"
                )
            except InstallFailed:
                listing = ""  # a broken configuration; pip itself names the fault where it counts
            self._settings = commands.connection_variables(listing)
        return self._settings


def wheels_in(report: str) -> list[Wheel]:
    """Return the wheels of a report of ``pip install --report`` (version 1).

    Raises:
        InstallFailed: The text is no such report.
    """
    try:
        return [
            Wheel(
                # pip's names are normalised to compare those of two reports.
                name=str(item["metadata"]["name"]).lower().replace("_", "-"),
                url=str(item["download_info"]["url"]),
                sha256=_sha256(item["download_info"].get("archive_info", {})),
            )
            for item in json.loads(report)["install"]
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InstallFailed(
            f"pip's answer cannot be read: {error!r}",
            hint="Install with another Python, or report it",
        ) from error


def unpacked_bytes(files: Sequence[Path]) -> int:
    """Return the size of the wheels' contents in bytes.

    Raises:
        InstallFailed: A file is no wheel.
    """
    total = 0
    for path in files:
        try:
            with zipfile.ZipFile(path) as archive:
                total += sum(entry.file_size for entry in archive.infolist())
        except (OSError, zipfile.BadZipFile) as error:
            # A damaged wheel is found here, before the environment is half full.
            raise InstallFailed(f"{path.name} is damaged: {error}", hint="Resume") from error
    return total


def megabytes(count: float) -> str:
    """Return a number of bytes as text in MB or GB."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def _sha256(archive: dict[str, object]) -> str:
    hashes = archive.get("hashes")
    # Older reports have a single "hash", later ones "hashes" as well.
    if isinstance(hashes, dict):
        return str(hashes.get("sha256", ""))
    name, _, value = str(archive.get("hash", "")).partition("=")
    return value if name == "sha256" else ""
