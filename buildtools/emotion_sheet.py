"""`build.py emotions`: the demo's line under every emotion, on one sheet. Stdlib only."""

from __future__ import annotations

import shutil
from pathlib import Path

from demo.emotion_job import EmotionJob, write_emotion_job
from demo.words import moments, read_words
from model_runtime.protocol import EMOTIONS

from .console import ROOT, BuildError, clean_environment, run, say
from .demonstration import SPEECH, runtime_and_blender

KEPT = ROOT / "work" / "emotions"
FRAME_RATE = 24
COLUMNS = 6
SPREAD = 4
"""Of so many telling moments one is shown: the whole line, not its first words."""
STEP_TIMEOUT_S = 1800.0


def make_emotion_sheet(out: Path, model: Path | None = None) -> Path:
    """Act the line under each emotion at intensity 1, render it and draw the sheet.

    Args:
        out: The JPEG to write.
        model: Other weights than the shipped ones.

    Returns:
        ``out``.

    Raises:
        BuildError: An environment cannot be made, or a step failed.
    """
    runtime, blender = runtime_and_blender()
    shutil.rmtree(KEPT, ignore_errors=True)
    KEPT.mkdir(parents=True)
    curves = {emotion: str(_act(runtime, emotion, model)) for emotion in EMOTIONS}
    words = read_words(str(SPEECH.with_suffix(".json")))
    chosen = moments(words, words[-1].end_s, COLUMNS * SPREAD)[SPREAD // 2 :: SPREAD]
    job = EmotionJob(
        title="One sentence, every emotion at intensity 1, seed 0",
        frame_rate=FRAME_RATE,
        curves=curves,
        times_s=[moment.time_s for moment in chosen],
        labels=[moment.label for moment in chosen],
        pictures=str(KEPT),
        out=str(out),
    )
    write_emotion_job(job, KEPT / "job.json")
    say(f"Rendering {len(curves)} emotions at {len(chosen)} moments")
    _step([blender, "-m", "demo.emotion_render", KEPT / "job.json"], "Blender")
    out.parent.mkdir(parents=True, exist_ok=True)
    _step([runtime, "-m", "demo.emotion_sheet", KEPT / "job.json"], "drawing")
    return out


def _act(runtime: Path, emotion: str, model: Path | None) -> Path:
    curves = KEPT / f"{emotion}.npz"
    command: list[str | Path] = [runtime, "-m", "model_runtime", "generate", SPEECH, "-o", curves]
    command += ["--emotion", emotion, "--intensity=1", f"--fps={FRAME_RATE}"]
    _step(command + (["--model", model] if model else []), "generate")
    return curves


def _step(command: list[str | Path], what: str) -> None:
    environment = clean_environment({"BLENDER_USER_RESOURCES": str(KEPT / "blender")})
    status, output = run(command, timeout_s=STEP_TIMEOUT_S, environment=environment, what=what)
    if status != 0:
        tail = "\n".join(output.strip().splitlines()[-12:])
        raise BuildError(f"{what} ended with status {status}:\n{tail}")
