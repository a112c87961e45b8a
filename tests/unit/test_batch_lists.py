"""Laws of lists as spreadsheets write them: each is read, and a bad cell fails its row alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from model_runtime.batch.lines.manifest import Row, read_rows
from model_runtime.batch.lines.naming import likely_emotion
from model_runtime.errors import BadArgument
from tests.conftest import ROOT

CASES = ROOT.parent / "shared" / "cases" / "lists"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three audio files, one with an accent in its name."""
    (tmp_path / "lines").mkdir()
    for name in ("line_001.wav", "line_002.wav", "Zoë_01.wav"):
        (tmp_path / "lines" / name).write_bytes(b"RIFF")
    return tmp_path


def read(folder: Path, data: bytes | str) -> list[Row]:
    path = folder / "list.csv"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return read_rows(path)


HEADING = "file,character,emotion,intensity"
ROWS = ("lines/line_001.wav,Anna,happy,0.7", "lines/Zoë_01.wav,Zoë,sad,1")
PLAIN = "\r\n".join([HEADING, *ROWS, ""])
SEMICOLONS = PLAIN.replace(",", ";")
DECIMAL_COMMA = SEMICOLONS.replace("0.7", "0,7")


@pytest.mark.fault("a list from a spreadsheet: encodings, separators, decimal commas")
@pytest.mark.parametrize(
    "data",
    [
        PLAIN.encode(),
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("utf-16"),
        PLAIN.encode("utf-16-le"),
        PLAIN.encode("utf-16-be"),
        PLAIN.encode("cp1252"),
        SEMICOLONS.encode("cp1252"),
        DECIMAL_COMMA.encode("utf-8-sig"),
        DECIMAL_COMMA.replace("0,7", "70%").encode(),
        DECIMAL_COMMA.replace("0,7", "70 %").encode(),
        PLAIN.replace(",", "\t").encode("utf-16"),
        PLAIN.replace(",", "|").encode(),
        ("sep=;\r\n" + SEMICOLONS).encode(),
        PLAIN.replace("file,", " File ,").replace("emotion", "EMOTION").encode(),
        PLAIN.replace("file,", "filename,").encode(),
        PLAIN.replace("file,", "Audio File,").replace("character", "Speaker").encode(),
        PLAIN.replace(".wav", "").encode(),
        PLAIN.replace("lines/", "lines\\").encode(),
        PLAIN.replace("line_001.wav", "LINE_001.WAV").encode(),
        PLAIN.replace("Zoë_01", "Zoe\u0308_01").encode(),
        PLAIN.replace("\r\n", "\r\n,,,\r\n\r\n", 1).encode(),
    ],
)
def test_a_list_of_any_spreadsheet_gives_the_same_lines(folder: Path, data: bytes) -> None:
    first, second = read(folder, data)
    assert (first.problem, second.problem) == ("", "")
    assert Path(first.audio) == folder / "lines" / "line_001.wav"
    assert Path(second.audio) == folder / "lines" / "Zoë_01.wav"
    assert (first.acting.emotion, first.acting.intensity) == ("happy", pytest.approx(0.7))
    assert (second.character[0], second.acting.emotion, second.acting.intensity) == ("Z", "sad", 1)


@pytest.mark.fault("a list with a bad cell")
@pytest.mark.parametrize(
    "cells, problem",
    [
        ("lines/line_001.wav,,happy,lots", "Row 5: intensity is 'lots'"),
        ("lines/line_001.wav,,happy,nan", "Row 5: intensity is 'nan'"),
        ("lines/line_001.wav,,happy,1e999", "Row 5: intensity is '1e999'"),
        (",Anna,happy,1", "Row 5 of list.csv names no audio file"),
        ("a\0b.wav,,happy,1", "Row 5 of list.csv names no audio file"),
    ],
)
def test_a_bad_cell_fails_its_row_as_the_spreadsheet_counts_it(
    folder: Path, cells: str, problem: str
) -> None:
    text = [HEADING, "", 'lines/line_002.wav,"An\nna",sad,1', "", cells, ROWS[1]]
    good, bad, last = read(folder, "\n".join(text))
    assert (good.problem, last.problem) == ("", "")
    assert bad.problem == problem
    assert bad.hint


@pytest.mark.fault("a list or sidecar with a value that is none: nan, 1e400, true")
@pytest.mark.parametrize(
    "column, cell",
    [
        ("seed", "nan"),
        ("seed", "1.5"),
        ("seed", "-1"),
        ("seed", "99999999999999999999"),
        ("emotion_at", "[2.5:sad"),
        ("emotion_at", "inf:sad:1"),
        ("emotion_at", "[" * 100_000),
        ("start", "inf"),
        ("start_s", "50%"),
    ],
)
def test_a_value_that_is_none_fails_its_line_in_lists_and_sidecars(
    folder: Path, column: str, cell: str
) -> None:
    bad, good = read(folder, f"file,{column}\nlines/line_001.wav,{cell}\nlines/line_002.wav,\n")
    assert bad.problem.startswith(
        f"Row 2: {'Invalid emotion_at' if ':' in cell or '[' in cell else column}"
    )
    assert good.problem == ""
    (folder / "lines" / "line_001.json").write_text(f'{{"{column}": "{cell}"}}', encoding="utf-8")
    found = {row.name: row.problem for row in read_rows(folder / "lines")}
    assert found.pop("line_001.wav")
    assert set(found.values()) == {""}


