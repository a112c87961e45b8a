"""Laws of the corpora: names onto rigs, emotions, splits, readings; nothing is unpickled."""

from __future__ import annotations

import pickle
import random
from pathlib import Path

import numpy as np
import pytest

from model_runtime.choices import EMOTIONS
from model_runtime.curves.rig import load_rig, rig_names
from model_runtime.curves.track import CurveTrack
from model_runtime.errors import BadArgument, BadCurves
from model_runtime.training.corpora import emotion_labels as emotions
from model_runtime.training.corpora.catalogue import catalogue
from model_runtime.training.corpora.clip import SPLITS, UNKNOWN_EMOTION, FaceClip
from model_runtime.training.corpora.files import load_array, load_arrays
from model_runtime.training.corpora.matching import match_channels, on_rig, spelling
from model_runtime.training.corpora.reading import FINDERS, corpus_kinds, read_corpus
from model_runtime.training.corpora.speech import EMOTION_NAMES
from model_runtime.training.corpora.splits import assign_splits
from model_runtime.training.corpora.textgrid import read_textgrid, words_of
from tests.fakes.corpora import PickledTrap, long_textgrid, write_npy, write_npz, write_text

ARKIT = load_rig("arkit52")


def clip_of(speaker: str, sentence: str, number: int = 0, **changes: object) -> FaceClip:
    clip_id = f"{speaker}/{sentence}/{number}"
    values = {
        "corpus": "beat", "clip_id": clip_id, "file": Path(clip_id), "audio": None,
        "speaker": speaker, "sentence": sentence, "emotion": "neutral", "intensity": 0.0,
        "licence": "none", **changes,
    }  # fmt: skip
    return FaceClip(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", rig_names())
def test_no_two_channels_of_a_rig_have_one_spelling(name: str) -> None:
    names = load_rig(name).channel_names
    assert len({spelling(channel) for channel in names}) == len(names)


@pytest.mark.parametrize(
    "other",
    ["EyeBlinkLeft", "eyeBlink_L", "eyeBlinkL", "eye_blink_left", "blendShape2.eyeBlink_L",
     "face:eyeBlinkLeft", "|head|eyeBlinkLeft", "EYEBLINKLEFT", " eyeBlink-Left "],
)  # fmt: skip
def test_spellings_of_a_shape_are_one(other: str) -> None:
    assert spelling(other) == spelling("eyeBlinkLeft")


def test_spellings_of_a_control_are_one() -> None:
    assert spelling("CTRL_L_mouth_corner.tx") == spelling("CTRL_L_mouth_corner-translateX")
    assert spelling("CTRL_L_mouth_corner.tx") != spelling("CTRL_R_mouth_corner.tx")


def test_order_of_the_files_channels_does_not_matter() -> None:
    values = np.random.default_rng(1).uniform(size=(3, 52)).astype(np.float32)
    shuffled = np.random.default_rng(2).permutation(52)
    names = tuple(ARKIT.channel_names[i] for i in shuffled)
    track, observed = on_rig(CurveTrack(values[:, shuffled], names, 30.0), ARKIT)
    np.testing.assert_array_equal(track.values, values)
    assert observed.all()


def test_an_absent_channel_is_zero_and_not_observed() -> None:
    names = ARKIT.channel_names[:-1]
    track, observed = on_rig(CurveTrack(np.ones((2, 51), np.float32), names, 30.0), ARKIT)
    assert not observed[-1]
    assert observed[:-1].all()
    assert (track.values[:, -1] == 0).all()


def test_values_stay_within_the_bounds_of_the_rig() -> None:
    rig = load_rig("metahuman")
    name = "CTRL_C_jaw-translateY"
    track, _ = on_rig(CurveTrack(np.array([[-0.1], [1.1]], np.float32), (name,), 60.0), rig)
    np.testing.assert_array_equal(track.column(name), [0.0, 1.0])


def test_percentages_are_refused() -> None:
    track = CurveTrack(np.array([[0.0], [87.0]], np.float32), ("JawOpen",), 30.0)
    with pytest.raises(BadCurves, match="JawOpen reaches 87"):
        on_rig(track, ARKIT)


def test_two_names_of_one_channel_are_refused() -> None:
    with pytest.raises(BadCurves, match=r"jawOpen.*jaw_open"):
        match_channels(("jawOpen", "jaw_open"), ARKIT)


def test_a_file_without_any_channel_of_the_rig_is_refused() -> None:
    with pytest.raises(BadCurves, match="None of its 2 channels"):
        match_channels(("x", "y"), ARKIT)


@pytest.mark.parametrize(
    "number, emotion",
    [
        (0, "neutral"), (64, "neutral"), (65, "happy"), (72, "happy"), (73, "angry"), (80, "angry"),
        (81, "sad"), (86, "sad"), (87, "contemptuous"), (94, "contemptuous"), (95, "surprised"),
        (102, "surprised"), (103, "fearful"), (110, "fearful"), (111, "disgusted"),
        (118, "disgusted"), (119, UNKNOWN_EMOTION),
    ],
)  # fmt: skip
def test_ends_of_beats_ranges_are_inclusive(number: int, emotion: str) -> None:
    assert emotions.beat_emotion(number, number) == emotion


def test_a_beat_clip_across_two_emotions_is_unknown() -> None:
    assert emotions.beat_emotion(64, 65) == UNKNOWN_EMOTION
    assert emotions.beat_emotion(66, 71) == "happy"


def test_every_emotion_word_means_an_emotion_of_the_protocol() -> None:
    tables = (emotions.OTHER_WORDS, EMOTION_NAMES, emotions.EMOFACE_PREFIXES)
    meant = {name for table in tables for name in table.values()}
    meant |= set(emotions.RAVDESS_CODES.values()) | set(emotions.MEAD_CODES)
    assert meant <= set(EMOTIONS)


@pytest.mark.parametrize(
    "text, emotion",
    [("anna/happy/MySlate_3", "happy"), ("Anger_take2", "angry"), ("MySlate_4", UNKNOWN_EMOTION),
     ("happy_then_sad", UNKNOWN_EMOTION), ("SAD-07", "sad"), ("unhappy_1", UNKNOWN_EMOTION)],
)  # fmt: skip
def test_one_emotion_word_in_a_name_is_found(text: str, emotion: str) -> None:
    assert emotions.emotion_in(text) == emotion


def test_neutral_and_unknown_have_no_intensity() -> None:
    assert emotions.intensity_of("neutral") == 0.0
    assert emotions.intensity_of(UNKNOWN_EMOTION) == 0.0
    assert emotions.intensity_of("sad", 0.5) == 0.5


@pytest.mark.parametrize("seed", range(8))
def test_no_speaker_and_no_sentence_is_in_two_splits(seed: int) -> None:
    chance = random.Random(seed)
    speakers, sentences = chance.randint(2, 40), chance.randint(2, 60)
    clips = [
        clip_of(f"s{chance.randrange(speakers)}", f"t{chance.randrange(sentences)}", number)
        for number in range(300)
    ]
    placed = [clip for clip in assign_splits(clips) if clip.split != "unused"]
    assert len(placed) > 20
    for key in ("speaker", "sentence"):
        splits_of: dict[str, set[str]] = {}
        for clip in placed:
            splits_of.setdefault(getattr(clip, key), set()).add(clip.split)
        assert all(len(splits) == 1 for splits in splits_of.values())


def test_splits_do_not_depend_on_the_order_of_the_clips() -> None:
    clips = [clip_of(f"s{i % 12}", f"t{i % 7}", i) for i in range(100)]
    forward = {clip.clip_id: clip.split for clip in assign_splits(clips)}
    backward = {clip.clip_id: clip.split for clip in assign_splits(clips[::-1])}
    assert forward == backward
    assert set(forward.values()) == set(SPLITS)


def test_sentences_of_one_speaker_only_cost_no_clips() -> None:
    clips = [clip_of(f"s{i % 10}", f"own{i}") for i in range(200)]
    counts = [clip.split for clip in assign_splits(clips)]
    assert counts.count("unused") == 0
    assert (counts.count("val"), counts.count("test")) == (20, 20)


def test_a_lone_speaker_is_training_unless_only_sentences_are_kept_apart() -> None:
    clips = [clip_of("anna", f"t{i % 20}", i) for i in range(40)]
    assert {clip.split for clip in assign_splits(clips)} == {"train"}
    placed = assign_splits(clips, by_speaker=False)
    counts = {split: {c.sentence for c in placed if c.split == split} for split in SPLITS}
    assert [len(counts[split]) for split in SPLITS] == [16, 2, 2, 0]


def test_a_clip_held_out_by_its_corpus_is_never_trained_on() -> None:
    clips = [clip_of(f"s{i}", f"t{i}", held_out=True) for i in range(20)]
    assert {clip.split for clip in assign_splits(clips)} == {"test", "unused"}


def test_every_kind_of_the_catalogue_has_a_loader_and_a_licence() -> None:
    assert set(FINDERS) == set(corpus_kinds())
    for entry in catalogue().values():
        assert entry.licence
        assert entry.rig == "" or load_rig(entry.rig).channels


def test_an_unknown_kind_or_folder_is_the_callers_mistake(tmp_path: Path) -> None:
    with pytest.raises(BadArgument, match="nonsense"):
        read_corpus("nonsense", tmp_path)
    with pytest.raises(BadArgument, match="absent"):
        read_corpus("beat", tmp_path / "absent")


@pytest.mark.parametrize("kind", corpus_kinds())
def test_a_folder_of_rubbish_is_skipped_and_counted(kind: str, tmp_path: Path) -> None:
    for number, name in enumerate(RUBBISH):
        write_text(tmp_path / name, f"\0rubbish {number}")
    found = read_corpus(kind, tmp_path)
    assert found.clips == ()
    assert all(skip.reason and "\n" not in skip.reason for skip in found.skipped)
    assert found.skipped


RUBBISH = (
    "1/1_wayne_0_1_1.json", "beat_english_v2.0.0/smplxflame_30/1_wayne_0_1_1.npz",
    "M003/front/happy/level_1/001/shape_pose_cam.hdf5", "M003_001_1_0.npy", "take/take.csv",
    "blendshape_coeffs/FaceTalk/sentence01.csv", "VALID_CTR/angry_a_1.txt",
    "cache/skin/cp1_anger.mc", "cache/skin/cp1_anger.xml", "bs_data/bs_skin.npz", "metadata.tsv",
    "index.json",
)  # fmt: skip


def test_arrays_of_objects_are_never_unpickled(tmp_path: Path) -> None:
    trap = PickledTrap(tmp_path / "sprung")
    single = write_npy(tmp_path / "a.npy", np.array([trap], object), pickled=True)
    several = write_npz(tmp_path / "b.npz", trap=np.array([trap], object))
    bare = tmp_path / "c.npy"
    bare.write_bytes(pickle.dumps(trap))
    for path in (single, bare):
        with pytest.raises(BadCurves, match="holds objects"):
            load_array(path)
    with pytest.raises(BadCurves, match="holds objects"):
        load_arrays(several, ("trap",))
    assert not trap.path.exists()
    pickle.loads(bare.read_bytes())
    assert trap.path.exists(), "the trap works"


def test_speech_without_a_face_has_no_curves() -> None:
    with pytest.raises(BadCurves, match="without a face"):
        clip_of("anna", "hello").curves(50.0)


def test_textgrids_of_both_forms_give_the_words(tmp_path: Path) -> None:
    long = write_text(
        tmp_path / "long.TextGrid", long_textgrid([(0, 0.2, ""), (0.2, 0.5, 'say ""so""')])
    )
    short = write_text(
        tmp_path / "short.TextGrid",
        'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n1\n<exists>\n2\n'
        '"TextTier"\n"marks"\n0\n1\n1\n0.5\n"click"\n'
        '"IntervalTier"\n"words"\n0\n1\n2\n0\n0.4\n"hello"\n0.4\n1\n"there"\n',
    )
    assert words_of(read_textgrid(long)) == 'say "so"'
    tiers = read_textgrid(short)
    assert words_of(tiers) == "hello there"
    assert (tiers["marks"][0].start_s, tiers["marks"][0].end_s) == (0.5, 0.5)
    short.write_text(short.read_text(encoding="utf-8")[:-14], encoding="utf-8")
    with pytest.raises(BadCurves, match="ends early"):
        read_textgrid(short)
