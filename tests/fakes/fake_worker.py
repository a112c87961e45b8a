"""A worker for tests: behaves well, or badly in the way its first argument names. Stdlib only.

    python fake_worker.py MODE

It speaks the real protocol but shares no code with the real one, so that a mistake in the protocol
module shows. A result is a small npz with ``jawOpen`` opening and closing, which `write_track`
makes without numpy, from the array format's description (numpy.lib.format).
"""

from __future__ import annotations

import json
import math
import os
import struct
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

PROTOCOL = 2
CHANNELS = ("jawOpen", "mouthClose", "mouthSmileLeft", "mouthSmileRight", "browInnerUp")
DURATION_S = 2.0
FOREVER_S = 3600.0

send_lock = threading.Lock()
cancelled: set[str] = set()


def say(**message: object) -> None:
    """Write one message to stdout."""
    with send_lock:
        sys.stdout.write(json.dumps(message, ensure_ascii=False) + "\n")
        sys.stdout.flush()


def npy(values: list[float], shape: tuple[int, ...], kind: str) -> bytes:
    """An array in numpy's npy format, version 1."""
    fields = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape!r}, }}"
    header = fields.ljust(117) + "\n"
    code = {"<f4": "f", "<f8": "d"}[kind]
    return (
        b"\x93NUMPY\x01\x00"
        + struct.pack("<H", len(header))
        + header.encode("latin-1")
        + struct.pack(f"<{len(values)}{code}", *values)
    )


def npy_text(texts: tuple[str, ...] | str) -> bytes:
    """A text, or a list of texts, in npy format."""
    items = (texts,) if isinstance(texts, str) else texts
    width = max(len(item) for item in items)
    shape = () if isinstance(texts, str) else (len(items),)
    fields = f"{{'descr': '<U{width}', 'fortran_order': False, 'shape': {shape!r}, }}"
    header = fields.ljust(117) + "\n"
    body = "".join(item.ljust(width, "\0") for item in items).encode("utf-32-le")
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode("latin-1") + body


def write_track(path: Path, fps: float, smile: float, heard: str = "") -> int:
    """Write the curves of ``DURATION_S`` seconds and return the number of frames."""
    frames = math.ceil(DURATION_S * fps)
    values: list[float] = []
    for frame in range(frames):
        jaw = 0.5 - 0.5 * math.cos(2 * math.pi * frame / fps)
        values += [jaw, 0.2 * jaw, smile, smile, 0.3 * smile]
    temporary = path.with_suffix(".tmp")
    with zipfile.ZipFile(temporary, "w") as archive:
        archive.writestr("values.npy", npy(values, (frames, len(CHANNELS)), "<f4"))
        archive.writestr("channels.npy", npy_text(CHANNELS))
        archive.writestr("fps.npy", npy([fps], (), "<f8"))
        archive.writestr("start_s.npy", npy([0.0], (), "<f8"))
        archive.writestr(
            "request.npy", npy_text(json.dumps({"heard": {"title": heard}} if heard else {}))
        )
    os.replace(temporary, path)
    return frames


def result(request: dict, *, path: Path | None = None) -> None:
    """Write the curves and say so."""
    performance = request["performance"]
    keys = performance["emotion_keys"]
    smile = sum(key["intensity"] for key in keys if key["emotion"] == "happy")
    path = path or Path(request["output_folder"]) / f"{request['id']}.npz"
    heard = "happy 0.8" if any(key["emotion"] == "auto" for key in keys) else ""
    frames = write_track(path, performance["fps"], smile, heard)
    say(
        type="result",
        id=request["id"],
        path=str(path),
        frames=frames,
        channels=len(CHANNELS),
        fps=performance["fps"],
        seconds=0.1,
        summary=f"{frames} frames",
    )


def work(request: dict, *, steps: int = 4, step_s: float = 0.01) -> None:
    """A well-behaved request: progress, then an ending; cancel is tested between the steps."""
    for step in range(steps):
        if request["id"] in cancelled:
            say(type="cancelled", id=request["id"])
            return
        say(type="progress", id=request["id"], fraction=step / steps, seconds_left=step_s)
        time.sleep(step_s)
    audio = request["performance"]["audio"]
    if not Path(audio).is_file():
        reason = {"message": f"No file at {audio}", "hint": "Choose another"}
        say(type="error", id=request["id"], code="bad-audio", **reason)
        return
    result(request)


def messages() -> Iterator[dict]:
    """Messages from stdin; a cancel is noted and not given."""
    for line in sys.stdin:
        message = json.loads(line)
        if message["type"] == "cancel":
            cancelled.add(message["id"])
        else:
            yield message


def hello(**changes: object) -> None:
    """The first line."""
    fields = {"protocol": PROTOCOL, "runtime": "fake", "engine": "fake", "device": "cpu"}
    say(type="hello", **{**fields, **changes})


def serve(act) -> None:
    """Give every request to ``act`` in a thread, until stdin closes."""
    hello()
    for request in messages():
        threading.Thread(target=act, args=(request,), daemon=True).start()


def good() -> None:
    """Do all as it should be."""
    serve(work)


def slow() -> None:
    """Work for an hour, but listen."""
    serve(lambda request: work(request, steps=360_000))


def die_at_start() -> None:
    """End before hello, with words on stderr."""
    sys.stderr.write("ImportError: no such module\n")
    sys.exit(3)


def die_midway() -> None:
    """End in the middle of the first request."""

    def act(request: dict) -> None:
        say(type="progress", id=request["id"], fraction=0.5)
        sys.stderr.write("Segmentation fault, says the fake\n")
        sys.stderr.flush()
        os._exit(139)

    serve(act)


