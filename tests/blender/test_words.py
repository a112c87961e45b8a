"""Words of a performance in the panel, their corrections, and scripts of text strips."""

from __future__ import annotations

import bpy
import pytest

from cstalk_blender import compat
from cstalk_blender.package import protocol
from cstalk_blender.scene import words
from cstalk_blender.ui import generate_requests
from cstalk_blender.ui.operators import generate as operators
from cstalk_blender.ui.panels import acting as panels
from tests.fakes.faces import make_face, write_wav
from tests.fakes.panel_layouts import texts

AUDIO = ["line.wav", 1000]
TRACK = {
    "format": 1,
    "duration_s": 2.0,
    "words": [["move", 0.5, 0.75, 0.9, 3], ["boat", 1.0, 1.5, 0.4, 3]],
    "phones": [
        *(["m", 0.5, 0.55, 0.9], ["uw", 0.55, 0.7, 0.9], ["v", 0.7, 0.75, 0.9]),
        *(["b", 1.0, 1.1, 0.4], ["ow", 1.1, 1.4, 0.4], ["t", 1.4, 1.5, 0.4]),
    ],
}
TEXTGRID = """File type = "ooTextFile"
Object class = "TextGrid"

0
1.0
<exists>
1
"IntervalTier"
"words"
0
1.0
1
0.2
0.6
"hi"
"""


@pytest.fixture
def face(studio, work):
    """A face with a stored performance of two words, at 24 fps from frame 10 on."""
    made = make_face("Face")
    operators.load_audio(bpy.context.scene, write_wav(work / "line.wav"))
    made.cstalk_result.summary = "made"
    words.store(made, {"phone_track": TRACK}, start_s=0.0, zero_frame=10.0, frame_rate=24.0)
    return made


def requested():
    """The performance that Generate would ask for."""
    return generate_requests.request_of(bpy.context).message.performance


def test_words_of_the_curves_are_kept_with_the_face(face):
    kept = face.cstalk_words
    assert [w.text for w in kept.words] == ["move", "boat"]
    assert kept.words[1].phones == "b ow t"
    assert kept.words[1].confidence == pytest.approx(0.4)
    assert words.frame_at(kept, kept.words[1].start_s) == pytest.approx(34.0)
    assert words.time_at(kept, 34.0) == pytest.approx(1.0)


def test_times_of_a_cut_clip_are_those_of_the_file(face):
    words.store(face, {"phone_track": TRACK}, start_s=3.0, zero_frame=10.0, frame_rate=24.0)
    assert face.cstalk_words.words[0].start_s == pytest.approx(3.5)


def test_curves_without_phones_have_no_words(face):
    words.store(face, {}, start_s=0.0, zero_frame=0.0, frame_rate=24.0)
    assert len(face.cstalk_words.words) == 0


def test_selecting_a_word_jumps_to_its_frame(face):
    face.cstalk_words.index = 1
    assert bpy.context.scene.frame_current == 34


def test_corrections_travel_with_the_request_and_hold_for_their_audio(face):
    audio = generate_requests.audio_identity(bpy.context.scene.cstalk)
    words.add_correction(face, protocol.Correction(1.0, 1.5, "vote", ("v", "ow", "t")), audio)
    words.add_correction(face, protocol.Correction(0.2, 0.4, is_closed=True), audio)
    first, second = requested().corrections
    assert (first.text, first.phones) == ("vote", ("v", "ow", "t"))
    assert second.is_closed
    bpy.context.scene.cstalk.emotion = "happy"
    assert len(requested().corrections) == 2
    assert words.corrections_of(face, AUDIO) == ()


def test_a_correction_counts_as_a_change_since_the_performance(face):
    scene = bpy.context.scene
    before = generate_requests.settings_values(scene, face)
    audio = generate_requests.audio_identity(scene.cstalk)
    words.add_correction(face, protocol.Correction(1.0, 1.5, "vote"), audio)
    after = generate_requests.settings_values(scene, face)
    assert [name for name in before if before[name] != after[name]] == ["corrections"]


def test_damaged_corrections_are_passed_over(face):
    audio = generate_requests.audio_identity(bpy.context.scene.cstalk)
    words.add_correction(face, protocol.Correction(1.0, 1.5, "vote"), audio)
    face.cstalk_words.corrections = "[{"
    assert words.corrections_of(face, audio) == ()


@pytest.fixture
def corrected(face, monkeypatch):
    """Runs a word operator without a worker and returns the corrections it leaves."""
    monkeypatch.setattr(operators.CSTALK_OT_generate, "execute", lambda _op, _context: {"FINISHED"})
    bpy.context.view_layer.objects.active = face

    def run(operator, **values):
        getattr(bpy.ops.cstalk, operator)(**values)
        audio = generate_requests.audio_identity(bpy.context.scene.cstalk)
        return words.corrections_of(face, audio)

    return run


def test_another_word_takes_the_phones_of_the_dictionary(corrected, face):
    face.cstalk_words.index = 1
    (one,) = corrected("word_edit", text="vote", first=34.0, last=46.0, phones="b ow t")
    assert (one.start_s, one.end_s, one.text, one.phones) == (1.0, 1.5, "vote", ())
    assert (one.was_start_s, one.was_end_s) == (1.0, 1.5)


