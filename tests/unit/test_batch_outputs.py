"""A list from a stranger names outputs inside the chosen folder, or is refused before any work."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from model_runtime.batch.lines.manifest import read_rows
from model_runtime.batch.lines.plan import check_inputs_kept, make_plan
from model_runtime.errors import BadArgument
from tests.fakes.sounds import voice, write_wav

EVIL = ["../evil.npz", "/tmp/evil.npz", "C:\\evil.npz", "..\\evil.npz", "NUL.npz", "a/con.csv"]
EVIL += ["scene/../../evil.npz", "what?.npz", "file.npz:stream"]
EVIL += [".cstalk-batch/journal.jsonl", "sub/.cstalk_exports.json"]


def listed(folder: Path, output: str) -> Path:
    """A list of one line that names ``output``."""
    write_wav(folder / "line.wav", voice(1))
    table = folder / "lines.csv"
    table.write_text(f'audio,output\nline.wav,"{output}"\n', encoding="utf-8")
    return table


@pytest.mark.fault("a batch list names an output outside its folder, or a device")
@pytest.mark.parametrize("output", EVIL)
def test_an_output_that_leads_elsewhere_is_refused(tmp_path: Path, output: str) -> None:
    (line,) = make_plan(read_rows(listed(tmp_path, output)))
    assert re.search("has the output .*, which .", line.row.problem)
    assert line.row.hint
    assert line.targets == ("line.npz",)  # which nothing writes: the line fails


@pytest.mark.fault("a batch list names an output behind a link that leads out")
def test_an_output_behind_a_link_is_refused(tmp_path: Path) -> None:
    folder, outside = tmp_path / "out", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    (folder / "scene").symlink_to(outside, target_is_directory=True)
    lines = make_plan(read_rows(listed(tmp_path, "scene/line.npz")))
    with pytest.raises(BadArgument, match="link"):
        check_inputs_kept(lines, folder, [])


def test_a_plain_output_in_a_folder_below_is_let_through(tmp_path: Path) -> None:
    lines = make_plan(read_rows(listed(tmp_path, "scene 1/größe.csv")))
    check_inputs_kept(lines, tmp_path / "out", [])
    assert lines[0].targets == ("scene 1/größe.csv",)
