"""Run the checks of `build.py check`: style, spelling, dependencies, types, sizes, extension."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from .. import environments, extension
from ..console import ROOT, BuildError, run, say
from . import sizes, sources, style_figures

TIMEOUT_S = 900.0
TYPED_FOLDERS = ("buildtools", "model_runtime", "cstalk_blender", "demo")
"""Files that do not import bpy are checked strictly, the others with the options below."""

# Scripts of environments have an ending on Windows.
LINT_IMPORTS = "lint-imports.exe" if os.name == "nt" else "lint-imports"

BLENDER_NOISE = (
    *("valid-type", "union-attr", "attr-defined", "misc", "override"),
    *("assignment", "arg-type", "var-annotated"),
)
"""Error codes of correct code, since the stubs lack properties that are created at run time."""


def run_checks() -> list[str]:
    """Run every check and return the names of those that failed; their findings are printed."""
    checks: dict[str, Callable[[], str]] = {
        "ruff": _ruff,
        "ruff format": _ruff_format,
        "codespell": _codespell,
        "dependency rules": _dependency_rules,
        "sizes": lambda: "\n".join(sizes.violations(ROOT)),
        "extension": _extension,
        "mypy strict": _mypy_strict,
        "mypy Blender": _mypy_blender,
    }
    failed = []
    for name, check in checks.items():
        findings = check()
        say(f"{name}: {'FAILED' if findings else 'ok'}")
        if findings:
            failed.append(name)
            say(findings)
    say("style figures, * beyond the limit:\n" + style_figures.table(style_figures.measure(ROOT)))
    return failed


def _ruff() -> str:
    return _tool("check", "ruff", "check", "--quiet", ".")


def _ruff_format() -> str:
    return _tool("check", "ruff", "format", "--check", "--quiet", "--diff", ".")


def _codespell() -> str:
    return _tool("check", "codespell_lib", "--toml=pyproject.toml", ".")


def _dependency_rules() -> str:
    program = environments.ensure("check").with_name(LINT_IMPORTS)
    # --no-cache: the cache would lie in the checkout and outlive a change of the rules.
    status, output = run([program, "--no-cache"], timeout_s=TIMEOUT_S, what="lint-imports")
    return output if status != 0 else ""


def _extension() -> str:
    with tempfile.TemporaryDirectory() as folder:
        # Equal files make an equal zip.
        first = extension.make_zip(Path(folder) / "first.zip")
        second = extension.make_zip(Path(folder) / "second.zip")
        if first.read_bytes() != second.read_bytes():
            return "Two zips of the same files differ"
        try:
            extension.validate(first)
        except BuildError as error:
            return str(error)
    return ""


def _mypy_strict() -> str:
    python = environments.ensure("runtime")  # mypy reads the types of torch and numpy there
    return _tool(
        *("check", "mypy", f"--python-executable={python}", "--follow-imports=silent"),
        # A cache for each run: the two have other options and would empty each other's.
        "--cache-dir=.mypy_cache/strict",
        *("build.py", *_typed_files(with_bpy=False)),
    )


def _mypy_blender() -> str:
    quiet = [f"--disable-error-code={code}" for code in BLENDER_NOISE]
    options = [
        # Without the project's configuration: its strictness does not fit the stubs of bpy.
        "--config-file=",
        "--cache-dir=.mypy_cache/blender",
        "--check-untyped-defs",
        "--no-strict-optional",
    ]
    options += ["--explicit-package-bases"]
    options += ["--ignore-missing-imports", "--follow-imports=silent", *quiet]
    return _tool("check", "mypy", *options, *_typed_files(with_bpy=True))


def _typed_files(*, with_bpy: bool) -> list[str]:
    """Return the files that import Blender, or those that do not, relative to the root."""
    found = []
    for folder in TYPED_FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if with_bpy == sources.imports_blender(path):
                found.append(str(path.relative_to(ROOT)))
    return found


def _tool(environment: str, *arguments: str) -> str:
    """Run ``python -m TOOL ...``; return its output when it fails, else an empty text."""
    status, output = run(
        [environments.ensure(environment), "-m", *arguments], timeout_s=TIMEOUT_S, what=arguments[0]
    )
    # Some tools fail without a word.
    return output or f"exit status {status}" if status != 0 else ""
