"""A studio's own takes: the recipe of docs/training.md, from a folder of takes to weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("scipy")

from model_runtime.checkpoint.folder import default_checkpoint, load_checkpoint, save_checkpoint  # noqa: E402
from model_runtime.choices import EMOTIONS  # noqa: E402
from model_runtime.config import GeneratorConfig  # noqa: E402
from model_runtime.curves.rig import load_rig  # noqa: E402
from model_runtime.engines.factory import open_engine  # noqa: E402
from model_runtime.model.generator import Generator  # noqa: E402
from model_runtime.training.data.cache import cut, read_cache  # noqa: E402
from model_runtime.training.settings import Settings, generator_config, read_settings  # noqa: E402
from model_runtime.training.stages.start_from import start_from  # noqa: E402
from tests.conftest import ROOT  # noqa: E402
from tests.fakes.checkpoints import tiny_config, write_tiny_checkpoint  # noqa: E402
from tests.fakes.face_corpora import write_takes  # noqa: E402
from tests.runtime.conftest import Command  # noqa: E402

RECIPE = ROOT / "model_runtime" / "training" / "finetune_takes.toml"
TAKES = ("anna/happy/MySlate_1", "anna/happy/MySlate_2", "anna/neutral/MySlate_3", "anna/MySlate_4")
STAND_INS = {
    'start_from = "shipped"': 'start_from = "model"',
    "nonspeech = 100": "nonspeech = 2",
    "steps = 1500": "steps = 40",
    "clips = 12": "clips = 4\nframes = 80\nthreads = 1\nema_decay = 0.8",
    "learning_rate = 2e-4": "learning_rate = 4e-3",
    "warmup_steps = 100": "warmup_steps = 4",
}
"""What a test cannot wait for; the rest of the recipe is as it stands."""


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with takes, a checkpoint to begin with, and the recipe."""
    folder = tmp_path_factory.mktemp("studio")
    write_takes(folder / "takes", TAKES)
    write_tiny_checkpoint(folder / "model", style_dim=4)
    text = RECIPE.read_text(encoding="utf-8")
    for old, new in STAND_INS.items():
        assert old in text
        text = text.replace(old, new)
    (folder / "recipe.toml").write_text(text)
    return folder


def distance(model: Path, takes: Path) -> float:
    """Mean square distance of a model's faces from the recorded ones of a cache."""
    engine = open_engine(load_checkpoint(model), engine="numpy")
    cache = read_cache(takes)
    errors = []
    for entry in cache.entries:
        item = cut(cache, entry, 0, entry.frames)
        emotion = np.zeros((entry.frames, len(engine.config.emotions)), np.float32)
        emotion[:, engine.config.emotions.index(entry.emotion)] = entry.intensity
        style = np.zeros((entry.frames, engine.config.style_dim), np.float32)
        made = engine.run(item.features.astype(np.float32), emotion, style).curves
        errors.append(np.square(made - item.mouth.astype(np.float32)).mean())
    return float(np.mean(errors))


def test_recipe_brings_the_model_nearer_to_the_takes(
    studio: Path, speech: Path, in_process: Command
) -> None:
    in_process("train", "prepare", "--config", studio / "recipe.toml")
    cache = read_cache(studio / "work" / "cache" / "takes", verify=True)
    assert {entry.supervision for entry in cache.entries} == {"face"}
    assert {(e.emotion, e.intensity) for e in cache.entries} == {("happy", 1.0), ("neutral", 0.0)}
    assert {entry.unobserved for entry in cache.entries} == {()}
    assert cache.mouth.shape[1] == len(load_rig("arkit52").channels)
    in_process("train", "generator", "--config", studio / "recipe.toml", "--output", studio / "own")
    before, after = (
        distance(studio / name, studio / "work/cache/takes") for name in ("model", "own")
    )
    assert after < 0.5 * before
    in_process("generate", speech, "-o", studio / "own.csv", "--model", studio / "own")
    assert load_checkpoint(studio / "own").training["start_from"] is not None


def emotional_change(model: Path, takes: Path) -> np.ndarray:
    """Return the change of a take's mean face by each emotion, shape (emotions, channels)."""
    engine, cache = open_engine(load_checkpoint(model), engine="numpy"), read_cache(takes)
    features = cut(cache, cache.entries[0], 0, cache.entries[0].frames).features.astype(np.float32)
    frames, faces = len(features) // 2, []
    for index in range(len(EMOTIONS)):
        emotion = np.zeros((frames, len(EMOTIONS)), np.float32)
        emotion[:, index] = index > 0
        style = np.zeros((frames, engine.config.style_dim), np.float32)
        faces.append(engine.run(features, emotion, style).curves.mean(0))
    return np.stack(faces[1:]) - faces[0]


