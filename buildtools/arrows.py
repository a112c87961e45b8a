"""The import table of docs/architecture.md as data, and the check of files against it. Stdlib only.

A file is read with ``ast``, never imported. Imports inside functions and under ``TYPE_CHECKING``
count as well, as lazy ones. Every file of both packages must fall under a rule.
"""

from __future__ import annotations

import ast
import dataclasses
import fnmatch
import sys
from collections.abc import Iterator
from pathlib import Path

BLENDER = frozenset({"bpy", "bpy_extras", "bmesh", "mathutils", "aud", "gpu", "gpu_extras", "blf"})
OPTIONAL = frozenset(["librosa", "soundfile", "audioread", "safetensors"])
"""Third-party modules that light files may use behind a guard: in a function or a ``try``."""

GATES = {
    "protocol": "protocol",
    "runtime_errors": "errors",
    "track": "curves.track",
    "rigs": "curves.rig",
    "formats": "curves.formats",
    "file_names": "curves.file_names",
    "files": "files",
    "batch_journal": "batch.journal",
    "batch_lock": "batch.lock",
    "batch_manifest": "batch.manifest",
    "batch_naming": "batch.naming",
    "batch_page": "batch.report_html",
    "batch_plan": "batch.plan",
    "batch_table": "batch.report",
}
"""What ``cstalk_blender.package`` hands on of ``model_runtime``."""


@dataclasses.dataclass(frozen=True)
class Rule:
    """What the modules that match ``sources`` may import, besides the standard library."""

    sources: tuple[str, ...]
    """Module name patterns; the first rule of the table that matches counts."""
    project: tuple[str, ...]
    """Patterns of our own modules."""
    third_party: frozenset[str] = frozenset()
    lazy_project: tuple[str, ...] = ()
    """Patterns of our own modules that may be imported inside a function only."""
    guarded: frozenset[str] = frozenset()
    """Third-party modules that may be imported behind a guard only."""


NUMPY = frozenset({"numpy"})
TORCH = frozenset({"numpy", "torch"})
GATE = (
    *("cstalk_blender.package", "cstalk_blender.errors", "cstalk_blender"),
    "cstalk_blender.lazy",
)
DATA = (
    "model_runtime.protocol",
    "model_runtime.errors",
    "model_runtime.config",
    "model_runtime.curves*",
)
BATCH_DATA = (
    "model_runtime.files",
    *(f"model_runtime.batch.{n}" for n in ("journal", "lock", "manifest", "naming", "plan")),
    *(f"model_runtime.batch.{n}" for n in ("report", "report_html")),
)
"""The light modules of a batch, which the add-on reads and writes with as the command line does."""
RIG_WITHOUT_BPY = (
    *("mapping*", "routing", "families*", "recognise", "coverage", "presets"),
    *("expressions", "bones", "landmarks", "correspondence", "solver", "flame", "lips"),
)
LIGHT_STEMS = (
    *("audio", "features", "colour", "pitch", "voice", "emotion", "auto_emotion", "style"),
    *("checkpoint", "tensor_file", "files"),
)
LIGHT = (
    *DATA,
    "model_runtime",
    "model_runtime.rigs*",
    *(f"model_runtime.{name}*" for name in LIGHT_STEMS),
    "model_runtime.engines.numpy*",
    "model_runtime.engines.base",
    "model_runtime.engines",
)
PIPELINE = (
    *LIGHT,
    "model_runtime.engines*",
    "model_runtime.postprocess.finish*",
    "model_runtime.generate*",
)

