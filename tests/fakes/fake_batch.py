"""A batch worker for tests: messages and files of the real one, without a model. Stdlib only.

    python fake_batch.py MODE batch-worker

It shares no code with the real one. Lines that have not changed since they were made are skipped,
as a real resume does; an audio file that is missing fails.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.fakes.fake_worker import PROTOCOL, write_track

MADE_NAME, GIVEN_NAME = "fake-journal.json", "fake-lines.json"


def say(kind: str, **values: object) -> None:
    """Write one message to stdout."""
    sys.stdout.write(json.dumps({"type": kind, **values}) + "\n")
    sys.stdout.flush()


def read_batch() -> tuple[list[dict], dict]:
    """Return the lines and the message that starts them."""
    lines = []
    for text in sys.stdin:
        message = json.loads(text)
        if message["type"] == "start_batch":
            return lines, message
        lines.append(message)
    sys.exit(0)


def main() -> int:
    """Make the lines, with the fault that MODE names."""
    mode = sys.argv[1]
    say("hello", protocol=PROTOCOL, runtime="fake", engine="fake", device="cpu")
    lines, start = read_batch()
    folder = Path(start["output_folder"])
    if mode == "busy":
        say(
            "error",
            id="",
            code="folder-busy",
            message=f"Another batch is writing into {folder}",
            hint="Wait for it",
        )
        return 2
    folder.mkdir(parents=True, exist_ok=True)
    (folder / GIVEN_NAME).write_text(json.dumps(lines))  # for tests to look at
    record = folder / MADE_NAME
    made = json.loads(record.read_text()) if record.is_file() else {}
    say("batch_started", lines=len(lines), engine="fake")
    for number, line in enumerate(lines, 1):
        if mode == "die" and number == 2:
            sys.stderr.write("Segmentation fault, says the fake\n")
            sys.stderr.flush()
            os._exit(139)
        progress(number - 1, len(lines), running=[{"id": line["id"], "fraction": 0.5}])
        if mode == "deaf" and number == 2:
            time.sleep(3600)
        if mode == "slow" and number == 2 and told_to_cancel(len(lines)):
            return end("cancelled", lines, 130)
        make(line, folder, made)
        record.write_text(json.dumps(made))
    failed = any(state == "failed" for state in made.values())
    return end("failed" if failed else "done", lines, 2 if failed else 0)


def make(line: dict, folder: Path, made: dict[str, str]) -> None:
    """Make one line."""
    target, performance = line["targets"][0], line["performance"]
    asked = hashlib.sha256(json.dumps(line).encode()).hexdigest()
    path, audio = folder / target, Path(performance["audio"])
    common = {"id": line["id"], "outputs": line["targets"], "name": line["name"]}
    if line["problem"] or not audio.is_file():
        made[target] = "failed"
        text = line["problem"] or f"{audio.name} cannot be read"
        say("line_ended", **common, outcome="failed", error=text, hint="Check the file")
        return
    is_skipped = made.get(target) == asked and path.is_file()
    if not is_skipped:
        path.parent.mkdir(parents=True, exist_ok=True)
        first = performance["emotion_keys"][0]
        smile = first["intensity"] if first["emotion"] == "happy" else 0.0
        write_track(path, performance["fps"], smile)
        made[target] = asked
    say(
        "line_ended",
        **common,
        outcome="skipped" if is_skipped else "done",
        frames=48,
        duration_s=2.0,
        score=88.0,
        digest=hashlib.sha256(path.read_bytes()).hexdigest(),
        **detected_in(performance),
    )


def detected_in(performance: dict) -> dict[str, object]:
    """Return the fields of a line whose emotion is detected."""
    if performance["emotion_keys"][0]["emotion"] != "auto":
        return {}
    keys = [("neutral", 0.0, 0.0), ("sad", 0.5, 0.6)]
    return {
        "detected_emotion": "sad 0.6",
        "emotion_keys": [{"emotion": e, "start_s": s, "intensity": i} for e, s, i in keys],
    }


def progress(done: int, total: int, **values: object) -> None:
    """Report the progress of the batch."""
    say(
        "batch_progress",
        total=total,
        done=done,
        skipped=0,
        failed=0,
        fraction=done / total,
        **values,
    )


def told_to_cancel(total: int) -> bool:
    """Wait for commands on stdin as the real worker does; the end of stdin cancels too."""
    for text in sys.stdin:
        kind = json.loads(text)["type"]
        if kind == "cancel_batch":
            return True
        if kind == "pause_batch":
            progress(1, total, is_paused=True)
        if kind == "resume_batch":
            progress(1, total, is_paused=False)
            time.sleep(0.01)
            return False
    return True


def end(outcome: str, lines: list[dict], code: int) -> int:
    """Write the last message."""
    say("batch_ended", outcome=outcome, total=len(lines), done=0, skipped=0, failed=0)
    return code


if __name__ == "__main__":
    sys.exit(main())