def test_a_moved_word_keeps_its_phones(corrected, face):
    face.cstalk_words.index = 1
    (one,) = corrected("word_edit", text="boat", first=40.0, last=52.0, phones="b ow t")
    assert (one.start_s, one.end_s, one.phones) == (1.25, 1.75, ("b", "ow", "t"))


def test_a_phone_is_replaced(corrected, face):
    face.cstalk_words.index = 1
    (one,) = corrected("word_phone", place=0, phone="m")
    assert one.phones == ("m", "ow", "t")


def test_lips_are_held_closed_between_two_frames(corrected, face):
    (one,) = corrected("hold_closed", first=22.0, last=28.0)
    assert (one.start_s, one.end_s, one.is_closed) == (0.5, 0.75, True)


def test_unknown_phones_and_words_without_length_are_refused(corrected, face):
    with pytest.raises(RuntimeError, match="Unknown phone 'xx'"):
        corrected("word_edit", is_new=True, text="x", first=20.0, last=30.0, phones="xx")
    with pytest.raises(RuntimeError, match="no length"):
        corrected("word_edit", is_new=True, text="x", first=30.0, last=20.0)


def test_corrections_are_removed(corrected, face):
    corrected("hold_closed", first=22.0, last=28.0)
    assert corrected("corrections_clear") == ()


class ButtonsPanel:
    """The buttons alone: a list cannot be drawn without a window."""

    @staticmethod
    def draw(drawn, _context):
        panels.draw_word_buttons(drawn.layout, bpy.data.objects["Face"].cstalk_words)


def test_the_page_offers_the_phones_of_the_selected_word(face):
    face.cstalk_words.index = 1
    shown = texts(ButtonsPanel)
    assert [text for text in shown if text in ("b", "ow", "t")] == ["b", "ow", "t"]
    assert "Edit Word" in shown
    assert "Hold Closed Here" in shown
    assert "Remove Corrections" not in shown
    assert [panels.word_icon(w) for w in face.cstalk_words.words] == ["BLANK1", "ERROR"]


def test_text_strips_become_the_script_in_order(face):
    scene = bpy.context.scene
    strips = compat.strips_of(scene)
    for name, frame in (("second", 20), ("first", 2), ("beyond", 5000)):
        end = {"length": 10} if bpy.app.version >= (5, 0, 0) else {"frame_end": frame + 10}
        strip = strips.new_effect(name=name, type="TEXT", channel=4, frame_start=frame, **end)
        strip.text = f"The {name} line"
    assert bpy.ops.cstalk.script_from_subtitles() == {"FINISHED"}
    assert scene.cstalk_acting.script == "The first line The second line"


def test_without_text_strips_the_script_stays(face):
    bpy.context.scene.cstalk_acting.script = "mine"
    with pytest.raises(RuntimeError, match="No text strip"):
        bpy.ops.cstalk.script_from_subtitles()
    assert bpy.context.scene.cstalk_acting.script == "mine"


def test_a_textgrid_takes_the_place_of_the_script(face, work):
    path = work / "line.TextGrid"
    path.write_text(TEXTGRID, "utf-8")
    assert bpy.ops.cstalk.import_timing(filepath=str(path)) == {"FINISHED"}
    assert bpy.context.scene.cstalk_acting.script_text.name == "line.TextGrid"
    assert requested().script.strip() == TEXTGRID.strip()


def test_another_file_is_no_timing(face, work):
    path = work / "line.TextGrid"
    path.write_text("hello", "utf-8")
    bpy.context.scene.cstalk_acting.script = "mine"
    with pytest.raises(RuntimeError, match="no tier of words or phones"):
        bpy.ops.cstalk.import_timing(filepath=str(path))
    assert bpy.context.scene.cstalk_acting.spoken == "mine"


def test_moved_markers_move_their_words(corrected, face):
    markers = bpy.context.scene.timeline_markers
    mine = markers.new("boat", frame=5)
    assert bpy.ops.cstalk.words_to_markers() == {"FINISHED"}
    assert [(m.name, m.frame) for m in markers][1:] == [("w0 move", 22), ("w1 boat", 34)]
    markers["w1 boat"].frame = 37
    (one,) = corrected("markers_to_words")
    assert (one.start_s, one.end_s, one.was_start_s) == (1.125, 1.5, 1.0)
    assert (one.text, one.phones) == ("boat", ("b", "ow", "t"))
    assert list(markers) == [mine]
    markers.remove(mine)


def test_markers_that_rest_change_nothing(corrected, face):
    bpy.ops.cstalk.words_to_markers()
    bpy.ops.cstalk.words_to_markers()
    assert len(bpy.context.scene.timeline_markers) == 2
    assert corrected("markers_to_words") == ()
    assert len(bpy.context.scene.timeline_markers) == 0


def test_a_word_that_touches_the_next_one_follows_its_start(corrected, face):
    face.cstalk_words.words[0].end_s = 1.0
    bpy.ops.cstalk.words_to_markers()
    bpy.context.scene.timeline_markers["w1 boat"].frame = 40
    first, second = corrected("markers_to_words")
    assert (first.text, first.end_s) == ("move", 1.25)
    assert (second.text, second.start_s) == ("boat", 1.25)


def test_markers_of_other_words_are_passed_over(corrected, face):
    bpy.ops.cstalk.words_to_markers()
    bpy.context.scene.timeline_markers["w1 boat"].frame = 40
    face.cstalk_words.words[1].text = "vote"
    assert corrected("markers_to_words") == ()
