"""Run ``python -m model_runtime.training.captures``: all captures of a data folder."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import Any

import numpy as np

from ..corpora.held_out import TRAIN, read_splits
from ..reference.rig import fitting_mesh, reference_rig
from .dataset import (
    MODEL_FPS,
    CapturedClip,
    CapturedCorpus,
    co_movement,
    observed_mask,
    on_model_clock,
    statistics,
    write_corpus,
    write_json,
)
from .facegood import read_facegood
from .grid import GridClip, GridSpeaker, fit_speaker, observed_channels, read_words
from .landmarks import MEASURES
from .lip_models import measure_lip_model, write_lip_models
from .livelink_rom import read_livelink_rom
from .rig_mesh import RigMesh, read_rig_mesh

log = logging.getLogger(__name__)

GRID_SPEAKERS = ("grid_s1", "grid_s4", "grid_s31")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 0 when all is written."""
    parser = argparse.ArgumentParser(prog="python -m model_runtime.training.captures")
    parser.add_argument("--data", type=Path, required=True, help="folder with capture/ and rigs/")
    parser.add_argument("--out", type=Path, required=True, help="folder for the npz and JSON files")
    parser.add_argument("--lip-models", action="store_true", help="write lip_models.json anew")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if options.lip_models:
        rigs = sorted((options.data / "rigs").glob("*.npz"))
        write_lip_models({path.stem: measure_lip_model(read_rig_mesh(path)) for path in rigs})
    prepare(options.data, options.out)
    return 0


def prepare(data: Path, out: Path) -> dict[str, Any]:
    """Write every corpus, ``index.json`` and ``statistics.json``, and return the index.

    Args:
        data: The shared data folder.
        out: Folder to write.
    """
    out.mkdir(parents=True, exist_ok=True)
    mesh = read_rig_mesh(data / "rigs" / f"{fitting_mesh()}.npz")
    index: dict[str, Any] = {
        "format": 1,
        "rig": reference_rig().name,
        "fitted_on": fitting_mesh(),
        "corpora": {},
    }
    figures: dict[str, Any] = {}
    for name in (*GRID_SPEAKERS, "facegood", "livelink_rom"):
        corpus = _read(name, data, mesh)
        index["corpora"][name] = write_corpus(corpus, out)
        figures[name] = statistics(corpus)
        if name == "livelink_rom":
            figures[name]["co_movement"] = co_movement(corpus)
        log.info(
            "%s: %d clips, lag %.3f s %s",
            name,
            len(corpus.clips),
            corpus.lag_s,
            {key: round(value, 4) for key, value in corpus.figures.items()},
        )
    write_json(index, out / "index.json")
    write_json(figures, out / "statistics.json")
    return index


def _read(name: str, data: Path, mesh: RigMesh) -> CapturedCorpus:
    if name == "facegood":
        return read_facegood(data)
    if name == "livelink_rom":
        return read_livelink_rom(data)
    folder = data / "capture" / name
    speaker = fit_speaker(folder, mesh)
    words = read_words(folder)
    splits = read_splits(data).of_films(name, [clip.name for clip in speaker.clips])
    # Film of development and test clips is fitted too, since evaluation compares with it.
    clips = tuple(
        _clip(name, clip, speaker, tuple(words.get(clip.name, ())), splits[clip.name] != TRAIN)
        for clip in speaker.clips
    )
    return CapturedCorpus(
        name,
        clips,
        observed_mask(observed_channels()),
        speaker.fps,
        speaker.lag_s,
        speaker.figures(),
        MEASURES,
    )


def _clip(
    corpus: str,
    clip: GridClip,
    speaker: GridSpeaker,
    words: tuple[tuple[float, float, str], ...],
    evaluation: bool,
) -> CapturedClip:
    # The lag is taken off here once; everything downstream is on the clock of the sound.
    times = np.arange(len(clip.fit.curves)) / speaker.fps - speaker.lag_s
    curves = on_model_clock(clip.fit.curves, times, clip.sound.duration_s)
    return CapturedClip(
        name=clip.name,
        curves=curves,
        audio=f"capture/{corpus}/audio/{clip.name}.opus",
        speaker=corpus,
        duration_s=clip.sound.duration_s,
        held_out=evaluation,
        speech=~clip.sound.silent(np.arange(len(curves)) / MODEL_FPS),
        words=words,
        extra={
            # Measures at the film's own rate: resampled gaps would be lower than the film's peaks.
            "gap": clip.measures[:, MEASURES.index("gap")].astype(np.float32),
            "width": clip.measures[:, MEASURES.index("width")].astype(np.float32),
            "lost": clip.lost,
            "measures": clip.measures.astype(np.float32),
        },
        figures=clip.figures(),
    )


if __name__ == "__main__":
    raise SystemExit(main())
