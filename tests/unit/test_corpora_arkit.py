"""Corpora of ARKit shapes read from generated miniatures in their own formats."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model_runtime.curves.formats import livelink as format_livelink
from model_runtime.curves.rig import load_rig
from model_runtime.curves.track import CurveTrack
from model_runtime.training.corpora.claire import bounded_least_squares
from model_runtime.training.corpora.clip import UNKNOWN_EMOTION, CorpusReading, FaceClip
from model_runtime.training.corpora.reading import read_corpus
from tests.fakes.corpora import (
    PickledTrap,
    long_textgrid,
    write_beat_face,
    write_maya_cache,
    write_npy,
    write_npz,
    write_text,
    write_wav,
)

NAMES = load_rig("arkit52").channel_names
CHANCE = np.random.default_rng(7)
WEIGHTS = CHANCE.uniform(size=(30, 52)).astype(np.float32)
BLENDVOCA_NAMES = tuple(n for n in NAMES if n.startswith(("jaw", "mouth", "cheek", "nose")))


def by_id(found: CorpusReading) -> dict[str, FaceClip]:
    return {clip.clip_id: clip for clip in found.clips}


def reasons(found: CorpusReading) -> dict[str, str]:
    return {skip.file.name: skip.reason for skip in found.skipped}


def test_beat_is_read_by_its_own_names_without_tongue(tmp_path: Path) -> None:
    folder = tmp_path / "beat_english_v0.2.1" / "2"
    names = [name for name in reversed(NAMES) if name != "tongueOut"]
    weights = WEIGHTS[:, [NAMES.index(name) for name in names]]
    write_beat_face(folder / "2_scott_0_103_103.json", names, weights)
    write_wav(folder / "2_scott_0_103_103.wav")
    write_text(
        folder / "2_scott_0_103_103.TextGrid", long_textgrid([(0, 0.3, "oh"), (0.3, 0.5, "no")])
    )
    found = read_corpus("beat", tmp_path)
    assert found.skipped == ()
    (clip,) = found.clips
    assert (clip.speaker, clip.sentence, clip.emotion) == ("2_scott", "0_103_103", "fearful")
    assert (clip.intensity, clip.fps, clip.frames) == (1.0, 60.0, 30)
    assert clip.audio == folder / "2_scott_0_103_103.wav"
    assert clip.text == "oh no"
    assert clip.channels == NAMES[:-1]
    np.testing.assert_allclose(clip.curves().values, WEIGHTS[:, :-1], rtol=1e-6)
    values, observed = clip.rig_curves(60.0)
    assert values.shape == (30, 52)
    assert not observed[-1]


@pytest.mark.parametrize(
    "stem, emotion",
    [
        ("1_wayne_0_64_64", "neutral"), ("1_wayne_0_65_65", "happy"), ("1_wayne_0_72_72", "happy"),
        ("1_wayne_0_73_73", "angry"), ("1_wayne_0_118_118", "disgusted"),
        ("1_wayne_0_119_119", UNKNOWN_EMOTION), ("1_wayne_0_64_65", UNKNOWN_EMOTION),
        ("1_wayne_1_12_12", "neutral"), ("12_zhao_2_80_80", "angry"),
    ],
)  # fmt: skip
def test_beat_emotion_is_that_of_the_number_in_the_name(
    tmp_path: Path, stem: str, emotion: str
) -> None:
    write_beat_face(tmp_path / f"{stem}.json", NAMES, WEIGHTS)
    (clip,) = read_corpus("beat", tmp_path).clips
    assert clip.emotion == emotion
    assert clip.audio is None


def test_beat_texts_are_shared_but_conversations_are_not(tmp_path: Path) -> None:
    for stem in ("1_wayne_0_9_9", "2_scott_0_9_9", "1_wayne_1_2_2", "2_scott_1_2_2"):
        write_beat_face(tmp_path / f"{stem}.json", NAMES, WEIGHTS)
    clips = by_id(read_corpus("beat", tmp_path))
    assert clips["1_wayne_0_9_9"].sentence == clips["2_scott_0_9_9"].sentence
    assert clips["1_wayne_1_2_2"].sentence != clips["2_scott_1_2_2"].sentence


def test_broken_beat_files_are_skipped_by_name(tmp_path: Path) -> None:
    write_beat_face(tmp_path / "1_wayne_0_1_1.json", NAMES, WEIGHTS)
    write_beat_face(tmp_path / "1_wayne_0_2_2.json", NAMES[:40], WEIGHTS)
    cut = write_beat_face(tmp_path / "1_wayne_0_3_3.json", NAMES, WEIGHTS)
    cut.write_text(cut.read_text(encoding="utf-8")[:-40], encoding="utf-8")
    back = np.arange(30)[::-1] / 60
    write_beat_face(tmp_path / "1_wayne_0_4_4.json", NAMES, WEIGHTS, times=back)
    far = np.append(np.arange(29) / 60, 1e9)
    write_beat_face(tmp_path / "1_wayne_0_5_5.json", NAMES, WEIGHTS, times=far)
    write_text(tmp_path / "notes.json", "{}")
    write_text(tmp_path / "1_wayne_0_1_1.TextGrid", "no grid")
    write_beat_face(tmp_path / "1_wayne_0_6_6.json", NAMES, WEIGHTS)
    write_text(tmp_path / "1_wayne_0_6_6.wav", "")
    found = read_corpus("beat", tmp_path)
    assert list(by_id(found)) == ["1_wayne_0_1_1"]
    said = reasons(found)
    assert "40 names" in said["1_wayne_0_2_2.json"]
    assert "Not a whole .json" in said["1_wayne_0_3_3.json"]
    assert "do not rise" in said["1_wayne_0_4_4.json"]
    assert "do not fit" in said["1_wayne_0_5_5.json"]
    assert "empty" in said["1_wayne_0_6_6.json"]
    assert "<speaker>" in said["notes.json"]
    assert "kept without its words" in said["1_wayne_0_1_1.TextGrid"]
    assert len(found.skipped) == 7


def test_beat_frames_that_were_dropped_are_bridged_in_time(tmp_path: Path) -> None:
    ramp = np.zeros((21, 52), np.float32)
    ramp[:, NAMES.index("jawOpen")] = np.linspace(0, 1, 21)
    kept = [i for i in range(21) if i not in (7, 8)]
    write_beat_face(tmp_path / "1_wayne_0_1_1.json", NAMES, ramp[kept], times=np.array(kept) / 60)
    (clip,) = read_corpus("beat", tmp_path).clips
    np.testing.assert_allclose(clip.curves().values, ramp, atol=1e-6)


def test_curves_are_resampled_in_time(tmp_path: Path) -> None:
    ramp = np.zeros((61, 52), np.float32)
    ramp[:, NAMES.index("jawOpen")] = np.linspace(0, 1, 61)
    write_beat_face(tmp_path / "1_wayne_0_1_1.json", NAMES, ramp)
    (clip,) = read_corpus("beat", tmp_path).clips
    slow = clip.curves(25.0)
    jaw = slow.column("jawOpen")
    assert slow.fps == 25.0
    np.testing.assert_allclose(jaw[:25], np.arange(25) / 25, atol=1e-5)


def test_etf_columns_are_in_alphabetical_order(tmp_path: Path) -> None:
    values = np.zeros((30, 52), np.float32)
    for column, value in ((24, 0.8), (26, 0.3), (51, 0.2), (8, 0.9)):
        values[:, column] = value
    write_npy(tmp_path / "RAVDESS" / "03-01-05-02-01-01-12.npy", values)
    write_wav(tmp_path / "audio" / "03-01-05-02-01-01-12.wav")
    (clip,) = read_corpus("etf", tmp_path).clips
    track = clip.curves()
    means = {name: round(float(track.column(name).mean()), 3) for name in NAMES}
    assert {name: mean for name, mean in means.items() if mean} == {
        "jawOpen": 0.8, "mouthClose": 0.3, "tongueOut": 0.2, "eyeBlinkLeft": 0.9,
    }  # fmt: skip
    assert (clip.emotion, clip.intensity, clip.speaker) == ("angry", 1.0, "actor_12")
    assert clip.audio is not None
    assert clip.fps == 30.0


@pytest.mark.parametrize(
    "stem, emotion, intensity, speaker",
    [
        ("03-01-01-01-02-01-03", "neutral", 0.0, "actor_03"),
        ("03-01-02-01-02-01-03", "neutral", 0.0, "actor_03"),
        ("03-01-08-01-02-01-24", "surprised", 0.5, "actor_24"),
        ("03-01-09-01-02-01-24", UNKNOWN_EMOTION, 0.0, "actor_24"),
        ("RD_Radio1_000", UNKNOWN_EMOTION, 0.0, "RD_Radio1"),
    ],
)
def test_ravdess_and_hdtf_names_are_understood(
    tmp_path: Path, stem: str, emotion: str, intensity: float, speaker: str
) -> None:
    write_npy(tmp_path / f"{stem}.npy", WEIGHTS)
    (clip,) = read_corpus("etf", tmp_path).clips
    assert (clip.emotion, clip.intensity, clip.speaker) == (emotion, intensity, speaker)


def test_broken_etf_arrays_are_skipped(tmp_path: Path) -> None:
    write_npy(tmp_path / "a.npy", WEIGHTS[:, :51])
    write_npy(tmp_path / "b.npy", np.where(WEIGHTS > 0.5, np.nan, WEIGHTS))
    write_npy(tmp_path / "c.npy", np.array([PickledTrap(tmp_path / "sprung")]), pickled=True)
    write_npy(tmp_path / "d.npy", WEIGHTS[:1])
    whole = write_npy(tmp_path / "e.npy", WEIGHTS)
    whole.write_bytes(whole.read_bytes()[:-100])
    found = read_corpus("etf", tmp_path)
    assert found.clips == ()
    said = reasons(found)
    assert "(30, 51)" in said["a.npy"]
    assert "NaN" in said["b.npy"]
    assert "holds objects" in said["c.npy"]
    assert "no motion" in said["d.npy"]
    assert "Not a whole .npy" in said["e.npy"]
    assert not (tmp_path / "sprung").exists()


def test_blendvoca_has_its_32_shapes_and_vocasets_pickles_stay_shut(tmp_path: Path) -> None:
    subject = "FaceTalk_170725_00137_TA"
    assert len(BLENDVOCA_NAMES) == 32
    rows = [",".join(BLENDVOCA_NAMES[::-1])]
    rows += [",".join(f"{i / 100:.6f}" for _ in BLENDVOCA_NAMES) for i in range(10)]
    write_text(tmp_path / "blendshape_coeffs" / subject / "sentence01.csv", "\n".join(rows))
    rows[3] = rows[3].replace("0.020000", "x", 1)
    write_text(tmp_path / "blendshape_coeffs" / subject / "sentence02.csv", "\n".join(rows))
    write_text(tmp_path / "blendshape_coeffs" / "coeffs_std.csv", "jawOpen\n0.1\n")
    write_wav(tmp_path / "audio" / subject / "sentence01.wav")
    (tmp_path / "raw_audio_fixed.pkl").write_bytes(b"never opened")
    write_npy(tmp_path / "data_verts.npy", np.zeros((2, 4, 3)))
    found = read_corpus("blendvoca", tmp_path)
    (clip,) = found.clips
    assert set(clip.channels) == set(BLENDVOCA_NAMES)
    assert (clip.sentence, clip.speaker, clip.fps) == ("sentence01", subject, 60.0)
    assert clip.audio is not None
    assert clip.rig_curves(30.0)[1].sum() == 32
    said = reasons(found)
    assert "sentence>.wav" in said["raw_audio_fixed.pkl"]
    assert "Vertices" in said["data_verts.npy"]
    assert "Row 4" in said["sentence02.csv"]
    assert len(found.skipped) == 3


def write_take(path: Path, frames: int = 30) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.zeros((frames, 61), np.float32)
    values[:, NAMES.index("jawOpen")] = 0.5
    values[:, 52] = -0.3
    names = (*NAMES, *format_livelink.ROTATIONS)
    format_livelink.write(CurveTrack(values, names, 60.0), path)
    return path


def test_live_link_takes_find_their_sound_and_emotion(tmp_path: Path) -> None:
    write_take(tmp_path / "anna" / "happy" / "MySlate_1" / "MySlate_1_iPhone.csv")
    film = tmp_path / "anna" / "happy" / "MySlate_1" / "MySlate_1_iPhone.mov"
    film.write_bytes(b"film")
    take = write_take(tmp_path / "ben" / "MySlate_2" / "MySlate_2_cal.csv")
    write_take(take.with_name("MySlate_2_raw.csv"))
    write_wav(take.with_name("MySlate_2.wav"))
    write_text(tmp_path / "SOURCE.txt", "Takes of ours\nLicence: CC0 1.0\n")
    found = read_corpus("livelink", tmp_path)
    clips = {clip.speaker: clip for clip in found.clips}
    assert set(clips) == {"anna", "ben"}
    assert (clips["anna"].emotion, clips["anna"].intensity) == ("happy", 1.0)
    assert clips["anna"].audio == film
    assert clips["ben"].emotion == UNKNOWN_EMOTION
    assert clips["ben"].audio == take.with_name("MySlate_2.wav")
    assert clips["ben"].licence == "CC0 1.0"
    assert clips["ben"].channels[-9:] == format_livelink.ROTATIONS
    assert clips["ben"].curves().column("headYaw")[0] == pytest.approx(-0.3)
    assert list(reasons(found)) == ["MySlate_2_raw.csv"]


def test_live_link_columns_in_another_order_and_missing_rotations(tmp_path: Path) -> None:
    take = write_take(tmp_path / "take.csv")
    rows = [row.split(",") for row in take.read_text(encoding="utf-8").splitlines()]
    kept = [0, 1, *range(54, 1, -1)]
    write_text(take, "\n".join(",".join(row[i] for i in kept) for row in rows))
    write_text(tmp_path / "broken.csv", "Timecode,BlendShapeCount,JawOpen\n00:00:00:00.0,1,wide\n")
    found = read_corpus("livelink", tmp_path)
    (clip,) = found.clips
    assert set(clip.channels) == {*NAMES, "headYaw"}
    assert clip.curves().column("jawOpen")[5] == pytest.approx(0.5)
    assert "Line 2" in reasons(found)["broken.csv"]


POINTS = 40
POSE_NAMES = ("jawOpen", "mouthClose", "mouthFunnel", "mouthSmileLeft", "mouthSmileRight")
SHAPES = CHANCE.normal(size=(len(POSE_NAMES), POINTS, 3))
NEUTRAL = 10 * CHANCE.normal(size=(POINTS, 3))


def write_claire(folder: Path, weights: np.ndarray, *, whole_faces: bool) -> None:
    root = folder / "data" / "claire"
    poses = {
        name: (shape + NEUTRAL * whole_faces).astype(np.float32)
        for name, shape in zip(POSE_NAMES, SHAPES, strict=True)
    }
    listed = np.array([b"neutral", *(name.encode() for name in POSE_NAMES)])
    mask = np.arange(0, POINTS, 2)
    write_npz(root / "bs_data" / "bs_skin.npz", neutral=NEUTRAL.astype(np.float32),
              poseNames=listed, frontalMask=mask, **poses)  # fmt: skip
    points = NEUTRAL + np.einsum("tk,kpc->tpc", weights, SHAPES)
    write_maya_cache(root / "cache" / "skin" / "cp1_sadness.mc", points)
    write_wav(root / "audio" / "cp1_sadness.wav")
    write_npz(root / "xform" / "eye_rotations_all.npz", cp1_sadness=np.zeros((len(weights), 2, 2)))


@pytest.mark.parametrize("whole_faces", [False, True])
def test_claires_skin_is_solved_back_into_weights(tmp_path: Path, whole_faces: bool) -> None:
    weights = CHANCE.uniform(0.05, 0.45, size=(12, len(POSE_NAMES)))
    weights[3:6, 2] = 0.0
    write_claire(tmp_path, weights, whole_faces=whole_faces)
    found = read_corpus("claire", tmp_path)
    assert found.skipped == ()
    (clip,) = found.clips
    assert (clip.emotion, clip.speaker, clip.sentence, clip.fps) == ("sad", "claire", "cp1", 30.0)
    assert clip.audio is not None
    track = clip.curves()
    for column, name in enumerate(POSE_NAMES[1:], start=1):
        np.testing.assert_allclose(track.column(name), weights[:, column], atol=2e-3)
    jaw = weights[:, 0] + weights[:, 1]
    np.testing.assert_allclose(track.column("jawOpen"), jaw, atol=4e-3)


def test_broken_claire_shots_are_skipped(tmp_path: Path) -> None:
    weights = CHANCE.uniform(size=(12, len(POSE_NAMES)))
    write_claire(tmp_path, weights, whole_faces=False)
    skin = tmp_path / "data" / "claire" / "cache" / "skin"
    cut = write_maya_cache(skin / "cp2_joy.mc", np.zeros((4, POINTS, 3)))
    cut.write_bytes(cut.read_bytes()[:-20])
    write_maya_cache(skin / "cp3_joy.mc", np.zeros((4, POINTS + 1, 3)))
    write_maya_cache(skin / "cp4_joy.mc", np.zeros((4, POINTS, 3)), kind="OneFilePerFrame")
    write_maya_cache(skin / "cp5_joy.mc", np.zeros((4, POINTS, 3))).with_suffix(".xml").unlink()
    write_npz(skin.parent.parent / "xform" / "jaw_keypoints_cache_all.npz",
              cp1_sadness=np.zeros((11, 5, 3)))  # fmt: skip
    found = read_corpus("claire", tmp_path)
    assert found.clips == ()
    said = reasons(found)
    assert "(11, 5, 3) for it, the skin 12 frames" in said["cp1_sadness.mc"]
    assert "Cut off" in said["cp2_joy.mc"]
    assert "41 points" in said["cp3_joy.mc"]
    assert "OneFilePerFrame" in said["cp4_joy.mc"]
    assert "Cannot be read" in said["cp5_joy.mc"]


def test_bounded_least_squares_meets_the_conditions_of_optimality() -> None:
    basis = CHANCE.normal(size=(6, 20))
    gram, target = basis @ basis.T, 8 * CHANCE.normal(size=(50, 6))
    x = bounded_least_squares(gram, target)
    slope = x @ gram - target
    inside = (x > 1e-6) & (x < 1 - 1e-6)
    assert np.abs(slope[inside]).max() < 1e-2
    assert (slope[x <= 1e-6] > -1e-2).all()
    assert (slope[x >= 1 - 1e-6] < 1e-2).all()
    assert inside.any()
    assert (x == 0).any()
    assert (x == 1).any()
