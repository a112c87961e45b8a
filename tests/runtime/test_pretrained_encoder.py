"""Pretrained speech encoders as ears of the generator, on tiny random ones. Needs transformers."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from model_runtime.audio.store import SpeechStore  # noqa: E402
from model_runtime.checkpoint.folder import load_checkpoint  # noqa: E402
from model_runtime.engines.factory import open_engine  # noqa: E402
from model_runtime.engines.torch_encoder import (  # noqa: E402
    KINDS,
    SpeechEncoder,
    describe_encoder,
    receptive_field,
)
from model_runtime.errors import BadArgument, BadWeights, EngineUnavailable  # noqa: E402
from model_runtime.generate import generate_raw  # noqa: E402
from model_runtime.protocol import Performance  # noqa: E402
from model_runtime.training.data.cache import caches_in, read_cache  # noqa: E402
from model_runtime.training.data.encoder_inputs import encoder_key, fetched_encoder  # noqa: E402
from model_runtime.training.settings import EncoderSettings  # noqa: E402
from tests.fakes.checkpoints import TINY_MODEL  # noqa: E402
from tests.fakes.face_corpora import write_beat  # noqa: E402
from tests.fakes.sounds import voice  # noqa: E402
from tests.runtime.conftest import Command  # noqa: E402

CONFIGS = {
    "wav2vec2": transformers.Wav2Vec2Config,
    "hubert": transformers.HubertConfig,
    "wavlm": transformers.WavLMConfig,
}
SETTINGS = """
work = "work"
nonspeech = 1
[[faces]]
kind = "beat"
folder = "corpus"
[encoder]
folder = "encoder"
layer = 1
MODEL
[generator]
steps = 2
clips = 2
frames = 60
threads = 1
device = "cpu"
""".replace("MODEL\n", TINY_MODEL)


def write_encoder(folder: Path, kind: str = "wav2vec2", seed: int = 0, **changes: object) -> Path:
    """A tiny encoder with random weights, as ``save_pretrained`` writes it."""
    torch.manual_seed(seed)
    config = CONFIGS[kind](
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=24,
        conv_dim=(8,) * 7,
        num_conv_pos_embeddings=8,
        num_conv_pos_embedding_groups=2,
        **changes,
    )
    transformers.AutoModel.from_config(config).save_pretrained(folder)
    return folder


def ears(folder: Path, layer: int = 1) -> SpeechEncoder:
    return SpeechEncoder(describe_encoder(folder, layer), folder, torch.device("cpu"))


def heard(ear: SpeechEncoder, samples: np.ndarray, first: int, frames: int) -> np.ndarray:
    def read(start: int, count: int) -> np.ndarray:
        return samples[start : start + count]

    return ear.extract_features(read, len(samples), first_frame=first, frames=frames)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_one_row_a_model_frame(kind: str, tmp_path: Path) -> None:
    ear = ears(write_encoder(tmp_path / kind, kind))
    rows = heard(ear, voice(1.01), 0, 51)
    assert rows.shape == (51, 16)
    assert np.isfinite(rows).all()
    assert rows.std(axis=0).min() > 0


def test_any_range_hears_what_the_whole_hears(tmp_path: Path) -> None:
    folder, samples = write_encoder(tmp_path / "encoder"), voice(25.0)
    whole = heard(ears(folder), samples, 0, 1250)
    for first, frames in ((0, 40), (480, 60), (990, 300)):
        part = heard(ears(folder), samples, first, frames)
        expected = np.zeros_like(part)
        expected[: len(whole[first : first + frames])] = whole[first : first + frames]
        np.testing.assert_allclose(part, expected, atol=1e-5)


def test_a_row_is_centred_on_its_model_frame(tmp_path: Path) -> None:
    """With no transformer layer the stem alone hears: 400 samples around the frame's middle."""
    ear = ears(write_encoder(tmp_path / "encoder", feat_extract_norm="layer"), layer=0)
    assert receptive_field(((10, 5), (3, 2), (3, 2), (3, 2), (3, 2), (2, 2), (2, 2))) == (400, 320)
    quiet = np.zeros(64_000, np.float32)
    click = quiet.copy()
    frame = 100
    click[frame * 320 + 80] = 1.0
    with torch.inference_mode():
        stem = ear._model.feature_extractor
        padded = np.concatenate([np.zeros(120, np.float32), click, np.zeros(400, np.float32)])
        rows = stem(torch.from_numpy(padded)[None])[0].T
        still = stem(torch.zeros(1, len(padded)))[0].T
    moved = (rows - still).abs().amax(1)
    assert moved[frame] > 0
    assert moved[: frame - 1].max() == moved[frame + 2 :].max() == 0


