"""``info``: what is here and works. For people, and with ``--json`` for programs and reports."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import platform
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..checkpoint.folder import default_checkpoint, load_checkpoint, shipped_checkpoints
from ..curves.rig import rig_names
from ..engines.base import torch_is_installed
from ..engines.device import missing_devices, pick_device
from ..errors import BadWeights
from ..protocol import PROTOCOL_VERSION
from ..version import runtime_version
from .console import Parser, say


def main(arguments: Sequence[str]) -> int:
    """Run the command. Raises BadArgument."""
    parser = Parser(prog="python -m model_runtime info", description="Say what is here and works.")
    parser.add_argument("--json", action="store_true", help="as one JSON object")
    parser.add_argument(
        "--model", type=Path, metavar="FOLDER", help="this checkpoint instead of the shipped ones"
    )
    options = parser.parse_args(arguments)
    facts = gather(options.model)
    if options.json:
        say(json.dumps(facts, indent=1, ensure_ascii=False))
        return 0
    for title, value in facts.items():
        if isinstance(value, dict):
            say(f"{title}:")
            for name, text in value.items():
                say(f"  {name}: {text}")
        else:
            say(f"{title}: {value}")
    return 0


def gather(model: Path | None = None) -> dict[str, Any]:
    """Facts by title; texts, or texts by name. Imports torch where it is installed.

    Args:
        model: Checkpoint folder to tell about; None tells about the shipped ones.
    """
    folders = (model,) if model else shipped_checkpoints() or (default_checkpoint(),)
    return {
        "runtime": runtime_version(),
        "protocol": PROTOCOL_VERSION,
        "python": f"{platform.python_version()} on {platform.platform()}",
        "numpy": importlib.metadata.version("numpy"),
        "engines": _engines(),
        "devices": _devices(),
        "decoders": _decoders(),
        "rigs": ", ".join(rig_names()),
        "weights": {folder.name: _describe(folder) for folder in folders},
        **{f"training of {folder.name}": _training(folder) for folder in folders},
    }


def _engines() -> dict[str, str]:
    torch = importlib.metadata.version("torch") if torch_is_installed() else "not installed"
    return {"numpy": "always there", "torch": torch}


def _devices() -> dict[str, str]:
    devices = {"cpu": "usable"}
    if not torch_is_installed():
        return devices
    try:
        missing = missing_devices()
        devices |= {kind: missing.get(kind, "usable") for kind in ("cuda", "mps")}
        devices["auto"] = pick_device("auto").title
    except (ImportError, OSError) as error:  # a torch whose libraries do not load
        devices["auto"] = f"cpu, as torch does not load: {error}"
    return devices


def _decoders() -> dict[str, str]:
    found = {"wav": "built in"}
    for name in ("soundfile", "audioread"):
        is_here = importlib.util.find_spec(name) is not None
        found[name] = importlib.metadata.version(name) if is_here else "not installed"
    found["ffmpeg"] = shutil.which("ffmpeg") or "not on the PATH"
    return found


def describe_training(record: dict[str, Any]) -> dict[str, str]:
    """What a checkpoint remembers of its training, as texts by name; the same runs, the same texts.

    Args:
        record: ``Checkpoint.training``; older and foreign ones lack most of it.
    """
    settings, code, data = (record.get(name) for name in ("settings_sha256", "code", "data"))
    steps, seed = record.get("steps", "?"), record.get("seed", "?")
    lines = {"settings": f"{steps} steps, seed {seed}, fingerprint {settings or 'not kept'}"}
    if isinstance(data, dict):
        lines["data"] = ", ".join(f"{name} {digest}" for name, digest in sorted(data.items()))
    if isinstance(code, dict):
        lines["code"] = f"version {code.get('version')}, fingerprint {code.get('sha256')}"
    for name in ("start_from", "correlation"):
        if record.get(name):
            lines[name.replace("_", " ")] = f"fingerprint {record[name]}"
    return lines


def _training(folder: Path) -> dict[str, str]:
    try:
        return describe_training(load_checkpoint(folder).training)
    except BadWeights:
        return {}


def _describe(folder: Path) -> str:
    try:
        checkpoint = load_checkpoint(folder)
    except BadWeights as error:
        return f"unusable: {error}"
    millions = checkpoint.parameter_count / 1e6
    return f"{millions:.2f} million numbers for rig {checkpoint.config.rig}, in {folder}"
