"""Corpora of FLAME coefficients and MetaHuman controls, from generated miniatures."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from model_runtime.curves.rig import load_rig
from model_runtime.training.corpora.clip import UNKNOWN_EMOTION, CorpusReading
from model_runtime.training.corpora.reading import read_corpus
from tests.fakes.corpora import long_textgrid, write_npy, write_npz, write_text, write_wav

FLAME = load_rig("flame").channel_names
CONTROLS = load_rig("metahuman").channel_names
CHANCE = np.random.default_rng(11)
EXPRESSIONS = CHANCE.uniform(-2, 2, size=(20, 100)).astype(np.float32)
JAW = CHANCE.uniform(-0.05, 0.3, size=(20, 3)).astype(np.float32)


def reasons(found: CorpusReading) -> dict[str, str]:
    return {skip.file.name: skip.reason for skip in found.skipped}


def write_beat2(folder: Path, stem: str, **changes: np.ndarray) -> None:
    poses = CHANCE.normal(size=(20, 165)).astype(np.float32)
    poses[:, 66:69] = JAW
    arrays = {
        "poses": poses, "expressions": EXPRESSIONS, "trans": np.zeros((20, 3)),
        "betas": np.zeros(300), **changes,
    }  # fmt: skip
    write_npz(folder / "smplxflame_30" / f"{stem}.npz", **arrays)


def test_beat2_takes_expressions_and_the_jaw_joint(tmp_path: Path) -> None:
    folder = tmp_path / "beat_english_v2.0.0"
    write_beat2(folder, "2_scott_0_73_73")
    write_wav(folder / "wave16k" / "2_scott_0_73_73.wav")
    write_text(folder / "textgrid" / "2_scott_0_73_73.TextGrid", long_textgrid([(0, 0.5, "no")]))
    found = read_corpus("beat2", tmp_path)
    assert found.skipped == ()
    (clip,) = found.clips
    assert (clip.emotion, clip.speaker, clip.fps, clip.text) == ("angry", "2_scott", 30.0, "no")
    assert clip.audio is not None
    assert clip.channels == FLAME
    np.testing.assert_allclose(clip.curves().values[:, :100], EXPRESSIONS)
    np.testing.assert_allclose(clip.curves().values[:, 100:], JAW)


def test_broken_beat2_files_are_skipped(tmp_path: Path) -> None:
    folder = tmp_path / "beat_english_v2.0.0"
    write_beat2(folder, "2_scott_0_1_1", poses=np.zeros((19, 165)))
    write_beat2(folder, "2_scott_0_2_2", expressions=np.full((20, 50), 0.1))
    write_npz(folder / "smplxflame_30" / "2_scott_0_3_3.npz", poses=np.zeros((20, 165)))
    write_beat2(folder, "scott")
    found = read_corpus("beat2", tmp_path)
    assert found.clips == ()
    said = reasons(found)
    assert "20 frames of expression, 19 of jaw" in said["2_scott_0_1_1.npz"]
    assert "(20, 50)" in said["2_scott_0_2_2.npz"]
    assert "Lacks expressions" in said["2_scott_0_3_3.npz"]
    assert "<speaker>" in said["scott.npz"]


def write_mead(folder: Path, place: str, *, jaw: np.ndarray = JAW) -> Path:
    h5py = pytest.importorskip("h5py")
    path = folder / place / "shape_pose_cam.hdf5"
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file["shape"] = np.zeros((1, 20, 300), np.float32)
        file["exp"] = EXPRESSIONS[None]
        file["jaw"] = jaw[None]
        file["global_pose"] = np.zeros((1, 20, 3), np.float32)
    return path


@pytest.mark.parametrize(
    "place, emotion, intensity",
    [
        ("M003/front/happy/level_1/001", "happy", 1 / 3),
        ("M003/front/contempt/level_2/001", "contemptuous", 2 / 3),
        ("W009/front/fear/level_3/030", "fearful", 1.0),
        ("W009/front/neutral/level_1/030", "neutral", 0.0),
    ],
)
def test_mead_folders_tell_speaker_emotion_and_level(
    tmp_path: Path, place: str, emotion: str, intensity: float
) -> None:
    write_mead(tmp_path, place)
    subject, _, word, level, sentence = place.split("/")
    sound = write_wav(tmp_path / subject / "audio" / word / level / f"{sentence}.wav")
    (clip,) = read_corpus("mead", tmp_path).clips
    assert clip.emotion == emotion
    assert clip.intensity == pytest.approx(intensity)
    assert (clip.speaker, clip.sentence, clip.fps) == (subject, sentence, 25.0)
    assert clip.audio == sound
    np.testing.assert_allclose(clip.curves().values[:, 100:], JAW)


def test_broken_mead_files_are_skipped(tmp_path: Path) -> None:
    write_mead(tmp_path, "M003/front/happy/level_1/001", jaw=JAW[:19])
    write_mead(tmp_path, "M003/front/happy/strong/002")
    cut = write_mead(tmp_path, "M003/front/happy/level_1/003")
    cut.write_bytes(cut.read_bytes()[:300])
    found = read_corpus("mead", tmp_path)
    assert found.clips == ()
    said = {skip.file.parent.name: skip.reason for skip in found.skipped}
    assert "19 of jaw" in said["001"]
    assert "level_<n>" in said["002"]
    assert said["003"]


def test_without_h5py_mead_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_mead(tmp_path, "M003/front/happy/level_1/001")
    monkeypatch.setitem(sys.modules, "h5py", None)
    found = read_corpus("mead", tmp_path)
    assert found.clips == ()
    assert "pip install h5py" in found.skipped[0].reason


@pytest.mark.parametrize(
    "stem, emotion, intensity",
    [
        ("M003_001_1_0", "happy", 1 / 3),
        ("M003_001_6_2", "angry", 1.0),
        ("W009_040_0_0", "neutral", 0.0),
        ("W009_040_7_1", "contemptuous", 2 / 3),
        ("W009_040_8_1", UNKNOWN_EMOTION, 0.0),
    ],
)
def test_probtalk_arrays_hold_shape_then_expression_then_jaw(
    tmp_path: Path, stem: str, emotion: str, intensity: float
) -> None:
    shape = np.full((20, 300), 9.0, np.float32)
    values = np.concatenate([shape, EXPRESSIONS, JAW], axis=1)[None]
    write_npy(tmp_path / "mead" / "param" / f"{stem}.npy", values)
    write_wav(tmp_path / "mead" / "wav" / f"{stem}.wav")
    (clip,) = read_corpus("probtalk", tmp_path).clips
    assert clip.emotion == emotion
    assert clip.intensity == pytest.approx(intensity)
    assert clip.audio is not None
    np.testing.assert_allclose(clip.curves().values, values[0, :, 300:])


def test_broken_probtalk_arrays_are_skipped(tmp_path: Path) -> None:
    write_npy(tmp_path / "M003_001_1_0.npy", np.zeros((2, 20, 403)))
    write_npy(tmp_path / "flame_zero_pose.npy", np.zeros((20, 403)))
    found = read_corpus("probtalk", tmp_path)
    assert found.clips == ()
    assert "(2, 20, 403)" in reasons(found)["M003_001_1_0.npy"]
    assert "<subject>" in reasons(found)["flame_zero_pose.npy"]


def controls_text(frames: int, names: tuple[str, ...]) -> str:
    jaw = names.index("CTRL_C_jaw-translateY")
    rows = []
    for frame in range(frames):
        values = [0.0] * len(names)
        values[jaw] = frame / frames
        rows.append(",".join(f"{value:.6f}" for value in values))
    return "\n".join(rows) + "\n"


def test_emoface_without_a_list_of_names_has_the_rigs_columns(tmp_path: Path) -> None:
    write_text(tmp_path / "VALID_CTR" / "angry_gd04_001_021.txt", controls_text(12, CONTROLS))
    write_wav(tmp_path / "WAV" / "angry_gd04_001_021.wav")
    found = read_corpus("emoface", tmp_path)
    assert found.skipped == ()
    (clip,) = found.clips
    assert (clip.emotion, clip.intensity, clip.fps) == ("angry", 1.0, 60.0)
    assert (clip.speaker, clip.sentence) == ("gd04", "gd04_001_021")
    assert clip.audio is not None
    assert len(clip.channels) == 174
    assert clip.curves().column("CTRL_C_jaw-translateY")[6] == pytest.approx(0.5)


def test_emoface_columns_follow_its_own_list_of_names(tmp_path: Path) -> None:
    names = (*CONTROLS[::-1][:100], "CTRL_C_jaw-translateY")
    names = tuple(dict.fromkeys(names))
    write_text(tmp_path / "valid_attr_names.txt", "\n".join(names))
    folder = tmp_path / "validation" / "VALID_CTR"
    write_text(folder / "sad_a_1.txt", controls_text(12, names))
    write_text(folder / "hap_a_2.txt", controls_text(12, CONTROLS))
    write_text(folder / "sur_a_3.txt", "0.1,0.2,\n")
    found = read_corpus("emoface", tmp_path)
    (clip,) = found.clips
    assert clip.emotion == "sad"
    assert set(clip.channels) == set(names)
    assert clip.curves().column("CTRL_C_jaw-translateY")[6] == pytest.approx(0.5)
    assert "174 values for 101 names" in reasons(found)["hap_a_2.txt"]
    assert "Not a whole .txt" in reasons(found)["sur_a_3.txt"]


def test_emoface_list_with_a_name_twice_is_not_guessed_at(tmp_path: Path) -> None:
    names = (*CONTROLS[:173], CONTROLS[0])
    write_text(tmp_path / "valid_attr_names.txt", "\n".join(names))
    write_text(tmp_path / "VALID_CTR" / "sad_a_1.txt", controls_text(12, CONTROLS))
    found = read_corpus("emoface", tmp_path)
    assert found.clips == ()
    assert "name twice" in found.skipped[0].reason
