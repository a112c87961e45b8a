"""Laws of the strict safetensors reader."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model_runtime.checkpoint.safetensors import read_tensors, write_tensors
from model_runtime.errors import BadWeights

TENSORS = {
    "b.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 4) / 7,
    "a": np.array([1.5, -2.0], np.float32),
    "scalar": np.array(3, np.float32),
}


def file_of(header: Any, body: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


@pytest.mark.parametrize("half", [False, True])
def test_what_was_written_is_read_back(tmp_path: Path, half: bool) -> None:
    write_tensors(tmp_path / "a.safetensors", TENSORS, half=half)
    back = read_tensors(tmp_path / "a.safetensors")
    assert set(back) == set(TENSORS)
    for name, values in TENSORS.items():
        assert back[name].dtype == np.float32
        assert back[name].shape == values.shape
        np.testing.assert_allclose(back[name], values, rtol=1e-3 if half else 0)


@pytest.mark.parametrize("half", [False, True])
def test_the_official_library_agrees(tmp_path: Path, half: bool) -> None:
    official = pytest.importorskip("safetensors.numpy")
    path = tmp_path / "a.safetensors"
    write_tensors(path, TENSORS, half=half)
    for name, values in official.load_file(path).items():
        np.testing.assert_array_equal(values, read_tensors(path)[name].astype(values.dtype))
    official.save_file(TENSORS, path, metadata={"format": "pt"})
    np.testing.assert_array_equal(read_tensors(path)["b.weight"], TENSORS["b.weight"])


ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
EIGHT = np.ones(2, "<f4").tobytes()
BAD_FILES = {
    "empty": b"",
    "text": b"hello, I am text and long enough",
    "pickle": pickle.dumps({"a": 1}),
    "zip": b"PK\x03\x04" + bytes(100),
    "huge header": (2**40).to_bytes(8, "little") + b"{}",
    "header beyond the end": file_of({"a": ENTRY}, EIGHT)[:30],
    "not JSON": file_of(b"{not json}"),
    "not an object": file_of([1]),
    "cut off": file_of({"a": ENTRY}, EIGHT[:-1]),
    "too long": file_of({"a": ENTRY}, EIGHT + b"x"),
    "other dtype": file_of({"a": {**ENTRY, "dtype": "I32"}}, EIGHT),
    "no dtype": file_of({"a": {"shape": [2], "data_offsets": [0, 8]}}, EIGHT),
    "wrong shape": file_of({"a": {**ENTRY, "shape": [3]}}, EIGHT),
    "negative shape": file_of({"a": {**ENTRY, "shape": [-2]}}, EIGHT),
    "shape of floats": file_of({"a": {**ENTRY, "shape": [2.0]}}, EIGHT),
    "huge shape": file_of({"a": {**ENTRY, "shape": [2**62, 4]}}, EIGHT),
    "gap": file_of({"a": {**ENTRY, "data_offsets": [8, 16]}}, EIGHT + EIGHT),
    "overlap": file_of({"a": ENTRY, "b": ENTRY}, EIGHT),
    "no range": file_of({"a": {"dtype": "F32", "shape": [2]}}, EIGHT),
    "backwards": file_of({"a": {**ENTRY, "data_offsets": [8, 0]}}, EIGHT),
    "entry no object": file_of({"a": 5}, EIGHT),
    "name twice": file_of(b'{"a":%b,"a":%b}' % ((json.dumps(ENTRY).encode(),) * 2), EIGHT),
    "NaN": file_of({"a": ENTRY}, np.array([np.nan, 1], "<f4").tobytes()),
    "deep": file_of(b"[" * 100_000),
}


@pytest.mark.fault("weights: corrupt, cut off, huge header, wrong shape, pickle")
@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_refused_with_a_hint(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(BAD_FILES[name])
    with pytest.raises(BadWeights) as caught:
        read_tensors(path)
    assert caught.value.hint


def test_a_pickle_is_named_as_such(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(pickle.dumps(object))
    with pytest.raises(BadWeights, match="pickle"):
        read_tensors(path)


@pytest.mark.fault("weights: any byte of the header flipped")
def test_any_flipped_byte_of_the_header_is_noticed_or_harmless(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_tensors(path, TENSORS, half=False)
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    for position in range(8 + length):
        broken = bytearray(data)
        broken[position] ^= 0x15
        path.write_bytes(broken)
        try:
            shapes = {values.size for values in read_tensors(path).values()}
        except BadWeights:
            continue
        assert shapes == {values.size for values in TENSORS.values()}  # only a name was hit


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e6])
def test_what_does_not_fit_is_not_written(tmp_path: Path, value: float) -> None:
    path = tmp_path / "a.safetensors"
    with pytest.raises(BadWeights):
        write_tensors(path, {"a": np.array([value], np.float32)}, half=True)
    assert not path.exists()
