"""`build.py gui`: a person's first session with the zip in a real window. Stdlib only.

With ``--blender`` it runs there, under Xvfb where no display is open. Without, it takes Debian's
Blender in a chroot, which ``../shared/tools/gui`` makes once (needs root).
"""

from __future__ import annotations

import os
import shutil
import wave
from pathlib import Path

from . import environments, extension
from .console import ROOT, BuildError, clean_environment, run, say

SESSION = ("person.py", "person_session.py")
TOOLS = ROOT.parent / "shared" / "tools" / "gui"
SPEECH = ROOT / "demo" / "speech" / "line.wav"
LONG_REPEATS = 40
"""Six minutes of speech: time enough to look at the bar and to cancel."""
SCREEN = "-screen 0 1600x900x24 +extension GLX"
SETUP_TIMEOUT_S = 1800.0
TIMEOUT_S = 1500.0


def run_session(blender: str, out: Path) -> tuple[str, bool]:
    """Run the session; screenshots go to ``out``.

    Args:
        blender: A Blender program; empty means the one in the chroot.
        out: Folder for the screenshots, made when missing.

    Returns:
        One line for each law; whether all held.

    Raises:
        BuildError: There is no Blender with a window, or the session did not end.
    """
    shelf = environments.home().parent / "gui-share" / "session"
    shutil.rmtree(shelf, ignore_errors=True)
    (shelf / "shots").mkdir(parents=True)
    for name in SESSION:
        shutil.copy(ROOT / "tests" / "gui" / name, shelf)
    archive = extension.make_zip(shelf)
    shutil.copy(SPEECH, shelf)
    _repeat(SPEECH, shelf / "long.wav")
    given = [archive, shelf / SPEECH.name, shelf / "long.wav", shelf / "shots"]
    command = _prefix(blender, shelf.parent)
    command += ["--window-geometry", "0", "0", "1600", "900"]
    command += ["--python", str(shelf / SESSION[1]), "--", *map(str, given)]
    say("A person's first session")
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
        raise BuildError(f"The session did not end ({status}):\n{output[-3000:]}")
    return "\n".join([*laws, output.splitlines()[-1], f"Screenshots: {out}"]), status == 0


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
    return {
        "LIBGL_ALWAYS_SOFTWARE": "1",
        "XDG_RUNTIME_DIR": str(runtime),
        "HOME": str(shelf),
        "BLENDER_USER_RESOURCES": str(shelf / "blender"),
        "CSTALK_PYTHON": "",
        "OMP_NUM_THREADS": "1",
        "LC_ALL": "C.UTF-8",
    }


def _repeat(source: Path, target: Path) -> None:
    """The sound many times in a row."""
    with wave.open(str(source), "rb") as speech, wave.open(str(target), "wb") as long:
        long.setparams(speech.getparams())
        content = speech.readframes(speech.getnframes())
        for _ in range(LONG_REPEATS):
            long.writeframes(content)
