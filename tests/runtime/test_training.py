"""Laws of training: caches, batches, augmentation, losses, the resumable run."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("librosa")

from model_runtime.audio.equalisation import mean_spectrum  # noqa: E402
from model_runtime.checkpoint.folder import load_checkpoint  # noqa: E402
from model_runtime.config import FeatureConfig  # noqa: E402
from model_runtime.errors import BadArgument  # noqa: E402
from model_runtime.training.alignment.forced import PhoneTime  # noqa: E402
from model_runtime.training.data.augment import Augmenter  # noqa: E402
from model_runtime.training.data.batches import BatchSource  # noqa: E402
from model_runtime.training.data.cache import Entry, cut, read_cache, write_cache  # noqa: E402
from model_runtime.training.data.encoder_inputs import load_training_inputs, training_spectrum  # noqa: E402
from model_runtime.training.preparation.items import at_ease, at_speed, make_item  # noqa: E402
from model_runtime.training.preparation.nonspeech import nonspeech_clips  # noqa: E402
from model_runtime.training.preparation.synthetic_voices import speak_again  # noqa: E402
from model_runtime.training.reference.articulation import CALIBRATED, load_articulation  # noqa: E402
from model_runtime.training.settings import (  # noqa: E402
    Settings,
    StageSettings,
    generator_config,
    read_settings,
)
from model_runtime.training.stages import generator as generator_stage  # noqa: E402
from tests.fakes.sounds import voice  # noqa: E402

STAGE = StageSettings(steps=4, clips=2, frames=50, warmup_steps=1, threads=1, save_every_s=-1.0)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work folder with one small cache."""
    folder = tmp_path_factory.mktemp("work")
    (folder / "cache").mkdir()
    articulation = load_articulation(CALIBRATED)

    def items():
        for index in range(3):
            phones = [PhoneTime("aa", 0.0, 1.0, "a", -1.0), PhoneTime("m", 1.0, 1.2, "m", -1.0)]
            item = make_item(voice(1.6 + index / 5), phones, articulation, FeatureConfig())
            split = "train" if index else "dev"
            yield Entry(f"tiny/{index}", "s", "en", "neutral", split, "phones", 1.0, 0, 0), item

    write_cache(folder / "cache" / "tiny", items(), {})
    return folder


@pytest.fixture
def source(work: Path) -> BatchSource:
    settings = Settings(data=work, work=work)
    cache = read_cache(work / "cache" / "tiny")
    return BatchSource(
        [cache], generator_config(settings), split="train", seed=3, clips=4, frames=60
    )


