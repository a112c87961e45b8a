"""Laws of the rating of a line and of the report: what is worse scores lower and stands first."""

from __future__ import annotations

import csv
import dataclasses
import html
import html.parser
from pathlib import Path

import numpy as np
import pytest

from model_runtime.batch.lines.journal import DONE, FAILED, Entry, Journal
from model_runtime.batch.lines.report import write_csv
from model_runtime.batch.lines.report_html import MAX_LINES, Heading, write_html
from model_runtime.batch.quality import ClipMeter, PhoneProbabilities, Quality, opening_plot, rate
from model_runtime.curves.track import CurveTrack

PHONES = ("sil", "aa", "m", "s")
RATE, FPS, SECONDS = 50.0, 60.0, 4.0


def heard() -> PhoneProbabilities:
    """``aa`` and ``m`` in turn, 300 and 100 ms, sure of both."""
    frames = round(SECONDS * RATE)
    said = (np.arange(frames) % 20 >= 15).astype(int) + 1
    table = np.full((frames, len(PHONES)), 0.02, np.float32)
    table[np.arange(frames), said] = 0.94
    return PhoneProbabilities(PHONES, table, RATE)


def lips(*, late_s: float = 0.0, floor: float = 0.0, tremble: float = 0.0) -> CurveTrack:
    """A jaw that opens on ``aa`` and closes on ``m``, spoiled as asked."""
    times = np.arange(round(SECONDS * FPS)) / FPS - late_s
    phase = times % 0.4
    jaw = np.clip(np.minimum(phase / 0.1, (0.3 - phase) / 0.1), 0, 1) * (0.6 - floor) + floor
    jaw += tremble * np.sin(2 * np.pi * 22 * times)
    return CurveTrack(jaw[:, None].astype(np.float32), ("jawOpen",), FPS)


def test_a_clean_line_has_full_marks() -> None:
    found = rate(lips(), heard(), 0.0)
    assert found.score == 100
    assert found.closure == 1
    assert found.closures == 10
    assert abs(found.lag_s or 0.0) <= 1 / 30
    assert found.notes == ()


@pytest.mark.parametrize(
    "track, clipping, note",
    [
        (lips(floor=0.4), 0.0, "lips stay open at 10 of 10"),
        (lips(late_s=0.12), 0.0, "late"),
        (lips(late_s=-0.12), 0.0, "early"),
        (lips(tremble=0.1), 0.0, "jitter"),
        (lips(), 0.05, "audio is clipped"),
    ],
)
def test_each_fault_lowers_the_score_and_is_named(
    track: CurveTrack, clipping: float, note: str
) -> None:
    found = rate(track, heard(), clipping)
    assert found.score < 95
    assert any(note in text for text in found.notes)


def test_tremble_that_a_frame_rate_cannot_show_is_not_called_none() -> None:
    fine = lips(tremble=0.1)
    coarse = CurveTrack(fine.values[::3], fine.channels, FPS / 3)
    assert (rate(fine, heard(), 0.0).jitter or 0.0) > 0.4
    found = rate(coarse, heard(), 0.0)
    assert found.jitter is None
    assert not any("jitter" in note for note in found.notes)


def test_lag_is_measured_to_a_frame() -> None:
    base = rate(lips(), heard(), None).lag_s or 0.0
    for late_s in (-0.1, 0.05, 0.1):
        found = rate(lips(late_s=late_s), heard(), None).lag_s
        assert found is not None
        assert abs(found - base - late_s) <= 1.01 / FPS


def test_silence_and_doubt_are_told() -> None:
    nothing = heard()
    table = np.zeros_like(nothing.probabilities)
    table[:, 0] = 1
    found = rate(lips(), dataclasses.replace(nothing, probabilities=table), None)
    assert "no speech detected" in found.notes
    assert found.score <= 20
    table = np.full_like(table, 0.25)
    doubtful = rate(lips(), dataclasses.replace(nothing, probabilities=table), None)
    assert any("speech unclear" in note for note in doubtful.notes)


def test_clipping_counts_runs_at_full_scale_in_any_cutting() -> None:
    sound = np.zeros((100, 1), np.float32)
    sound[10] = 1  # a peak that only touches full scale
    meter = ClipMeter()
    meter.push(sound)
    assert meter.share() == 0
    sound[20:30] = -1
    meter.push(sound)
    assert 0.03 < meter.share() < 0.06


