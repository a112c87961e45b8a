"""Builds the installable extension, byte for byte the same from the same files. Stdlib only."""

from __future__ import annotations

import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

from . import environments
from .console import ROOT, BuildError, run

PACKAGES = ("cstalk_blender", "model_runtime")
LEFT_OUT = ("model_runtime/training", "model_runtime/evaluation")
"""Training and evaluation need a checkout, its requirements and a corpus."""
LEFT_OUT_NAMES = frozenset({"__pycache__", ".DS_Store"})
LEFT_OUT_SUFFIXES = frozenset({".pyc", ".tmp", ".orig"})
ROOT_FILES = ("blender_manifest.toml", "LICENSE", "CHANGELOG.md")
ROOT_INIT = '''"""Entry of the extension: Blender calls register and unregister here."""
from .cstalk_blender import register, unregister  # noqa: F401
'''
TIMESTAMP = (2026, 1, 1, 0, 0, 0)  # fixed, so that equal files make an equal zip
FILE_MODE = 0o644
VALIDATING_BLENDERS = ("bpy-5.0", "bpy-5.2")
"""Their wheels carry Blender's own validator, which needs no Blender to run; the first that a
Python of this machine can carry is used."""
VALIDATOR = "bpy/*/scripts/addons_core/bl_pkg/cli/blender_ext.py"
VALID_TAGS = "bpy/*/scripts/modules/_bpy_internal/extensions/tags.py"


def version() -> str:
    """The version in the manifest, the one place that has it."""
    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))
    return str(manifest["version"])


def make_zip(destination: Path) -> Path:
    """Write the extension.

    Args:
        destination: The zip file, or an existing folder that receives ``cstalk-<version>.zip``.

    Returns:
        The path of the zip.
    """
    if destination.is_dir():
        destination = destination / f"cstalk-{version()}.zip"
    destination.parent.mkdir(parents=True, exist_ok=True)
    partial = destination.with_name(destination.name + ".partial")
    with zipfile.ZipFile(partial, "w") as archive:
        _add(archive, "__init__.py", ROOT_INIT.encode())
        for path in sorted(_files(), key=lambda path: path.relative_to(ROOT).as_posix()):
            _add(archive, path.relative_to(ROOT).as_posix(), path.read_bytes())
    partial.replace(destination)
    return destination


def validate(target: Path) -> str:
    """Check a zip or a folder with Blender's own validator and return what it says.

    Raises:
        BuildError: It is not a valid extension.
    """
    python = environments.ensure(environments.first_possible(VALIDATING_BLENDERS))
    packages = environments.site_packages(python)
    tool, tags = (next(packages.glob(pattern)) for pattern in (VALIDATOR, VALID_TAGS))
    status, output = run([python, tool, "validate", f"--valid-tags={tags}", target], timeout_s=120)
    if status != 0:
        raise BuildError(f"Blender's validator refuses {target.name}:\n{output}")
    return output


def _files() -> Iterator[Path]:
    for name in ROOT_FILES:
        if (ROOT / name).is_file():
            yield ROOT / name
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*"):
            relative = path.relative_to(ROOT)
            if (
                path.is_file()
                and not LEFT_OUT_NAMES.intersection(relative.parts)
                and path.suffix not in LEFT_OUT_SUFFIXES
                and not relative.as_posix().startswith(tuple(f"{name}/" for name in LEFT_OUT))
            ):
                yield path


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, TIMESTAMP)
    entry.create_system = 3  # Unix, wherever it is made, so that the mode below is read
    entry.external_attr = FILE_MODE << 16
    # Weights do not compress; text does. zlib's output is the same on every platform at one level.
    is_weights = name.endswith(".safetensors")
    entry.compress_type = zipfile.ZIP_STORED if is_weights else zipfile.ZIP_DEFLATED
    archive.writestr(entry, content, compresslevel=None if is_weights else 9)
