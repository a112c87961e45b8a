"""Laws of the command line, with the real process: one line, the right status, no half files."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from model_runtime.cli.options import parse_key
from model_runtime.curves.formats.registry import read_curves
from model_runtime.errors import BadArgument
from model_runtime.protocol import EmotionKey
from tests.fakes.sounds import voice, wav_bytes, write_wav
from tests.runtime.conftest import Command


@pytest.mark.parametrize("suffix", [".npz", ".csv", ".json"])
def test_generate_writes_what_the_contract_says(
    command: Command, checkpoint: Path, speech: Path, tmp_path: Path, suffix: str
) -> None:
    output = tmp_path / f"ü 出力{suffix}"
    done = command("generate", speech, "-o", output, "--model", checkpoint, "--engine", "numpy")
    assert (done.returncode, done.stderr) == (0, "")
    assert "240 frames of 55 channels at 60 fps, neutral, numpy on cpu" in done.stdout
    track = read_curves(output)
    assert (track.frame_count, track.fps) == (240, 60)
    assert [path.name for path in tmp_path.iterdir()] == [output.name]


def test_every_option_arrives(
    command: Command, checkpoint: Path, speech: Path, tmp_path: Path
) -> None:
    output = tmp_path / "a.npz"
    done = command(
        *("generate", speech, "-o", output, "--model", checkpoint, "--engine", "numpy"),
        *("--device", "cpu", "--rig", "arkit52", "--fps", "23.976", "--seed", "-5", "--no-blink"),
        *("--emotion", "angry", "--intensity", "0.7", "--emotion-at", "1.5:sad:1.2"),
        *("--emotion-at", "3:neutral:0", "--start", "0.5", "--duration", "3", "--smooth", "0.01"),
        "--no-commit",
        *("--dynamics", "0.5", "--eyes", "2", "--head", "0", "--favoured-side", "left"),
    )
    assert done.returncode == 0, done.stderr
    track = read_curves(output)
    assert track.frame_count == 72  # ceil(3 * 23.976)
    assert track.start_s == 0.5
    assert track.request.pop("phone_track")["duration_s"] == 3.0
    assert track.request == {
        "audio": "speech.wav",
        "fps": 23.976,
        "emotion_keys": [
            {"start_s": 0.0, "emotion": "angry", "intensity": 0.7},
            {"start_s": 1.5, "emotion": "sad", "intensity": 1.2},
            {"start_s": 3.0, "emotion": "neutral", "intensity": 0.0},
        ],
        "rig": "arkit52",
        "seed": -5,
        "blink": False,
        "start_s": 0.5,
        "duration_s": 3.0,
        "script": "",
        "language": "en",
        "pronunciations": [],
        "corrections": [],
        "acting": {
            "dynamics": 0.5,
            "eyes": 2.0,
            "head": 0.0,
            "asymmetry": 0.5,
            "favoured_side": "left",
        },
        "smoothing_s": 0.01,
        "commit": False,
        "expressions": [],
        "idle_before_s": 0.0,
        "idle_after_s": 0.0,
        "look": [],
    }


def test_two_runs_with_a_seed_give_the_same_bytes(
    command: Command, checkpoint: Path, speech: Path, tmp_path: Path
) -> None:
    pytest.importorskip("torch")
    for engine in ("numpy", "torch"):
        outputs = [tmp_path / f"{engine}{i}.npz" for i in range(2)]
        for output in outputs:
            options = ("--engine", engine, "--device", "cpu", "--emotion", "happy", "--seed", 3)
            done = command("generate", speech, "-o", output, "--model", checkpoint, *options)
            assert done.returncode == 0, done.stderr
        assert outputs[0].read_bytes() == outputs[1].read_bytes()


BAD_SOUNDS = {
    "empty": b"",
    "text": b"I am a text file that was renamed to .wav\n",
    "silence": wav_bytes(np.zeros(16_000)),
    "missing": None,
    "folder": None,
}


def refused(command: Command, output: Path, *arguments: object) -> str:
    """Run ``generate``, check that it refused as it should, and return the line it printed."""
    before = output.read_bytes() if output.is_file() else None
    names = sorted(output.parent.iterdir()) if output.parent.is_dir() else None
    done = command("generate", *arguments)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("error: ")
    assert ". " in lines[0]  # a hint follows
    assert "Traceback" not in lines[0]
    assert (output.read_bytes() if output.is_file() else None) == before
    assert (sorted(output.parent.iterdir()) if output.parent.is_dir() else None) == names
    return lines[0]


@pytest.mark.parametrize("name", BAD_SOUNDS)
def test_a_bad_sound_gives_two_and_one_line_and_touches_nothing(
    command: Command, checkpoint: Path, tmp_path: Path, name: str
) -> None:
    audio, output = tmp_path / "bad.wav", tmp_path / "old.npz"
    output.write_bytes(b"what was here before")
    data = BAD_SOUNDS[name]
    if name == "folder":
        audio.mkdir()
    elif data is not None:
        audio.write_bytes(data)
    options = ("--model", checkpoint, "--engine", "numpy")
    line = refused(command, output, audio, "-o", output, "--overwrite", *options)
    assert "bad.wav" in line


def test_a_truncated_file_gives_curves_of_what_is_there_and_a_warning(
    command: Command, checkpoint: Path, tmp_path: Path
) -> None:
    audio, output = tmp_path / "cut.wav", tmp_path / "a.npz"
    audio.write_bytes(wav_bytes(voice(1))[:-8000])
    options = ("--model", checkpoint, "--engine", "numpy", "--fps", 60)
    done = command("generate", audio, "-o", output, *options)
    assert done.returncode == 0
    sentence = "cut.wav: the last 0.25 s that its header states are missing"
    assert done.stderr == f"warning: {sentence}\n"
    track = read_curves(output)
    assert (track.frame_count, track.warnings) == (45, (sentence,))


BAD_OPTIONS = {
    "unknown emotion": (("--emotion", "hungry"), "hungry"),
    "auto too strong": (("--emotion", "auto", "--intensity", "1.6"), "1.6"),
    "intensity high": (("--emotion", "happy", "--intensity", "1.6"), "1.6"),
    "intensity low": (("--intensity", "-0.1"), "-0.1"),
    "intensity NaN": (("--intensity", "nan"), "nan"),
    "intensity text": (("--intensity", "much"), "much"),
    "fps zero": (("--fps", "0"), "0"),
    "fps negative": (("--fps", "-24"), "-24"),
    "fps NaN": (("--fps", "nan"), "nan"),
    "emotion-at": (("--emotion-at", "2:happy"), "2:happy"),
    "emotion-at unknown": (("--emotion-at", "2:hapy:1"), "hapy"),
    "rig": (("--rig", "none"), "none"),
    "engine": (("--engine", "abacus"), "abacus"),
    "device": (("--device", "tpu"), "tpu"),
    "clash": (("--engine", "numpy", "--device", "cuda"), "cuda"),
    "model": (("--model", "no such folder"), "no such folder"),
    "start": (("--start", "99"), "99"),
    "seed": (("--seed", "x"), "x"),
    "unknown option": (("--emotoin", "happy"), "--emotoin"),
}


@pytest.mark.parametrize("name", BAD_OPTIONS)
def test_a_bad_option_gives_two_and_one_line_and_touches_nothing(
    command: Command, checkpoint: Path, speech: Path, tmp_path: Path, name: str
) -> None:
    output = tmp_path / "old.npz"
    output.write_bytes(b"what was here before")
    options, word = BAD_OPTIONS[name]
    base = ("--model", checkpoint, "--engine", "numpy", "--overwrite")
    assert word in refused(command, output, speech, "-o", output, *base, *options)


@pytest.mark.parametrize("place", ["none/a.npz", "folder.npz", "a.txt", "speech.wav/a.npz"])
def test_an_output_that_cannot_be_written_gives_two(
    command: Command, checkpoint: Path, tmp_path: Path, place: str
) -> None:
    (tmp_path / "folder.npz").mkdir()
    speech = write_wav(tmp_path / "speech.wav", voice(0.5))
    options = ("--model", checkpoint, "--engine", "numpy")
    refused(command, tmp_path / place, speech, "-o", tmp_path / place, *options)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_gives_two(
    command: Command, checkpoint: Path, speech: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    options = ("--model", checkpoint, "--engine", "numpy")
    refused(command, folder / "a.npz", speech, "-o", folder / "a.npz", *options)


@pytest.mark.parametrize("arguments", [[], ["dance"], ["generate"], ["--fps"], ["batch", "x"]])
def test_a_bad_command_gives_two_and_one_line(command: Command, arguments: list[str]) -> None:
    done = command(*arguments)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("arguments", [["--help"], ["generate", "--help"], ["batch", "--help"]])
def test_help_is_there(command: Command, arguments: list[str]) -> None:
    done = command(*arguments)
    assert done.returncode == 0
    assert "usage: python -m model_runtime" in done.stdout


def test_info_names_versions_engines_devices_and_weights(command: Command) -> None:
    done = command("info", "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert {"runtime", "engines", "devices", "decoders", "rigs", "weights"} <= set(facts)
    assert facts["runtime"] != "unknown"
    assert "engines:" in command("info").stdout


def test_numpy_alone_needs_no_torch(
    command: Command, checkpoint: Path, speech: Path, tmp_path: Path
) -> None:
    done = command(
        *("generate", speech, "-o", tmp_path / "a.npz", "--model", checkpoint),
        *("--engine", "numpy", "--verbose"),
    )
    assert done.returncode == 0
    assert "torch" not in done.stderr


@pytest.mark.parametrize(
    "text, key",
    [
        ("2.5:happy:0.8", EmotionKey(2.5, "happy", 0.8)),
        ("0: sad :1", EmotionKey(0, "sad", 1)),
        ("1:happy:0.6+sad:0.4:0.8", EmotionKey(1, "happy:0.6+sad:0.4", 0.8)),
    ],
)
def test_an_emotion_key_is_read(text: str, key: EmotionKey) -> None:
    assert parse_key(text) == key


@pytest.mark.parametrize(
    "text", ["", "happy", "1:happy", "1:happy:x", "a:happy:1", "1::3", "1:2:3:"]
)
def test_a_broken_emotion_key_is_refused(text: str) -> None:
    with pytest.raises(BadArgument, match="emotion-at"):
        parse_key(text)