def test_other_strides_are_brought_to_50_hz(tmp_path: Path) -> None:
    changes = {"conv_kernel": (10, 3, 3), "conv_stride": (5, 4, 8), "conv_dim": (8, 8, 8)}
    config = transformers.Wav2Vec2Config(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=24,
        num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=2, **changes,
    )  # fmt: skip
    torch.manual_seed(0)
    transformers.AutoModel.from_config(config).save_pretrained(tmp_path / "fast")
    rows = heard(ears(tmp_path / "fast"), voice(2.0), 0, 100)
    assert rows.shape == (100, 16)
    assert np.isfinite(rows).all()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run through a pretrained encoder: caches, encoder, checkpoint ``model``."""
    from model_runtime.cli.main import main

    folder = tmp_path_factory.mktemp("studio")
    write_beat(folder / "corpus")
    write_encoder(folder / "encoder")
    config = folder / "run.toml"
    config.write_text(SETTINGS)
    for stage in (("prepare",), ("generator", "--output", str(folder / "model"))):
        assert main(["train", stage[0], "--config", str(config), *stage[1:]]) == 0
    return folder


def test_caches_hold_what_the_engine_will_hear(trained: Path) -> None:
    encoder = fetched_encoder(EncoderSettings(folder=trained / "encoder", layer=1))
    cache = read_cache(
        trained / "work" / "cache" / "beat", verify=True, encoder=encoder_key(encoder)
    )
    entry = next(entry for entry in cache.entries if entry.speed == 1)
    assert cache.rows_per_frame == 1
    rows = cache.features[entry.start : entry.start + entry.frames]
    assert rows.shape == (entry.frames, 16)
    assert rows.astype(np.float32).std(axis=0).min() > 0
    log_mel = read_cache(trained / "work" / "cache" / "beat")
    assert log_mel.features.shape[1] == 80
    assert log_mel.fingerprint != cache.fingerprint


def test_second_prepare_listens_no_more(trained: Path, in_process: Command) -> None:
    files = [p for folder in caches_in(trained / "work") for p in folder.glob("wav2vec2-*.bin")]
    assert len(files) == 2
    before = [p.stat().st_mtime_ns for p in files if p.parent.name == "beat"]
    in_process("train", "prepare", "--config", trained / "run.toml")
    assert [p.stat().st_mtime_ns for p in files if p.parent.name == "beat"] == before


def test_checkpoint_generates_with_torch(trained: Path, speech: Path, in_process: Command) -> None:
    output = trained / "curves.npz"
    in_process("generate", speech, "-o", output, "--model", trained / "model", "--device", "cpu")
    assert output.is_file()


def test_windows_give_what_the_whole_gives(trained: Path, speech: Path) -> None:
    engine = open_engine(load_checkpoint(trained / "model"), engine="torch", device="cpu")
    curves = []
    for frames in (10_000, 70):
        engine.window_frames = frames
        with SpeechStore.open(speech) as store:
            curves.append(generate_raw(store, engine, Performance(speech)).values)
    np.testing.assert_allclose(*curves, atol=1e-5)


def test_numpy_engine_refuses_with_what_to_do(trained: Path) -> None:
    with pytest.raises(EngineUnavailable, match="pretrained encoder") as caught:
        open_engine(load_checkpoint(trained / "model"), engine="numpy")
    assert "--engine torch" in caught.value.hint


def test_without_transformers_the_next_step_is_said(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(EngineUnavailable, match="transformers"):
        open_engine(load_checkpoint(trained / "model"), device="cpu")


def test_encoder_travels_inside_the_checkpoint(trained: Path, tmp_path: Path) -> None:
    checkpoint = load_checkpoint(trained / "model")
    assert checkpoint.config.encoder is not None
    lost = dataclasses.replace(checkpoint.config.encoder, folder=str(tmp_path / "gone"))
    moved = dataclasses.replace(
        checkpoint, folder=tmp_path, config=dataclasses.replace(checkpoint.config, encoder=lost)
    )
    with pytest.raises(BadWeights, match="needs its speech encoder"):
        open_engine(moved, device="cpu")
    write_encoder(tmp_path / "encoder", seed=1)
    with pytest.raises(BadWeights, match="another wav2vec2"):
        open_engine(moved, device="cpu")
    for name in ("config.json", "model.safetensors"):
        (tmp_path / "encoder" / name).write_bytes((trained / "encoder" / name).read_bytes())
    assert open_engine(moved, device="cpu").name == "torch"


def test_nothing_is_fetched_without_leave(tmp_path: Path) -> None:
    wanted = EncoderSettings(folder=tmp_path / "none", hub="facebook/wav2vec2-base")
    with pytest.raises(BadArgument, match="downloads are not allowed") as caught:
        fetched_encoder(wanted)
    assert "allow_download" in caught.value.hint


def test_pickled_weights_are_never_opened(tmp_path: Path) -> None:
    folder = write_encoder(tmp_path / "encoder")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(BadWeights, match="never opened"):
        describe_encoder(folder, 1)
