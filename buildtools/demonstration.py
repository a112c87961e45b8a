"""Make the demo: one audio file becomes a talking face. Standard library only.

The result of each step is cached under a digest of its inputs: audio, options, code and weights. A
second run repeats only the steps whose inputs changed, and reports that.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import hashlib
import json
import shutil
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from demo.job import Job, write_job

from . import environments
from .console import ROOT, BuildError, clean_environment, run, say

SPEECH = ROOT / "demo" / "speech" / "line.wav"
CACHE = ROOT / "work" / "demo"
"""Curves and frames of earlier runs."""
CACHE_RUNS = 4
STUDIO_BLENDERS = ("bpy-5.0", "bpy-5.2")
GENERATE_TIMEOUT_S = 1800.0
RENDER_TIMEOUT_S = 3 * 3600.0
REPORT_S = 5.0
OUTPUTS = {
    "out_blend": "demo.blend",
    "out_film": "demo.mp4",
    "out_sheet": "demo_frames.png",
    "out_diagram": "demo_curves.png",
}
RUNTIME_SOURCES = ("model_runtime",)
SCENE_SOURCES = ("cstalk_blender", "demo", "model_runtime/curves")


@dataclasses.dataclass(frozen=True)
class Options:
    """Options of the command."""

    audio: Path = SPEECH
    emotion: str = "happy"
    intensity: float = 1.0
    blend: Path | None = None
    object_name: str = ""
    seed: int = 0
    pixels: int = 400
    """Width and height of the film; a frame of 400 takes about 0.6 s on two cores."""
    model: Path | None = None
    out: Path = ROOT / "out"


def make_demo(options: Options) -> list[Path]:
    """Make the four files of the demo.

    Returns:
        Their paths.

    Raises:
        BuildError: An input is missing, an environment cannot be created, or a step failed.
    """
    _require_inputs(options)
    runtime, blender = runtime_and_blender(newest=options.blend is not None)
    CACHE.mkdir(parents=True, exist_ok=True)
    job = _job(options)
    # The user's scene keeps its frame rate; the studio has the cinema's.
    fps = _probe(blender, job) if options.blend else 24.0
    # What decides the curves: audio, code, weights, options and the versions of packages.
    curves_key = _key(
        [options.audio, *_sources(RUNTIME_SOURCES, options.model)],
        options.emotion,
        options.intensity,
        options.seed,
        # The rate is part of it, since lips are resampled with their closures kept.
        fps,
        environments.requirement_text("runtime"),
    )
    curves = CACHE / curves_key / "curves.npz"
    _generate(runtime, options, fps, curves)
    scene_key = _key(
        [
            curves,
            options.audio,
            *([options.blend] if options.blend else []),
            *_sources(SCENE_SOURCES),
        ],
        options.object_name,
        options.pixels,
        # The Blender that renders decides the picture.
        blender.parents[1].name,
    )
    frames = CACHE / scene_key / "frames"
    job = dataclasses.replace(job, curves=str(curves), frames_folder=str(frames))
    # Inputs unchanged and outputs untouched: a file that was edited is made again.
    if _is_made(job, scene_key):
        say("Nothing has changed since the last run, its files are kept")
    else:
        _render(blender, job)
        _draw(runtime, job)
        # Last: a run that was stopped has no record and continues.
        _mark_made(job, scene_key)
    _forget_old_runs({curves_key, scene_key})
    return [Path(getattr(job, field)) for field in OUTPUTS]


def _require_inputs(options: Options) -> None:
    for path, name in ((options.audio, "--audio"), (options.blend, "--blend")):
        if path is not None and not path.is_file():
            raise BuildError(f"File not found: {path}", hint=f"Check {name}")
    if options.object_name and options.blend is None:
        raise BuildError("--object needs a scene", hint="Name the scene with --blend")
    written = [options.out.resolve() / name for name in OUTPUTS.values()]
    for path in (options.audio, options.blend):
        # An output must not replace an input that lies in the output folder.
        if path is not None and path.resolve() in written:
            raise BuildError(
                f"The demo would overwrite {path}", hint="Choose another folder with --out"
            )
    try:
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BuildError(f"Cannot write into {options.out}: {error}", hint="Check --out") from error


def runtime_and_blender(*, newest: bool = False) -> tuple[Path, Path]:
    """Return the Pythons of the runtime and of Blender, created in parallel when missing.

    Args:
        newest: Take the newest Blender, for the user's own scene; else the one of the studio.
    """
    name = _blender_name(newest=newest)
    # In parallel: one may wait for a download while the other unpacks.
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        runtime = pool.submit(environments.ensure, "runtime")
        blender = pool.submit(environments.ensure, name)
        return runtime.result(), blender.result()


def _blender_name(*, newest: bool) -> str:
    """Return the environment of a Blender that a Python of this machine can run."""
    names = list(STUDIO_BLENDERS)
    # Python 3.13 runs the wheels from 5.1 on, 3.11 those before.
    if newest or sys.version_info[:2] == (3, 13):
        names.reverse()
    return environments.first_possible(names)


def _job(options: Options) -> Job:
    is_own_line = options.audio == SPEECH
    line = SPEECH.with_suffix(".txt").read_text(encoding="utf-8").strip()
    # Own audio has no transcript: its file name is the title.
    name = f"“{line}”" if is_own_line else options.audio.name
    return Job(
        audio=str(options.audio),
        title=f"{name}   ({options.emotion}, intensity {options.intensity:g})",
        curves="",
        words=str(SPEECH.with_suffix(".json")) if is_own_line else "",
        blend=str(options.blend or ""),
        object_name=options.object_name,
        pixels=options.pixels,
        frames_folder="",
        **{field: str(options.out / name) for field, name in OUTPUTS.items()},
    )


def _probe(blender: Path, job: Job) -> float:
    """Return the frame rate of the user's scene, which must have a face."""
    say(f"Reading {Path(job.blend).name}")
    answer: list[float] = []

    def listen(line: str) -> None:
        if line.startswith('{"fps"'):
            facts = json.loads(line)
            say(f"The face is {facts['face']!r}, at {facts['fps']:g} frames a second")
            answer.append(float(facts["fps"]))

    _blender_step(blender, "probe", job, listen)
    # The probe ran to its end, so it printed its line.
    return answer[0]