TABLE = (
    Rule(
        ("cstalk_blender.package", "cstalk_blender.errors", "cstalk_blender.lazy"),
        (*GATE, *DATA, *BATCH_DATA),
    ),
    Rule(
        ("cstalk_blender.dialogue*",),
        (
            *GATE,
            *BATCH_DATA,
            "model_runtime.protocol",
            "model_runtime.errors",
            "model_runtime.curves*",
            "cstalk_blender.session*",
            "cstalk_blender.dialogue*",
        ),
        NUMPY,
    ),
    Rule(
        (
            "cstalk_blender.session*",
            *(f"cstalk_blender.rig.{name}" for name in RIG_WITHOUT_BPY),
        ),
        (
            *GATE,
            "model_runtime.protocol",
            "model_runtime.errors",
            "model_runtime.curves*",
            "cstalk_blender.session*",
            "cstalk_blender.rig",
            *(f"cstalk_blender.rig.{name}" for name in RIG_WITHOUT_BPY),
            "cstalk_blender.dialogue*",
        ),
        NUMPY,
    ),
    Rule(
        (
            "cstalk_blender.rig*",
            "cstalk_blender.scene.audio",
            "cstalk_blender.demo_head*",
            "cstalk_blender.compat",
        ),
        (
            *GATE,
            "cstalk_blender.compat",
            "model_runtime.errors",
            "model_runtime.curves*",
            "cstalk_blender.rig*",
            "cstalk_blender.scene.audio",
            "cstalk_blender.demo_head*",
        ),
        BLENDER | NUMPY,
    ),
    Rule(
        ("cstalk_blender.jobs.generate*",),
        (
            *GATE,
            "model_runtime.protocol",
            "model_runtime.errors",
            "model_runtime.curves*",
            *(
                f"cstalk_blender.{name}*"
                for name in ("jobs", "session", "rig", "sound", "batch", "compat")
            ),
        ),
        BLENDER | NUMPY,
    ),
    Rule(
        ("cstalk_blender.runtime_install*",),
        (
            *GATE,
            "cstalk_blender.runtime_install*",
            "cstalk_blender.session",
            "cstalk_blender.session.environment",
        ),
    ),
    Rule(("cstalk_blender",), (), frozenset(), lazy_project=("cstalk_blender.registration",)),
    Rule(
        ("cstalk_blender.*",),
        (
            "cstalk_blender*",
            "model_runtime.protocol",
            "model_runtime.errors",
            "model_runtime.curves*",
        ),
        BLENDER | NUMPY,
    ),
    Rule(
        ("model_runtime.protocol", "model_runtime.errors", "model_runtime.config"),
        ("model_runtime.protocol", "model_runtime.errors", "model_runtime.config"),
    ),
    Rule(
        (
            "model_runtime.curves*",
            *(f"model_runtime.{name}*" for name in LIGHT_STEMS),
            "model_runtime.engines.numpy*",
            "model_runtime.engines.base",
        ),
        LIGHT,
        NUMPY,
        lazy_project=("model_runtime.engines.torch_engine",),
        guarded=OPTIONAL,
    ),
    Rule(
        ("model_runtime.engines.torch*",),
        (*LIGHT, "model_runtime.engines*", "model_runtime.engines.device*", "model_runtime.model*"),
        TORCH,
        guarded=frozenset({"transformers"}),
    ),
    Rule(("model_runtime.model*",), ("model_runtime.model*", "model_runtime.config"), TORCH),
    Rule(
        ("model_runtime.engines*", "model_runtime.engines.device*"),
        (*LIGHT, "model_runtime.engines*", "model_runtime.engines.device*"),
        NUMPY,
        guarded=frozenset({"torch"}),
    ),
    Rule(
        ("model_runtime.generate*", "model_runtime.postprocess.finish*"),
        tuple(name for name in PIPELINE if name != "model_runtime.protocol"),
        NUMPY,
    ),
    Rule(
        ("model_runtime.worker.loop*",),
        (
            "model_runtime",
            "model_runtime.protocol",
            "model_runtime.errors",
            "model_runtime.worker.loop*",
            "model_runtime.version",
        ),
        lazy_project=(*PIPELINE, "model_runtime.*"),
    ),
    Rule(
        ("model_runtime.training*", "model_runtime.evaluation*"),
        ("model_runtime*",),
        TORCH
        | OPTIONAL
        | frozenset(["scipy", "pocketsphinx", "h5py", "tensorboard", "matplotlib"])
        | frozenset(["transformers", "huggingface_hub"]),
    ),
    Rule(
        (
            *BATCH_DATA[1:],
            "model_runtime.batch.lines.fingerprint",
            "model_runtime.batch.lines.control",
        ),
        (
            *BATCH_DATA,
            "model_runtime.batch.lines.fingerprint",
            "model_runtime.curves.file_names",
            "model_runtime.errors",
            "model_runtime.protocol",
        ),
    ),
    Rule(("model_runtime.batch.torch_batches",), ("model_runtime.*",), TORCH),
    Rule(
        ("model_runtime.batch.throughput",),
        ("model_runtime.*",),
        NUMPY,
        guarded=frozenset({"torch"}),
    ),
    Rule(("model_runtime", "model_runtime.rigs", "model_runtime.weights"), ()),
    Rule(
        ("model_runtime.*",),
        (*PIPELINE, "model_runtime.*"),
        NUMPY,
        guarded=OPTIONAL,
    ),
)

