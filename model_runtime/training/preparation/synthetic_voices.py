"""Speak sentences of a corpus with the synthetic voices of flite.

Scratch tracks of games and films are often synthetic. flite (CMU, BSD-style licence) and its voices
come with Debian; without it this corpus is left out.
"""

from __future__ import annotations

import logging
import random
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import soundfile

from ..corpora.speech import SpeechClip

log = logging.getLogger(__name__)

VOICES = ("rms", "slt", "awb", "kal16")
SENTENCES = 260
"""Under half an hour: enough to know how such voices sound, too little to expect them."""
SHUFFLE_SEED = 3


def speak_again(clips: Sequence[SpeechClip], folder: Path) -> list[SpeechClip]:
    """Synthesise sentences of ``clips`` with flite; return no clips where it is not installed.

    The same sentences go to the same voices each time; files that are there are kept.

    Args:
        clips: Clips whose texts are spoken.
        folder: Folder for the audio files; created when missing.
    """
    program = shutil.which("flite")
    if program is None:
        log.warning("flite is not installed (apt-get install flite): no synthetic voices")
        return []
    folder.mkdir(parents=True, exist_ok=True)
    # Sorted: a set has no order of its own.
    texts = sorted({clip.text for clip in clips})
    random.Random(SHUFFLE_SEED).shuffle(texts)
    spoken = []
    # Voices in turn: every voice says its share of the sentences.
    for index, text in enumerate(texts[:SENTENCES]):
        voice = VOICES[index % len(VOICES)]
        path = folder / f"{voice}_{index:03d}.wav"
        if not path.is_file():
            _speak(program, voice, text, path)
        spoken.append(
            SpeechClip(
                corpus=folder.name,
                file=path.name,
                path=path,
                speaker=f"flite_{voice}",
                language="en-US",
                emotion="neutral",
                duration_s=soundfile.info(str(path)).duration,
                text=text,
            )
        )
    return spoken


def _speak(program: str, voice: str, text: str, path: Path) -> None:
    # A killed call leaves no half file under the final name.
    temporary = path.with_suffix(".tmp.wav")
    command = [program, "-voice", voice, "-t", text, "-o", str(temporary)]
    subprocess.run(command, check=True, capture_output=True)
    temporary.replace(path)