def _generate(runtime: Path, options: Options, fps: float, curves: Path) -> None:
    if curves.is_file():
        say("Curves of an earlier run are used: same audio, options, code and weights")
        return
    say(f"Generating {options.audio.name}: {options.emotion}, intensity {options.intensity:g}")
    curves.parent.mkdir(parents=True, exist_ok=True)
    command: list[str | Path] = [runtime, "-m", "model_runtime", "generate", options.audio]
    command += ["-o", curves, "--emotion", options.emotion, f"--intensity={options.intensity}"]
    command += [f"--fps={fps}", f"--seed={options.seed}"]
    command += ["--model", options.model] if options.model else []
    status, output = run(command, timeout_s=GENERATE_TIMEOUT_S, what="generate")
    if status != 0:
        lines = output.strip().splitlines() or ["no output"]
        # Status 2 is a bad argument: its line says what to do. Others are faults of the program.
        text = lines[-1].removeprefix("error: ") if status == 2 else "\n".join(lines[-12:])
        raise BuildError(f"Generation failed: {text}", hint="Correct the named option")
    say(output.strip().splitlines()[-1] if output.strip() else "Generated")


def _render(blender: Path, job: Job) -> None:
    say("Baking onto the face and rendering")
    started = reported = time.monotonic()
    first = -1

    def listen(line: str) -> None:
        nonlocal reported, first
        words = line.split()
        if words[:1] == ["NOTE"]:
            say(line.removeprefix("NOTE "))
        if words[:1] != ["PROGRESS"]:
            return
        done, total = int(words[1]), int(words[2])
        now = time.monotonic()
        # Frames that were there from an earlier run must not count as rendered in no time.
        first = done - 1 if first < 0 else first
        if now - reported > REPORT_S or done == total:
            left = (now - started) / max(done - first, 1) * (total - done)
            say(f"  {done} of {total} frames, about {left:.0f} s left")
            reported = now

    _blender_step(blender, "make", job, listen)


def _draw(runtime: Path, job: Job) -> None:
    say("Drawing the contact sheet and the curves")
    status, output = run(
        [runtime, "-m", "demo.pictures", _write(job)], timeout_s=600, what="pictures"
    )
    if status != 0:
        raise BuildError(f"Drawing failed:\n{output}", hint="Report it")


def _blender_step(blender: Path, command: str, job: Job, listen: Callable[[str], None]) -> None:
    status, output = run(
        # The demo's own preferences: those of the user could change the render.
        [blender, "-m", "demo.scene", command, _write(job)],
        timeout_s=RENDER_TIMEOUT_S,
        environment=clean_environment({"BLENDER_USER_RESOURCES": str(CACHE / "blender")}),
        log=CACHE / f"{command}.log",
        on_line=listen,
        what="Blender",
    )
    if status == 0:
        return
    # Faults that the user can mend come as one line.
    faults = [line for line in output.splitlines() if line.startswith("FAULT ")]
    if faults:
        raise BuildError(faults[-1].removeprefix("FAULT "))
    tail = "\n".join(output.splitlines()[-15:])
    raise BuildError(
        f"Blender ended with status {status}:\n{tail}", hint=f"See {CACHE}/{command}.log"
    )


def _write(job: Job) -> Path:
    path = CACHE / "job.json"
    write_job(job, path)
    return path


def _key(files: Iterable[Path], *values: object) -> str:
    """Return a short digest of the contents of files and of values."""
    # repr is stable for numbers, strings and None.
    digest = hashlib.sha256(repr(values).encode())
    for path in files:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    # Sixteen digits are enough to name a folder.
    return digest.hexdigest()[:16]


def _sources(folders: Iterable[str], model: Path | None = None) -> list[Path]:
    """Return code and data of the folders and the weights of ``model``, in a fixed order."""
    found = [path for folder in folders for path in (ROOT / folder).rglob("*")]
    found += list(model.rglob("*")) if model else []
    return sorted(
        path
        for path in found
        if path.suffix in (".py", ".json", ".safetensors")
        # Training and evaluation have no part in the demo.
        and not {"training", "evaluation", "__pycache__", "speech"}.intersection(path.parts)
    )


def _is_made(job: Job, scene_key: str) -> bool:
    """Return whether the files in the output folder were made with this key."""
    record = CACHE / scene_key / "made.json"
    return record.is_file() and json.loads(record.read_text(encoding="utf-8")) == _fingerprints(job)


def _mark_made(job: Job, scene_key: str) -> None:
    record = CACHE / scene_key / "made.json"
    record.write_text(json.dumps(_fingerprints(job), indent=1), encoding="utf-8")


def _fingerprints(job: Job) -> dict[str, str]:
    paths = [Path(getattr(job, field)) for field in OUTPUTS]
    # A missing file has an empty digest, so that it is made again.
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in paths
    } | {"title": job.title}


def _forget_old_runs(current: set[str]) -> None:
    runs = [path for path in CACHE.iterdir() if path.is_dir() and path.name not in current]
    runs = [path for path in runs if path.name != "blender"]
    # Two folders a run: curves and frames.
    for path in sorted(runs, key=lambda path: -path.stat().st_mtime)[2 * CACHE_RUNS :]:
        shutil.rmtree(path, ignore_errors=True)
