"""Make the emotion sheet: the demo's line with every emotion. Standard library only."""

from __future__ import annotations

import shutil
from pathlib import Path

from demo.emotion_job import EmotionJob, write_emotion_job
from demo.words import moments, read_words
from model_runtime.choices import EMOTIONS

from .console import ROOT, BuildError, clean_environment, run, say
from .demonstration import SPEECH, runtime_and_blender

CACHE = ROOT / "work" / "emotions"
FRAME_RATE = 24
COLUMNS = 6
SPREAD = 4
"""One of so many moments is shown, so that the sheet covers the whole line."""
STEP_TIMEOUT_S = 1800.0


def make_emotion_sheet(out: Path, model: Path | None = None) -> Path:
    """Generate the line with each emotion at intensity 1, render it and draw the sheet.

    Args:
        out: JPEG file to write.
        model: Folder of weights; the shipped ones when None.

    Returns:
        ``out``.

    Raises:
        BuildError: An environment cannot be created, or a step failed.
    """
    # Always anew: a sheet is made rarely, and stale frames would mislead.
    runtime, blender = runtime_and_blender()
    shutil.rmtree(CACHE, ignore_errors=True)
    CACHE.mkdir(parents=True)
    curves = {emotion: str(_generate(runtime, emotion, model)) for emotion in EMOTIONS}
    words = read_words(str(SPEECH.with_suffix(".json")))
    # A moment in the middle of each group of four.
    chosen = moments(words, words[-1].end_s, COLUMNS * SPREAD)[SPREAD // 2 :: SPREAD]
    job = EmotionJob(
        title="One sentence, every emotion at intensity 1, seed 0",
        frame_rate=FRAME_RATE,
        curves=curves,
        times_s=[moment.time_s for moment in chosen],
        labels=[moment.label for moment in chosen],
        pictures=str(CACHE),
        out=str(out),
    )
    write_emotion_job(job, CACHE / "job.json")
    say(f"Rendering {len(curves)} emotions at {len(chosen)} moments")
    _step([blender, "-m", "demo.emotion_render", CACHE / "job.json"], "Blender")
    out.parent.mkdir(parents=True, exist_ok=True)
    _step([runtime, "-m", "demo.emotion_sheet", CACHE / "job.json"], "drawing")
    return out


def _generate(runtime: Path, emotion: str, model: Path | None) -> Path:
    curves = CACHE / f"{emotion}.npz"
    command: list[str | Path] = [runtime, "-m", "model_runtime", "generate", SPEECH, "-o", curves]
    command += ["--emotion", emotion, "--intensity=1", f"--fps={FRAME_RATE}"]
    _step(command + (["--model", model] if model else []), "generate")
    return curves


def _step(command: list[str | Path], what: str) -> None:
    environment = clean_environment({"BLENDER_USER_RESOURCES": str(CACHE / "blender")})
    status, output = run(command, timeout_s=STEP_TIMEOUT_S, environment=environment, what=what)
    if status != 0:
        tail = "\n".join(output.strip().splitlines()[-12:])
        raise BuildError(f"{what} ended with status {status}:\n{tail}")
