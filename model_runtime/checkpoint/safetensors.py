"""Read and write safetensors files with numpy alone. Nothing is ever unpickled.

The format (github.com/huggingface/safetensors): 8 bytes with the length of the header, a JSON
header with dtype, shape and byte range of each tensor, then the data. This reader accepts float16
and float32 only, and rejects files whose ranges overlap, leave gaps or contradict the shapes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from ..arrays import FloatArray
from ..errors import BadWeights
from ..files import replace_file

# Little-endian by specification, whatever the machine.
DTYPES: Final[dict[str, np.dtype[Any]]] = {"F16": np.dtype("<f2"), "F32": np.dtype("<f4")}
MAX_HEADER_BYTES = 1 << 20
"""A header takes about 100 bytes per tensor; the shipped checkpoint has about 150 tensors."""
MAX_FILE_BYTES = 1 << 30
REPLACE_HINT = "Download the checkpoint again; a safetensors file is expected"


def read_tensors(path: Path) -> dict[str, FloatArray]:
    """Return every tensor of the file as a writable float32 array.

    Raises:
        BadWeights: The file is missing, of another format (pickles are named as such), truncated,
            has a corrupt header, or holds values that are not finite.
    """
    data = _read_bytes(path)
    # Magic numbers of zip archives and pickles, which other tools write as weights.
    if data[:2] in (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"):
        raise BadWeights(f"{path} is a Python pickle, which could run code", hint=REPLACE_HINT)
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > MAX_HEADER_BYTES or 8 + length > len(data):
        raise BadWeights(f"{path} is not a safetensors file, or is truncated", hint=REPLACE_HINT)
    try:
        # A repeated name would hide the first tensor.
        header = json.loads(data[8 : 8 + length], object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise BadWeights(f"{path} has a corrupt header: {error}", hint=REPLACE_HINT) from error
    if not isinstance(header, dict):
        raise BadWeights(f"{path} has a header that is not a JSON object", hint=REPLACE_HINT)
    header.pop("__metadata__", None)
    return _slice(memoryview(data)[8 + length :], header, path)


def write_tensors(path: Path, tensors: Mapping[str, FloatArray], *, half: bool) -> None:
    """Write the file atomically; an existing one is replaced whole.

    Args:
        path: Target in an existing folder.
        tensors: Finite values; written sorted by name.
        half: Store float16 instead of float32.

    Raises:
        BadOutput: The folder is missing or not writable.
        BadWeights: A value is not finite, or too large for float16.
    """
    code = "F16" if half else "F32"
    header: dict[str, Any] = {}
    parts: list[bytes] = []
    offset = 0
    # Sorted: equal tensors give equal files.
    for name in sorted(tensors):
        # Too large for float16 becomes infinity, which the check below names.
        with np.errstate(over="ignore"):
            values = np.asarray(tensors[name]).astype(DTYPES[code], order="C")
        if not np.isfinite(values).all():
            raise BadWeights(
                f"Tensor {name!r} holds numbers that are not finite in {code}",
                hint="Store it as float32; if that fails too, training has diverged",
            )
        stop = offset + values.nbytes
        header[name] = {"dtype": code, "shape": values.shape, "data_offsets": [offset, stop]}
        parts.append(values.tobytes())
        offset = stop
    text = json.dumps(header, separators=(",", ":")).encode()
    # Padded with blanks to 8 bytes, so that tensors are aligned.
    text += b" " * (-len(text) % 8)
    replace_file(path, len(text).to_bytes(8, "little") + text + b"".join(parts))


def _read_bytes(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise BadWeights(
                f"{path} has {size} bytes, more than {MAX_FILE_BYTES}", hint=REPLACE_HINT
            )
        return path.read_bytes()
    except FileNotFoundError:
        raise BadWeights(f"No weights at {path}", hint="Choose a checkpoint folder") from None
    except OSError as error:
        raise BadWeights(f"{path} cannot be read: {error.strerror}", hint=REPLACE_HINT) from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise ValueError("a name is repeated")
    return result


def _slice(body: memoryview, header: dict[str, Any], path: Path) -> dict[str, FloatArray]:
    tensors: dict[str, FloatArray] = {}
    expected = 0
    # By their start, so that gaps and overlaps show.
    for name, entry in sorted(header.items(), key=lambda item: _start(item[1], path)):
        dtype, shape, start, stop = _entry(name, entry, path)
        size = math.prod(shape) * dtype.itemsize
        # Exactly adjacent: the specification allows no holes.
        if start != expected or stop - start != size or stop > len(body):
            raise BadWeights(f"{path} is truncated or corrupt at {name!r}", hint=REPLACE_HINT)
        # astype copies: the array is writable and does not keep the file's bytes alive.
        values = np.frombuffer(body[start:stop], dtype).astype(np.float32).reshape(shape)
        if not np.isfinite(values).all():
            raise BadWeights(f"Tensor {name!r} of {path} holds NaN", hint=REPLACE_HINT)
        tensors[name] = values
        expected = stop
    if expected != len(body):
        raise BadWeights(
            f"{path} has {len(body) - expected} unexpected bytes at its end", hint=REPLACE_HINT
        )
    return tensors


def _start(entry: Any, path: Path) -> int:
    offsets = _sizes_or_none(entry.get("data_offsets")) if isinstance(entry, dict) else None
    if offsets is None or len(offsets) != 2:
        raise BadWeights(f"{path} has a tensor without a byte range", hint=REPLACE_HINT)
    return offsets[0]


def _entry(
    name: str, entry: dict[str, Any], path: Path
) -> tuple[np.dtype[Any], tuple[int, ...], int, int]:
    dtype = DTYPES.get(str(entry.get("dtype")))
    shape = _sizes_or_none(entry.get("shape"))
    if dtype is None or shape is None:
        raise BadWeights(f"Tensor {name!r} of {path} is not float16 or float32", hint=REPLACE_HINT)
    start, stop = entry["data_offsets"]
    return dtype, shape, start, stop


def _sizes_or_none(value: Any) -> tuple[int, ...] | None:
    # True is an int too; type(...) is int refuses it.
    if isinstance(value, list) and all(type(item) is int and item >= 0 for item in value):
        return tuple(value)
    return None