def test_cache_gives_back_each_item_whole(work: Path) -> None:
    cache = read_cache(work / "cache" / "tiny", verify=True)
    for entry in cache.entries:
        item = cut(cache, entry, 0, entry.frames)
        assert item.features.shape == (2 * entry.frames, 80)
        assert item.mouth.shape == (entry.frames, 52)
        assert item.phones[: entry.frames // 2].min() > 0


def test_damaged_cache_is_refused(work: Path, tmp_path: Path) -> None:
    import shutil

    folder = Path(shutil.copytree(work / "cache" / "tiny", tmp_path / "tiny"))
    data = bytearray((folder / "mouth.bin").read_bytes())
    data[100] ^= 1
    (folder / "mouth.bin").write_bytes(data)
    with pytest.raises(BadArgument, match="checksum"):
        read_cache(folder, verify=True)
    (folder / "mouth.bin").write_bytes(data[:-2])
    with pytest.raises(BadArgument, match="another size"):
        read_cache(folder)


def test_cache_that_breaks_off_leaves_the_old_one(work: Path) -> None:
    def breaking():
        yield from ()
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_cache(work / "cache" / "tiny", breaking(), {})
    assert len(read_cache(work / "cache" / "tiny", verify=True).entries) == 3


def test_batch_is_the_same_whatever_came_before(source: BatchSource) -> None:
    first = source.batch(7)
    source.batch(1)
    again = source.batch(7)
    for field in dataclasses.fields(first):
        assert torch.equal(getattr(first, field.name), getattr(again, field.name)), field.name


def test_batches_never_hold_clips_of_another_split(work: Path, source: BatchSource) -> None:
    assert {entry.clip for _, entry in source.pool} == {"tiny/1", "tiny/2"}


def test_augmented_features_stay_finite_and_in_time() -> None:
    clicks = torch.full((6, 100, 80), -2.0)
    clicks[:, 50] = 1.0
    heard = Augmenter(FeatureConfig(), torch.Generator().manual_seed(1))(clicks)
    assert torch.isfinite(heard).all()
    assert (heard.mean(2)[:, 45:50].amax(1) < heard.mean(2)[:, 50]).all()


def test_copies_of_one_voice_sound_through_different_microphones() -> None:
    even = torch.zeros(200, 20, 80)
    heard = Augmenter(FeatureConfig(), torch.Generator().manual_seed(2))(even)
    decibels = 15 * heard.mean(1)  # a unit is 1.5 decades of power
    assert float(decibels.std(1).median()) > 2.0
    voiced = 15 * (heard[:, 10] - heard[:, 9])
    assert float(voiced.mean(1).abs().max()) < 3.0, "a microphone does not change in time"


def test_a_generator_knows_the_colour_of_the_speech_it_learns_from(
    work: Path, tmp_path: Path
) -> None:
    settings = Settings(data=work, work=work, generator=STAGE)
    config, caches = load_training_inputs(settings)
    own, frames = mean_spectrum(np.asarray(caches[0].features[: 2 * 90], np.float32))
    assert frames > 0
    assert len(config.reference_spectrum) == config.features.mel_bands
    assert np.corrcoef(config.reference_spectrum, own)[0, 1] > 0.9
    folder = generator_stage.train_generator(settings, tmp_path / "first")
    assert load_checkpoint(folder).config.reference_spectrum == config.reference_spectrum
    again = dataclasses.replace(settings, start_from=folder, work=work)
    assert load_training_inputs(again)[0].reference_spectrum == config.reference_spectrum
    assert training_spectrum([]) == ()


def test_faster_clip_is_shorter_and_its_phones_move_along() -> None:
    samples, phones = at_speed(voice(2.0), [PhoneTime("m", 0.5, 1.0, "m", 0.0)], 1.25)
    assert len(samples) == pytest.approx(2.0 * 16_000 / 1.25, abs=2)
    assert phones[0].start_s == pytest.approx(0.4)


def test_filmed_lips_are_calmer_where_nobody_speaks_and_as_filmed_where_somebody_does() -> None:
    said = (("sil", 0.0, 1.0), ("aa", 1.0, 2.0), ("sil", 2.0, 3.0))
    phones = [
        PhoneTime(phone=phone, start_s=start_s, end_s=end_s, word="", score=0)
        for phone, start_s, end_s in said
    ]
    film = np.full((150, 52), 0.5, np.float32)
    calm = at_ease(film, phones)
    assert calm.shape == film.shape
    assert calm[50:101] == pytest.approx(film[50:101]), "speech is as filmed"
    assert calm[:40].mean() < 0.8 * film[:40].mean()
    assert calm[110:].mean() < 0.8 * film[110:].mean()
    assert 0 < np.abs(np.diff(calm, axis=0)).max() < 0.07, "no jump on the way"
    assert np.array_equal(at_ease(film, []), film), "who was not aligned may be speaking"


class Killed(Exception):
    """Stands in for SIGKILL between two steps."""


def test_killed_and_resumed_run_ends_in_the_same_bits(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(data=work, work=work, generator=STAGE)
    unbroken = generator_stage.train_generator(settings, tmp_path / "unbroken")
    descend = generator_stage.TrainingRun.descend

    def descend_twice(run, loss):
        if run.step == 2:
            raise Killed
        descend(run, loss)

    with monkeypatch.context() as patch:
        patch.setattr(generator_stage.TrainingRun, "descend", descend_twice)
        with pytest.raises(Killed):
            generator_stage.train_generator(settings, tmp_path / "broken")
    assert not (tmp_path / "broken").exists()
    resumed = generator_stage.train_generator(settings, tmp_path / "broken")
    expected, found = load_checkpoint(unbroken).tensors, load_checkpoint(resumed).tensors
    for name, value in expected.items():
        assert np.array_equal(value, found[name]), name


def test_settings_file_changes_only_what_it_names(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text('data = "d"\nwork = "w"\n[generator]\nsteps = 7\n')
    settings = read_settings(path)
    assert settings.generator == dataclasses.replace(Settings.generator, steps=7)
    assert settings.work == tmp_path / "w"


def test_unknown_setting_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text('data = "d"\nwork = "w"\n[generator]\nstepps = 7\n')
    with pytest.raises(BadArgument, match="stepps"):
        read_settings(path)


def test_synthesised_sounds_are_the_same_for_the_same_seed() -> None:
    one, other = (list(nonspeech_clips(5, 4, duration_s=0.5)) for _ in range(2))
    for (name, sound), (again, same) in zip(one, other, strict=True):
        assert name == again
        assert np.array_equal(sound, same)
        assert 0 < np.abs(sound).max() <= 0.5


def test_without_flite_there_are_no_synthetic_voices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert speak_again([], tmp_path / "voices") == []
    assert not (tmp_path / "voices").exists()
