"""List emotions and named expressions for dropdowns, with those of the user's file."""

from __future__ import annotations

import functools
import logging
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import bpy

from ...package import ADDON_ID, choices, expression_names, expressions, runtime_errors

if TYPE_CHECKING:
    from ...package import protocol

log = logging.getLogger(__name__)

FILE_NAME = "expressions.json"
"""In the extension's user folder; read when the extension is enabled."""
AUTO_INDEX = 1000
"""Enum value of Auto, above those of all emotions: .blend files store this number."""
FIRST_EXPRESSION, FIRST_OWN = 200, 2000
"""Enum values of shipped expressions in their order, and of the user's, by a hash of the name."""
NONE = "NONE"

Item: TypeAlias = tuple[str, str, str, int] | None


def own_file() -> Path:
    """Return the user's file of expressions, which may not exist."""
    if ADDON_ID.startswith("bl_ext."):
        return Path(bpy.utils.extension_path_user(ADDON_ID)) / FILE_NAME
    return Path(bpy.app.tempdir) / FILE_NAME


@functools.cache
def own_expressions() -> tuple[protocol.Expression, ...]:
    """Return the user's expressions; none where the file is missing or wrong."""
    path = own_file()
    if not path.is_file():
        return ()
    try:
        return expressions.read_expressions(path)
    except runtime_errors.RuntimeFault as fault:
        log.warning("%s. %s", fault, fault.hint)
        return ()


def emotion_items() -> list[Item]:
    """Return the items of the emotions, Auto, a separator, and the named expressions."""
    auto: Item = (choices.AUTO_EMOTION, "Auto (from voice)", choices.AUTO_DESCRIPTION, AUTO_INDEX)
    return [*_emotion_items(), auto, None, *_expression_items()]


def second_items() -> list[Item]:
    """Return the items of the second emotion of a blend: none, then all but neutral and Auto."""
    none: Item = (NONE, "No Second Emotion", "One emotion alone", AUTO_INDEX)
    return [none, None, *_emotion_items()[1:], None, *_expression_items()]


def title_of(name: str) -> str:
    """Return the label of an emotion or expression: ``in_pain`` is "In Pain"."""
    return name.replace("_", " ").title()


def description_of(name: str) -> str:
    """Return what the face does in an emotion or an expression, or that the voice decides."""
    known = {**choices.EMOTION_DESCRIPTIONS, **_described()}
    return known.get(name, choices.AUTO_DESCRIPTION)


def _emotion_items() -> list[Item]:
    return [
        (name, name.capitalize(), description, index)
        for index, (name, description) in enumerate(choices.EMOTION_DESCRIPTIONS.items())
    ]


def _expression_items() -> list[Item]:
    shipped = list(expression_names.descriptions())
    numbers = {name: FIRST_EXPRESSION + number for number, name in enumerate(shipped)}
    return [
        (name, title_of(name), description, numbers.get(name, _own_number(name)))
        for name, description in _described().items()
    ]


@functools.cache
def _described() -> dict[str, str]:
    """Return the description of each expression, the shipped ones first."""
    own = {
        name: text
        for name, text in expression_names.descriptions(own_file()).items()
        if name not in (*choices.EMOTIONS, choices.AUTO_EMOTION)
    }
    found = {**expression_names.descriptions(), **own}
    return {name: text or "Expression of your own file" for name, text in found.items()}


def _own_number(name: str) -> int:
    return FIRST_OWN + zlib.crc32(name.encode()) % 2**30
