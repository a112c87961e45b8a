"""Predictions stay with their face through saving, appending, renaming, duplicating and undo."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from cstalk_blender.direct.prediction import BadPrediction, Prediction
from cstalk_blender.package import formats, layered, track
from cstalk_blender.scene import predictions
from cstalk_blender.ui.operators import generate as operators
from tests.blender.test_curve_operators import curve_file, jaw_keys
from tests.fakes.faces import make_face, wave_track, write_wav


def predicted(peak: float = 0.8) -> Prediction:
    """A second with and without emotion."""
    full = wave_track(seconds=1.0, peak=peak).replaced(request={"audio": "台詞.wav"})
    return Prediction.of(layered.LayeredCurves(full, full.replaced(values=full.values / 2)))


@pytest.fixture
def face(addon):
    """A face with a prediction."""
    face = make_face()
    predictions.save(face, predicted(), line="line", take="/voice/line.wav", title="Happy, line")
    bpy.ops.ed.undo_push(message="Start")
    return face


def is_kept(face: bpy.types.Object) -> bool:
    """Whether the face has the prediction of the fixture, bit by bit."""
    found, expected = predictions.load_or_none(face), predicted()
    return (
        found is not None
        and np.array_equal(found.values, expected.values)
        and np.array_equal(found.speech, expected.speech)
        and found.request == expected.request
    )


def reopened(work) -> None:
    """Save the file and open it again."""
    path = str(work / "face.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_homefile(use_empty=True)
    predictions.decoded.cache_clear()
    bpy.ops.wm.open_mainfile(filepath=path)


def test_it_is_what_was_saved(face):
    assert is_kept(face)
    entry = predictions.entry_or_none(face)
    assert (entry.name, entry.line, entry.take) == ("Happy, line", "line", "/voice/line.wav")
    assert entry.identity == predicted().id


def test_it_survives_saving_and_opening(face, work):
    reopened(work)
    assert is_kept(bpy.data.objects["Face"])
    assert predictions.entry_or_none(bpy.data.objects["Face"]).take == "/voice/line.wav"


def test_it_survives_appending_to_another_file(face, work):
    path = str(work / "face.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_homefile(use_empty=True)
    predictions.decoded.cache_clear()
    with bpy.data.libraries.load(path) as (_there, here):
        here.objects = ["Face"]
    assert is_kept(here.objects[0])


def test_it_survives_renaming_object_mesh_and_keys(face, work):
    face.name, face.data.name, face.data.shape_keys.name = "Anna", "Anna mesh", "Anna keys"
    reopened(work)
    assert is_kept(bpy.data.objects["Anna"])


def test_a_duplicate_has_its_own(face):
    twin = face.copy()
    twin.data = face.data.copy()
    assert is_kept(twin)
    predictions.clear(twin)
    assert is_kept(face)
    assert predictions.load_or_none(twin) is None


def test_undo_and_redo_take_it_back_and_forth(face):
    predictions.save(face, predicted(0.3), line="line")
    bpy.ops.ed.undo_push(message="Another")
    bpy.ops.ed.undo()
    assert is_kept(bpy.data.objects["Face"])
    bpy.ops.ed.redo()
    found = predictions.load_or_none(bpy.data.objects["Face"])
    assert found.id == predicted(0.3).id


def test_a_new_one_replaces_the_others_unless_they_are_kept(face):
    predictions.save(face, predicted(0.3), line="b", keep_others=True)
    predictions.save(face, predicted(0.5), line="c", keep_others=True)
    assert [entry.line for entry in face.cstalk_predictions.items] == ["line", "b", "c"]
    assert predictions.load_or_none(face).id == predicted(0.5).id
    assert predictions.load_or_none(face, predicted(0.3).id).id == predicted(0.3).id
    predictions.save(face, predicted(0.9), line="d")
    assert [entry.line for entry in face.cstalk_predictions.items] == ["d"]


def test_the_same_prediction_is_stored_once(face):
    predictions.save(face, predicted(), line="again", keep_others=True)
    assert [entry.line for entry in face.cstalk_predictions.items] == ["again"]


def test_another_one_becomes_active(face):
    predictions.save(face, predicted(0.3), line="b", keep_others=True)
    assert predictions.activate(face, predicted().id)
    assert is_kept(face)
    assert not predictions.activate(face, "0123456789abcdef")
    assert is_kept(face)


def test_removing_frees_the_bytes_and_activates_what_is_left(face):
    predictions.save(face, predicted(0.3), line="b", keep_others=True)
    whole = predictions.size_bytes(face)
    freed = predictions.remove(face, predicted(0.3).id)
    assert freed > 0
    assert predictions.size_bytes(face) == whole - freed
    assert is_kept(face)
    assert predictions.remove(face, predicted(0.3).id) == 0
    assert predictions.clear(face) == whole - freed
    assert predictions.size_bytes(face) == 0
    assert predictions.load_or_none(face) is None


@pytest.mark.parametrize("text", ["", "§", "AAAA", "Q1NUS1BSRAE="])
def test_changed_text_is_refused(face, text):
    predictions.entry_or_none(face).data = text
    with pytest.raises(BadPrediction):
        predictions.load_or_none(face)


def test_another_prediction_under_the_same_identity_is_refused(face):
    predictions.save(face, predicted(0.3), line="b", keep_others=True)
    first, second = face.cstalk_predictions.items
    first.data = second.data
    with pytest.raises(BadPrediction, match="identity"):
        predictions.load_or_none(face, first.identity)


@pytest.fixture
def performed(studio, work):
    """A face with a performance."""
    face = make_face()
    operators.load_audio(bpy.context.scene, write_wav(work / "line.wav"))
    bpy.ops.ed.undo_push(message="Before")
    bpy.ops.cstalk.generate()
    return face


def test_generate_stores_what_it_baked(performed):
    found = predictions.load_or_none(performed)
    assert found.channels[0] == "jawOpen"
    assert found.values.shape == (48, 5)
    entry = predictions.entry_or_none(performed)
    assert (entry.line, entry.name) == ("line", "Neutral, line.wav")
    assert entry.take.endswith("line.wav")


def test_undo_of_generate_takes_the_prediction_too(performed):
    bpy.ops.ed.undo()
    assert predictions.load_or_none(bpy.data.objects["Face"]) is None


def test_loaded_curves_are_stored_too(studio, work):
    face = make_face()
    bpy.ops.cstalk.load_curves(filepath=str(curve_file(work, ".npz")))
    assert predictions.load_or_none(face).channels == ("jawOpen",)
    assert not predictions.load_or_none(face).has_emotion


def test_a_file_with_both_tracks_keeps_them_apart(studio, work):
    face = make_face()
    full = track.CurveTrack(np.ones((3, 1), np.float32), ("jawOpen",), 24.0)
    curves = layered.LayeredCurves(full, full.replaced(values=full.values / 2))
    formats.write_layered(curves, work / "take.npz")
    bpy.ops.cstalk.load_curves(filepath=str(work / "take.npz"))
    assert predictions.load_or_none(face).speech[0, 0] == 0.5
    assert jaw_keys(face)[0][1] == 1.0


def test_clear_removes_it(performed):
    bpy.ops.cstalk.clear()
    assert predictions.size_bytes(performed) == 0
