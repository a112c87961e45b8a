"""Measure lengths, docstrings and comments of each package, for the table of `build.py check`.

    python3 -m buildtools.checks.style_figures            the table
    python3 -m buildtools.checks.style_figures FOLDER     what to improve, line by line

The figures are those of the code review: they show a trend, and the limits are those of the
project's style guide.
"""

from __future__ import annotations

import ast
import dataclasses
import io
import sys
import tokenize
from collections.abc import Iterable, Sequence
from pathlib import Path

from .sources import source_files

QUESTION_WORDS = frozenset(
    {"what", "which", "where", "how", "whose", "who", "whom", "whether", "when", "why", "whence"}
)
DOCUMENTED_PARAMETERS = 2
"""Public functions with so many parameters or more have an ``Args`` section."""
PACKAGES = {
    "cstalk_blender": ("cstalk_blender",),
    "model_runtime": ("model_runtime",),
    "training": ("model_runtime/training",),
    "evaluation": ("model_runtime/evaluation",),
    "buildtools, demo": ("buildtools", "demo", "build.py"),
    "tests": ("tests",),
}
"""Title of a row and its folders; a file belongs to the row with the longest folder."""
LIMITS = (150, 300, 400), (8, 25, 60)
"""Median, 90th percentile and maximum of the lines of files and of functions."""
MOST_QUESTIONS, LEAST_ARGS = 0.01, 0.90


@dataclasses.dataclass
class Figures:
    """Counts of one package."""

    file_lines: list[int] = dataclasses.field(default_factory=list)
    function_lines: list[int] = dataclasses.field(default_factory=list)
    summaries: int = 0
    questions: int = 0
    """Docstring summaries that open with a question word."""
    functions_to_document: int = 0
    functions_with_args: int = 0
    comment_lines: int = 0
    findings: list[str] = dataclasses.field(default_factory=list)
    """Lines with a question or without ``Args``."""

    def add(self, other: Figures) -> None:
        """Add the counts of another package."""
        for field in dataclasses.fields(self):
            total = getattr(self, field.name) + getattr(other, field.name)
            setattr(self, field.name, total)


def measure(root: Path) -> dict[str, Figures]:
    """Return the figures of each package below ``root``, with the product's sum first."""
    rows = {name: Figures() for name in PACKAGES}
    for path in source_files(root):
        rows[_row_of(path.relative_to(root).as_posix())].add(measure_file(path))
    product = Figures()
    for name, row in rows.items():
        # Tests are counted on their own: their docstrings follow other rules.
        if name != "tests":
            product.add(row)
    return {"all but tests": product, **rows}


def measure_file(path: Path) -> Figures:
    """Return the figures of one file.

    Tests and fixtures take their parameters from pytest, so those of tests are not counted.
    """
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text, filename=str(path))
    figures = Figures(file_lines=[len(text.splitlines())], comment_lines=_comment_lines(text))
    _measure_node(tree, figures, is_public=not path.name.startswith(("test_", "conftest")))
    return figures


def table(rows: dict[str, Figures]) -> str:
    """Return the figures as a table; a value beyond its limit has a star."""
    head = f"{'':16}  files  lines med/p90/max  functions med/p90/max  question  Args   comments"
    lines = [head]
    for name, row in rows.items():
        files, functions = (
            "/".join(_marked(value, limit) for value, limit in zip(spread(v), limits, strict=True))
            for v, limits in zip((row.file_lines, row.function_lines), LIMITS, strict=True)
        )
        questions = row.questions / max(row.summaries, 1)
        # max(..., 1): a row without files has no share.
        with_args = row.functions_with_args / max(row.functions_to_document, 1)
        comments = row.comment_lines / max(sum(row.file_lines), 1)
        lines.append(
            f"{name:16}  {len(row.file_lines):5}  {files:>17}  {functions:>21}  "
            f"{questions:6.1%}{'*' if questions > MOST_QUESTIONS else ' '}  "
            f"{with_args:4.0%}{'*' if with_args < LEAST_ARGS else ' '}  {comments:7.1%}"
        )
    return "\n".join(lines)


def spread(values: Sequence[int]) -> tuple[int, int, int]:
    """Return median, 90th percentile and maximum; zeros without values."""
    if not values:
        return (0, 0, 0)
    ordered = sorted(values)
    last = len(ordered) - 1
    # The lower median: a value that occurs.
    return ordered[last // 2], ordered[round(0.9 * last)], ordered[-1]


def _marked(value: int, limit: int) -> str:
    return f"{value}{'*' if value > limit else ''}"


def _row_of(name: str) -> str:
    fits = [
        (len(folder), title)
        for title, folders in PACKAGES.items()
        for folder in folders
        if name == folder or name.startswith(folder + "/")
    ]
    # The longest folder wins: training lies inside model_runtime.
    return max(fits)[1]


def _measure_node(node: ast.AST, figures: Figures, *, is_public: bool) -> None:
    """Add a module, class or function and everything defined in it."""
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        summary = (ast.get_docstring(node) or "").strip()
        if summary:
            figures.summaries += 1
            first = summary.split()[0].strip("`*.,:").lower()
            if first in QUESTION_WORDS:
                figures.questions += 1
                figures.findings.append(
                    f"{_line_of(node)}: opens with a question: {summary[:60]!r}"
                )
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        figures.function_lines.append((node.end_lineno or node.lineno) - node.lineno + 1)
        if is_public and _parameters(node) >= DOCUMENTED_PARAMETERS:
            figures.functions_to_document += 1
            if "Args:" in (ast.get_docstring(node) or ""):
                figures.functions_with_args += 1
            else:
                figures.findings.append(f"{_line_of(node)}: {node.name} has no Args")
        is_public = False  # functions inside a function are not public
    for child in ast.iter_child_nodes(node):
        name = getattr(child, "name", "")
        # What is defined in a private class or function is private too.
        _measure_node(child, figures, is_public=is_public and not str(name).startswith("_"))


def _line_of(node: ast.AST) -> int:
    return getattr(node, "lineno", 1)


def _parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the number of parameters to document: not ``self``, and none that is unused."""
    arguments = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
    return sum(
        argument.arg not in ("self", "cls") and not argument.arg.startswith("_")
        for argument in arguments
    )


def _comment_lines(text: str) -> int:
    """Return the lines with a comment that is neither a directive nor a shebang."""
    # tokenize, since a "#" in a string is no comment.
    tokens: Iterable[tokenize.TokenInfo] = tokenize.generate_tokens(io.StringIO(text).readline)
    comments = [token.string for token in tokens if token.type == tokenize.COMMENT]
    # Directives say nothing to a reader.
    directives = ("# noqa", "# type:", "# fmt:", "# ruff:", "#!")
    return sum(not comment.startswith(directives) for comment in comments)


def main(arguments: Sequence[str]) -> int:
    """Write the table, or with folders and files what to improve in them."""
    if not arguments:
        sys.stdout.write(table(measure(Path())) + "\n")
    for argument in map(Path, arguments):
        for path in sorted(argument.rglob("*.py")) if argument.is_dir() else [argument]:
            for finding in measure_file(path).findings:
                sys.stdout.write(f"{path}:{finding}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
