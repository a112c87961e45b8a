"""Laws of checkpoint folders."""

from __future__ import annotations

import dataclasses
import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model_runtime.checkpoint.folder import (
    default_checkpoint,
    generator_shapes,
    load_checkpoint,
    save_checkpoint,
    shipped_checkpoints,
)
from model_runtime.checkpoint.safetensors import write_tensors
from model_runtime.config import AttentionConfig
from model_runtime.errors import BadOutput, BadWeights
from tests.fakes.checkpoints import random_tensors, tiny_config, write_tiny_checkpoint


@pytest.fixture
def copy(checkpoint: Path, tmp_path: Path) -> Path:
    """A checkpoint that may be spoiled."""
    return Path(shutil.copytree(checkpoint, tmp_path / "copy"))


def edit(folder: Path, change: Any) -> None:
    path = folder / "config.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    change(data)
    path.write_text(json.dumps(data), encoding="utf-8")


@pytest.mark.parametrize("half", [False, True])
def test_what_was_saved_is_loaded(tmp_path: Path, half: bool) -> None:
    config, tensors = tiny_config(), random_tensors(tiny_config())
    save_checkpoint(tmp_path / "ü", config, tensors, {"steps": 5}, half=half)
    loaded = load_checkpoint(tmp_path / "ü")
    assert loaded.config == config
    assert loaded.training == {"steps": 5}
    for name, values in tensors.items():
        np.testing.assert_allclose(loaded.tensors[name], values, atol=2e-3 if half else 0)


@pytest.mark.parametrize("attention", [None, AttentionConfig(2, 2, 24, reach=9)])
def test_the_shapes_are_those_of_the_torch_module(attention: AttentionConfig | None) -> None:
    pytest.importorskip("torch")
    from model_runtime.model.generator import Generator

    config = tiny_config(attention=attention)
    state = Generator(config).state_dict()
    assert {k: tuple(v.shape) for k, v in state.items()} == generator_shapes(config)


def test_a_checkpoint_of_format_1_is_read_with_the_names_of_today(tmp_path: Path) -> None:
    config, tensors = tiny_config(), random_tensors(tiny_config())
    old = {}
    for name, values in tensors.items():
        first, region, *rest = [*name.split("."), ""]
        is_head = first == "heads"
        number = f"heads.{config.regions.index(region)}.{rest[0]}" if is_head else name
        old[number.replace("norm.", "norm.norm.")] = values
    assert "heads.4.bias" in old
    assert "decoder.1.norm.norm.weight" in old
    folder = tmp_path / "old"
    folder.mkdir()
    write_tensors(folder / "weights.safetensors", old, half=False)
    fields = dataclasses.asdict(config)
    del fields["activation"], fields["attention"]
    text = json.dumps({"format": 1, "kind": "generator", "config": fields})
    (folder / "config.json").write_text(text, encoding="utf-8")
    loaded = load_checkpoint(folder)
    assert loaded.config == config
    assert loaded.config.activation == "gelu"
    for name, values in tensors.items():
        np.testing.assert_array_equal(loaded.tensors[name], values)


@pytest.mark.parametrize("folder", shipped_checkpoints(), ids=lambda folder: folder.name)
def test_shipped_weights_load(folder: Path) -> None:
    kind = json.loads((folder / "config.json").read_text(encoding="utf-8"))["kind"]
    if kind != "generator":
        pytest.skip(f"a checkpoint of kind {kind}")
    assert load_checkpoint(folder).parameter_count > 0
    assert (folder / "MODEL_CARD.md").is_file()


def test_the_default_is_in_the_package() -> None:
    assert default_checkpoint().parts[-3:] == ("model_runtime", "weights", "cstalk-arkit52")


