"""Write miniature corpora of talking faces, one for each rig, in their exact on-disk formats."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from model_runtime.curves.formats import livelink as format_livelink
from model_runtime.curves.rig import load_rig
from model_runtime.curves.track import CurveTrack
from tests.fakes.corpora import write_beat_face, write_npz, write_text
from tests.fakes.sounds import voice, write_wav

SECONDS = 2.0


def moving_face(rig_name: str, fps: float, seed: int, seconds: float = SECONDS) -> CurveTrack:
    """Return curves in which every channel oscillates within its bounds at its own rate."""
    rig = load_rig(rig_name)
    random = np.random.default_rng(seed)
    low, high = rig.bounds()
    times = np.arange(round(seconds * fps))[:, None] / fps
    pace = random.uniform(0.3, 2.0, len(low))
    wave = 0.5 + 0.4 * np.sin(2 * np.pi * (pace * times + random.uniform(size=len(low))))
    values = np.clip(low + (high - low) * wave, low, high)
    return CurveTrack(values.astype(np.float32), rig.channel_names, fps)


def write_takes(folder: Path, names: tuple[str, ...], seconds: float = SECONDS) -> Path:
    """Write Live Link Face takes: ``<name>.csv`` and ``<name>.wav``, each in its own folder."""
    for number, name in enumerate(names):
        take = folder / name
        take.mkdir(parents=True)
        track = moving_face("livelink61", 60.0, number, seconds)
        format_livelink.write(track, take / f"{take.name}.csv")
        write_wav(take / f"{take.name}.wav", voice(seconds, seed=number))
    return folder


def write_beat(folder: Path) -> Path:
    """Write BEAT: three speakers, 51 channels without the tongue."""
    for number, stem in enumerate(("2_scott_0_1_1", "3_solomon_0_73_73", "4_lawrence_0_9_9")):
        track = moving_face("arkit52", 60.0, number)
        place = folder / stem.split("_")[0] / stem
        write_beat_face(place.with_suffix(".json"), track.channels[:-1], track.values[:, :-1])
        write_wav(place.with_suffix(".wav"), voice(SECONDS, seed=number))
    return folder


def write_beat2(folder: Path) -> Path:
    """Write BEAT2: expressions and the jaw of the pose, 30 fps."""
    for number, stem in enumerate(("2_scott_0_1_1", "3_solomon_0_73_73", "4_lawrence_0_9_9")):
        values = moving_face("flame", 30.0, number).values
        poses = np.zeros((len(values), 165), np.float32)
        poses[:, 66:69] = values[:, 100:]
        write_npz(
            folder / "smplxflame_30" / f"{stem}.npz", expressions=values[:, :100], poses=poses
        )
        sounds = folder / "wave16k"
        sounds.mkdir(exist_ok=True)
        write_wav(sounds / f"{stem}.wav", voice(SECONDS, seed=number))
    return folder


def write_emoface(folder: Path) -> Path:
    """Write EmoFace: rows of controls as text, 60 fps."""
    (folder / "WAV").mkdir(parents=True)
    for number, stem in enumerate(("ang_a_1", "hap_b_2", "neu_c_3")):
        rows = moving_face("metahuman", 60.0, number).values
        text = "\n".join(",".join(f"{value:.5f}" for value in row) for row in rows)
        write_text(folder / "VALID_CTR" / f"{stem}.txt", text)
        write_wav(folder / "WAV" / f"{stem}.wav", voice(SECONDS, seed=number))
    return folder
