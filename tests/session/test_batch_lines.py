"""Lines of a batch without Blender: casting, layout, lists, and the worker process."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from cstalk_blender.dialogue import batch_worker, layout, lines
from cstalk_blender.dialogue.casting import Clue, Role, cast
from cstalk_blender.errors import BadBatch, BatchFailed, VersionMismatch
from cstalk_blender.package import protocol, track
from model_runtime.choices import DEFAULT_PATTERN
from tests.fakes.sounds import voice, write_wav

CHARACTERS = ["Anna", "Anna Maria", "Bob"]


def test_cast_list_counts_before_names_and_its_first_fitting_row_counts():
    roles = [Role("Bob", pattern="*_villain*"), Role("Anna", pattern="*", channel=3)]
    assert cast(Clue("anna_villain_1", channel=3), roles, CHARACTERS) == "Bob"
    assert cast(Clue("bob_1", channel=3), roles, CHARACTERS) == "Anna"
    assert cast(Clue("bob_1", channel=4), roles, CHARACTERS) == "Bob"


def test_pattern_fits_the_role_that_a_list_names_too():
    assert cast(Clue("0042", role="NARRATOR"), [Role("Bob", "narr*")], CHARACTERS) == "Bob"


def test_pattern_fits_a_sound_s_name_with_and_without_folder_and_ending():
    for pattern in ("*_villain", "*_villain.wav", "act 1/*", "act 1/*_villain", "ANNA_villain"):
        assert cast(Clue("act 1/anna_villain.wav"), [Role("Bob", pattern)], CHARACTERS) == "Bob"
    assert cast(Clue("take 1.5"), [Role("Bob", "take 1")], CHARACTERS) == ""


def test_name_that_begins_a_line_speaks_it_as_a_whole_word_the_longest_first():
    assert cast(Clue("anna_012"), [], CHARACTERS) == "Anna"
    assert cast(Clue("sub/ANNA MARIA-3"), [], CHARACTERS) == "Anna Maria"
    assert cast(Clue("annabel_012"), [], CHARACTERS) == ""


def test_role_that_nobody_has_is_not_guessed_from_the_line_s_name():
    assert cast(Clue("bob_1", role="Clara"), [], CHARACTERS) == ""
    assert cast(Clue("bob_1", role="anna"), [], CHARACTERS) == "Anna"


def test_channel_named_after_a_character_speaks_what_nothing_else_tells():
    assert cast(Clue("012", channel=2, channel_name="bob"), [], CHARACTERS) == "Bob"


def test_rows_of_the_cast_that_say_nothing_fit_nothing():
    assert cast(Clue("012"), [Role("Bob")], CHARACTERS) == ""


def test_lines_follow_each_other_with_the_gap_unless_they_say_their_time():
    slots = [layout.Slot(None, 2.0), layout.Slot(None, 1.0), layout.Slot(10.0, 1.0)]
    slots.append(layout.Slot(None, 1.0))
    frames = layout.first_frames(slots, start_frame=11, rate=24, gap_s=0.5)
    assert frames == [11, 71, 251, 287]


def test_line_behind_an_unknown_length_waits_and_one_that_failed_takes_no_time():
    slots = [layout.Slot(None, 0.0), layout.Slot(None, 1.0), layout.Slot(3.0, 1.0)]
    assert layout.first_frames(slots, start_frame=1, rate=24, gap_s=0) == [1, None, 73]
    slots[0] = dataclasses.replace(slots[0], is_out=True)
    assert layout.first_frames(slots, start_frame=1, rate=24, gap_s=0) == [1, 1, 73]


def test_lines_of_another_scene_begin_at_its_beginning():
    slots = [layout.Slot(None, 1.0), layout.Slot(None, 1.0, group="B"), layout.Slot(None, 1.0)]
    assert layout.first_frames(slots, start_frame=1, rate=10, gap_s=0) == [1, 1, 11]


def test_joined_lines_keep_their_values_and_rest_between():
    curves = track.CurveTrack(np.full((24, 2), 0.8, np.float32), ("jawOpen", "mouthClose"), 24.0)
    begin_s, joined, spoken = layout.joined([(3.0, curves), (1.0, curves)], 0.2)
    values = joined.column("jawOpen")
    first = round((1.0 - begin_s) * 24)
    assert np.all(values[first : first + 24] == np.float32(0.8))
    assert np.all(values[first + 48 : first + 72] == np.float32(0.8))
    assert values[0] == values[-1] == values[first + 36] == 0.0
    assert np.abs(np.diff(values)).max() < 0.8 * 0.4  # it fades, it does not jump
    assert len(spoken) == 2
    outside = np.ones(len(values), bool)
    for part in spoken:
        outside[part] = False
    assert not joined.values[outside].any()


BASE = protocol.Performance(Path(), fps=24.0, seed=3, blink=False)


def test_messages_of_lines_carry_all_that_was_chosen_for_them(tmp_path):
    folder = tmp_path / "größe, 台詞"
    folder.mkdir()
    audio = write_wav(folder / 'a "b" (ü)__angry_0.7.wav', voice(0.2))
    (folder / "sub").mkdir()
    write_wav(folder / "sub" / "c.wav", voice(0.2))
    first, second = lines.read_lines(folder)
    keys = (protocol.EmotionKey(0.5, "sad", 1.0), protocol.EmotionKey(1.25, "happy", 0.4))
    first = lines.acted(first, "angry", 0.7, keys)
    second = lines.acted(second, "neutral", 1.0, ())
    one, two = lines.messages([first, second], BASE)
    assert protocol.decode(protocol.encode(one)) == one
    assert one.performance.audio == audio
    assert one.performance.emotion_keys == (protocol.EmotionKey(0.0, "angry", 0.7), *keys)
    assert (one.performance.fps, one.performance.seed, one.performance.blink) == (24.0, 3, False)
    assert one.targets == ("a _b_ (ü)__angry_0.7.npz",)
    assert (two.id, two.targets) == ("sub/c", ("sub/c.npz",))


@pytest.mark.parametrize("name", ["con", "a.csv", "x:y", "dot.", "a/../b", "..", "/etc/x"])
def test_any_name_becomes_one_that_every_file_system_takes(tmp_path, name):
    row = lines.Row(1, str(tmp_path / "x.wav"), name, stem=name)
    (line,) = lines.planned([row])
    assert line.targets[0].endswith(".npz")
    assert (tmp_path / line.targets[0]).resolve().is_relative_to(tmp_path)


def test_folder_without_sounds_is_refused_with_a_hint(tmp_path):
    with pytest.raises(BadBatch, match="No audio file") as caught:
        lines.read_lines(tmp_path)
    assert "folder" in caught.value.hint


def test_strip_s_name_tells_its_emotion_and_an_unknown_word_tells_none():
    acting = lines.read_strip_name("line_012__anger_0.7", DEFAULT_PATTERN)
    assert (acting.emotion, acting.intensity) == ("angry", 0.7)
    assert lines.read_strip_name("line_012", DEFAULT_PATTERN).emotion == ""


class Process:
    """A worker process that wrote some lines and ended."""

    is_over, exit_code = True, 0

    def __init__(self, *said):
        self.said, self.sent = list(said), []

    def send(self, line):
        self.sent.append(line)

    def next_line_or_none(self):
        return self.said.pop(0) if self.said else None

    def log_tail(self):
        return "Traceback: secret"


def worker_on(monkeypatch, process):
    monkeypatch.setattr(batch_worker, "ChildProcess", lambda _launch: process)
    return batch_worker.BatchWorker(None, (), protocol.StartBatch("/out"))


def test_events_of_the_worker_are_read_and_noise_is_ignored(monkeypatch):
    event = protocol.LineEnded("a", protocol.LineOutcome.FAILED, error="x")
    ended = protocol.BatchEnded(protocol.BatchOutcome.FAILED, 1, 0, 0, 1)
    texts = ["Welcome to Python", "[1, 2]", '{"type": "line_ended"}', protocol.encode(event)]
    worker = worker_on(monkeypatch, Process(*texts, protocol.encode(ended)))
    assert worker.poll(budget_s=9) == [event, ended]
    assert worker.poll() == []  # it has ended as it should


def test_failure_of_the_whole_batch_is_raised_with_its_hint(monkeypatch):
    failure = protocol.Failure("", "folder-busy", "Another batch is writing", "Wait for it")
    worker = worker_on(monkeypatch, Process(protocol.encode(failure)))
    with pytest.raises(BatchFailed, match="Another batch is writing") as caught:
        worker.poll()
    assert (caught.value.hint, caught.value.details) == ("Wait for it", "Traceback: secret")


def test_worker_of_another_release_is_refused(monkeypatch):
    hello = protocol.Hello(protocol=1, runtime="0.1", engine="numpy", device="cpu")
    worker = worker_on(monkeypatch, Process(protocol.encode(hello)))
    with pytest.raises(VersionMismatch, match=r"runtime 0\.1 speaks protocol 1, this add-on 2"):
        worker.poll()


def test_worker_that_ends_without_its_last_message_fails_the_batch(monkeypatch):
    worker = worker_on(monkeypatch, Process())
    with pytest.raises(BatchFailed, match="ended with exit code 0"):
        worker.poll()


def test_commands_are_messages(monkeypatch):
    process = Process()
    worker = worker_on(monkeypatch, process)
    worker.pause()
    worker.resume()
    worker.cancel()
    kinds = [json.loads(text)["type"] for text in process.sent]
    assert kinds == ["start_batch", "pause_batch", "resume_batch", "cancel_batch"]