TRAINING = ("model_runtime.training*", "model_runtime.evaluation*")
MAY_TRAIN = (*TRAINING, "model_runtime.cli.main*", "model_runtime.__main__")


@dataclasses.dataclass(frozen=True)
class Import:
    """One imported module as a file names it."""

    module: str
    line: int
    is_nested: bool
    """Inside a function, or for the type checker only."""
    is_guarded: bool
    """Inside a function or a ``try``."""


def violations(root: Path) -> list[str]:
    """What the files of both packages under ``root`` import against the table, one line each."""
    found = []
    for package in ("cstalk_blender", "model_runtime"):
        for path in sorted((root / package).rglob("*.py")):
            found += file_violations(root, path)
    return found


def file_violations(root: Path, path: Path) -> list[str]:
    """What one file imports against the table."""
    module = module_name(root, path)
    rule = next((rule for rule in TABLE if _matches(module, rule.sources)), None)
    where = path.relative_to(root).as_posix()
    if rule is None:
        return [f"{where}: no rule of buildtools/arrows.py covers {module}"]
    if path.name == "__init__.py":  # a package must not pull anything heavy in on its own
        rule = dataclasses.replace(rule, third_party=frozenset(), guarded=frozenset())
    objections = [
        f"{where}:{item.line}: {module} must not import {item.module}{reason}"
        for item in imports(root, path)
        if (reason := _objection(rule, module, item)) is not None
    ]
    return list(dict.fromkeys(objections))


def module_name(root: Path, path: Path) -> str:
    """Dotted name of a file below ``root``."""
    parts = list(path.relative_to(root).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(root: Path, path: Path) -> Iterator[Import]:
    """Every import of a file, relative ones resolved, our own names down to the module."""
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    package = module_name(root, path)
    if path.name != "__init__.py":
        package = package.rpartition(".")[0]
    yield from _walk(root, package, tree, is_nested=False, is_guarded=False)


def _walk(
    root: Path, package: str, node: ast.AST, *, is_nested: bool, is_guarded: bool
) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            for module in _modules(root, package, child):
                yield Import(module, child.lineno, is_nested, is_guarded)
        in_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) or (
            isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
        )
        yield from _walk(
            root,
            package,
            child,
            is_nested=is_nested or in_function,
            is_guarded=is_guarded or in_function or isinstance(child, ast.Try),
        )


def _modules(root: Path, package: str, node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    base = node.module or ""
    if node.level:
        above = package.split(".")[: len(package.split(".")) - node.level + 1]
        base = ".".join([*above, base] if base else above)
    for alias in node.names:
        if base == "cstalk_blender.package" and alias.name in GATES:
            yield f"model_runtime.{GATES[alias.name]}"
        elif _is_module(root, f"{base}.{alias.name}"):
            yield f"{base}.{alias.name}"
        else:
            yield base


def _is_module(root: Path, name: str) -> bool:
    path = root.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or path.is_dir()


def _objection(rule: Rule, module: str, item: Import) -> str | None:
    """Why an import is against the rule, as the end of a sentence; None when it is not."""
    top = item.module.split(".")[0]
    if top in ("cstalk_blender", "model_runtime"):
        if _matches(item.module, TRAINING) and not _matches(module, MAY_TRAIN):
            return ""
        if _matches(item.module, rule.project) or item.module == module:
            return None
        if _matches(item.module, rule.lazy_project):
            return None if item.is_nested or item.is_guarded else " at the top of the file"
        return ""
    if top in sys.stdlib_module_names or top in rule.third_party:
        return None
    if top in rule.guarded:
        return None if item.is_guarded else " without a guard"
    return ""


def _matches(module: str, patterns: tuple[str, ...]) -> bool:
    """``a.b*`` matches a.b, a.b.c and a.b_c; a pattern without a star only itself."""
    return any(fnmatch.fnmatchcase(module, pattern) for pattern in patterns)
