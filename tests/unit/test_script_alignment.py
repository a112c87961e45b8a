"""Aligning a script with posteriors that are known: times, skipped words, unscripted speech."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from model_runtime.config import PHONES
from model_runtime.errors import BadArgument, BadCurves
from model_runtime.text import align
from model_runtime.text.align import Alignment, align_script
from model_runtime.text.formats.files import read_script
from model_runtime.text.formats.subtitles import cues_of, write_srt
from model_runtime.text.formats.textgrid import read_textgrid, write_textgrid
from model_runtime.text.pronounce import pronounce_text
from model_runtime.text.script import ScriptMatch, match_script
from model_runtime.text.track import Phone, PhoneTrack, SpokenWord, track_from_json

FRAMES_A_PHONE = 5


def posteriors_of(text: str, *, sure: float = 0.8, pause_frames: int = 10) -> np.ndarray:
    """Return the posteriors of a good acoustic model for an evenly read text, 0.1 s a phone."""
    rows = ["sil"] * pause_frames
    for word in pronounce_text(text):
        for phone in word.variants[0]:
            rows += [phone] * FRAMES_A_PHONE
        rows += ["sil"] * 2
    rows += ["sil"] * pause_frames
    out = np.full((len(rows), len(PHONES)), (1 - sure) / (len(PHONES) - 1), np.float32)
    out[np.arange(len(rows)), [PHONES.index(name) for name in rows]] = sure
    return out


def aligned(script: str, spoken: str, **options: float) -> Alignment:
    """A script aligned with speech of another text."""
    return align_script(
        pronounce_text(script),
        posteriors_of(spoken, **options),
        phone_names=PHONES,
        frame_rate=50.0,
    )


def test_words_are_found_at_their_frames() -> None:
    found = aligned("we move the boat", "we move the boat")
    assert [w.text for w in found.words] == ["we", "move", "the", "boat"]
    assert found.skipped == ()
    assert found.words[0].start_s == pytest.approx(0.2)
    assert found.words[0].end_s == pytest.approx(0.4)
    assert [p.phone for p in found.words[3].phones] == ["b", "ow", "t"]
    assert all(w.confidence > 0.75 for w in found.words)


def test_a_word_that_is_not_spoken_is_skipped() -> None:
    found = aligned("we move the heavy boat", "we move the boat")
    assert [w.text for w in found.words] == ["we", "move", "the", "boat"]
    assert found.skipped == (3,)


def test_speech_without_script_is_left_out_of_the_words() -> None:
    found = aligned("we move the boat", "we slowly move the boat")
    assert [w.text for w in found.words] == ["we", "move", "the", "boat"]
    (start, end), *_ = found.unscripted_s
    assert start == pytest.approx(0.44, abs=0.1)
    assert end - start > 0.3


def test_a_wrong_script_finds_few_words() -> None:
    found = aligned(
        "purple elephants juggle shiny oranges", "the committee will meet again on thursday night"
    )
    assert sum(word.confidence > 0.5 for word in found.words) <= 2  # of five
    assert len(found.skipped) >= 3


def test_the_beam_loses_nothing_in_noisy_speech(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "we slowly move the boat to the other side"
    spoken = posteriors_of(text, sure=0.4)
    noise = np.random.default_rng(0).dirichlet(np.full(len(PHONES), 0.2), len(spoken))
    noisy = (0.5 * spoken + 0.5 * noise).astype(np.float32)
    words = pronounce_text(text.replace("slowly", "quickly"))
    found = align_script(words, noisy, phone_names=PHONES, frame_rate=50.0)
    monkeypatch.setattr(align, "BEAM", 1e9)
    assert found == align_script(words, noisy, phone_names=PHONES, frame_rate=50.0)


def test_the_spoken_variant_of_a_word_is_chosen() -> None:
    found = aligned("read", "reed")
    assert [p.phone for p in found.words[0].phones] == ["r", "iy", "d"]


def matched(script: str, spoken: str, *, faint: str = "") -> ScriptMatch:
    """A script matched with speech of another text, in which one word is hardly audible."""
    posteriors = posteriors_of(spoken)
    if faint:
        before = spoken.split(faint)[0]
        first = len(posteriors_of(before)) - 10  # without the pause at its end
        frames = slice(first, first + FRAMES_A_PHONE * len(pronounce_text(faint)[0].variants[0]))
        even = np.full(len(PHONES), 1 / len(PHONES), np.float32)
        posteriors[frames] = 0.2 * posteriors[frames] + 0.8 * even
    return match_script(script, posteriors, phone_names=PHONES, frame_rate=50.0)


def test_a_word_that_is_hardly_audible_is_doubtful_and_the_audio_wins() -> None:
    found = matched("we move the boat", "we move the boat", faint="boat")
    assert found.doubtful == ("boat",)
    assert [word.text for word in found.track.words] == ["we", "move", "the"]
    assert found.matched == 0.75


@pytest.mark.parametrize(
    "script, is_used",
    [("we move the purple elephants", True), ("we move purple elephants juggle", False)],
)
def test_a_script_is_used_from_three_words_in_five_on(script: str, is_used: bool) -> None:
    assert matched(script, "we move the boat and then sing").is_used is is_used


def test_gaps_between_words_are_silence_or_unscripted_speech() -> None:
    found = matched("we move the boat", "we slowly move the boat").track.phones
    names = [phone.name for phone in found]
    assert names[0] == names[-1] == "sil"
    assert names.count("spn") == 1
    assert all(a.end_s == pytest.approx(b.start_s) for a, b in itertools.pairwise(found))


def test_an_hour_stays_in_the_window() -> None:
    text = "we move the boat to the other side of the river before night " * 60
    found = aligned(text, text)
    assert len(found.words) == 60 * 13
    assert found.skipped == ()


def test_empty_script_and_empty_recording_align_to_nothing() -> None:
    assert aligned("", "we move").words == ()
    empty = np.zeros((0, len(PHONES)), np.float32)
    words = pronounce_text("we move")
    found = align_script(words, empty, phone_names=PHONES, frame_rate=50.0)
    assert found.skipped == (0, 1)


W, IY = Phone("w", 0.5, 0.6, 0.9), Phone("iy", 0.6, 0.8, 0.8)
PHONE_TRACK = PhoneTrack(
    2.0,
    (
        SpokenWord(
            'say "we"', 0.5, 0.8, 0.9, (Phone("w", 0.5, 0.6, 0.9), Phone("iy", 0.6, 0.8, 0.8))
        ),
    ),
    (Phone("sil", 0.0, 0.5), Phone("w", 0.5, 0.6, 0.9), Phone("iy", 0.6, 0.8, 0.8)),
)


def test_phone_track_survives_json() -> None:
    assert track_from_json(PHONE_TRACK.as_json()) == PHONE_TRACK


@pytest.mark.parametrize("data", [{}, {"phones": [["w"]], "words": [], "duration_s": 1}])
def test_a_damaged_phone_track_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(BadCurves):
        track_from_json(data)


def test_textgrid_keeps_words_phones_and_quotes(tmp_path: Path) -> None:
    path = tmp_path / "line.TextGrid"
    write_textgrid(PHONE_TRACK, path)
    back = read_textgrid(path)
    assert [(w.text, w.start_s, w.end_s) for w in back.words] == [('say "we"', 0.5, 0.8)]
    spoken = [(p.name, p.start_s, p.end_s) for p in back.phones if p.name != "sil"]
    assert spoken == [("w", 0.5, 0.6), ("iy", 0.6, 0.8)]
    assert back.duration_s == 2.0


MFA = """File type = "ooTextFile"
Object class = "TextGrid"
xmin = 0
xmax = 1.0
tiers? <exists>
size = 2
item []:
    item [1]:
        class = "IntervalTier"
        name = "anna - words"
        intervals [1]:
            xmin = 0
            xmax = 0.2
            text = ""
        intervals [2]:
            xmin = 0.2
            xmax = 0.6
            text = "hi"
    item [2]:
        class = "IntervalTier"
        name = "anna - phones"
        intervals [1]:
            xmin = 0.2
            xmax = 0.3
            text = "HH"
        intervals [2]:
            xmin = 0.3
            xmax = 0.6
            text = "AY1"
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_textgrid_of_mfa_is_read(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "mfa.TextGrid"
    path.write_bytes(MFA.encode(encoding))
    track = read_textgrid(path)
    assert [w.text for w in track.words] == ["hi"]
    assert [p.name for p in track.words[0].phones] == ["hh", "ay"]


def test_a_file_without_tiers_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "no.TextGrid"
    path.write_text("hello", "utf-8")
    with pytest.raises(BadCurves, match=r"no\.TextGrid"):
        read_textgrid(path)


def test_subtitles_of_both_kinds_are_read(tmp_path: Path) -> None:
    srt, vtt = tmp_path / "a.srt", tmp_path / "a.vtt"
    srt.write_text("1\n00:00:01,500 --> 00:00:03,000\n<i>Hello</i>\nthere\n\n", "utf-8")
    vtt.write_text("WEBVTT\n\n01:02.25 --> 01:04.000 align:start\nBye\n", "utf-8")
    (first,), (second,) = cues_of(read_script(srt)), cues_of(read_script(vtt))
    assert (first.start_s, first.end_s, first.text) == (1.5, 3.0, "Hello there")
    assert (second.start_s, second.end_s, second.text) == (62.25, 64.0, "Bye")


def test_words_become_subtitles_that_read_back(tmp_path: Path) -> None:
    words = [SpokenWord(f"w{k}", k * 0.4, k * 0.4 + 0.3) for k in range(20)]
    path = tmp_path / "out.srt"
    write_srt(words, path)
    cues = cues_of(read_script(path))
    assert " ".join(cue.text for cue in cues) == " ".join(w.text for w in words)
    assert cues[0].start_s == 0.0
    assert cues[-1].end_s == pytest.approx(7.9)


def test_a_file_without_cues_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.srt"
    path.write_text("no times", "utf-8")
    with pytest.raises(BadArgument, match=r"a\.srt"):
        cues_of(read_script(path))


@pytest.mark.parametrize("seed", range(12))
def test_states_that_were_given_up_end_no_alignment(seed: int) -> None:
    """Speech that changes between two scripts revives and drops states ahead of the best."""
    chance = np.random.default_rng(seed)
    parts = ["we move the boat", "purple elephants juggle", "the river before night"]
    spoken = " ".join(chance.choice(parts, 6))
    script = " ".join(chance.choice(parts, 9))
    sure = float(chance.uniform(0.1, 0.6))
    found = aligned(script, spoken, sure=sure)
    starts = [word.start_s for word in found.words]
    assert starts == sorted(starts)
