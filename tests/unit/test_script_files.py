"""Scripts beside audio files and in columns of lists."""

from __future__ import annotations

from pathlib import Path

import pytest

from model_runtime.batch.lines.manifest import Row, read_rows
from model_runtime.cli.batch.console import text_lines
from model_runtime.errors import BadArgument
from model_runtime.text.formats.files import read_script, script_beside

SRT = "1\n00:00:01,000 --> 00:00:02,500\nHello there\n"


def rows_of(folder: Path, **files: bytes | str) -> dict[str, Row]:
    """The lines of a folder with these files; names are written with a dash for the dot."""
    for name, content in files.items():
        data = content.encode() if isinstance(content, str) else content
        (folder / name.replace("__", ".")).write_bytes(data)
    return {row.name: row for row in read_rows(folder)}


def listed(folder: Path, text: str, encoding: str = "utf-8") -> list[Row]:
    """The rows of a list whose audio files exist."""
    for name in ("a.wav", "b.wav"):
        (folder / name).write_bytes(b"RIFF")
    (folder / "list.csv").write_bytes(text.encode(encoding))
    return read_rows(folder / "list.csv")


@pytest.mark.parametrize("ending", ["txt", "lab", "srt", "vtt"])
def test_text_beside_an_audio_file_is_its_script(tmp_path: Path, ending: str) -> None:
    found = rows_of(tmp_path, a__wav="RIFF", **{f"a__{ending}": SRT})
    assert found["a.wav"].acting.script == SRT
    assert found["a.wav"].problem == ""


def test_a_script_is_switched_off(tmp_path: Path) -> None:
    rows_of(tmp_path, a__wav="RIFF", a__txt="hello")
    (row,) = read_rows(tmp_path, use_text=False)
    assert row.acting.script == ""


def test_a_broken_sidecar_fails_its_line_only(tmp_path: Path) -> None:
    found = rows_of(tmp_path, a__wav="RIFF", a__txt=b"PK\x03\x04\x05\x06\0\0\0", b__wav="RIFF")
    assert "a.txt is not a text file" in found["a.wav"].problem
    assert found["a.wav"].hint == "Save it as plain text, UTF-8"
    assert found["b.wav"].problem == ""


def test_subtitles_without_times_fail_their_line(tmp_path: Path) -> None:
    found = rows_of(tmp_path, a__wav="RIFF", a__srt="Hello there")
    assert "a.srt has no subtitles" in found["a.wav"].problem


def test_label_files_with_times_belong_to_other_programs(tmp_path: Path) -> None:
    found = rows_of(tmp_path, a__wav="RIFF", a__lab="0 1200000 sil\n1200000 1900000 hh\n")
    assert found["a.wav"].acting.script == ""
    assert found["a.wav"].problem == ""


def test_json_sidecar_comes_before_the_text_file(tmp_path: Path) -> None:
    found = rows_of(tmp_path, a__wav="RIFF", a__txt="from text", a__json='{"script": "from json"}')
    assert found["a.wav"].acting.script == "from json"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_sidecars_in_other_encodings_are_read(tmp_path: Path, encoding: str) -> None:
    found = rows_of(tmp_path, a__wav="RIFF", a__txt="Café, naïve".encode(encoding))
    assert found["a.wav"].acting.script == "Café, naïve"


@pytest.mark.parametrize("heading", ["text", "Line", "DIALOGUE", "subtitle", "script"])
def test_a_column_of_spoken_text_is_the_script(tmp_path: Path, heading: str) -> None:
    rows = listed(tmp_path, f"file,{heading}\na.wav,Where are you?\nb.wav,No!\n")
    assert [row.acting.script for row in rows] == ["Where are you?", "No!"]


@pytest.mark.parametrize("cells", [("1", "2"), ("L_001", "L_002"), ("3a", "")])
def test_a_column_of_numbers_or_names_is_no_script(tmp_path: Path, cells: tuple[str, str]) -> None:
    rows = listed(tmp_path, f"file,line\na.wav,{cells[0]}\nb.wav,{cells[1]}\n")
    assert [row.acting.script for row in rows] == ["", ""]


def test_text_comes_before_a_line_number(tmp_path: Path) -> None:
    rows = listed(tmp_path, "file;line;text\na.wav;1;Go on\nb.wav;2;I will\n", "cp1252")
    assert [row.acting.script for row in rows] == ["Go on", "I will"]


def test_an_empty_cell_leaves_the_sidecar(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("from the file", encoding="utf-8")
    rows = listed(tmp_path, "file,text\na.wav,from the list\nb.wav,\n")
    assert [row.acting.script for row in rows] == ["from the list", "from the file"]


def test_no_script_is_beside_a_lonely_file(tmp_path: Path) -> None:
    assert script_beside(tmp_path / "a.wav") is None


def test_huge_scripts_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"word " * 600_000)
    with pytest.raises(BadArgument, match="larger than 2 MB"):
        read_script(path)


def test_worst_texts_are_printed_first() -> None:
    assert text_lines([(1.0, "good.wav"), (0.5, "half.wav"), (0.08, "wrong.wav")]) == [
        "text matched, worst lines first:",
        "  8% wrong.wav",
        "  50% half.wav",
    ]
    assert text_lines([(1.0, "good.wav")]) == []
