"""Build a static extension repository: the zip and ``index.json``, for any web server.

Blender's own command writes the index (``server-generate``) from the manifest inside the zip, then
subscribes to it and installs from it, before anything is replaced. Standard library only.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from pathlib import Path

from . import extension
from .console import BuildError

INDEX = "index.json"
EXTENSION = "cstalk"
BLENDERS = (("4.2.0", "3.11.7"), ("5.2.0", "3.13.0"))
"""Oldest and newest Blender, each with its Python, that must be able to install from it."""


def make_repository(folder: Path) -> Path:
    """Write the zip and its index into a folder; older zips there are kept.

    The index is replaced last, so that a reader always finds the zip that it names. Equal sources
    give equal files.

    Returns:
        Path of the index. Its URL, or that of the folder, is added in Blender under *Get Extensions
        > Repositories > Add Remote Repository*.

    Raises:
        BuildError: Blender's own tools refuse the zip or the index.
        OSError: The folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="cstalk-repository-") as name:
        staging = Path(name) / "site"
        staging.mkdir()
        archive = extension.make_zip(staging, checks=(extension.validate,))
        write_index(staging)
        check_repository(staging)
        # The zip first: a reader of the old index still finds its zip, one of the new index the
        # new.
        for path in (archive, staging / INDEX):
            _replace(path, folder / path.name)
    return folder / INDEX


def write_index(folder: Path) -> Path:
    """Let Blender write the index of the zip in a folder, and make it reproducible.

    Raises:
        BuildError: Blender refuses the zip, or the folder has another extension.
    """
    _tool("server-generate", f"--repo-dir={folder}")
    index = folder / INDEX
    data = json.loads(index.read_text(encoding="utf-8"))
    listed = [item["id"] for item in data["data"]]
    if listed != [EXTENSION]:
        raise BuildError(
            f"The index lists {listed}, not {EXTENSION} alone", hint="Choose an empty folder"
        )
    # Sorted keys and no time stamp: equal sources give an equal index.
    text = json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    index.write_text(text, encoding="utf-8", newline="\n")
    return index


def check_repository(folder: Path) -> None:
    """Subscribe to a repository and install from it as Blender does, into a temporary folder.

    Raises:
        BuildError: A step failed, or nothing was installed.
    """
    url = (folder / INDEX).resolve().as_uri()
    for blender, python in BLENDERS:
        with tempfile.TemporaryDirectory(prefix="cstalk-subscriber-") as name:
            # As Blender subscribes; file:// needs no server.
            _tool("sync", f"--remote-url={url}", f"--local-dir={name}")
            options = [f"--remote-url={url}", f"--local-dir={name}", "--local-cache=0"]
            options += [f"--blender-version={blender}", f"--python-version={python}"]
            _tool("install", EXTENSION, *options)
            if not (Path(name) / EXTENSION / "blender_manifest.toml").is_file():
                raise BuildError(
                    f"Blender {blender} installed nothing from {folder / INDEX}",
                    hint="Check blender_version_min in blender_manifest.toml",
                )


def _tool(command: str, *options: str) -> None:
    status, output = extension.blender_tool(command, *options)
    # Blender's tool reports some failures with exit status 0.
    if status != 0 or "FATAL_ERROR" in output or re.search("^ERROR", output, re.MULTILINE):
        raise BuildError(f"Blender's own {command} failed:\n{output}", hint="Read its output")


def _replace(source: Path, target: Path) -> None:
    # Named after the process: two builds do not share it.
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        shutil.copyfile(source, partial)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
