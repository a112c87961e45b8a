"""Convert frozen dataclasses to lines of JSON and back, with every type checked. Stdlib only.

Fields may be text, numbers, booleans, paths, string enums, dataclasses, tuples of these, or None
beside one of these.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import types
import typing
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin

T = TypeVar("T")


class ProtocolError(ValueError):
    """A line that is not a message: broken JSON, an unknown type, a missing or mistyped field."""


def dump(name: str, value: Any) -> str:
    """Return a dataclass as one line of JSON without the line end.

    Args:
        name: Value of the field ``type``.
        value: An instance of a dataclass; its floats must be finite.

    Raises:
        ProtocolError: A number is NaN or infinite.
    """
    payload = {"type": name, **dataclasses.asdict(value)}
    try:
        # UTF-8 and no spaces: messages are short lines; NaN is not JSON.
        return json.dumps(
            payload, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain
        )
    except ValueError as error:
        raise ProtocolError(f"Message holds a number JSON cannot carry: {error}") from error


def load(line: str, limit: int) -> dict[str, Any]:
    """Return the JSON object on a line.

    Args:
        line: One line.
        limit: Most characters.

    Raises:
        ProtocolError: The line is too long, not JSON or not an object.
    """
    if len(line) > limit:
        raise ProtocolError(f"Line of {len(line)} characters is over the limit of {limit}")
    try:
        # Python's reader would accept NaN and Infinity.
        payload = json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"Not a JSON line: {line[:80]!r}") from error
    if not isinstance(payload, dict):
        raise ProtocolError(f"Not a JSON object: {line[:80]!r}")
    return payload


def build(cls: type[T], payload: dict[str, Any]) -> T:
    """Return an instance of a dataclass; fields that it does not have are ignored.

    Args:
        cls: The dataclass.
        payload: Its fields as plain JSON.

    Raises:
        ProtocolError: A field is missing or of the wrong type.
    """
    # Annotations are texts in modules with postponed evaluation.
    hints = typing.get_type_hints(cls)
    values = {}
    for field in dataclasses.fields(typing.cast(Any, cls)):
        if field.name in payload:
            values[field.name] = _convert(payload[field.name], hints[field.name], field.name)
        elif field.default is dataclasses.MISSING:
            # A field with a default may be missing, as from an older peer.
            raise ProtocolError(f"{cls.__name__} lacks the field {field.name!r}")
    return cls(**values)


def _plain(value: object) -> str:
    """Return what JSON has no type for: a path as text."""
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be sent")


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is not a JSON number")


def _convert(value: Any, hint: Any, name: str) -> Any:
    origin = get_origin(hint)
    if origin in (types.UnionType, Union):
        # None or the one other type: no field has more.
        return None if value is None else _convert(value, get_args(hint)[0], name)
    if origin is tuple:
        if not isinstance(value, list):
            raise ProtocolError(f"Field {name!r} must be a list, not {type(value).__name__}")
        return tuple(_convert(item, get_args(hint)[0], name) for item in value)
    if dataclasses.is_dataclass(hint) and isinstance(value, dict):
        return build(typing.cast(type[Any], hint), value)
    if type(value) is str and isinstance(hint, type) and hint is not str:
        return _from_text(value, hint, name)
    # bool is an int in Python.
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if hint is float and is_number:
        try:
            return float(value)
        except OverflowError as error:
            raise ProtocolError(f"Field {name!r} is too large") from error
    # ``type`` and not ``isinstance``: True is no int here.
    if type(value) is not hint:
        raise ProtocolError(f"Field {name!r} must be {hint.__name__}, not {type(value).__name__}")
    return value


def _from_text(value: str, hint: type[Any], name: str) -> Any:
    if issubclass(hint, Path):
        return Path(value)
    if issubclass(hint, enum.StrEnum):
        try:
            return hint(value)
        except ValueError:
            raise ProtocolError(f"Field {name!r} has the unknown value {value!r}") from None
    raise ProtocolError(f"Field {name!r} must be {hint.__name__}, not str")