@pytest.mark.fault("a sidecar that is nested too deep")
def test_a_sidecar_nested_too_deep_fails_its_line(folder: Path) -> None:
    text = "[" * 100_000 + "]" * 100_000
    (folder / "lines" / "line_001.json").write_text(text, encoding="utf-8")
    problems = [row.problem for row in read_rows(folder / "lines")]
    assert [bool(problem) for problem in problems] == [False, True, False]


def test_a_name_that_fits_two_files_fails_its_row(folder: Path) -> None:
    (folder / "lines" / "line_001.flac").write_bytes(b"")
    (row,) = read(folder, "file\nlines/line_001\n")
    assert row.problem == "Row 2: 'lines/line_001' may be 'line_001.flac' or 'line_001.wav'"


def test_a_delimiter_within_a_heading_is_not_taken_for_the_list_s(folder: Path) -> None:
    (row,) = read(folder, "file;text, spoken;emotion\nlines/line_001.wav;hello;happy\n")
    assert row.acting.emotion == "happy"


def test_an_own_heading_counts_before_another_name_for_it(folder: Path) -> None:
    (row,) = read(folder, "wav,file\nlines/line_002.wav,lines/line_001.wav\n")
    assert row.name == "lines/line_001.wav"


@pytest.mark.fault("a file name that looks like an emotion")
@pytest.mark.parametrize(
    "name, found",
    [
        ("hapy", ("hapy", "happy")),
        ("line_happy_80", ("happy", "happy")),
        ("BOB-03_sad", ("sad", "sad")),
        ("anger 3", ("anger", "angry")),
        ("line_surprized", ("surprized", "surprised")),
        ("line_012", None),
        ("neutral_01", None),
        ("sadie_03", None),
        ("ang", None),
    ],
)
def test_a_name_that_looks_like_an_emotion_is_marked_with_it(
    name: str, found: tuple[str, str] | None
) -> None:
    assert likely_emotion(name) == found


def test_a_marked_line_is_not_acted_with_the_likely_emotion(tmp_path: Path) -> None:
    for name in ("BOB-03_sad.wav", "plain.wav", "take__happy.wav"):
        (tmp_path / name).write_bytes(b"")
    marked, plain, named = read_rows(tmp_path)
    assert marked.acting.emotion == ""
    assert marked.note.startswith("The name has 'sad' but sets no emotion")
    assert (plain.note, named.note, named.acting.emotion) == ("", "", "happy")


def test_a_relative_folder_is_read_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    for source in ("lines", "lines/", "./lines", "lines/*.wav"):
        assert all(Path(row.audio).is_file() for row in read_rows(source))
        assert {row.name for row in read_rows(source)} == {
            *("line_001.wav", "line_002.wav", "Zoë_01.wav")
        }


@pytest.mark.fault("a folder of lines that vanishes while it is read")
def test_a_folder_that_vanishes_while_it_is_read_is_an_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from model_runtime.batch.lines import audio_files

    def walk(top: Path, onerror: object, followlinks: bool) -> list[object]:
        assert callable(onerror)
        onerror(FileNotFoundError(2, "No such file or directory", str(top)))
        return []

    monkeypatch.setattr(audio_files.os, "walk", walk)
    with pytest.raises(BadArgument, match="Cannot read the folder"):
        read_rows(folder)


@pytest.mark.skipif(not CASES.is_dir(), reason="../shared/cases is absent")
@pytest.mark.parametrize(
    "name, bad_rows",
    [
        ("blank_rows.csv", 0),
        ("comma_utf8.csv", 0),
        ("excel_ansi_cp1252.csv", 0),
        ("excel_bom.csv", 0),
        ("excel_de_semicolon_bom.csv", 0),
        ("header_caps_spaces.csv", 0),
        ("missing_ext.csv", 0),
        ("quoted_multiline.csv", 0),
        ("t_badrow.csv", 1),
        ("t_cp1252.csv", 0),
        ("t_filename_col.csv", 0),
        ("t_semicolon_deccomma.csv", 0),
        ("t_semicolon_header_comma_in_title.csv", 0),
    ],
)
def test_each_list_of_the_cases_is_read(name: str, bad_rows: int) -> None:
    rows = read_rows(CASES / name)
    assert sum(bool(row.problem) for row in rows) == bad_rows
    if not name.startswith("t_"):
        assert all(Path(row.audio).is_file() for row in rows)
