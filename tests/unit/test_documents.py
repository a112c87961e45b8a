"""The documents agree with the project: its packages, its files, its messages."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
PACKAGES = ("buildtools", "demo", "cstalk_blender", "model_runtime")
SHORTEST_QUOTE = 8
"""Shorter pieces of a quoted message occur by chance."""


def packages() -> list[Path]:
    """Return every package folder of the project, relative to the checkout."""
    found = [path.parent for name in PACKAGES for path in (ROOT / name).rglob("__init__.py")]
    return sorted(path.relative_to(ROOT) for path in found)


def undescribed_modules(package: Path) -> list[str]:
    """Return the modules and subpackages of a package that its docstring does not name."""
    folder = ROOT / package
    text = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))) or ""
    modules = [path.stem for path in folder.glob("*.py") if not path.name.startswith("__")]
    modules += [path.parent.name for path in folder.glob("*/__init__.py")]
    return sorted(name for name in modules if not re.search(rf"\b{name}\b", text))


def test_architecture_names_every_package() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert len(packages()) > 40
    outer = [path for path in packages() if len(path.parts) <= 2]
    assert [path for path in outer if f"{path.name}/" not in text] == []


def test_architecture_names_no_module_that_is_gone() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    present = {path.name for path in ROOT.rglob("*.py")}
    assert set(re.findall(r"[a-z_0-9]+\.py\b", text)) - present == set()


def test_each_package_docstring_describes_its_modules() -> None:
    missing = {
        path.as_posix(): names for path in packages() if (names := undescribed_modules(path))
    }
    assert missing == {}


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
        for package in ("cstalk_blender", "model_runtime")
        for path in (ROOT / package).rglob("*.py")
    )
    pieces = [piece.strip(" ,") for quote in quotes for piece in quote.split("…")]
    pieces = [piece for piece in pieces if len(piece) >= SHORTEST_QUOTE]
    assert len(pieces) > 10
    assert [piece for piece in pieces if piece not in code] == []
