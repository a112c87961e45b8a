"""Synthesise the demo's line of speech: line.wav and the times of its words, from line.txt.

Run again only to change the line; the result is checked in, so that the demo needs no synthesiser::

    sudo apt install flite
    $(python3 build.py env train) demo/speech/make.py

The voice is flite's *rms* (CMU ARCTIC, free for any use): of flite's voices and espeak-ng's it had
the clearest fricatives and closures on a spectrogram. The words are timed by pocketsphinx, which
aligns the sound with the text it was made from.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pocketsphinx import AlignmentEntry, Decoder

FOLDER = Path(__file__).resolve().parent
VOICE = "rms"
SAMPLE_RATE = 16_000  # Hz, what the runtime and the aligner work at
PEAK = 0.7  # of full scale, -3 dB: no player clips it
LEAD_S = 0.25  # seconds of silence before the first word, so that the face starts at rest
PAUSE_S = 0.35  # seconds between sentences: flite's own pauses are too short to see the face rest
TAIL_S = 0.45  # seconds of silence after the last word, so that it comes to rest again
ALIGNER_FRAME_S = 0.01


def main() -> None:
    """Write line.wav and line.json beside line.txt."""
    text = (FOLDER / "line.txt").read_text(encoding="utf-8").strip()
    samples = _synthesise(text)
    with wave.open(str(FOLDER / "line.wav"), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE)
        out.writeframes(samples.tobytes())
    words = _word_times(text, samples)
    lines = ",\n  ".join(json.dumps(word) for word in words)
    head = json.dumps({"text": text, "voice": f"flite {VOICE}"}, indent=1)[:-2]
    document = f'{head},\n "words": [\n  {lines}\n ]\n}}\n'
    (FOLDER / "line.json").write_text(document, encoding="utf-8")


def _synthesise(text: str) -> NDArray[np.int16]:
    """Return the spoken text with silence around and between its sentences, shape (samples,)."""
    sentences = [_spoken(sentence) for sentence in re.findall(r"[^.!?]+[.!?]", text)]
    # Silence of zeros: the level is set by the sentences.
    parts = [np.zeros(int(LEAD_S * SAMPLE_RATE))]
    for sentence in sentences:
        parts += [sentence, np.zeros(int(PAUSE_S * SAMPLE_RATE))]
    # The last pause is longer: the face comes to rest.
    parts[-1] = np.zeros(int(TAIL_S * SAMPLE_RATE))
    joined = np.concatenate(parts)
    # One factor for all sentences keeps their levels in proportion.
    scaled: NDArray[np.int16] = (joined * (PEAK * 32767 / np.abs(joined).max())).astype(np.int16)
    return scaled


def _spoken(sentence: str) -> NDArray[np.float64]:
    """One sentence without the silence at its ends, shape (samples,)."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spoken.wav"
        subprocess.run(["flite", "-voice", VOICE, "-t", sentence, "-o", path], check=True)
        with wave.open(str(path)) as spoken:
            assert (spoken.getframerate(), spoken.getnchannels()) == (SAMPLE_RATE, 1)
            samples = np.frombuffer(spoken.readframes(spoken.getnframes()), np.int16)
    # Silence of the synthesiser: below 1 % of its loudest sample.
    loudness = np.abs(samples.astype(np.float64))
    loud = np.flatnonzero(loudness > 0.01 * loudness.max())
    return samples[loud[0] : loud[-1] + 1].astype(np.float64)


def _word_times(text: str, samples: NDArray[np.int16]) -> list[dict[str, object]]:
    """Each word as written, with its start and end and those of its phones, in seconds."""
    shown = re.findall(r"[A-Za-z']+", text)
    decoder = Decoder(lm=None, loglevel="FATAL")
    decoder.set_align_text(" ".join(shown).lower())
    _decode(decoder, samples)
    # The second pass needs the words that the first one found.
    decoder.set_alignment()  # a second pass, for the phones
    _decode(decoder, samples)
    alignment = decoder.get_alignment()  # its entries live only as long as it does
    spoken = [
        {**_span(word), "phones": [{"phone": x.name.lower(), **_span(x)} for x in word]}
        for word in alignment
        if not word.name.startswith("<")
    ]
    # Words and times must stay in step for the picture's labels.
    assert len(spoken) == len(shown), "the aligner lost a word"
    return [{"word": word, **times} for word, times in zip(shown, spoken, strict=True)]


def _decode(decoder: Decoder, samples: NDArray[np.int16]) -> None:
    decoder.start_utt()
    decoder.process_raw(samples.tobytes(), full_utt=True)
    decoder.end_utt()


def _span(entry: AlignmentEntry) -> dict[str, float]:
    start_s = entry.start * ALIGNER_FRAME_S
    return {
        "start_s": round(start_s, 2),
        "end_s": round(start_s + entry.duration * ALIGNER_FRAME_S, 2),
    }


if __name__ == "__main__":
    main()
