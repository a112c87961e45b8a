"""Load the rig that reference motion is made in, as named by ``reference.json``. No torch.

Captures, articulation, lip models and expressions are data about one rig's channels. A rig that is
trained takes over the channels it shares with it, by name.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from ...curves.rig import RigDefinition, load_rig

REFERENCE = Path(__file__).with_name("reference.json")


@functools.cache
def reference_rig() -> RigDefinition:
    """Return the definition of the reference rig."""
    return load_rig(_reference()["rig"])


def expressions_file() -> Path:
    """Return the file of emotion prototypes in the reference rig's channels."""
    return REFERENCE.with_name(_reference()["expressions"])


def fitting_mesh() -> str:
    """Return the name of the head in ``data/rigs`` that filmed faces are fitted with."""
    name: str = _reference()["fitted_on"]
    return name


@functools.cache
def _reference() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(REFERENCE.read_text(encoding="utf-8"))
    return data
