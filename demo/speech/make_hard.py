"""Synthesise a minute of speech that is hard to follow: hard.flac.

    sudo apt install flite espeak-ng
    $(python3 build.py env train) demo/speech/make_hard.py

Four voices, slow and fast, tongue-twisters full of m, b, p, f and v, a telephone line, a kitchen,
music under the voice, a far microphone, and four seconds in which nobody speaks.
"""

from __future__ import annotations

import dataclasses
import subprocess
import tempfile
import wave
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy.signal import butter, fftconvolve, sosfilt

from model_runtime.training.preparation.nonspeech import MAKERS

FOLDER = Path(__file__).resolve().parent
SAMPLE_RATE = 16_000
DURATION_S = 60.0
SPEECH_RMS = 0.08
PAUSE_S = 0.35
PEAK = 0.7
Sound = NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Take:
    """One sentence: who says it, how fast, and where."""

    text: str
    voice: str
    stretch: float = 1.0
    """Duration over the voice's own: under 1 is fast."""
    place: str = "studio"


TAKES = (
    Take("From the film's beginning, Pam's baby brother Tom had a moth in his mouth.", "awb", 0.95),
    Take("Very few of Fred's five favourite vests ever fit him well before half past five.", "rms"),
    Take("Bring my brown paper map before February, and move the five purple beams above.", "rms"),
    Take(
        "Peter Piper picked a peck of pickled peppers, papa bought a big blue bumper.", "slt", 0.8
    ),
    Take(
        "She sells sea shells by the sea shore, the shells she sells are surely sea shells.", "awb"
    ),
    Take("Five brave men from Memphis found very fine ivory.", "rms", 1.3),
    Take("Please hold the line, somebody will be with you in a moment.", "slt", 0.9, "telephone"),
    Take(
        "Mum, the pan is boiling over, please move the butter and the plum jam!",
        "slt",
        0.85,
        "kitchen",
    ),
    # Nobody speaks: the face must stay at rest in clatter.
    Take("", "", place="nobody"),
    Take("Oh, you know, we were wooed by a few rude tunes in June.", "rms", 1.1, "music"),
    Take("How now, brown cow. Eat each green pea. Who knew two moons?", "awb", 1.0, "far"),
    Take(
        "Bob, bump, pip, pop, mumble, marble, bubble, papa, mama, baby, maybe, perhaps.",
        "kal16",
        0.85,
    ),
    Take(
        "Everyone of us believed him, but nobody moved, and the vote was over by five past four.",
        "slt",
    ),
)
NOBODY_S = 4.0


def main() -> None:
    """Write hard.flac."""
    # A fixed seed: the file is the same each time it is made.
    rng = np.random.default_rng(0)
    parts: list[Sound] = [np.zeros(SAMPLE_RATE // 3)]
    for take in TAKES:
        parts += [_performed(take, rng), np.zeros(int(PAUSE_S * SAMPLE_RATE))]
    # Exactly a minute, whatever the voices take.
    joined = np.concatenate(parts)[: int(DURATION_S * SAMPLE_RATE)]
    joined = np.pad(joined, (0, int(DURATION_S * SAMPLE_RATE) - len(joined)))
    limited = PEAK * np.tanh(joined / PEAK)  # a dropped pan is far louder than speech
    soundfile.write(FOLDER / "hard.flac", limited, SAMPLE_RATE, subtype="PCM_16")


def _performed(take: Take, rng: np.random.Generator) -> Sound:
    if take.place == "nobody":
        sound = MAKERS["clatter"](rng, int(NOBODY_S * SAMPLE_RATE))
        return np.asarray(sound * SPEECH_RMS / np.sqrt(np.mean(sound**2)))
    speech = _spoken(take)
    if take.place == "telephone":
        band = butter(4, (300, 3400), "bandpass", fs=SAMPLE_RATE, output="sos")
        speech = sosfilt(band, speech) + 0.002 * rng.standard_normal(len(speech))
    elif take.place == "kitchen":
        speech = speech + _behind(MAKERS["clatter"](rng, len(speech)), 9.0)
    elif take.place == "music":
        speech = speech + _behind(MAKERS["music"](rng, len(speech)), 9.0)
    elif take.place == "far":
        times = np.arange(int(0.5 * SAMPLE_RATE)) / SAMPLE_RATE
        # exp(-6.9 t / T) is -60 dB at T = 0.45 s, the reverberation time.
        room = rng.standard_normal(len(times)) * np.exp(-6.9 * times / 0.45) * 0.05
        # The direct sound.
        room[0] = 1.0
        speech = fftconvolve(speech, room)[: len(speech)]
        speech = speech + 0.004 * rng.standard_normal(len(speech))
    return np.asarray(speech)


def _behind(sound: Sound, under_db: float) -> Sound:
    """Mix a sound ``under_db`` dB below the speech."""
    # By RMS: signal over noise is a ratio of powers.
    return np.asarray(sound * SPEECH_RMS * 10 ** (-under_db / 20) / np.sqrt(np.mean(sound**2)))


def _spoken(take: Take) -> Sound:
    """One sentence at the usual level, without the silence at its ends, shape (samples,)."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spoken.wav"
        command = ["flite", "-voice", take.voice, "--setf", f"duration_stretch={take.stretch}"]
        subprocess.run([*command, "-t", take.text, "-o", path], check=True)
        with wave.open(str(path)) as spoken:
            assert spoken.getframerate() == SAMPLE_RATE
            samples = np.frombuffer(spoken.readframes(spoken.getnframes()), np.int16)
    speech = samples.astype(np.float64)
    loud = np.flatnonzero(np.abs(speech) > 0.01 * np.abs(speech).max())
    speech = speech[loud[0] : loud[-1] + 1]
    return np.asarray(speech * SPEECH_RMS / np.sqrt(np.mean(speech**2)))


if __name__ == "__main__":
    main()