CHANGES = {
    "other format": lambda data: data.update(format=3),
    "other kind": lambda data: data.update(kind="correlation"),
    "other digest": lambda data: data.update(sha256="0" * 64),
    "no config": lambda data: data.pop("config"),
    "config no object": lambda data: data.update(config=[]),
    "unknown field": lambda data: data["config"].update(layers=3),
    "missing features": lambda data: data["config"].pop("features"),
    "other width": lambda data: data["config"].update(hidden=32),
    "width no number": lambda data: data["config"].update(hidden="32"),
    "negative width": lambda data: data["config"].update(hidden=-1),
    "giant width": lambda data: data["config"].update(hidden=10**9),
    "region beyond": lambda data: data["config"]["region_of"].__setitem__(0, 99),
    "region text": lambda data: data["config"].update(region_of="brow"),
    "spectrum of three bands": lambda data: data["config"].update(reference_spectrum=[0.1] * 3),
    "spectrum under both names": lambda data: data["config"].update(
        colour=[0.0] * 80, reference_spectrum=[0.0] * 80
    ),
    "heads of two taps": lambda data: data["config"].update(head_taps=2),
    "no channels": lambda data: data["config"].update(channels=[]),
    "fewer layers": lambda data: data["config"].update(encoder_dilations=[1]),
    "null features": lambda data: data["config"].update(features=None),
}


def test_the_reference_spectrum_of_version_0_1_is_read_under_its_old_name(copy: Path) -> None:
    spectrum = np.linspace(0.5, -0.5, 80).tolist()

    def rename(data: Any) -> None:
        data["config"].pop("reference_spectrum")
        data["config"]["colour"] = spectrum

    edit(copy, rename)
    assert load_checkpoint(copy).config.reference_spectrum == tuple(spectrum)


@pytest.mark.fault("checkpoint: config of another shape")
@pytest.mark.parametrize("name", CHANGES)
def test_a_config_that_does_not_fit_is_refused_with_a_hint(copy: Path, name: str) -> None:
    edit(copy, CHANGES[name])
    with pytest.raises(BadWeights) as caught:
        load_checkpoint(copy)
    assert caught.value.hint
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff\xfe", b"null"])
def test_a_config_that_is_no_json_object_is_refused(copy: Path, data: bytes) -> None:
    (copy / "config.json").write_bytes(data)
    with pytest.raises(BadWeights):
        load_checkpoint(copy)


def test_a_missing_and_an_extra_tensor_are_named(tmp_path: Path, copy: Path) -> None:
    tensors = random_tensors(tiny_config())
    left = {k: v for k, v in tensors.items() if k != "stem_wide.bias"}
    with pytest.raises(BadWeights, match=r"stem_wide\.bias"):
        save_checkpoint(tmp_path / "a", tiny_config(), left, {})
    with pytest.raises(BadWeights, match="surplus"):
        save_checkpoint(
            tmp_path / "a", tiny_config(), {**tensors, "surplus": tensors["stem_wide.bias"]}, {}
        )
    assert not (tmp_path / "a").exists()


@pytest.mark.fault("checkpoint: truncated weights, planted pickle")
def test_truncated_and_planted_weights_are_refused(copy: Path) -> None:
    weights = copy / "weights.safetensors"
    data = weights.read_bytes()
    for planted in (data[:-5], data[:50], b"", pickle.dumps({"a": 1}), b"PK\x03\x04" + data):
        weights.write_bytes(planted)
        with pytest.raises(BadWeights):
            load_checkpoint(copy)
    weights.unlink()
    with pytest.raises(BadWeights, match="No weights"):
        load_checkpoint(copy)


@pytest.mark.fault("checkpoint: weights of another")
def test_weights_of_another_save_do_not_go_with_this_config(copy: Path, tmp_path: Path) -> None:
    other = write_tiny_checkpoint(tmp_path / "other", seed=1)
    shutil.copy(other / "weights.safetensors", copy)
    with pytest.raises(BadWeights, match="does not match the digest"):
        load_checkpoint(copy)


def test_a_place_without_a_checkpoint_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_bytes(pickle.dumps({}))
    for place in (tmp_path, tmp_path / "none", tmp_path / "model.pt"):
        with pytest.raises(BadWeights):
            load_checkpoint(place)


def test_an_unwritable_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadOutput):
        save_checkpoint(tmp_path / "a" / "b", tiny_config(), random_tensors(tiny_config()), {})
