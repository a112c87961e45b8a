"""A batch's child for tests: the words and files of the real one, without a model. Stdlib only.

    python fake_batch.py MODE batch LIST.csv -o FOLDER --resume --json --control --report REPORT.csv

It shares no code with the real one. Lines whose row has not changed since they were made are
skipped, as a real resume does; a sound that is missing fails.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.fakes.fake_worker import write_track

MADE_NAME, GIVEN_NAME = "fake-journal.json", "fake-list.csv"


def say(**values: object) -> None:
    """One object on stdout."""
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


def main() -> int:
    """Make the lines, badly in the way that MODE names."""
    mode, arguments = sys.argv[1], sys.argv[3:]
    source, folder = Path(arguments[0]), Path(arguments[arguments.index("-o") + 1])
    fps = float(arguments[arguments.index("--fps") + 1])
    if mode == "busy":
        sys.stderr.write(f"error: Another batch is writing into {folder}. Wait for it\n")
        return 2
    folder.mkdir(parents=True, exist_ok=True)
    (folder / GIVEN_NAME).write_bytes(source.read_bytes())  # for tests to look at
    rows = list(csv.DictReader(source.open(encoding="utf-8")))
    record = folder / MADE_NAME
    made = json.loads(record.read_text()) if record.is_file() else {}
    say(type="start", lines=len(rows), engine="fake")
    for number, row in enumerate(rows, 1):
        if mode == "die" and number == 2:
            sys.stderr.write("Segmentation fault, says the fake\n")
            sys.stderr.flush()
            os._exit(139)
        say(
            type="progress",
            fraction=(number - 1) / len(rows),
            seconds_left=1.0,
            paused=False,
            running={str(number): 0.5},
        )
        if mode == "slow" and number == 2 and told_to_cancel():
            return end("cancelled", 130)
        make(row, folder, fps, made)
        record.write_text(json.dumps(made))
    failed = any(state == "failed" for state in made.values())
    return end("failed" if failed else "done", 2 if failed else 0)


def make(row: dict[str, str], folder: Path, fps: float, made: dict[str, str]) -> None:
    """One line."""
    target = f"{row['out']}.npz"
    asked = hashlib.sha256(repr([v for k, v in row.items() if k != "start"]).encode()).hexdigest()
    path = folder / target
    if row["cstalk_problem"] or not Path(row["file"]).is_file():
        made[target] = "failed"
        text = row["cstalk_problem"] or f"{Path(row['file']).name} cannot be read"
        say(type="line", output=target, status="failed", error=text, hint="Check the file")
        return
    if made.get(target) == asked and path.is_file():
        say(type="line", output=target, status="skipped", frames=48, **heard_in(row))
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    smile = float(row["intensity"] or 0) if row["emotion"] == "happy" else 0.0
    frames = write_track(path, fps, smile)
    made[target] = asked
    say(type="line", output=target, status="done", frames=frames, score=88.0, **heard_in(row))


def heard_in(row: dict[str, str]) -> dict[str, str]:
    """What a line says that is left to the voice."""
    if row["emotion"] != "auto":
        return {}
    return {"heard": "sad 0.6", "acted_at": "0:neutral:0 0.5:sad:0.6"}


def told_to_cancel() -> bool:
    """Wait for words on stdin as the real one does; its end cancels too."""
    for text in sys.stdin:
        if text.strip() == "cancel":
            return True
        if text.strip() == "pause":
            say(type="progress", fraction=0.5, seconds_left=None, paused=True, running={})
        if text.strip() == "continue":
            say(type="progress", fraction=0.5, seconds_left=None, paused=False, running={})
            time.sleep(0.01)
            return False
    return True


def end(status: str, code: int) -> int:
    """The last word."""
    say(type="end", status=status, reports={})
    return code


if __name__ == "__main__":
    sys.exit(main())
