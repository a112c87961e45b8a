"""Corrections of words, phones and closures in a recognised clip."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model_runtime.config import PHONES
from model_runtime.postprocess.articulation import hold_articulation
from model_runtime.protocol import Correction, Performance, Pronunciation
from model_runtime.text.recognition import Recognition, recognise
from model_runtime.text.script import match_script
from model_runtime.text.track import PhoneTrack
from tests.unit.test_script_alignment import posteriors_of

TEXT = "we move the boat"


def recognised(*corrections: Correction, script: str = TEXT, **more: object) -> Recognition:
    """The clip in which TEXT is spoken evenly from 0.2 s on."""
    asked = Performance(Path("a.wav"), script=script, corrections=corrections, **more)  # type: ignore[arg-type]
    found = recognise(asked, posteriors_of(TEXT), frame_rate=50.0)
    assert found is not None
    return found


def words(track: PhoneTrack) -> list[str]:
    return [word.text for word in track.words]


def is_ordered(track: PhoneTrack) -> bool:
    """Phones cover the clip without gaps or overlaps."""
    ends = [0.0, *(p.end_s for p in track.phones)]
    starts = [*(p.start_s for p in track.phones), track.duration_s]
    return bool(np.allclose(ends, starts, atol=1e-6))


def test_without_corrections_the_script_is_followed() -> None:
    found = recognised()
    assert words(found.track) == ["we", "move", "the", "boat"]
    assert found.held == found.track.phones


def test_without_script_phones_are_decoded_and_nothing_is_held() -> None:
    found = recognised(script="")
    assert found.match is None
    assert words(found.track) == []
    assert [p.name for p in found.track.phones][1:4] == ["w", "iy", "m"]
    assert found.held == ()


def test_a_changed_word_takes_the_place_of_the_old_one() -> None:
    old = recognised().track.words[3]
    track = recognised(Correction(old.start_s, old.end_s, "vote")).track
    assert words(track) == ["we", "move", "the", "vote"]
    assert [p.name for p in track.words[3].phones] == ["v", "ow", "t"]
    assert track.words[3].confidence == 1.0
    assert track.words[3].phones[2].start_s == pytest.approx(old.phones[2].start_s)
    assert is_ordered(track)


def test_a_moved_word_leaves_silence_where_it_was() -> None:
    old = recognised().track.words[3]
    moved = Correction(
        *(old.start_s + 0.2, old.end_s + 0.1, "boat"), was_start_s=old.start_s, was_end_s=old.end_s
    )
    track = recognised(moved).track
    assert words(track) == ["we", "move", "the", "boat"]
    assert track.words[3].start_s == pytest.approx(old.start_s + 0.2)
    assert track.words[3].end_s == pytest.approx(old.end_s + 0.1)
    assert is_ordered(track)


def test_a_longer_word_shortens_its_neighbour() -> None:
    the, boat = recognised().track.words[2:]
    track = recognised(Correction(the.start_s + 0.12, boat.end_s, "boat")).track
    assert words(track) == ["we", "move", "the", "boat"]
    assert track.words[2].end_s == pytest.approx(the.start_s + 0.12)
    assert is_ordered(track)


def test_a_word_without_text_is_deleted() -> None:
    old = recognised().track.words[3]
    track = recognised(Correction(old.start_s, old.end_s)).track
    assert words(track) == ["we", "move", "the"]
    assert is_ordered(track)


def test_chosen_phones_come_before_the_dictionary() -> None:
    old = recognised().track.words[3]
    track = recognised(Correction(old.start_s, old.end_s, "boat", ("m", "ow", "t"))).track
    assert [p.name for p in track.words[3].phones] == ["m", "ow", "t"]


def test_times_of_corrections_are_those_of_the_file() -> None:
    track = recognised(Correction(10.5, 10.8, "vote"), start_s=10.0).track
    (word,) = [w for w in track.words if w.text == "vote"]
    assert word.start_s == pytest.approx(0.5)


def test_corrections_hold_the_mouth_without_a_script() -> None:
    found = recognised(Correction(0.5, 0.8, "bob"), script="")
    assert [p.name for p in found.held] == ["b", "aa", "b"]


def test_a_closed_hold_closes_its_whole_stretch_and_nothing_else() -> None:
    found = recognised(Correction(0.6, 1.0, is_closed=True), script="")
    assert words(found.track) == []
    values = np.zeros((100, 2), np.float32)
    values[:, 0] = 0.5
    out = hold_articulation(values, ("jawOpen", "mouthClose"), found.held, frame_rate=50.0)
    gap = out[:, 0] - out[:, 1]
    assert gap[31:49].max() < 0.0  # 0.62 to 0.96 s
    np.testing.assert_array_equal(out[:25], values[:25])
    np.testing.assert_array_equal(out[56:], values[56:])


def test_the_users_pronunciation_is_used() -> None:
    entry = Pronunciation("boat", "d ow t")
    track = recognised(pronunciations=(entry,)).track
    assert [p.name for p in track.words[-1].phones] == ["d", "ow", "t"]


SRT = "1\n00:00:00,300 --> 00:00:01,600\nwe move the boat\n\n2\n00:00:{:02d},000 --> {}\nthe boat\n"


def test_subtitles_are_sought_around_their_times() -> None:
    pause = np.tile(posteriors_of("", pause_frames=5), (50, 1))  # 10 s
    clip = np.concatenate([posteriors_of(TEXT), pause, posteriors_of("the boat")])
    late = (len(clip) - len(posteriors_of("the boat"))) / 50
    srt = SRT.format(int(late), f"00:00:{int(late) + 2:02d},000")
    match = match_script(srt, clip, phone_names=PHONES, frame_rate=50.0)
    assert [w.text for w in match.track.words] == ["we", "move", "the", "boat", "the", "boat"]
    assert match.track.words[4].start_s == pytest.approx(late + 0.2, abs=0.05)
    assert match.matched == 1.0


def test_subtitles_at_a_wrong_time_do_not_match() -> None:
    pause = np.tile(posteriors_of("", pause_frames=5), (50, 1))
    clip = np.concatenate([posteriors_of(TEXT), pause])
    srt = "1\n00:00:07,000 --> 00:00:08,600\nwe move the boat\n"
    assert match_script(srt, clip, phone_names=PHONES, frame_rate=50.0).matched < 0.5


def test_cues_count_from_the_start_of_the_file() -> None:
    srt = "1\n00:01:00,300 --> 00:01:01,600\nwe move the boat\n"
    match = match_script(
        srt, posteriors_of(TEXT), phone_names=PHONES, frame_rate=50.0, clip_start_s=60.0
    )
    assert match.matched == 1.0
    assert match.track.words[0].start_s == pytest.approx(0.2, abs=0.03)
