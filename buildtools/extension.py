"""Build the installable extension: equal files make an equal zip. Standard library only.

A zip that fails a check never replaces the previous one: it is built and checked under another name
in the same folder, and renamed when it passed.
"""

from __future__ import annotations

import os
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from . import environments
from .console import ROOT, BuildError, run

PACKAGES = ("cstalk_blender", "model_runtime")
EXCLUDED = ("model_runtime/training", "model_runtime/evaluation")
"""Training and evaluation need a checkout, its requirements and a corpus."""
EXCLUDED_NAMES = frozenset({"__pycache__", ".DS_Store"})
EXCLUDED_SUFFIXES = frozenset({".pyc", ".tmp", ".orig"})
ROOT_FILES = ("blender_manifest.toml", "LICENSE", "THIRD_PARTY_NOTICES.md", "CHANGELOG.md")
ROOT_INIT = '''"""Entry of the extension: Blender calls register and unregister here."""
from .cstalk_blender import register, unregister  # noqa: F401
'''
TIMESTAMP = (2026, 1, 1, 0, 0, 0)  # fixed, so that equal files make an equal zip
FILE_MODE = 0o644
MOST_BYTES = 25_000_000
"""Limit of the size: a download of a few seconds."""
BINARY_SUFFIXES = frozenset({".so", ".pyd", ".dll", ".dylib", ".whl", ".exe", ".pkl", ".pt"})
"""Suffixes of files that are bound to a platform or a Python, or can run code when read."""
VALIDATING_BLENDERS = ("bpy-5.0", "bpy-5.2")
"""Their wheels contain Blender's own validator, which needs no Blender; the first that a Python of
this machine can run is used."""
TOOL_TIMEOUT_S = 120.0
VALIDATOR = "bpy/*/scripts/addons_core/bl_pkg/cli/blender_ext.py"
VALID_TAGS = "bpy/*/scripts/modules/_bpy_internal/extensions/tags.py"


def version() -> str:
    """Return the version in the manifest, the only place that has it."""
    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))
    return str(manifest["version"])


def make_zip(destination: Path, *, checks: tuple[Callable[[Path], object], ...] = ()) -> Path:
    """Write the extension.

    Args:
        destination: The zip file, or an existing folder that receives ``cstalk-<version>.zip``.
        checks: Further checks of the new zip before it replaces an older one, as ``validate``;
            ``check_contents`` always runs.

    Returns:
        The path of the zip.

    Raises:
        BuildError: A check failed; the file at ``destination`` is as before.
        OSError: The file cannot be written.
    """
    if destination.is_dir():
        destination = destination / f"cstalk-{version()}.zip"
    destination.parent.mkdir(parents=True, exist_ok=True)
    # In the same folder: a rename across disks is a copy.
    partial = destination.with_name(f".{destination.stem}.{os.getpid()}.zip")
    try:
        with zipfile.ZipFile(partial, "w") as archive:
            _add(archive, "__init__.py", ROOT_INIT.encode())
            # Sorted by POSIX path, so that Windows writes the same order.
            for path in sorted(_files(), key=lambda path: path.relative_to(ROOT).as_posix()):
                _add(archive, path.relative_to(ROOT).as_posix(), path.read_bytes())
        for check in (check_contents, *checks):
            check(partial)
        # Only a zip that passed every check replaces the old one.
        partial.replace(destination)
    finally:
        partial.unlink(missing_ok=True)
    return destination


def check_contents(path: Path) -> None:
    """Check that a zip is small, runs on every platform, and unpacks into its own folder.

    Raises:
        BuildError: The file is no zip, incomplete or too large, or has a forbidden entry.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            broken, names = archive.testzip(), archive.namelist()
    except zipfile.BadZipFile as error:
        raise BuildError(f"{path.name} is no zip: {error}", hint="Build it again") from error
    if broken is not None:
        raise BuildError(f"{path.name} is damaged: {broken}", hint="Build it again")
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise BuildError(
            f"{path.name} has {size / 1e6:.1f} MB, the limit is {MOST_BYTES / 1e6:.0f} MB",
            hint="Ship smaller weights (float16), or fewer",
        )
    for name in names:
        parts = PurePosixPath(name).parts
        # zipfile unpacks such names outside the folder, on one platform or another.
        if PurePosixPath(name).is_absolute() or ".." in parts or "\\" in name or ":" in name:
            raise BuildError(f"{path.name} has {name!r}, which leads out of the extension's folder")
        if PurePosixPath(name).suffix in BINARY_SUFFIXES:
            raise BuildError(f"{path.name} has {name!r}, but the extension is pure Python")
    # macOS and Windows would write one over the other.
    if len({name.casefold() for name in names}) < len(names):
        raise BuildError(f"{path.name} has a name twice where case does not count")
    missing = {"__init__.py", *ROOT_FILES} - set(names)
    if missing:
        raise BuildError(f"{path.name} lacks {', '.join(sorted(missing))}")


def validate(target: Path) -> str:
    """Check a zip or a folder with Blender's own validator and return its output.

    Raises:
        BuildError: The target is not a valid extension.
    """
    packages = environments.site_packages(_validating_python())
    # Without the tag list the validator accepts any tag.
    tags = next(packages.glob(VALID_TAGS))
    status, output = blender_tool("validate", f"--valid-tags={tags}", target)
    if status != 0:
        raise BuildError(f"Blender's validator refuses {target.name}:\n{output}")
    return output


def blender_tool(*arguments: str | Path) -> tuple[int, str]:
    """Run Blender's own command for extensions; return its exit status and output."""
    python = _validating_python()
    tool = next(environments.site_packages(python).glob(VALIDATOR))
    return run([python, tool, *arguments], timeout_s=TOOL_TIMEOUT_S)


def _validating_python() -> Path:
    return environments.ensure(environments.first_possible(VALIDATING_BLENDERS))


def _files() -> Iterator[Path]:
    for name in ROOT_FILES:
        if (ROOT / name).is_file():
            yield ROOT / name
    for package in PACKAGES:
        # rglob: data files of packages are shipped with the code.
        for path in (ROOT / package).rglob("*"):
            relative = path.relative_to(ROOT)
            if (
                path.is_file()
                and not EXCLUDED_NAMES.intersection(relative.parts)
                and path.suffix not in EXCLUDED_SUFFIXES
                and not relative.as_posix().startswith(tuple(f"{name}/" for name in EXCLUDED))
            ):
                yield path


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, TIMESTAMP)
    # 3 is Unix; on Windows zipfile would write 0, and the zip would differ.
    entry.create_system = 3  # Unix on every platform, so that the mode below counts
    entry.external_attr = FILE_MODE << 16
    # Weights do not compress. zlib's output for one level is the same on every platform.
    is_weights = name.endswith(".safetensors")
    entry.compress_type = zipfile.ZIP_STORED if is_weights else zipfile.ZIP_DEFLATED
    # Level 9: the zip is built once and downloaded often.
    archive.writestr(entry, content, compresslevel=None if is_weights else 9)
