"""Install a runtime step by step, and use it once its test has passed. No bpy.

Everything happens in a new environment that no record names yet. Its test, a real generation with
the torch engine compared to the built-in one, must pass before it is recorded as the one in use.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..errors import InstallFailed
from . import commands, pythons, state
from .commands import Stop
from .fetch import Download
from .ownership import Ownership
from .packages import Packages, megabytes, unpacked_bytes
from .plan import Source
from .sources import DOWNLOAD, ENVIRONMENT, FOLDER
from .state import Installed, Pending

# The test runs as the worker will: without the user's packages and variables.
TEST = ("-s", "-E", "-X", "utf8", "-m", "model_runtime", "selftest", "--engine", "torch", "--json")
UNPACKED = 2.2
"""Size of unpacked PyTorch wheels relative to the download, until the files can be measured."""
SPARE_BYTES = 300 * 1000 * 1000
"""Left free on the disk, since Blender writes its own files at the same time."""


@dataclasses.dataclass(frozen=True)
class Stage:
    """A stage and its share of the progress bar."""

    title: str
    start: float
    stop: float


# Downloading and unpacking take almost all of the time.
PREPARE = Stage("Creating the environment", 0.0, 0.03)
RESOLVE = Stage("Resolving packages", 0.03, 0.08)
FETCH = Stage("Downloading", 0.08, 0.70)
UNPACK = Stage("Unpacking", 0.70, 0.93)
TEST_STAGE = Stage("Testing with a real generation", 0.93, 1.0)


@dataclasses.dataclass(frozen=True)
class Progress:
    """Progress of an installation."""

    stage: str
    fraction: float
    detail: str = ""
    seconds_left: float | None = None
    """Of the stage; None while unknown."""


class Installation:
    """One attempt at an installation; run it once."""

    def __init__(
        self,
        home: Path,
        source: Source,
        *,
        root: Path,
        stop: Stop,
        report: Callable[[Progress], None] = lambda _progress: None,
        preferred: Sequence[Path] = (),
    ) -> None:
        """Create the attempt; nothing is started yet.

        Args:
            home: The runtime's folder; created when missing.
            source: Source of the packages.
            root: Folder that holds ``model_runtime``, for the test.
            stop: Ends the installation when set.
            report: Called with the progress, from this thread.
            preferred: Interpreters to try first.
        """
        self._home, self._source, self._root = home, source, root
        self._stop, self._report, self._preferred = stop, report, tuple(preferred)
        self._log = home / state.LOG
        self._ownership = Ownership(home)
        self._stage = PREPARE
        self._stage_began = time.monotonic()

    def run(self) -> Installed:
        """Install, test and use the new runtime.

        Raises:
            InstallFailed: A step failed; the previous runtime is still in use.
            InstallCancelled: Stopped.
        """
        try:
            # Locked before anything is read, as another Blender may be installing.
            with state.locked(self._home):
                self._ownership.open()
                self._ownership.claim(self._log)
                # A log of one attempt: the earlier one is of no use to a report.
                self._log.write_text("", encoding="utf-8")
                if self._source.kind == ENVIRONMENT:
                    installed = self._use_existing()
                else:
                    # Broken environments go first: they take the space that the new one needs.
                    state.sweep(self._home, keep_downloads=True)
                    installed = self._build()
                # The last place to stop; from here on the new runtime is in use.
                self._stop.check()
                state.write_installed(self._home, installed)
                if self._source.kind != DOWNLOAD:
                    # A folder in ours that the user names as the source is theirs.
                    self._ownership.release(Path(self._source.path))
                # The wheels are not needed any more.
                state.sweep(self._home, keep_downloads=False)
                return installed
        except OSError as error:
            raise InstallFailed(
                f"{self._home} cannot be written: {error.strerror or error}",
                hint="Check its permissions and the free disk space, then resume",
            ) from error

    def test(self, installed: Installed) -> Installed:
        """Test the installed runtime again, and record the result.

        Raises:
            InstallFailed: The test failed.
            InstallCancelled: Stopped.
        """
        with state.locked(self._home):
            if installed.problem:
                raise InstallFailed(installed.problem, hint="Repair it, or remove it")
            self._stage = TEST_STAGE
            self._report_stage(0.0, "")
            now = self._test_result(
                Path(installed.python), is_ours=installed.is_ours, build=installed.build
            )
            # The size did not change and takes long to measure.
            now = dataclasses.replace(now, disk_bytes=installed.disk_bytes)
            state.write_installed(self._home, now)
            return now

    def _use_existing(self) -> Installed:
        """Test an existing environment, which is used as it is and never changed."""
        folder = Path(self._source.path)
        # An interpreter is accepted as well as a folder.
        python = folder if folder.is_file() else state.python_of(folder)
        if not python.is_file():
            raise InstallFailed(
                f"No environment at {folder}: it has no {python.name}",
                hint="Choose the folder that holds the environment's bin or Scripts folder",
            )
        self._enter(TEST_STAGE)
        return self._test_result(python, is_ours=False, build="PyTorch of your own environment")

    def _build(self) -> Installed:
        self._enter(PREPARE)
        if self._source.kind == FOLDER and not Path(self._source.path).is_dir():
            raise InstallFailed(
                f"No folder at {self._source.path}", hint="Choose the folder of the wheels"
            )
        # Found before anything is created.
        interpreter = pythons.find(self._preferred)
        folder = state.new_environment(self._home)
        wheels_folder = self._home / state.WHEELS
        if not wheels_folder.is_dir():
            self._ownership.claim(wheels_folder)
            wheels_folder.mkdir()
        cache = wheels_folder / "pip"
        self._ownership.claim(cache)
        self._report_stage(0.1, interpreter.title)
        commands.run(
            # -I, as for the probe: the environment must come from this interpreter alone.
            [interpreter.path, "-I", "-m", "venv", folder],
            stop=self._stop,
            log=self._log,
            what="Creating the environment",
        )
        python = state.python_of(folder)
        packages = Packages(
            python,
            stop=self._stop,
            log=self._log,
            cache=cache,
            # Temporary files go into the environment, which is deleted with them.
            scratch=folder,
        )
        self._report_stage(0.7, "pip")
        packages.renew_pip(self._source)
        files = self._files(packages, wheels_folder)
        self._enter(UNPACK)
        # Exact now, from the wheels' own tables of contents.
        self._need(unpacked_bytes(files))
        packages.install(files, folder, self._report_stage)
        self._enter(TEST_STAGE)
        # What a folder holds is known only after the test.
        title = self._source.build.title if self._source.kind != FOLDER else "PyTorch"
        installed = self._test_result(python, is_ours=True, build=title)
        return dataclasses.replace(installed, disk_bytes=state.disk_bytes(folder))

    def _files(self, packages: Packages, folder: Path) -> list[Path]:
        """Return every wheel as a file on this machine."""
        self._enter(RESOLVE)
        self._report_stage(0.0, self._source.title)
        wheels = packages.resolve(self._source, self._report_stage)
        self._enter(FETCH)
        download = Download(
            folder,
            stop=self._stop,
            certificates=packages.certificates(),
            claim=self._ownership.claim,
            progress=lambda done, total, name: self._report_stage(
                done / max(total, 1), f"{name}: {megabytes(done)} of {megabytes(total)}"
            ),
        )
        total = download.sizes(wheels)
        # Parts and wheels of an earlier attempt need no space again.
        present = sum(path.stat().st_size for path in folder.glob("*.whl*"))
        is_local = all(wheel.local_path is not None for wheel in wheels)
        self._need(int(total * UNPACKED) + (0 if is_local else max(0, total - present)))
        return download.fetch(wheels)

    def _test_result(self, python: Path, *, is_ours: bool, build: str) -> Installed:
        """Run the environment's test and return its result. Raises InstallFailed."""
        output = commands.run(
            [python, *TEST],
            stop=self._stop,
            log=self._log,
            what="The test of the new runtime",
            # The current folder must be ours, for ``-m model_runtime`` to be found.
            folder=self._root,
            on_wait=lambda: self._report_stage(0.5, ""),
        )
        facts = _facts(output)
        # Only a download has chosen a build for a card.
        wants_card = self._source.kind != ENVIRONMENT and self._source.tag not in ("cpu", "")
        note = ""
        if wants_card and str(facts["device"]).startswith("cpu"):
            note = f"The graphics card is not used: {facts.get('reason') or 'PyTorch found none'}"
        return Installed(
            python=str(python),
            is_ours=is_ours,
            torch=str(facts["torch"]),
            device=str(facts["device"]),
            build=build,
            source=dataclasses.asdict(self._source),
            seconds=float(facts["seconds"]),
            note=note,
        )

    def _need(self, count: int) -> None:
        """Raise InstallFailed when ``count`` bytes do not fit on the disk."""
        # Of the runtime's disk, which may be another than that of the temporary folder.
        free = shutil.disk_usage(self._home).free
        if free < count + SPARE_BYTES:
            raise InstallFailed(
                f"The runtime needs {megabytes(count + SPARE_BYTES)} in {self._home}, but only "
                f"{megabytes(free)} are free",
                hint="Free some disk space, then resume",
            )

    def _enter(self, stage: Stage) -> None:
        self._stop.check()
        self._stage, self._stage_began = stage, time.monotonic()
        wheels = self._home / state.WHEELS
        # An environment of the user needs no resuming: nothing was begun.
        if self._source.kind != ENVIRONMENT:
            kept = state.disk_bytes(wheels)
            pending = Pending(dataclasses.asdict(self._source), stage.title, kept)
            state.write_pending(self._home, pending)
        self._report_stage(0.0, "")

    def _report_stage(self, fraction: float, detail: str) -> None:
        stage = self._stage
        spent = time.monotonic() - self._stage_began
        # Only a download goes on evenly enough to tell the time that is left.
        is_known = stage is FETCH and 0.01 < fraction < 1
        self._report(
            Progress(
                stage.title,
                stage.start + min(1.0, fraction) * (stage.stop - stage.start),
                detail,
                spent / fraction * (1 - fraction) if is_known else None,
            )
        )


def _facts(output: str) -> dict[str, Any]:
    # From the end: warnings of libraries come before the result.
    for line in reversed(output.splitlines()):
        if line.startswith("{"):
            try:
                facts = json.loads(line)
            except ValueError:
                continue
            if isinstance(facts, dict) and {"torch", "device", "seconds"} <= set(facts):
                return facts
    raise InstallFailed(
        "The test of the new runtime printed no result",
        hint="Copy the details and report them",
        details=output[-3000:],
    )
