"""Laws of the acoustic stage: batches, loss, measures, what is trained."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from model_runtime.config import PHONES, FeatureConfig  # noqa: E402
from model_runtime.model.generator import Generator  # noqa: E402
from model_runtime.training.data.acoustic_batches import (  # noqa: E402
    AcousticBatch,
    AcousticSource,
    DrawSettings,
)
from model_runtime.training.data.cache import Cache, Entry  # noqa: E402
from model_runtime.training.stages.acoustic import (  # noqa: E402
    AcousticSettings,
    acoustic_loss,
    load_acoustic,
    save_acoustic,
    train_acoustic,
)
from model_runtime.training.stages.phone_measures import f1, phone_measures  # noqa: E402
from model_runtime.training.teacher.labels import TeacherLabels  # noqa: E402
from tests.fakes.checkpoints import tiny_config  # noqa: E402

AA, M = PHONES.index("aa"), PHONES.index("m")
STILL_DRAW = DrawSettings(clean_share=1.0, tempo_share=0.0)
SETTINGS = AcousticSettings(
    steps=3, clips=2, frames=20, warmup_steps=1, threads=1, evaluate_every=1, start_clips=0
)


def tiny_cache() -> Cache:
    """Three clips of 30, 40 and 12 frames: aa with features 1, m with features -1."""
    random = np.random.default_rng(0)
    frames, entries, start = (30, 40, 12), [], 0
    phones = np.where(np.arange(sum(frames)) // 5 % 2, AA, M).astype(np.uint8)
    for index, count in enumerate(frames):
        split = "dev" if index == 1 else "train"
        entries.append(
            Entry(f"tiny/{index}", f"s{index}", "en", "neutral", split, "phones", 1.0, start, count)
        )
        start += count
    features = np.repeat(np.where(phones == AA, 1.0, -1.0), 2)[:, None] * np.ones((1, 80))
    features = features + 0.1 * random.standard_normal(features.shape)
    empty = np.zeros((start, 52), np.float16)
    return Cache(
        "tiny", tuple(entries), features.astype(np.float16), empty, empty[:, :5], phones, "f"
    )


def labels_of(cache: Cache) -> TeacherLabels:
    codes = np.zeros((len(cache.phones), len(PHONES)), np.uint8)
    codes[np.arange(len(codes)), cache.phones] = 255
    places = {e.clip.removeprefix("tiny/"): (e.start, e.frames) for e in cache.entries}
    return TeacherLabels(codes, places, {}, {})


def source(draw: DrawSettings, cache: Cache | None = None) -> AcousticSource:
    cache = cache or tiny_cache()
    return AcousticSource(
        [cache],
        {"tiny": labels_of(cache)},
        seed=1,
        clips=4,
        frames=20,
        weights={},
        draw=draw,
        features=FeatureConfig(),
    )


@pytest.mark.parametrize("draw", [STILL_DRAW, DrawSettings(0.5, 1.0), DrawSettings()])
def test_features_phones_and_posteriors_stay_together(draw: DrawSettings) -> None:
    batch = source(dataclasses.replace(draw, clean_share=1.0)).batch(3)
    assert batch.features.shape == (4, 40, 80)
    level = batch.features.reshape(4, 20, -1).mean(2)
    assert batch.phones.shape == level.shape
    inner = batch.phones == AA
    inner[:, 1:-1] &= (batch.phones[:, :-2] == AA) & (batch.phones[:, 2:] == AA)
    assert (level[inner] > 0.5).all()
    seen = batch.posteriors.sum(2) > 0
    assert (batch.posteriors.argmax(2)[seen] == batch.phones[seen]).all()


def test_a_batch_is_the_same_whatever_came_before() -> None:
    one = source(DrawSettings())
    first = one.batch(7)
    one.batch(2)
    again = one.batch(7)
    for field in dataclasses.fields(first):
        assert torch.equal(getattr(first, field.name), getattr(again, field.name)), field.name


def test_only_training_clips_are_drawn() -> None:
    assert {entry.clip for _, entry in source(STILL_DRAW).pool} == {"tiny/0", "tiny/2"}


def batch_of(phone: int, posterior: float) -> AcousticBatch:
    posteriors = torch.zeros(1, 1, len(PHONES))
    posteriors[..., AA], posteriors[..., M] = posterior, 1 - posterior
    return AcousticBatch(torch.zeros(1, 2, 80), torch.tensor([[phone]]), posteriors)


def test_the_teacher_term_is_zero_at_its_posteriors_and_positive_elsewhere() -> None:
    logits = torch.full((1, 1, len(PHONES)), -30.0)
    logits[..., AA], logits[..., M] = np.log(0.7), np.log(0.3)
    same = acoustic_loss(logits, batch_of(AA, 0.7), SETTINGS)["teacher"]
    other = acoustic_loss(logits, batch_of(AA, 0.2), SETTINGS)["teacher"]
    assert float(same) == pytest.approx(0, abs=1e-4)
    assert float(other) > 0.1


def test_a_phone_that_the_teacher_doubts_counts_less_and_an_unknown_one_not_at_all() -> None:
    logits = torch.zeros(1, 1, len(PHONES))
    sure, doubted, unknown = (
        float(acoustic_loss(logits, batch_of(phone, share), SETTINGS)["alignment"])
        for phone, share in ((AA, 0.9), (AA, 0.01), (255, 0.9))
    )
    assert sure == pytest.approx(np.log(40) / 2)
    assert doubted == pytest.approx(np.log(40) * 0.1 / 1.1)
    assert unknown == 0


def test_f1_is_the_harmonic_mean_of_precision_and_recall() -> None:
    truth = np.array([AA, AA, AA, M, 0, 0])
    guess = np.array([AA, M, M, AA, M, 0])
    assert f1(truth, guess, ("aa",)) == pytest.approx(0.4)
    assert f1(truth, guess, ("m",)) == 0


def test_the_stage_trains_the_encoder_alone_and_what_it_saves_is_loaded(tmp_path: Path) -> None:
    cache, config = tiny_cache(), tiny_config()
    tensors = train_acoustic(
        SETTINGS,
        config,
        [cache],
        {"tiny": labels_of(cache)},
        weights={},
        draw=STILL_DRAW,
        teacher=None,
        start_on=[],
        folder=tmp_path / "run",
        identity="a",
    )
    torch.manual_seed(SETTINGS.seed)
    before = Generator(config).state_dict()
    assert not torch.equal(before["encoder.0.conv.weight"], tensors["encoder.0.conv.weight"])
    assert not any(name.startswith(("decoder", "heads", "to_latents")) for name in tensors)
    save_acoustic(tensors, tmp_path / "acoustic.safetensors")
    generator = Generator(config)
    load_acoustic(generator, tmp_path / "acoustic.safetensors")
    measures = phone_measures(generator, [(cache, cache.entries[1])])
    assert set(measures) == {
        *("score", "frames", "f1_mbp", "f1_fv", "f1_w", "f1_uw", "worst_speaker"),
    }
    assert (tmp_path / "run" / "evaluations.jsonl").read_text().count("\n") == 3
