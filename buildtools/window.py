"""Run user sessions with the zip in a real window of Blender. Standard library only.

With ``--blender`` that program is used, under Xvfb when no display is open. Otherwise Debian's
Blender is used in a chroot, which ``../shared/tools/gui`` creates once (needs root).
"""

from __future__ import annotations

import os
import shutil
import wave
from collections.abc import Sequence
from pathlib import Path

from . import environments, extension
from .console import ROOT, BuildError, clean_environment, run, say

SHARED = ("person.py", "play.py")
SESSIONS = ("person_session.py", "batch_session.py", "pages_session.py", "direct_session.py")
TOOLS = ROOT.parent / "shared" / "tools" / "gui"
SPEECH = ROOT / "demo" / "speech" / "line.wav"
LONG_REPEATS = 40
"""Six minutes of speech: enough time to see the progress bar and to cancel."""
LINES = (
    "anna_01_hello__happy_0.8",
    "anna_02_where",
    "anna_03_no__angry_0.7",
    "anna_04_listen",
    "anna_05_sorry__sad_0.9",
    "bob_06_what__surprised_1",
    "bob_07_yes",
)
"""Lines of about one second, cut from the speech."""
BROKEN_LINE, LONG_LINE = "bob_08_broken", "bob_09_speech"
SCREEN = "-screen 0 1600x900x24 +extension GLX"
SETUP_TIMEOUT_S = 1800.0
TIMEOUT_S = 1500.0


def run_session(blender: str, out: Path, sessions: Sequence[str] = SESSIONS) -> tuple[str, bool]:
    """Run the sessions, each in its own Blender.

    Args:
        blender: A Blender program; empty means the one in the chroot.
        out: Folder for the screenshots, created when missing.
        sessions: Scripts in ``tests/gui``.

    Returns:
        One line for each check; whether all passed.

    Raises:
        BuildError: No Blender with a window is available, or a session did not end.
    """
    lines, all_passed = list[str](), True
    for name in sessions:
        checks, passed = _run_one(blender, out, name)
        lines += checks
        all_passed = all_passed and passed
    return "\n".join([*lines, f"Screenshots: {out}"]), all_passed


def _run_one(blender: str, out: Path, name: str) -> tuple[list[str], bool]:
    # Anew for each session: files of the last must not count as results.
    folder = environments.home().parent / "gui-share" / Path(name).stem
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "shots").mkdir(parents=True)
    for script in (*SHARED, name):
        shutil.copy(ROOT / "tests" / "gui" / script, folder)
    command = _prefix(blender, folder.parent)
    command += ["--window-geometry", "0", "0", "1600", "900"]
    command += ["--python", str(folder / name), "--", *map(str, _given(folder))]
    say(f"User session: {name}")
    status, output = run(
        command,
        timeout_s=TIMEOUT_S,
        environment=clean_environment(_environment(folder)),
        log=folder / "session.log",
        on_line=_report,
        what="session",
    )
    out.mkdir(parents=True, exist_ok=True)
    # Screenshots are kept even where the session failed.
    for path in sorted((folder / "shots").glob("*.png")):
        shutil.copy(path, out)
    laws = [line for line in output.splitlines() if line.startswith(("ok  ", "FAIL"))]
    # The last line is the summary; without it Blender crashed or hung.
    if not laws or "failed" not in output.splitlines()[-1]:
        raise BuildError(
            f"{name} did not end (status {status}):\n{output[-3000:]}", hint="See its shots"
        )
    return [*laws, output.splitlines()[-1]], status == 0


def _given(folder: Path) -> list[Path]:
    """Write the files of a session and return their paths, the folder of screenshots last."""
    archive = extension.make_zip(folder)
    shutil.copy(SPEECH, folder)
    _repeat(SPEECH, folder / "long.wav", LONG_REPEATS)
    lines = folder / "lines"
    lines.mkdir()
    for index, name in enumerate(LINES):
        _cut(SPEECH, lines / f"{name}.wav", index, len(LINES))
    # A file that every decoder refuses.
    (lines / f"{BROKEN_LINE}.wav").write_bytes(b"RIFF, and then nothing")
    _repeat(SPEECH, lines / f"{LONG_LINE}.wav", 2 * LONG_REPEATS)
    return [archive, folder / SPEECH.name, folder / "long.wav", lines, folder / "shots"]


def _report(line: str) -> None:
    if line.startswith(("ok  ", "FAIL")):
        say(line)


def _prefix(blender: str, share: Path) -> list[str]:
    if blender:
        found = shutil.which(blender)
        if found is None:
            raise BuildError(f"Program not found: {blender}", hint="Give the path of a Blender")
        has_display = bool(os.environ.get("DISPLAY"))
        # xvfb-run -a takes the first free display.
        return [found] if has_display else ["xvfb-run", "-a", "-s", SCREEN, found]
    root = share.parent / "gui-chroot"
    if not TOOLS.is_dir():
        raise BuildError(
            f"No Blender with a window: {TOOLS} does not exist",
            hint="Name one with --blender; it needs xdotool, ImageMagick and Xvfb or a display",
        )
    say(f"Preparing the chroot {root} (takes minutes the first time)")
    status, output = run(
        ["bash", TOOLS / "setup_gui_chroot.sh", "sid", root, share],
        timeout_s=SETUP_TIMEOUT_S,
        what="chroot",
    )
    if status != 0:
        raise BuildError(
            f"The chroot could not be created:\n{output[-2000:]}", hint="It needs root"
        )
    return ["chroot", str(root), "xvfb-run", "-a", "-s", SCREEN, "blender"]


def _environment(folder: Path) -> dict[str, str]:
    runtime = folder / "runtime"
    # A runtime folder must be readable by its owner alone (XDG specification).
    runtime.mkdir(mode=0o700, exist_ok=True)
    browser, opened = folder / "browser.sh", folder / "opened.txt"
    # Links are opened by a script that records them: no browser starts.
    browser.write_text(f'#!/bin/sh\necho "$1" > "{opened}"\n', encoding="utf-8")
    browser.chmod(0o755)
    return {
        # A machine without a graphics card renders in software.
        "LIBGL_ALWAYS_SOFTWARE": "1",
        "XDG_RUNTIME_DIR": str(runtime),
        "HOME": str(folder),
        "BLENDER_USER_RESOURCES": str(folder / "blender"),
        "CSTALK_PYTHON": "",
        "BROWSER": str(browser),
        "CSTALK_OPENED": str(opened),
        "OMP_NUM_THREADS": "1",
        "LC_ALL": "C.UTF-8",
    }


def _repeat(source: Path, target: Path, times: int) -> None:
    """Write an audio file several times in a row."""
    with wave.open(str(source), "rb") as speech, wave.open(str(target), "wb") as long:
        long.setparams(speech.getparams())
        # Parameters are copied, so that the format stays the same.
        content = speech.readframes(speech.getnframes())
        for _ in range(times):
            long.writeframes(content)


def _cut(source: Path, target: Path, index: int, count: int) -> None:
    """Write one of ``count`` equal pieces of an audio file."""
    with wave.open(str(source), "rb") as speech, wave.open(str(target), "wb") as piece:
        frames = speech.getnframes() // count
        piece.setparams(speech.getparams())
        speech.setpos(index * frames)
        piece.writeframes(speech.readframes(frames))
