"""A name from a stranger stays in the folder that was chosen, on every system."""

from __future__ import annotations

from pathlib import Path

import pytest

from model_runtime.curves.file_names import inside, name_problem
from model_runtime.errors import BadArgument

GOOD = ["line.npz", "größe 台詞 01.csv", ".hidden", "a.b.c.json", "console.npz", "com10.npz"]
GOOD += ["x" * 255]
BAD = [
    "",
    ".",
    "..",
    "a/b",
    "a\\b",
    "C:evil",
    "file.npz:stream",
    "nul",
    "NUL.npz",
    "con.tar.gz",
    "Com1.csv",
    "LPT9",
    "com¹.npz",
    "aux .npz",
    "CONIN$",
    "dot.",
    "space ",
    "what?",
    "tab\t",
    "zero\0",
    "x" * 256,
    "ü" * 128,
]


@pytest.mark.parametrize("name", GOOD)
def test_a_plain_name_is_let_through(tmp_path: Path, name: str) -> None:
    assert name_problem(name) == ""
    assert inside(tmp_path, name) == tmp_path / name
    assert inside(tmp_path, f"scene 1/{name}") == tmp_path / "scene 1" / name


@pytest.mark.fault("a list or preset names an output outside its folder, or a device")
@pytest.mark.parametrize("name", BAD)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    assert "/" in name or name_problem(name)
    for relative in (name, f"scene/{name}", f"{name}/line.npz", f"../{name}", f"/{name}"):
        if relative == "a/b" or relative in ("scene/a/b", "a/b/line.npz"):
            continue  # folders below are allowed
        with pytest.raises(BadArgument) as caught:
            inside(tmp_path, relative)
        assert caught.value.hint


@pytest.mark.fault("a link in the output folder leads out of it")
def test_a_link_cannot_lead_out(tmp_path: Path) -> None:
    folder, outside = tmp_path / "out", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    (folder / "scene").symlink_to(outside, target_is_directory=True)
    (folder / "below").mkdir()
    (folder / "again").symlink_to(folder / "below", target_is_directory=True)
    with pytest.raises(BadArgument, match="link"):
        inside(folder, "scene/line.npz")
    assert inside(folder, "again/line.npz") == folder / "again" / "line.npz"


@pytest.mark.fault("the output itself is a link to a file elsewhere")
def test_a_link_in_the_place_of_the_output_is_replaced_not_followed(tmp_path: Path) -> None:
    from model_runtime.files import replace_file

    (tmp_path / "precious").write_bytes(b"mine")
    (tmp_path / "line.npz").symlink_to(tmp_path / "precious")
    replace_file(tmp_path / "line.npz", b"curves")
    assert (tmp_path / "precious").read_bytes() == b"mine"
    assert not (tmp_path / "line.npz").is_symlink()
