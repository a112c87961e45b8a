"""Locate this copy of the add-on and give access to `model_runtime`. No bpy.

Installed, both packages lie inside the extension (``bl_ext.<repository>.cstalk.cstalk_blender`` and
``....model_runtime``); in a checkout both are top-level. A relative import reaches the one and an
absolute import the other, so the parent is computed here, and nowhere else: the rest of the add-on
writes ``from ..package import protocol``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from . import lazy

# Computed from the package's own name: extensions have a prefix that depends on the repository.
_PARENT = (__package__ or "").rpartition(".")[0]

ADDON_ID = _PARENT or __package__ or ""
"""Key of the add-on in Blender's preferences: ``bl_ext.<repository>.cstalk`` when installed."""

ROOT_FOLDER = Path(__file__).resolve().parents[1]
"""Folder with ``cstalk_blender`` and ``model_runtime``: working directory of worker processes."""

# Type checkers do not run `lazy.defer`, and see ordinary imports.
if TYPE_CHECKING:
    from model_runtime import choices, files, protocol, written
    from model_runtime import errors as runtime_errors
    from model_runtime.acting import idle, prosody
    from model_runtime.audio import wav
    from model_runtime.batch.lines import journal as batch_journal
    from model_runtime.batch.lines import keys as batch_keys
    from model_runtime.batch.lines import lock as batch_lock
    from model_runtime.batch.lines import manifest as batch_manifest
    from model_runtime.batch.lines import naming as batch_naming
    from model_runtime.batch.lines import performance as batch_performance
    from model_runtime.batch.lines import plan as batch_plan
    from model_runtime.batch.lines import report as batch_table
    from model_runtime.batch.lines import report_html as batch_page
    from model_runtime.curves import file_names, layered, resample, track
    from model_runtime.curves import rig as rigs
    from model_runtime.curves.formats import registry as formats
    from model_runtime.expressions import blend as blends
    from model_runtime.expressions import catalogue as expressions
    from model_runtime.expressions import listing as expression_names
    from model_runtime.postprocess import blinks
    from model_runtime.text import pronounce
    from model_runtime.text import track as phone_track
    from model_runtime.text.formats import files as script_files
else:

    def _sibling(name: str):
        prefix = f"{_PARENT}." if _PARENT else ""
        return lazy.defer(f"{prefix}model_runtime.{name}")

    choices = _sibling("choices")
    protocol = _sibling("protocol")
    expressions = _sibling("expressions.catalogue")
    expression_names = _sibling("expressions.listing")
    blends = _sibling("expressions.blend")
    blinks = _sibling("postprocess.blinks")
    idle = _sibling("acting.idle")
    prosody = _sibling("acting.prosody")
    runtime_errors = _sibling("errors")
    track = _sibling("curves.track")
    layered = _sibling("curves.layered")
    resample = _sibling("curves.resample")
    rigs = _sibling("curves.rig")
    formats = _sibling("curves.formats.registry")
    file_names = _sibling("curves.file_names")
    files = _sibling("files")
    written = _sibling("written")
    wav = _sibling("audio.wav")
    batch_journal = _sibling("batch.lines.journal")
    batch_keys = _sibling("batch.lines.keys")
    batch_lock = _sibling("batch.lines.lock")
    batch_manifest = _sibling("batch.lines.manifest")
    batch_naming = _sibling("batch.lines.naming")
    batch_performance = _sibling("batch.lines.performance")
    batch_plan = _sibling("batch.lines.plan")
    batch_table = _sibling("batch.lines.report")
    batch_page = _sibling("batch.lines.report_html")
    pronounce = _sibling("text.pronounce")
    phone_track = _sibling("text.track")
    script_files = _sibling("text.formats.files")

__all__ = [
    "ADDON_ID",
    "ROOT_FOLDER",
    "batch_journal",
    "batch_keys",
    "batch_lock",
    "batch_manifest",
    "batch_naming",
    "batch_page",
    "batch_performance",
    "batch_plan",
    "batch_table",
    "blends",
    "blinks",
    "choices",
    "expression_names",
    "expressions",
    "file_names",
    "files",
    "formats",
    "idle",
    "layered",
    "phone_track",
    "pronounce",
    "prosody",
    "protocol",
    "resample",
    "rigs",
    "runtime_errors",
    "script_files",
    "track",
    "wav",
    "written",
]
