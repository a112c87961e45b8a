"""Run the command ``info``: versions, engines, devices, weights and decoders."""

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
from ..engines.device import missing_devices, pick_device
from ..engines.factory import torch_is_installed
from ..errors import BadWeights
from ..protocol import PROTOCOL_VERSION
from ..version import runtime_version
from .console import Parser, print_line


def main(arguments: Sequence[str]) -> int:
    """Run the command. Raises BadArgument."""
    parser = Parser(
        prog="python -m model_runtime info", description="Show what is installed and works."
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--model",
        type=Path,
        metavar="FOLDER",
        help="describe this checkpoint instead of the shipped ones",
    )
    options = parser.parse_args(arguments)
    facts = gather(options.model)
    if options.json:
        print_line(json.dumps(facts, indent=1, ensure_ascii=False))
        return 0
    for title, value in facts.items():
        if isinstance(value, dict):
            print_line(f"{title}:")
            for name, text in value.items():
                print_line(f"  {name}: {text}")
        else:
            print_line(f"{title}: {value}")
    return 0


def gather(model: Path | None = None) -> dict[str, Any]:
    """Return facts by title, as texts or as texts by name. Imports torch if it is installed.

    Args:
        model: Checkpoint folder to describe; None describes the shipped ones.
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
        # By folder, as there may be several shipped checkpoints.
        **{f"training of {folder.name}": _training(folder) for folder in folders},
    }


def _engines() -> dict[str, str]:
    torch = importlib.metadata.version("torch") if torch_is_installed() else "not installed"
    return {"numpy": "built in", "torch": torch}


def _devices() -> dict[str, str]:
    devices = {"cpu": "usable"}
    # torch is only imported where it is installed: that takes seconds.
    if not torch_is_installed():
        return devices
    try:
        missing = missing_devices()
        devices |= {kind: missing.get(kind, "usable") for kind in ("cuda", "mps")}
        devices["auto"] = pick_device("auto").title
    except (ImportError, OSError) as error:  # torch is installed, but its libraries do not load
        devices["auto"] = f"cpu, because torch does not load: {error}"
    return devices


def _decoders() -> dict[str, str]:
    found = {"wav": "built in"}
    for name in ("soundfile", "audioread"):  # audioread: on macOS only
        is_here = importlib.util.find_spec(name) is not None
        found[name] = importlib.metadata.version(name) if is_here else "not installed"
    found["ffmpeg"] = shutil.which("ffmpeg") or "not on the PATH"
    return found


def describe_training(record: dict[str, Any]) -> dict[str, str]:
    """Return the training record of a checkpoint as texts by name; equal runs give equal texts.

    Args:
        record: ``Checkpoint.training``; entries may be missing in records of other versions.
    """
    settings, code, data = (record.get(name) for name in ("settings_sha256", "code", "data"))
    steps, seed = record.get("steps", "?"), record.get("seed", "?")
    lines = {"settings": f"{steps} steps, seed {seed}, fingerprint {settings or 'unknown'}"}
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
    return f"{millions:.2f} million parameters for rig {checkpoint.config.rig}, in {folder}"