def test_a_plot_is_small_whatever_the_length() -> None:
    for frames in (1, 2, 59, 61, 100_000):
        track = CurveTrack(np.ones((frames, 1), np.float32), ("jawOpen",), FPS)
        assert 1 <= len(opening_plot(track)) <= 60
        assert all(0 <= point <= 99 for point in opening_plot(track))


def entry(name: str, score: float | None, **more: str) -> Entry:
    if score is None:
        return Entry(f"{name}.npz", name, FAILED, code="bad-audio", error="It is <broken>")
    values = Quality(score, 1.0, 3, 0.0, 0.1, 0.0, 0.2, 0.7, ())
    quality = dataclasses.asdict(values)
    made = Entry(f"{name}.npz", name, DONE, quality=quality, opening=(0, 50, 99), frames=9, fps=60)
    return dataclasses.replace(made, **more)


class Tags(html.parser.HTMLParser):
    """Checks that tags pair, and keeps the text of the rows."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Push."""
        self.sources += [v or "" for n, v in attrs if n in ("src", "href")]
        if tag not in ("meta", "input", "wbr"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Nothing to pair."""

    def handle_endtag(self, tag: str) -> None:
        """Pop."""
        assert self.open.pop() == tag


def test_reports_begin_with_the_worst_and_escape_what_they_are_told(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.start()
    for name, score in (("fine", 99.0), ("<poor>", 12.5), ("bad\udc80", None), ("old", 50.0)):
        journal.append(entry(name, score))
    journal.append(entry("old", 60.0))  # made again
    journal.append(entry("of another batch", 1.0))
    journal.close()
    targets = {f"{name}.npz" for name in ("fine", "<poor>", "bad\udc80", "old")}
    write_csv(tmp_path / "r.csv", journal.ranked(targets), {"old.npz"})
    with (tmp_path / "r.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["status"] for row in rows] == ["failed", "done", "skipped", "done"]
    assert [row["score"] for row in rows] == ["", "12.5", "60.0", "99.0"]
    heading = Heading("<title>", "facts", 4, 2, 1, 1, 30.0)
    write_html(tmp_path / "r.html", heading, journal.ranked(targets), {"old.npz"})
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert tags.sources == []  # it needs nothing else
    assert "&lt;poor&gt;" in page
    assert "<poor>" not in page
    assert page.index("&lt;broken&gt;") < page.index("&lt;poor&gt;") < page.index("fine")


def test_reports_say_what_was_heard_where_it_was_left_to_the_voice(tmp_path: Path) -> None:
    lines = [
        entry("auto", 90.0, emotion="auto 1", detected_emotion="angry 0.8"),
        entry("told", 91.0),
    ]
    write_csv(tmp_path / "r.csv", lines)
    with (tmp_path / "r.csv").open(encoding="utf-8", newline="") as stream:
        assert [row["detected"] for row in csv.DictReader(stream)] == ["angry 0.8", ""]
    write_html(tmp_path / "r.html", Heading("voices", "", 2, 2, 0, 0, 1.0), lines)
    assert (tmp_path / "r.html").read_text(encoding="utf-8").count("detected angry 0.8") == 1


def test_a_long_name_is_cut_to_the_eye_and_whole_to_the_mouse(tmp_path: Path) -> None:
    name = "scene_04/" + "very_long_" * 20 + '"quoted" & 日本語.wav'
    write_html(tmp_path / "r.html", Heading("long", "", 1, 1, 0, 0, 1.0), [entry(name, 90.0)])
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert f'title="{html.escape(name)}"' in page
    assert "scene_<wbr>04/<wbr>very_<wbr>long_<wbr>" in page


def test_a_page_of_a_hundred_thousand_lines_stays_readable(tmp_path: Path) -> None:
    total = 5 * MAX_LINES
    heading = Heading("many", "", total, total, 0, 0, 1.0)
    write_html(tmp_path / "r.html", heading, (entry(str(i), 50.0) for i in range(total)))
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert page.count("<tr data-level") == MAX_LINES
    assert f"the worst {MAX_LINES} of {total} lines" in page
