"""Times of a TextGrid are used as they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model_runtime.config import PHONES
from model_runtime.errors import BadArgument
from model_runtime.protocol import Correction, Performance
from model_runtime.text.formats.files import read_timing
from model_runtime.text.recognition import recognise
from tests.unit.test_script_alignment import MFA

SHORT = """File type = "ooTextFile"
Object class = "TextGrid"

0
1.0
<exists>
2
"IntervalTier"
"words"
0
1.0
2
0
0.2
""
0.2
0.6
"hi"
"IntervalTier"
"phones"
0
1.0
2
0.2
0.3
"HH"
0.3
0.6
"AY1"
"""
WORDS_ALONE = SHORT.split('"IntervalTier"\n"phones"')[0]
RATE = 50.0


def recognised(script: str, **values: object):
    """Return the recognition of a second of silence."""
    posteriors = np.full((50, len(PHONES)), 1e-3, np.float32)
    posteriors[:, 0] = 0.9
    performance = Performance(Path("line.wav"), script=script, **values)
    found = recognise(performance, posteriors, frame_rate=RATE)
    assert found is not None
    return found


@pytest.mark.parametrize("text", [MFA, SHORT])
def test_words_and_phones_keep_their_times(text: str) -> None:
    found = recognised(text)
    assert [(w.text, w.start_s, w.end_s) for w in found.track.words] == [("hi", 0.2, 0.6)]
    held = [(p.name, p.start_s, p.end_s) for p in found.held]
    assert held == [("hh", 0.2, 0.3), ("ay", 0.3, 0.6)]
    assert not found.problem


def test_words_without_phones_take_those_of_the_dictionary() -> None:
    found = recognised(WORDS_ALONE)
    (word,) = found.track.words
    assert [p.name for p in word.phones] == ["hh", "ay"]
    assert (word.phones[0].start_s, word.phones[-1].end_s) == (0.2, 0.6)


def test_phones_of_ipa_are_read() -> None:
    found = recognised(SHORT.replace("AY1", "aɪ"))
    assert {p.name for p in found.held} <= set(PHONES)
    assert len(found.held) >= 2


def test_times_are_those_of_the_file_and_can_be_corrected() -> None:
    assert recognised(SHORT, start_s=0.1).held[0].start_s == pytest.approx(0.1)
    corrections = (Correction(0.2, 0.6, "my", (), 0.2, 0.6),)
    found = recognised(SHORT, corrections=corrections)
    assert [p.name for p in found.held if p.name != "sil"] == ["m", "ay"]


@pytest.mark.parametrize(
    "text, message",
    [
        ("hello", "no tier of words or phones"),
        (SHORT.replace('"words"', '"notes"').replace('"phones"', '"x"'), "no tier of words"),
        (SHORT.replace("0.3\n0.6", "0.6\n0.3"), "from 0.6 s to 0.3 s"),
        (SHORT.replace("hi", "").replace("HH", "").replace("AY1", "sp"), "no words or phones"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "line.TextGrid"
    path.write_text(text, "utf-8")
    with pytest.raises(BadArgument, match=message):
        read_timing(path)


def test_a_damaged_textgrid_leaves_the_audio_alone() -> None:
    found = recognised(SHORT.replace("0.3\n0.6", "0.6\n0.3"))
    assert "audio alone" in found.problem
    assert not found.held