def test_emotions_that_the_takes_lack_stay_with_keep(
    studio: Path, tmp_path: Path, in_process: Command
) -> None:
    text = (studio / "recipe.toml").read_text().replace("nonspeech = 2", "nonspeech = 0")
    text = text.replace('work = "work"', 'work = "work-of-takes"')
    takes = studio / "work-of-takes" / "cache" / "takes"
    lacking = [i for i, name in enumerate(EMOTIONS[1:]) if name != "happy"]
    lost = {}
    for keep in ("5000.0", "0.0"):  # random weights err far more than trained ones
        assert "keep = 100.0" in text
        config = studio / f"keep{keep}.toml"
        config.write_text(text.replace("keep = 100.0", f"keep = {keep}"))
        in_process("train", "prepare", "--config", config)
        output = tmp_path / f"keep{keep}"
        in_process("train", "generator", "--config", config, "--output", output)
        change = emotional_change(output, takes) - emotional_change(studio / "model", takes)
        lost[keep] = np.abs(change[lacking]).mean()
    assert lost["5000.0"] < 0.6 * lost["0.0"]


def test_recipe_as_it_stands_begins_with_the_shipped_weights(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(RECIPE.read_text(encoding="utf-8"))
    settings = read_settings(recipe)
    assert settings.start_from == default_checkpoint()
    assert settings.faces[0].folder == tmp_path / "takes"
    shape, shipped = generator_config(settings), load_checkpoint(default_checkpoint()).config
    assert (shape.hidden, shape.latent, shape.channels) == (
        shipped.hidden,
        shipped.latent,
        shipped.channels,
    )


def test_start_on_the_same_rig_takes_every_weight(tmp_path: Path) -> None:
    checkpoint = load_checkpoint(write_tiny_checkpoint(tmp_path / "model"))
    generator = Generator(checkpoint.config)
    start_from(generator, checkpoint)
    for name, value in generator.state_dict().items():
        assert np.array_equal(value.numpy(), checkpoint.tensors[name]), name


def test_start_on_a_wider_rig_keeps_the_faces_both_have(tmp_path: Path) -> None:
    checkpoint = load_checkpoint(write_tiny_checkpoint(tmp_path / "model", style_dim=4))
    settings = Settings(
        data=tmp_path, work=tmp_path, rig="livelink61", start_from=tmp_path / "model"
    )
    config = generator_config(settings)
    assert config.hidden == checkpoint.config.hidden
    generator = Generator(config)
    start_from(generator, checkpoint)
    found, old = generator.state_dict(), checkpoint.config
    assert np.array_equal(found["stem_wide.weight"].numpy(), checkpoint.tensors["stem_wide.weight"])
    for region in old.regions:
        theirs, ours = old.regions.index(region), config.regions.index(region)
        for part in ("weight", "bias"):
            head = found[f"heads.{region}.{part}"].numpy()
            assert np.array_equal(head, checkpoint.tensors[f"heads.{region}.{part}"]), region
        rows = slice(ours * config.latent, (ours + 1) * config.latent)
        old_rows = slice(theirs * old.latent, (theirs + 1) * old.latent)
        found_block = found["decoder.0.conv.weight"].numpy()[rows, rows]
        expected = checkpoint.tensors["decoder.0.conv.weight"][old_rows, old_rows]
        assert np.array_equal(found_block, expected), region


def test_start_on_a_rig_with_nothing_in_common_keeps_the_ears(tmp_path: Path) -> None:
    checkpoint = load_checkpoint(write_tiny_checkpoint(tmp_path / "model"))
    rig = load_rig("metahuman")
    config = GeneratorConfig(
        **{
            **vars(tiny_config()),
            "rig": rig.name,
            "channels": rig.channel_names,
            "regions": rig.regions,
            "region_of": tuple(rig.regions.index(channel.region) for channel in rig.channels),
        }
    )
    generator = Generator(config)
    start_from(generator, checkpoint)
    state = {name: value.numpy() for name, value in generator.state_dict().items()}
    for name in ("stem_wide.weight", "encoder.1.conv.weight", "phone_head.bias", "emotion_table"):
        assert np.array_equal(state[name], checkpoint.tensors[name]), name
    save_checkpoint(tmp_path / "other", config, state, {})
    assert load_checkpoint(tmp_path / "other").config.rig == "metahuman"
