"""Every error that a user can see says what to do next."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from cstalk_blender import errors as session_errors
from model_runtime import errors as runtime_errors

ROOT = Path(__file__).resolve().parents[2]
WITHOUT_HINT = {"Cancelled"}
"""The user stopped it and knows what to do."""
FAULTS = {
    name
    for module, base in (
        (session_errors, session_errors.SessionError),
        (runtime_errors, runtime_errors.RuntimeFault),
    )
    for name, value in vars(module).items()
    if isinstance(value, type) and issubclass(value, base)
} - WITHOUT_HINT
CORPORA = ROOT / "model_runtime" / "training"
"""Faults of corpus readers name a broken file that is skipped."""


def faults(path: Path) -> Iterator[ast.Call]:
    """Yield the calls of a file that create an error."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and _called_name(node) in FAULTS:
            yield node


def _called_name(call: ast.Call) -> str:
    """Return the last part of the function's name; empty for what has none, as ``f()()``."""
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def is_hinted(call: ast.Call) -> bool:
    """Return whether a call passes a hint that is not an empty text."""
    hint = next((word.value for word in call.keywords if word.arg == "hint"), None)
    is_empty = isinstance(hint, ast.Constant) and not str(hint.value or "").strip()
    return hint is not None and not is_empty


def test_every_fault_has_a_hint() -> None:
    seen, bare = 0, []
    for package in ("cstalk_blender", "model_runtime"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if CORPORA in path.parents:
                continue
            for call in faults(path):
                seen += 1
                if not is_hinted(call):
                    bare.append(f"{path.relative_to(ROOT)}:{call.lineno}")
    assert bare == []
    assert seen > 50


@pytest.mark.parametrize("code", ["F('x')", "F('x', hint='')", "F('x', hint=' ')", "F(hint=None)"])
def test_an_empty_hint_is_no_hint(code: str) -> None:
    (call,) = (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call))
    assert not is_hinted(call)