def die_once() -> None:
    """Die midway the first time (a file beside the log remembers), behave after that."""
    mark = Path(os.environ["FAKE_MARK"])
    if mark.exists():
        good()
    else:
        mark.touch()
        die_midway()


def die_idle() -> None:
    """Answer one request, then end."""

    def act(request: dict) -> None:
        work(request)
        os._exit(0)

    serve(act)


def hang_at_start() -> None:
    """Never say hello."""
    time.sleep(FOREVER_S)


def hang() -> None:
    """Take requests and say nothing ever."""
    serve(lambda request: time.sleep(FOREVER_S))


def cancel_late() -> None:
    """Obey a cancel only when a file "go" lies beside the folder of the request."""

    def act(request: dict) -> None:
        while not (Path(request["output_folder"]).parent / "go").exists():
            time.sleep(0.005)
        say(type="cancelled", id=request["id"])

    serve(act)


def hang_deaf() -> None:
    """Say hello, then neither read nor write, and ignore the wish to terminate."""
    ignore_terminate()
    hello()
    time.sleep(FOREVER_S)


def die_at_shutdown() -> None:
    """Behave, but crash when stdin closes."""
    good()
    sys.stderr.write("Fatal error at shutdown\n")
    sys.stderr.flush()
    os.abort()


def hang_at_shutdown() -> None:
    """Behave, but neither heed the closed stdin nor the wish to terminate."""
    ignore_terminate()
    good()
    time.sleep(FOREVER_S)


def ignore_terminate() -> None:
    """Survive everything but a kill."""
    import signal

    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def flood() -> None:
    """Progress without end, as fast as the pipe takes it."""

    def act(request: dict) -> None:
        while True:
            say(type="progress", id=request["id"], fraction=0.5, stage="x" * 200)

    serve(act)


def flood_then_answer() -> None:
    """Twenty thousand progress messages, then the result."""

    def act(request: dict) -> None:
        for _ in range(20_000):
            say(type="progress", id=request["id"], fraction=0.5)
        result(request)

    serve(act)


def garbage() -> None:
    """Hello, then binary and text that is no message, without end."""
    hello()
    while True:
        sys.stdout.buffer.write(b'\xff\xfe\x00 garbage \xc3\x28\n{"type": "nonsense"}\n')
        sys.stdout.flush()


def garbage_one_line() -> None:
    """Hello, then a line that never ends."""
    hello()
    while True:
        sys.stdout.write("x" * 65536)
        sys.stdout.flush()


def noise() -> None:
    """A few stray lines before hello and amid the work, as a print in a library leaves them."""
    sys.stdout.write("Welcome to the Python of this studio!\n")
    sys.stdout.flush()

    def act(request: dict) -> None:
        sys.stdout.write("UserWarning: something is deprecated\n")
        sys.stdout.write('{"type": "progress"}\n')
        sys.stdout.write("[1, 2, 3]\n")
        sys.stdout.flush()
        work(request)

    serve(act)


def answer_twice() -> None:
    """Result, then error, then result again, then cancelled, for one request."""

    def act(request: dict) -> None:
        result(request)
        say(type="error", id=request["id"], code="internal", message="Changed my mind")
        say(type="progress", id=request["id"], fraction=0.1)
        result(request)
        say(type="cancelled", id=request["id"])

    serve(act)


def answer_despite_cancel() -> None:
    """Wait for a cancel, then send the result all the same, as when the two cross in the pipes."""

    def act(request: dict) -> None:
        say(type="progress", id=request["id"], fraction=0.5)
        while request["id"] not in cancelled:
            time.sleep(0.001)
        result(request)

    serve(act)


def fail_despite_cancel() -> None:
    """Wait for a cancel, then send an error all the same."""

    def act(request: dict) -> None:
        say(type="progress", id=request["id"], fraction=0.5)
        while request["id"] not in cancelled:
            time.sleep(0.001)
        say(type="error", id=request["id"], code="internal", message="Too late", hint="None")

    serve(act)


def falling_progress() -> None:
    """Report progress that falls and overshoots, then wait for a cancel."""

    def act(request: dict) -> None:
        for fraction in (0.2, 0.7, 0.3, 0.0, 0.8, 7.5):
            say(type="progress", id=request["id"], fraction=fraction, stage=f"at {fraction}")

    serve(act)


def answer_nobody() -> None:
    """Answer a request that was never made, then the real one."""

    def act(request: dict) -> None:
        say(type="error", id="nobody", code="internal", message="Who?")
        result(request)

    serve(act)


def result_without_file() -> None:
    """Say the curves are where they are not."""
    serve(
        lambda request: say(
            type="result",
            id=request["id"],
            path=os.path.join(request["output_folder"], "absent.npz"),
            frames=1,
            channels=1,
            fps=1.0,
            seconds=0.0,
        )
    )


def result_elsewhere() -> None:
    """Put the curves outside the folder that was given."""
    serve(lambda request: result(request, path=Path(os.environ["FAKE_MARK"])))


def blame_nobody() -> None:
    """An error without id: the worker did not understand what it read."""
    serve(lambda request: say(type="error", id="", code="bad-message", message="Not understood"))


def wrong_version() -> None:
    """Hello of another protocol."""
    hello(protocol=PROTOCOL + 1, runtime="9.9")
    time.sleep(FOREVER_S)


def broken_track() -> None:
    """A result whose file is no curve file."""

    def act(request: dict) -> None:
        path = Path(request["output_folder"]) / "broken.npz"
        path.write_bytes(b"not a zip")
        figures = {"frames": 1, "channels": 1, "fps": 1.0, "seconds": 0.0}
        say(type="result", id=request["id"], path=str(path), **figures)

    serve(act)


if __name__ == "__main__":
    sys.stdin.reconfigure(encoding="utf-8")
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    globals()[sys.argv[1]]()
