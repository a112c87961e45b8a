"""What the documents say of the project is so: its rooms, its files, its messages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
ROOMS = ("buildtools", "demo", "cstalk_blender", "model_runtime")
SUMMED_UP = ("demo_head", "training", "evaluation")
"""Rooms that the architecture names as a whole."""
SHORTEST_QUOTE = 8
"""Letters of a quoted message that are worth looking for."""


def test_architecture_names_every_module() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    modules = [
        path.relative_to(ROOT).as_posix()
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        if not path.name.startswith("__") and not set(SUMMED_UP).intersection(path.parts)
    ]
    assert len(modules) > 60
    assert [name for name in modules if not re.search(rf"\b{Path(name).name}\b", text)] == []


def test_architecture_names_no_module_that_is_gone() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    there = {path.name for path in ROOT.rglob("*.py")}
    assert set(re.findall(r"[a-z_0-9]+\.py\b", text)) - there == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_messages_in_the_guide_are_those_of_the_program() -> None:
    guide = (ROOT / "docs" / "user_guide.md").read_text(encoding="utf-8")
    table = guide.split("| what you see | what to do |")[1].split("\n\n")[0]
    seen = [row.split("|")[1] for row in table.splitlines() if row.startswith("| ")]
    quotes = [quote for cell in seen for quote in re.findall(r"\*([^*]+)\*", cell)]
    code = "".join(
        path.read_text(encoding="utf-8")
        for room in ("cstalk_blender", "model_runtime")
        for path in (ROOT / room).rglob("*.py")
    )
    pieces = [piece.strip(" ,") for quote in quotes for piece in quote.split("…")]
    pieces = [piece for piece in pieces if len(piece) >= SHORTEST_QUOTE]
    assert len(pieces) > 10
    assert [piece for piece in pieces if piece not in code] == []
