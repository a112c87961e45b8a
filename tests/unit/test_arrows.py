"""The import table of docs/architecture.md holds in every file."""

from __future__ import annotations

from pathlib import Path

import pytest

from buildtools import arrows
from cstalk_blender import package as installation

ROOT = Path(__file__).resolve().parents[2]

OTHER_FILES = (
    *(f"cstalk_blender/{name}.py" for name in ("installation", "jobs", "operators", "panels")),
    *(f"cstalk_blender/{name}.py" for name in ("rig/actions", "rig/bake", "session/client")),
    *(f"model_runtime/{name}.py" for name in ("protocol", "audio", "infer", "worker")),
    *(f"model_runtime/{name}.py" for name in ("model/generator", "training/stages")),
)


def test_every_file_keeps_to_the_import_table() -> None:
    assert arrows.violations(ROOT) == []


def test_table_knows_all_that_the_add_on_takes_from_the_runtime() -> None:
    gates = [name for name in installation.__all__ if not name.isupper()]
    assert {name: getattr(installation, name).__name__ for name in gates} == {
        name: f"model_runtime.{module}" for name, module in arrows.GATES.items()
    }


@pytest.mark.parametrize(
    "module, code",
    [
        ("cstalk_blender/session/client.py", "import bpy"),
        ("cstalk_blender/session/client.py", "def later():\n    import torch"),
        ("cstalk_blender/session/client.py", "from model_runtime.generate import infer"),
        ("cstalk_blender/rig/keys/bake.py", "from .. import operators"),
        ("cstalk_blender/rig/keys/bake.py", "from ..session import client"),
        ("cstalk_blender/rig/mapping/names.py", "import bpy"),
        ("cstalk_blender/jobs/generate.py", "from .panels import Panel"),
        ("cstalk_blender/ui/operators/generate.py", "import torch"),
        ("cstalk_blender/ui/operators/generate.py", "from model_runtime import audio"),
        ("cstalk_blender/ui/panels/generate.py", "from model_runtime.generate import infer"),
        ("model_runtime/protocol.py", "import numpy"),
        ("model_runtime/curves/track.py", "import torch"),
        ("model_runtime/audio/store.py", "import soundfile"),
        ("model_runtime/audio/store.py", "import bpy"),
        ("model_runtime/model/generator.py", "from ..audio import load"),
        ("model_runtime/generate.py", "from .protocol import Progress"),
        ("model_runtime/generate.py", "def run():\n    from . import worker"),
        ("model_runtime/worker/loop.py", "from . import infer"),
        ("model_runtime/worker/loop.py", "def run():\n    import bpy"),
        ("model_runtime/postprocess/finish.py", "from .training import stages"),
        ("model_runtime/training/__init__.py", "import numpy"),
        ("model_runtime/training/stages.py", "import bpy"),
        ("model_runtime/__init__.py", "from . import audio"),
    ],
)
def test_forbidden_import_is_found(tmp_path: Path, module: str, code: str) -> None:
    assert _violations_of(tmp_path, module, code) != []


@pytest.mark.parametrize(
    "module, code",
    [
        ("cstalk_blender/session/client.py", "from ..installation import protocol, track"),
        (
            "cstalk_blender/rig/keys/bake.py",
            "import bpy\nimport numpy as np\nfrom . import actions",
        ),
        ("cstalk_blender/ui/operators/generate.py", "from . import jobs\nfrom .rig import bake"),
        ("model_runtime/audio/store.py", "def load():\n    import soundfile"),
        ("model_runtime/audio/store.py", "try:\n    import librosa\nexcept ImportError:\n    pass"),
        (
            "model_runtime/worker/loop.py",
            "from .protocol import Hello\ndef run():\n    from . import infer",
        ),
        ("model_runtime/cli/main.py", "def train():\n    from .training import stages"),
        (
            "model_runtime/training/stages.py",
            "import torch\nfrom ..model.generator import Generator",
        ),
    ],
)
def test_allowed_import_passes(tmp_path: Path, module: str, code: str) -> None:
    assert _violations_of(tmp_path, module, code) == []


def _violations_of(root: Path, module: str, code: str) -> list[str]:
    """What the table says of ``code`` standing at ``module``, all other files being empty."""
    for name in OTHER_FILES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    file = root / module
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(code, encoding="utf-8")
    return arrows.file_violations(root, file)
