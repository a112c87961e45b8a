"""The same training run, from a corpus on disk to a file of curves, works on every rig."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("scipy")

from model_runtime.curves.format_npz import read  # noqa: E402
from model_runtime.curves.rig import load_rig, rig_names  # noqa: E402
from model_runtime.training.cache import read_cache  # noqa: E402
from model_runtime.training.rig_rows import RigRows  # noqa: E402
from tests.fakes import face_corpora  # noqa: E402
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
[model]
hidden = 16
latent = 4
encoder_dilations = [1, 2]
decoder_dilations = [1]
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
"""


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
    assert track.channels == load_rig(rig).channel_names
    assert track.request["rig"] == rig
    assert np.isfinite(track.values).all()
    low, high = load_rig(rig).bounds()
    assert (track.values >= low).all()
    assert (track.values <= high).all()
    assert track.values.std(axis=0).max() > 0


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


def read_entry(supervision: str):
    from model_runtime.training.cache import Entry

    return Entry("c/1", "s", "en", "neutral", "train", supervision, 1.0, 0, 5)
