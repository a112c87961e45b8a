"""`build.py gui`: a person's sessions with the zip in a real window. Stdlib only.

With ``--blender`` it runs there, under Xvfb where no display is open. Without, it takes Debian's
Blender in a chroot, which ``../shared/tools/gui`` makes once (needs root).
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
SESSIONS = ("person_session.py", "batch_session.py", "pages_session.py")
TOOLS = ROOT.parent / "shared" / "tools" / "gui"
SPEECH = ROOT / "demo" / "speech" / "line.wav"
LONG_REPEATS = 40
"""Six minutes of speech: time enough to look at the bar and to cancel."""
LINES = (
    "anna_01_hello__happy_0.8",
    "anna_02_where",
    "anna_03_no__angry_0.7",
    "anna_04_listen",
    "anna_05_sorry__sad_0.9",
    "bob_06_what__surprised_1",
    "bob_07_yes",
)
"""Lines of a second or so, cut from the speech."""
BROKEN_LINE, LONG_LINE = "bob_08_broken", "bob_09_speech"
SCREEN = "-screen 0 1600x900x24 +extension GLX"
SETUP_TIMEOUT_S = 1800.0
TIMEOUT_S = 1500.0


def run_session(blender: str, out: Path, sessions: Sequence[str] = SESSIONS) -> tuple[str, bool]:
    """Run the sessions, each in a Blender of its own; screenshots go to ``out``.

    Args:
        blender: A Blender program; empty means the one in the chroot.
        out: Folder for the screenshots, made when missing.
        sessions: Scripts in ``tests/gui``.

    Returns:
        One line for each law; whether all held.

    Raises:
        BuildError: There is no Blender with a window, or a session did not end.
    """
    told, all_held = list[str](), True
    for name in sessions:
        laws, held = _run_one(blender, out, name)
        told += laws
        all_held = all_held and held
    return "\n".join([*told, f"Screenshots: {out}"]), all_held


def _run_one(blender: str, out: Path, name: str) -> tuple[list[str], bool]:
    shelf = environments.home().parent / "gui-share" / Path(name).stem
    shutil.rmtree(shelf, ignore_errors=True)
    (shelf / "shots").mkdir(parents=True)
    for script in (*SHARED, name):
        shutil.copy(ROOT / "tests" / "gui" / script, shelf)
    command = _prefix(blender, shelf.parent)
    command += ["--window-geometry", "0", "0", "1600", "900"]
    command += ["--python", str(shelf / name), "--", *map(str, _given(shelf))]
    say(f"A person's session: {name}")
    status, output = run(
        command,
        timeout_s=TIMEOUT_S,
        environment=clean_environment(_environment(shelf)),
        log=shelf / "session.log",
        on_line=_tell,
        what="session",
    )
    out.mkdir(parents=True, exist_ok=True)
    for path in sorted((shelf / "shots").glob("*.png")):
        shutil.copy(path, out)
    laws = [line for line in output.splitlines() if line.startswith(("ok  ", "FAIL"))]
    if not laws or "failed" not in output.splitlines()[-1]:
        raise BuildError(f"{name} did not end ({status}):\n{output[-3000:]}")
    return [*laws, output.splitlines()[-1]], status == 0


def _given(shelf: Path) -> list[Path]:
    """What a session works with: zip, a line, a long line, a folder of lines; where shots go."""
    archive = extension.make_zip(shelf)
    shutil.copy(SPEECH, shelf)
    _repeat(SPEECH, shelf / "long.wav", LONG_REPEATS)
    folder = shelf / "lines"
    folder.mkdir()
    for index, name in enumerate(LINES):
        _cut(SPEECH, folder / f"{name}.wav", index, len(LINES))
    (folder / f"{BROKEN_LINE}.wav").write_bytes(b"RIFF, and then nothing")
    _repeat(SPEECH, folder / f"{LONG_LINE}.wav", 2 * LONG_REPEATS)
    return [archive, shelf / SPEECH.name, shelf / "long.wav", folder, shelf / "shots"]


def _tell(line: str) -> None:
    if line.startswith(("ok  ", "FAIL")):
        say(line)


def _prefix(blender: str, share: Path) -> list[str]:
    if blender:
        found = shutil.which(blender)
        if found is None:
            raise BuildError(f"No program {blender}", hint="Give the path of a Blender")
        has_display = bool(os.environ.get("DISPLAY"))
        return [found] if has_display else ["xvfb-run", "-a", "-s", SCREEN, found]
    root = share.parent / "gui-chroot"
    if not TOOLS.is_dir():
        raise BuildError(
            f"No Blender with a window: {TOOLS} is not here",
            hint="Name one with --blender; it needs xdotool, ImageMagick and Xvfb or a display",
        )
    say(f"Making sure of the chroot {root} (minutes, the first time)")
    status, output = run(
        ["bash", TOOLS / "setup_gui_chroot.sh", "sid", root, share],
        timeout_s=SETUP_TIMEOUT_S,
        what="chroot",
    )
    if status != 0:
        raise BuildError(f"The chroot could not be made:\n{output[-2000:]}", hint="It needs root")
    return ["chroot", str(root), "xvfb-run", "-a", "-s", SCREEN, "blender"]


def _environment(shelf: Path) -> dict[str, str]:
    runtime = shelf / "runtime"
    runtime.mkdir(mode=0o700, exist_ok=True)
    browser, opened = shelf / "browser.sh", shelf / "opened.txt"
    browser.write_text(f'#!/bin/sh\necho "$1" > "{opened}"\n', encoding="utf-8")
    browser.chmod(0o755)
    return {
        "LIBGL_ALWAYS_SOFTWARE": "1",
        "XDG_RUNTIME_DIR": str(runtime),
        "HOME": str(shelf),
        "BLENDER_USER_RESOURCES": str(shelf / "blender"),
        "CSTALK_PYTHON": "",
        "BROWSER": str(browser),
        "CSTALK_OPENED": str(opened),
        "OMP_NUM_THREADS": "1",
        "LC_ALL": "C.UTF-8",
    }


def _repeat(source: Path, target: Path, times: int) -> None:
    """The sound many times in a row."""
    with wave.open(str(source), "rb") as speech, wave.open(str(target), "wb") as long:
        long.setparams(speech.getparams())
        content = speech.readframes(speech.getnframes())
        for _ in range(times):
            long.writeframes(content)


def _cut(source: Path, target: Path, index: int, count: int) -> None:
    """One of ``count`` equal pieces of the sound."""
    with wave.open(str(source), "rb") as speech, wave.open(str(target), "wb") as piece:
        frames = speech.getnframes() // count
        piece.setparams(speech.getparams())
        speech.setpos(index * frames)
        piece.writeframes(speech.readframes(frames))
