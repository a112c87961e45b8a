"""The evaluation's suites on performers whose answers are known, and its two commands."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest

from model_runtime.arrays import DoubleArray
from model_runtime.choices import EMOTIONS
from model_runtime.curves.rig import load_rig
from model_runtime.curves.track import CurveTrack
from model_runtime.errors import BadArgument
from model_runtime.evaluation import report, report_json, suite
from model_runtime.evaluation.cli import main as evaluate
from model_runtime.evaluation.data import filmed, sounds
from model_runtime.evaluation.data.clips import SpokenClip, phones_from_json
from model_runtime.evaluation.metrics import articulation
from model_runtime.evaluation.metrics.emotion_classifier import train_classifier
from model_runtime.evaluation.metrics.measures import (
    MEASURE_BY_KEY,
    MEASURES,
    Figure,
    share_figure,
    verdict,
)
from model_runtime.evaluation.metrics.mesh import MeshRig
from model_runtime.evaluation.metrics.speech import LipCurves
from model_runtime.evaluation.performers import rhubarb
from model_runtime.evaluation.performers.base import Direction, Performer, RememberingPerformer
from model_runtime.evaluation.scores import articulation as articulation_scores
from model_runtime.evaluation.scores import emotion as emotion_scores
from model_runtime.evaluation.scores import motion as motion_scores
from model_runtime.evaluation.scores.speech import score_speech
from model_runtime.evaluation.speed import benchmark, timing_child
from model_runtime.training.alignment.forced import PhoneTime
from tests.fakes.sounds import voice, write_wav

CHANNELS = load_rig("arkit52").channel_names
FPS = 100.0


def spoken(name: str = "clip", speaker: str = "someone") -> SpokenClip:
    """One second: silence, /m/, /aa/, /b/, /aa/."""
    times = [("sil", 0.0, 0.2), ("m", 0.2, 0.35), ("aa", 0.35, 0.6), ("b", 0.6, 0.7)]
    phones = [PhoneTime(p, start, end, "", 0.0) for p, start, end in [*times, ("aa", 0.7, 1.0)]]
    return SpokenClip(name, Path(f"{name}.wav"), speaker, "en", tuple(phones))


class FakePerformer:
    """Opens in vowels; raises the brows and adds a channel of its own with each emotion."""

    name = "fake"

    def __init__(self, *, deaf_to_intensity: bool = False, loose_when: str = "") -> None:
        self.deaf = deaf_to_intensity
        self.loose_when = loose_when
        self.calls = 0

    def perform(self, path: Path, direction: Direction) -> CurveTrack:
        self.calls += 1
        values = np.zeros((100, len(CHANNELS)), np.float32)
        jaw = CHANNELS.index("jawOpen")
        values[35:60, jaw] = values[70:, jaw] = 0.5
        if direction.emotion == self.loose_when:
            values[:, jaw] = 0.5
        strength = 1.0 if self.deaf else direction.intensity
        emotion = EMOTIONS.index(direction.emotion)
        if emotion:
            values[:, CHANNELS.index("browInnerUp")] = 0.2 * strength
            values[:, CHANNELS.index("cheekPuff") + emotion % 5] += 0.3 * strength
            values[:, emotion] += 0.5 * strength
        return CurveTrack(values, CHANNELS, FPS)


@pytest.fixture(scope="module")
def mesh() -> MeshRig:
    """A mouth of five vertices, with every ARKit shape; most move nothing."""
    neutral = np.array([[0, 0, 1], [0, 0, 1], [2, 0, 0], [-2, 0, 0], [0, 5, 0]], np.float32)
    deltas = np.zeros((len(CHANNELS), len(neutral), 3), np.float32)
    moves = {"jawOpen": (1, 1, -4.0), "mouthRollLower": (1, 2, -0.5), "browInnerUp": (4, 1, 1.0)}
    moves |= {"mouthUpperUpLeft": (0, 1, 1.0), "mouthLowerDownLeft": (1, 1, -1.0)}
    moves |= {"eyeBlinkLeft": (4, 1, -0.5), "browOuterUpLeft": (4, 1, 0.5)}
    for name, (vertex, axis, length) in moves.items():
        deltas[CHANNELS.index(name), vertex, axis] = length
    deltas[CHANNELS.index("mouthPucker"), 2, 0] = -1
    deltas[CHANNELS.index("mouthPucker"), 3, 0] = 1
    return MeshRig(CHANNELS, neutral, deltas)


def write_film(folder: Path, gap: DoubleArray, width: DoubleArray, lost: list[int]) -> Path:
    """A GRID folder in the format of the data: one clip ``a``, lips as told, in eye widths."""
    ids = np.array([13, 14, 61, 291, 33, 263])
    points = np.zeros((len(gap), 6, 3))
    points[:, 1, 1] = 100 * gap
    points[:, 2, 0], points[:, 3, 0] = -50 * width, 50 * width
    points[:, 4, 0], points[:, 5, 0] = -50, 50
    points[lost] = 0
    stored = np.round(points * 10).astype(np.int16)
    differences = np.diff(stored, axis=0, prepend=np.zeros_like(stored[:1]))
    flags = np.zeros(len(gap), bool)
    flags[lost] = True
    target = folder / "capture" / "grid_s31"
    target.mkdir(parents=True)
    table = "corpus\tspeaker\tsplit\ncapture/grid_s31\t*\tdev\n"
    (folder / "splits.tsv").write_text(table, encoding="utf-8")
    np.savez(target / "face_25fps.npz", landmark_ids=ids, lm_a=differences, lost_a=flags)
    return folder


def wave(frames: int, fps: float, delay_s: float = 0.0) -> DoubleArray:
    time_s = np.arange(frames) / fps - delay_s
    return 0.5 + 0.3 * np.sin(2 * np.pi * 1.3 * time_s) + 0.1 * np.sin(2 * np.pi * 3.1 * time_s)


def test_lips_that_do_as_filmed_correlate_fully_and_lost_frames_do_not_count(tmp_path: Path):
    data = write_film(tmp_path, wave(75, 25.0), 1 - wave(75, 25.0), lost=[3, 4, 40])
    [clip] = filmed.filmed_clips(data, "grid_s31")
    assert len(clip.times_s) == 72
    gap = wave(300, FPS)
    lips = LipCurves(FPS, gap, 1 - gap, gap, gap)
    found = filmed.agreement(clip, lips, shift_s=0.0)
    assert (found.gap, found.width) == pytest.approx((1, 1), abs=1e-3)
    assert (found.coupling, found.filmed_coupling) == pytest.approx((-1, -1), abs=1e-3)
    assert found.width_range == pytest.approx(found.filmed_width_range, rel=0.05)


def test_a_film_that_comes_late_fits_when_it_is_moved_earlier(tmp_path: Path):
    late = wave(75, 25.0, delay_s=0.04)
    [clip] = filmed.filmed_clips(write_film(tmp_path, late, late, lost=[]), "grid_s31")
    gap = wave(300, FPS)
    lips = LipCurves(FPS, gap, gap, gap, gap)
    moved = filmed.agreement(clip, lips, shift_s=0.04).gap
    assert moved == pytest.approx(1.0, abs=1e-3)
    assert filmed.agreement(clip, lips, shift_s=0.0).gap < moved - 0.02


def test_rhubarb_cues_become_poses_that_blend(tmp_path: Path):
    cues = [("X", 0.0, 0.5), ("D", 0.5, 1.0)]
    data = {
        "metadata": {"duration": 1.0},
        "mouthCues": [{"value": v, "start": s, "end": e} for v, s, e in cues],
    }
    (tmp_path / "a.phonetic.json").write_text(json.dumps(data), encoding="utf-8")
    track = rhubarb.cue_track_or_none(tmp_path, "a", "phonetic", fps=FPS)
    assert track is not None
    jaw = track.column("jawOpen")
    assert jaw[[10, 90]] == pytest.approx([0.0, 0.5], abs=1e-6)
    assert 0 < jaw[50] < 0.5
    assert rhubarb.cue_track_or_none(tmp_path, "b", "phonetic", fps=FPS) is None


def test_made_sounds_are_the_same_each_time_and_loud_as_stated(tmp_path: Path):
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    first, second = sounds.write_sounds(tmp_path / "1"), sounds.write_sounds(tmp_path / "2")
    assert [p.stem for p in first] == list(sounds.SOUNDS)
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()
    music = sounds.music(np.random.default_rng(0))
    assert 20 * math.log10(float(np.sqrt(np.mean(music**2)))) == pytest.approx(-26.0)


def test_phone_file_of_pocketsphinx_is_read_with_silences(tmp_path: Path):
    word = {"t": "am(2)", "w": [{"t": "AE", "b": 0.2, "d": 0.1}, {"t": "M", "b": 0.3, "d": 0.05}]}
    pause = {"t": "<sil>", "w": [{"t": "SIL", "b": 0.0, "d": 0.2}]}
    path = tmp_path / "a.phone.json"
    path.write_text(json.dumps({"w": [pause, word]}), encoding="utf-8")
    phones = phones_from_json(path)
    assert [p.phone for p in phones] == ["sil", "ae", "m"]
    assert phones[2].end_s == pytest.approx(0.35)


def test_classifier_names_emotions_of_clips_it_has_not_seen():
    performer = FakePerformer()
    clips = [spoken("a"), spoken("b"), spoken("c")]
    classifier = train_classifier(emotion_scores.acted(performer, clips[:2]))
    figures = emotion_scores.naming_figures(performer, clips[2:], classifier)
    assert figures["emotion_100"].value == 1.0


def test_classifier_needs_two_clips_of_each_emotion():
    with pytest.raises(BadArgument, match="two clips"):
        train_classifier(emotion_scores.acted(FakePerformer(), [spoken()]))


def test_upper_face_that_grows_with_intensity_passes_and_a_deaf_one_fails():
    growing = emotion_scores.intensity_figures(FakePerformer(), [spoken()])
    assert growing["intensity_step"].value > 0.04
    assert growing["intensity_zero"].value == 0.0
    deaf = emotion_scores.intensity_figures(FakePerformer(deaf_to_intensity=True), [spoken()])
    assert verdict(MEASURE_BY_KEY["intensity_step"], deaf["intensity_step"]) is False
    assert verdict(MEASURE_BY_KEY["intensity_zero"], deaf["intensity_zero"]) is False


def test_an_emotion_that_keeps_the_lips_apart_is_named_as_the_worst(mesh: MeshRig):
    performer = FakePerformer(loose_when="surprised")
    closures = {
        emotion: {
            "closure": share_figure(
                articulation.closed(
                    articulation_scores.table_of(performer, [spoken()], mesh, Direction(emotion))
                )
            )
        }
        for emotion in EMOTIONS
    }
    worst = articulation_scores.worst_emotion(closures, "closure")
    assert (worst.value, worst.worst_name, worst.count) == (0.0, "surprised", 2)
    assert closures["neutral"]["closure"].value == 1.0


def test_a_performer_compared_with_itself_has_no_error(mesh: MeshRig):
    performer, clips = _Moving(), [spoken()]
    assert motion_scores.jitter_figure(performer, performer, clips).value == pytest.approx(1.0)
    figures = motion_scores.comovement_figures(performer, performer, clips)
    assert figures["comovement"].value == pytest.approx(0.0, abs=1e-9)
    assert figures["motion_range"].value == pytest.approx(1.0)
    errors = motion_scores.vertex_figures(performer, performer, clips, mesh)
    assert {key: figure.value for key, figure in errors.items()} == dict.fromkeys(errors, 0.0)


def test_twice_the_motion_has_four_times_the_acceleration_and_twice_the_range():
    reference, clips = _Moving(), [spoken()]
    doubled = _Moving(scale=2.0)
    assert motion_scores.jitter_figure(doubled, reference, clips).value == pytest.approx(4.0)
    figures = motion_scores.comovement_figures(doubled, reference, clips)
    assert figures["motion_range"].value == pytest.approx(2.0)


def test_each_speaker_counts_and_the_worst_is_named(mesh: MeshRig):
    closing, open_mouthed = FakePerformer(), FakePerformer(loose_when="neutral")
    clips = [spoken("a", "good"), spoken("b", "bad")]
    measured = [
        (clips[0], mesh.measure(closing.perform(clips[0].path, Direction()))),
        (clips[1], mesh.measure(open_mouthed.perform(clips[1].path, Direction()))),
    ]
    figures, speakers = suite.speech_figures(measured)
    closure = figures["closure"]
    assert (closure.value, closure.worst, closure.worst_name) == (0.5, 0.0, "bad")
    assert (closure.count, closure.low, closure.high) == (
        4,
        pytest.approx(0.150, abs=1e-3),
        pytest.approx(0.850, abs=1e-3),
    )
    assert figures["closure_worst"].worst_name == "bad"
    assert speakers["good"].closure == 1.0


def test_the_correlation_term_is_judged_against_the_columns_without_it():
    def column(name: str, distance: float, extent: float) -> suite.Column:
        return suite.Column(name, {"comovement": Figure(distance), "motion_range": Figure(extent)})

    columns = [column("full", 0.15, 0.98), column("no-correlation-1", 0.19, 1.0)]
    columns.append(column("no-correlation-2", 0.21, 1.0))
    full, first, _second = suite.compare_with_ablation(columns)
    assert full.figures["comovement_gain"].value == pytest.approx(0.25)
    assert full.figures["range_change"].value == pytest.approx(-0.02)
    assert "comovement_gain" not in first.figures


def test_table_marks_what_passes_and_what_fails_and_json_has_no_nan():
    column = suite.Column(
        "model",
        {
            "closure": Figure(0.95, 0.9, "x", 40, 0.835, 0.986),
            "auc": Figure(0.9),
            "tongue": Figure(math.nan),
        },
    )
    evaluation = suite.Evaluation((column,), ("films: not there",), clips=3, quick=False)
    text = report.as_text(evaluation)
    rows = {line.split("  ")[0]: line for line in text.splitlines()}
    closure = rows["m/b/p that close"]
    assert closure.split("  ")[-1].strip() == "0.950 [0.83 0.99] n40 (0.900 x) ok"
    assert rows["AUC open vowels over m/b/p"].endswith("0.900 MISS")
    assert rows["th/dh with a visible tongue"].endswith("-")
    assert "model: 1 of 2 bars met; missed: auc" in text
    assert "films: not there" in text
    figures = json.loads(report_json.as_json(evaluation))["columns"][0]["figures"]
    assert figures["tongue"]["value"] is None
    assert figures["closure"]["passed"] is True


def test_measure_keys_are_unique():
    assert len(MEASURE_BY_KEY) == len(MEASURES)


def test_a_line_is_performed_once_however_often_it_is_asked_for():
    fake = FakePerformer()
    performer: Performer = RememberingPerformer(fake)
    for _ in range(3):
        performer.perform(Path("a.wav"), Direction())
    performer.perform(Path("a.wav"), Direction("happy"))
    assert fake.calls == 2


def test_evaluate_says_which_data_it_lacks(tmp_path: Path, checkpoint: Path):
    with pytest.raises(BadArgument, match="facecap"):
        evaluate(["--model", str(checkpoint), "--data", str(tmp_path)])


def test_evaluate_refuses_two_models_of_one_name(checkpoint: Path):
    with pytest.raises(BadArgument, match="one name"):
        evaluate(["--model", f"a={checkpoint}", "--model", f"a={checkpoint}"])


def test_an_engine_is_timed_in_its_own_process(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    sound = write_wav(tmp_path / "a.wav", voice(1))
    arguments = ["numpy", "cpu", str(checkpoint), str(sound), str(sound)]
    assert timing_child.main(arguments) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["short_s"] > 0
    assert answer["long_s"] > 0
    assert answer["device"] == "cpu"


def test_benchmark_table_gives_each_engine_its_ratio_to_the_peer():
    timings = (
        benchmark.Timing("torch", "cpu", 2.0, 0.05, 0.5, 300.0),
        benchmark.Timing("pocketsphinx", "cpu", 0.5, 0.2, 2.0, None),
    )
    result = benchmark.Benchmark({"cores": "2"}, "model", timings, {"Rhubarb 1.14": 20.0}, ())
    text = benchmark.as_text(result)
    torch_row = next(line for line in text.splitlines() if "CSTalk, torch" in line)
    assert torch_row.split()[-1] == "4.0"
    assert "recorded elsewhere" in text


@pytest.mark.data
@pytest.mark.slow
def test_rhubarb_scores_what_the_data_document_states(data_folder: Path):
    from model_runtime.evaluation.data.clips import default_cache, english_clips
    from model_runtime.evaluation.metrics.mesh import FACE_CAP

    head = MeshRig.load(data_folder / "rigs" / f"{FACE_CAP}.npz")
    folder = data_folder / "eval" / "rhubarb"
    clips = english_clips(data_folder, default_cache()).clips
    clips = tuple(c for c in clips if (folder / f"{c.name}.phonetic.json").is_file())
    stated = {"phonetic": (0.58, 0.958, 0.62), "pocketSphinx": (0.79, 0.987, 0.64)}
    for recognizer, figures in stated.items():
        measured = []
        for clip in clips:
            track = rhubarb.cue_track_or_none(folder, clip.name, recognizer, fps=FPS)
            assert track is not None
            measured.append((clip, head.measure(track)))
        scores = score_speech(measured)
        found = (scores.closure, scores.auc, scores.openness_correlation)
        assert found == pytest.approx(figures, abs=0.06), "the poses were chosen to come this near"


@pytest.mark.data
@pytest.mark.parametrize("head", ["facecap_head_arkit52", "makehuman_head_arkit52_visemes14"])
def test_lips_are_found_on_real_heads_by_geometry(data_folder: Path, head: str):
    rig = MeshRig.load(data_folder / "rigs" / f"{head}.npz")
    found = MeshRig(rig.names, rig.neutral, rig.deltas)
    poses = CurveTrack(np.array([[0.0], [1.0]], np.float32), ("jawOpen",), FPS)
    closed, opened = found.gap(poses)
    assert abs(closed) < 0.05 * opened
    assert found.landmarks == rig.landmarks


@dataclasses.dataclass(frozen=True)
class _Moving:
    """Channels that wave, each at a pace of its own."""

    scale: float = 1.0
    name: str = "moving"

    def perform(self, path: Path, direction: Direction) -> CurveTrack:
        time_s = np.arange(100)[:, None] / FPS
        pace = 1 + np.arange(len(CHANNELS))[None] % 7
        values = self.scale * (0.25 + 0.2 * np.sin(2 * np.pi * pace * time_s))
        return CurveTrack(values.astype(np.float32), CHANNELS, FPS)
