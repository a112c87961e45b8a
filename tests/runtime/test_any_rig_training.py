"""The same training run, from a corpus on disk to a file of curves, works on every rig."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("scipy")

from model_runtime.curves.formats.npz import read  # noqa: E402
from model_runtime.curves.rig import load_rig, rig_names  # noqa: E402
from model_runtime.errors import BadArgument  # noqa: E402
from model_runtime.training.data.batches import BatchSource  # noqa: E402
from model_runtime.training.data.cache import Entry, read_cache  # noqa: E402
from model_runtime.training.data.encoder_inputs import load_training_inputs  # noqa: E402
from model_runtime.training.data.loading import load_caches  # noqa: E402
from model_runtime.training.data.rig_rows import RigRows  # noqa: E402
from model_runtime.training.preparation.recorded_faces import face_jobs  # noqa: E402
from model_runtime.training.settings import read_settings  # noqa: E402
from model_runtime.training.stages.loss_weights import LossWeights  # noqa: E402
from model_runtime.training.stages.losses import GeneratorLoss  # noqa: E402
from tests.fakes import face_corpora  # noqa: E402
from tests.fakes.checkpoints import TINY_MODEL  # noqa: E402
from tests.runtime.conftest import Command  # noqa: E402


def write_three_takes(folder: Path) -> Path:
    return face_corpora.write_takes(folder, ("anna/1", "ben/happy_2", "cleo/3"))


CORPORA: dict[str, tuple[str, Callable[[Path], Path]]] = {
    "arkit52": ("beat", face_corpora.write_beat),
    "flame": ("beat2", face_corpora.write_beat2),
    "livelink61": ("livelink", write_three_takes),
    "metahuman": ("emoface", face_corpora.write_emoface),
}
SETTINGS = """
work = "work"
rig = "{rig}"
nonspeech = 2
[[faces]]
kind = "{kind}"
folder = "corpus"
MODEL
[generator]
steps = 3
clips = 3
frames = 60
threads = 1
[correlation]
steps = 2
clips = 2
frames = 40
threads = 1
""".replace("MODEL\n", TINY_MODEL)


def test_every_rig_has_a_miniature_here() -> None:
    assert set(CORPORA) == set(rig_names())


@pytest.mark.parametrize("rig", sorted(CORPORA))
def test_corpus_of_a_rig_becomes_a_model_of_that_rig(
    rig: str, tmp_path: Path, speech: Path, in_process: Command
) -> None:
    kind, write = CORPORA[rig]
    write(tmp_path / "corpus")
    config = tmp_path / "run.toml"
    config.write_text(SETTINGS.format(rig=rig, kind=kind))
    model, output = tmp_path / "model", tmp_path / "curves.npz"
    in_process("train", "prepare", "--config", config)
    in_process("train", "correlation", "--config", config)
    in_process(
        *("train", "generator", "--config", config, "--output", model),
        *("--correlation", tmp_path / "work" / "correlation"),
    )
    in_process("generate", speech, "-o", output, "--model", model, "--emotion", "happy")
    track = read(output)
    names = load_rig(rig).channel_names
    assert track.channels[: len(names)] == names
    assert {*track.channels[len(names) :]} <= {"headYaw", "headPitch", "headRoll"}
    assert track.request["rig"] == rig
    assert np.isfinite(track.values).all()
    low, high = load_rig(rig).bounds()
    values = track.values[:, : len(names)]
    assert (values >= low).all()
    assert (values <= high).all()
    assert values.std(axis=0).max() > 0


def test_cached_faces_are_the_recorded_ones(tmp_path: Path, in_process: Command) -> None:
    face_corpora.write_beat2(tmp_path / "corpus")
    config = tmp_path / "run.toml"
    config.write_text(SETTINGS.format(rig="flame", kind="beat2"))
    in_process("train", "prepare", "--config", config)
    cache = read_cache(tmp_path / "work" / "cache" / "beat2", verify=True)
    entry = next(e for e in cache.entries if e.clip.endswith("3_solomon_0_73_73") and e.speed == 1)
    assert (entry.supervision, entry.emotion, entry.intensity) == ("face", "angry", 1.0)
    recorded = face_corpora.moving_face("flame", 30.0, 1).values
    cached = cache.mouth[entry.start : entry.start + entry.frames].astype(np.float32)
    # Every fifth model frame (0.1 s) is every third recorded one.
    np.testing.assert_allclose(cached[::5][:15], recorded[::3][:15], atol=0.01)


def test_reference_motion_is_carried_over_by_name_and_the_rest_stays_unobserved() -> None:
    rig, reference = load_rig("livelink61"), load_rig("arkit52")
    rows = RigRows(rig.channel_names)
    entry = read_entry("phones")
    acted = torch.rand(1, 5, len(reference.channels))
    curves, _, observed = rows.settle(acted, torch.zeros(1, 5, 8), [np.zeros((5, 52))], [entry])
    jaw = rig.channel_names.index("jawOpen")
    assert torch.equal(curves[..., jaw], acted[..., reference.channel_names.index("jawOpen")])
    assert observed[0].tolist() == [name in reference.channel_names for name in rig.channel_names]


def test_film_says_nothing_about_tongue_chin_press_and_jaw_thrust() -> None:
    names = load_rig("arkit52").channel_names
    _, _, observed = RigRows(names).settle(
        torch.rand(1, 5, 52), torch.zeros(1, 5, 8), [np.zeros((5, 52))], [read_entry("filmed")]
    )
    unseen = {name for name, seen in zip(names, observed[0].tolist(), strict=True) if not seen}
    assert unseen == {
        *("tongueOut", "cheekPuff", "jawForward", "mouthShrugLower", "mouthShrugUpper"),
        *("mouthPressLeft", "mouthPressRight"),
    }


def test_nothing_is_learnt_about_channels_that_a_recording_lacks(
    tmp_path: Path, in_process: Command
) -> None:
    face_corpora.write_beat(tmp_path / "corpus")  # without the tongue
    config = tmp_path / "run.toml"
    config.write_text(SETTINGS.format(rig="livelink61", kind="beat"))
    in_process("train", "prepare", "--config", config)
    settings = read_settings(config)
    shape, caches = load_training_inputs(settings)
    faces = [cache for cache in caches if cache.name == "beat"]
    source = BatchSource(faces, shape, split="train", seed=1, clips=2, frames=30)
    batch = source.batch(0)
    lacking = [shape.channels.index(name) for name in ("tongueOut", "headYaw", "leftEyePitch")]
    assert not batch.observed[:, lacking].any()
    assert int((~batch.observed[0]).sum()) == 1 + 9
    made = torch.rand(2, 30, 61, requires_grad=True)
    loss = GeneratorLoss(shape, torch.ones(61), LossWeights(closure=0, tuck=0, phones=0))
    total, _ = loss(
        made,
        torch.zeros(2, 30, 40, requires_grad=True),
        dataclasses.replace(batch, curves=batch.wanted(made)),
    )
    total.backward()
    moved = made.grad.abs().amax((0, 1))
    assert moved[lacking].max() == 0
    assert moved[shape.channels.index("browInnerUp")] > 0


def test_cache_of_another_rig_is_refused_then_made_anew(
    tmp_path: Path, in_process: Command
) -> None:
    face_corpora.write_beat(tmp_path / "corpus")
    config = tmp_path / "run.toml"
    config.write_text(SETTINGS.format(rig="arkit52", kind="beat"))
    in_process("train", "prepare", "--config", config)
    config.write_text(SETTINGS.format(rig="livelink61", kind="beat"))
    with pytest.raises(BadArgument, match="rig arkit52, but livelink61"):
        load_caches(read_settings(config))
    in_process("train", "prepare", "--config", config)
    assert {cache.name for cache in load_caches(read_settings(config))} == {"beat", "nonspeech"}


def test_faces_without_sound_are_left_out_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_three_takes(tmp_path / "corpus")
    (tmp_path / "corpus" / "ben" / "happy_2" / "happy_2.wav").unlink()
    config = tmp_path / "run.toml"
    config.write_text(SETTINGS.format(rig="livelink61", kind="livelink"))
    settings = read_settings(config)
    jobs = face_jobs(settings.faces[0], settings)
    assert {job.clip.file for job in jobs} == {"anna/1/1", "cleo/3/3"}
    assert "1 clips left out: no audio" in caplog.text
    flame = dataclasses.replace(settings, rig="flame")
    with pytest.raises(BadArgument, match="No usable clip") as caught:
        face_jobs(flame.faces[0], flame)
    assert "rig flame" in caught.value.hint


def test_still_sounds_leave_a_rig_without_reference_motion_at_rest() -> None:
    rig = load_rig("flame")
    rows, entry = RigRows(rig.channel_names), read_entry("still")
    curves, emotion, observed = rows.settle(
        torch.rand(1, 5, 52), torch.ones(1, 5, 8), [np.zeros((5, 52))], [entry]
    )
    assert observed.all()
    assert curves.abs().max() == emotion.abs().max() == 0


def read_entry(supervision: str) -> Entry:
    return Entry("c/1", "s", "en", "neutral", "train", supervision, 1.0, 0, 5)
