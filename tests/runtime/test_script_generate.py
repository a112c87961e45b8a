"""A script in generated curves: words with times, a mouth that follows them, a wrong script."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from model_runtime.checkpoint.folder import default_checkpoint, load_checkpoint
from model_runtime.curves.track import CurveTrack
from model_runtime.engines.base import Engine
from model_runtime.engines.factory import open_engine
from model_runtime.errors import BadArgument
from model_runtime.generate import perform
from model_runtime.protocol import Performance
from model_runtime.text.formats.files import read_script
from tests.runtime.conftest import Command

SPEECH = Path(__file__).resolve().parents[2] / "demo" / "speech"
SCRIPT = (SPEECH / "line.txt").read_text(encoding="utf-8")
TIMES = json.loads((SPEECH / "line.json").read_text(encoding="utf-8"))["words"]
WRONG = "Purple elephants juggle shiny oranges every second Tuesday in the rain."


@pytest.fixture(scope="module")
def engine() -> Engine:
    """The shipped weights in the built-in engine."""
    return open_engine(load_checkpoint(default_checkpoint()), engine="numpy", device="cpu")


@pytest.fixture(scope="module")
def alone(engine: Engine) -> CurveTrack:
    """The demo's line from the audio alone."""
    return perform(Performance(SPEECH / "line.wav"), engine)


@pytest.fixture(scope="module")
def scripted(engine: Engine) -> CurveTrack:
    """The demo's line with its script."""
    return perform(Performance(SPEECH / "line.wav", script=SCRIPT), engine)


def test_most_words_are_found_near_their_true_times(scripted: CurveTrack) -> None:
    match = scripted.request["script_match"]
    assert match["matched"] > 0.85
    true = {entry["word"].lower().strip("!.,"): entry["start_s"] for entry in TIMES}
    errors = [abs(start - true[text]) for text, start, *_ in match["track"]["words"]]
    assert np.median(errors) <= 0.03  # seconds, between frames of 0.02
    assert max(errors) < 0.3


def test_lips_meet_in_the_middle_of_scripted_bilabials(
    alone: CurveTrack, scripted: CurveTrack
) -> None:
    """MouthClose makes up for the open jaw, as ARKit has it."""

    def gaps(track: CurveTrack) -> list[float]:
        gap = track.column("jawOpen") - track.column("mouthClose")
        middles = [
            (phone["start_s"] + phone["end_s"]) / 2
            for word in TIMES
            for phone in word["phones"]
            if phone["phone"] in ("m", "b", "p")
        ]
        return [float(gap[round(t * 60) - 2 : round(t * 60) + 3].min()) for t in middles]

    assert np.mean(np.array(gaps(scripted)) < 0.02) >= 0.8
    assert np.mean(gaps(scripted)) <= np.mean(gaps(alone)) + 0.01


def test_a_wrong_script_changes_nothing(engine: Engine, alone: CurveTrack) -> None:
    track = perform(Performance(SPEECH / "line.wav", script=WRONG), engine)
    assert track.request["script_match"]["matched"] < 0.6
    np.testing.assert_array_equal(track.values, alone.values)
    assert "doubtful" in track.script_title


def test_no_script_carries_no_match(alone: CurveTrack) -> None:
    assert "script_match" not in alone.request
    assert alone.script_title == ""


@pytest.mark.parametrize("name", ["out.TextGrid", "out.srt", "out.json"])
def test_the_command_writes_words(command: Command, tmp_path: Path, name: str) -> None:
    done = command(
        *("generate", SPEECH / "line.wav", "-o", tmp_path / "a.npz", "--engine", "numpy"),
        *("--text-file", SPEECH / "line.txt", "--words", tmp_path / name),
    )
    assert done.returncode == 0, done.stderr
    assert "% found" in done.stdout
    assert "voice" in (tmp_path / name).read_text(encoding="utf-8")


def test_words_never_replace_a_file(command: Command, tmp_path: Path) -> None:
    mine = tmp_path / "mine.srt"
    mine.write_text("precious", encoding="utf-8")
    done = command(
        *("generate", SPEECH / "line.wav", "-o", tmp_path / "a.npz", "--engine", "numpy"),
        *("--text", "hello", "--words", mine),
    )
    assert done.returncode == 2
    assert mine.read_text(encoding="utf-8") == "precious"


def test_scripts_in_other_encodings_are_read(tmp_path: Path) -> None:
    path = tmp_path / "line.txt"
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252"):
        path.write_bytes("Café, naïve".encode(encoding))
        assert read_script(path) == "Café, naïve"


def test_a_missing_script_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadArgument, match=r"nothing\.txt"):
        read_script(tmp_path / "nothing.txt")
