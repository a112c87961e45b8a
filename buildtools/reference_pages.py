"""Generate docs/protocol.md and docs/python_api.md from the source. Stdlib only."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Sequence
from pathlib import Path

from .console import ROOT

PROTOCOL = "model_runtime/protocol.py"
PERFORMANCE = "model_runtime/performance.py"
EXCHANGE = ROOT / "docs" / "protocol_exchange.txt"
"""One exchange as it was recorded: ``>`` to the worker, ``<`` from it."""
API = (
    (
        "Generate curves (any Python with numpy)",
        (
            ("model_runtime/generate.py", ("perform",)),
            (PERFORMANCE, ("Performance", "EmotionKey", "Acting", "LookKey")),
            ("model_runtime/engines/factory.py", ("open_engine",)),
            ("model_runtime/checkpoint/folder.py", ("load_checkpoint", "default_checkpoint")),
        ),
    ),
    (
        "Read and write curves",
        (
            ("model_runtime/curves/track.py", ("CurveTrack",)),
            ("model_runtime/curves/formats/registry.py", ("read_curves", "write_curves")),
            ("model_runtime/curves/resample.py", ("resample", "resample_speech")),
        ),
    ),
    (
        "Act and align",
        (
            ("model_runtime/acting/idle.py", ("idle_track",)),
            ("model_runtime/acting/layers.py", ("add_acting",)),
            ("model_runtime/text/script.py", ("match_script",)),
            ("model_runtime/text/formats/textgrid.py", ("read_textgrid", "write_textgrid")),
        ),
    ),
    (
        "Generate, direct and bake (inside Blender)",
        (
            (
                "cstalk_blender/api.py",
                (
                    *("generate", "start", "wait", "direct", "bake", "direction_of"),
                    *("takes", "play_take", "delete_take"),
                    *("hand_edits", "discard_edits", "pin_edit", "adopt_edit"),
                    *("prediction_of", "preset", "remove_data"),
                ),
            ),
            ("cstalk_blender/jobs/takes.py", ("Take",)),
            (
                "cstalk_blender/direct/direction.py",
                ("Direction", "RegionSettings", "ChannelSettings"),
            ),
            ("cstalk_blender/direct/prediction.py", ("Prediction",)),
            ("cstalk_blender/direct/layers.py", ("apply",)),
        ),
    ),
    (
        "Set keyframes (inside Blender)",
        (
            ("cstalk_blender/rig/binding/targets.py", ("face_objects",)),
            ("cstalk_blender/rig/keys/bake.py", ("bake_track", "BakeJob", "clear_bake")),
            ("cstalk_blender/rig/verify/seal.py", ("seal_lips",)),
        ),
    ),
)
"""What scripts may call, by task: files, and the names in them."""


def pages() -> dict[Path, str]:
    """Return the generated pages by their paths."""
    return {
        ROOT / "docs" / "protocol.md": _protocol_page(),
        ROOT / "docs" / "python_api.md": _api_page(),
    }


def write_pages() -> list[Path]:
    """Write the pages that changed; their paths."""
    written = []
    for path, text in pages().items():
        # Unchanged pages keep their time, so that nothing is rebuilt.
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            written.append(path)
    return written


def _protocol_page() -> str:
    tree = _tree(PROTOCOL)
    # Names on the wire are the heading: they are what another program sends.
    names = {cls: name for name, cls in _type_names(tree)}
    lines = ["# Protocol", "", _generated_from(PROTOCOL), ""]
    lines += [ast.get_docstring(tree) or "", "", "## Messages", ""]
    classes = [n for n in tree.body if isinstance(n, ast.ClassDef)]
    for node in classes:
        if node.name in names:
            lines += [f"### `{names[node.name]}` ({node.name})", "", *_class_text(node)]
    lines += ["## Values in messages", ""]
    values = [n for n in _tree(PERFORMANCE).body if isinstance(n, ast.ClassDef)]
    for node in (*values, *classes):
        if node.name not in names and not node.name.endswith("Error"):
            # Errors do not travel as values.
            lines += [f"### {node.name}", "", *_class_text(node)]
    exchange = EXCHANGE.read_text(encoding="utf-8").strip()
    lines += ["## An exchange", "", "Recorded from a worker with the built-in engine; `>` goes to"]
    lines += ["the worker, `<` comes from it.", "", "```", exchange, "```", ""]
    return "\n".join(lines)


def _api_page() -> str:
    lines = ["# Python API", "", "What scripts may call. Everything else may change.", ""]
    for title, sources in API:
        lines += [f"## {title}", ""]
        for path, names in sources:
            tree = _tree(path)
            module = path.removesuffix(".py").replace("/", ".")
            found = {n.name: n for n in tree.body if isinstance(n, ast.ClassDef | ast.FunctionDef)}
            for name in names:
                lines += _entry(module, found[name])
    lines += [_generated_from("docstrings"), ""]
    return "\n".join(lines)


def _entry(module: str, node: ast.ClassDef | ast.FunctionDef) -> list[str]:
    heading = [f"### `{module}.{node.name}`", ""]
    if isinstance(node, ast.ClassDef):
        return [*heading, *_class_text(node)]
    return [*heading, "```python", _signature(node), "```", "", *_doc_text(node)]


def _class_text(node: ast.ClassDef) -> list[str]:
    """Docstring, a table of the fields, and the public methods with their signatures."""
    lines = _doc_text(node)
    fields = list(_fields(node))
    if fields:
        lines += ["| field | type | default | meaning |", "|---|---|---|---|"]
        lines += [f"| `{n}` | `{t}` | {d} | {text} |" for n, t, d, text in fields]
        lines.append("")
    for method in node.body:
        if isinstance(method, ast.FunctionDef) and not method.name.startswith("_"):
            lines += ["```python", _signature(method), "```", "", *_doc_text(method)]
    return lines


def _fields(node: ast.ClassDef) -> Iterator[tuple[str, str, str, str]]:
    # A string after a field is its documentation.
    for item, following in zip(node.body, [*node.body[1:], None], strict=True):
        is_text = isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
        text = inspect.cleandoc(following.value.value) if is_text else ""  # type: ignore[union-attr]
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            default = f"`{ast.unparse(item.value)}`" if item.value is not None else ""
            # A bar would end the table's cell.
            kind = ast.unparse(item.annotation).replace("|", "\\|")
            yield item.target.id, kind, default, " ".join(text.split())
        elif isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name):
            value = ast.unparse(item.value)
            yield item.targets[0].id, "value", f"`{value}`", " ".join(text.split())


def _doc_text(node: ast.ClassDef | ast.FunctionDef) -> list[str]:
    """Return a docstring as Markdown: sections in bold, arguments as a list."""
    lines: list[str] = []
    is_list = False
    for line in (ast.get_docstring(node) or "").splitlines():
        if line.rstrip(":") in ("Args", "Returns", "Raises", "Yields") and line.endswith(":"):
            lines += [f"**{line.rstrip(':')}**", ""]
            is_list = True
        # Four spaces are an argument, more are its continuation.
        elif is_list and line.startswith("    ") and not line.startswith("     "):
            lines.append(f"- {line.strip()}")
        elif is_list and line.strip():
            lines[-1] += f" {line.strip()}"
        else:
            lines.append(line)
    return [*lines, ""]


def _signature(node: ast.FunctionDef) -> str:
    returns = f" -> {ast.unparse(node.returns)}" if node.returns is not None else ""
    parts = ast.unparse(node.args).split(", ")
    line = f"{node.name}({', '.join(parts)}){returns}"
    # Lines of the page are as long as those of the source.
    if len(line) <= 100:
        return line
    return f"{node.name}(\n    {ast.unparse(node.args)}\n){returns}"


def _type_names(tree: ast.Module) -> Sequence[tuple[str, str]]:
    """Pairs of message name and class, from the table of the protocol."""
    for node in tree.body:
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.value, ast.Dict):
            continue
        if ast.unparse(node.target) == "_TYPE_NAMES":
            table = zip(node.value.keys, node.value.values, strict=True)
            # None is the key of a `**` entry.
            return [(str(ast.literal_eval(k)), ast.unparse(v)) for k, v in table if k is not None]
    raise ValueError(f"{PROTOCOL} has no table of message types")


def _generated_from(what: str) -> str:
    return f"Generated from {what} by `python3 build.py docs`; edit the source, not this page."


def _tree(path: str) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))
