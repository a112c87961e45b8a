"""The sidebar says what is, and why a button is off; drawn on a real layout, without a window."""

from __future__ import annotations

import time

import bpy
import pytest

from cstalk_blender.errors import SessionError
from cstalk_blender.session import environment
from cstalk_blender.ui import generate_requests
from cstalk_blender.ui.operators import generate as operators
from cstalk_blender.ui.panels import generate as panels
from model_runtime import choices
from tests.fakes.faces import ARKIT, make_face, write_wav
from tests.fakes.panel_layouts import draw_panel, said, texts
from tests.fakes.sessions import DEADLINE_S


@pytest.fixture
def speech(work):
    """Two seconds of sound."""
    return write_wav(work / "hello 台詞.wav")


def reason(operator):
    """Return why ``operator`` is disabled, None when it is not, by way of its poll."""
    off = operator.disabled_reason(bpy.context)
    group, name = operator.bl_idname.split(".")
    assert getattr(getattr(bpy.ops, group), name).poll() == (off is None)
    return off


def test_fresh_scene_leads_through_the_steps(studio, speech):
    generate = operators.CSTALK_OT_generate
    assert "no mesh is set or active" in reason(generate)
    face = make_face("Plain", [])
    assert "'Plain' has no shape keys" in reason(generate)
    assert "Demo Head" in reason(generate)
    face.shape_key_add(name="Basis")
    assert "has only its reference shape key" in reason(generate)
    make_face("Face")
    assert reason(generate) == "Load an audio file first"
    operators.load_audio(bpy.context.scene, speech)
    assert reason(generate) is None
    speech.unlink()
    assert "Audio file not found" in reason(generate)


def test_picked_face_counts_not_the_active_one(studio, speech):
    face = make_face("Hero")
    make_face("Plain", [])
    operators.load_audio(bpy.context.scene, speech)
    bpy.context.scene.cstalk.target = face
    assert reason(operators.CSTALK_OT_generate) is None
    assert "Hero:" not in said(panels.CSTALK_PT_main)


def test_active_armature_stands_for_the_best_face_below_it(studio):
    armature = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
    bpy.context.scene.collection.objects.link(armature)
    make_face("Teeth", ["jawOpen"], parent=armature)
    make_face("Head", parent=armature)
    bpy.context.view_layer.objects.active = armature
    assert "Head: 52 of 52 shapes found" in said(panels.CSTALK_PT_main)


def test_buttons_while_a_performance_is_made(studio, speech, use_worker):
    make_face()
    operators.load_audio(bpy.context.scene, speech)
    assert reason(operators.CSTALK_OT_cancel) == "Generation is not running"
    use_worker("slow")
    studio.start(generate_requests.request_of(bpy.context))
    deadline = time.monotonic() + DEADLINE_S
    while not studio.fraction and time.monotonic() < deadline:
        studio.tick()
        time.sleep(0.002)
    assert "wait for it, or cancel it" in reason(operators.CSTALK_OT_generate)
    assert "wait for it, or cancel it" in reason(operators.CSTALK_OT_clear)
    assert reason(operators.CSTALK_OT_cancel) is None
    drawn = texts(panels.CSTALK_PT_main)
    assert "Cancel" in drawn
    assert "Generate" not in drawn
    assert panels.progress_text(studio) == "0 %, 0 s left"


def test_clear_is_off_without_a_performance(studio, speech):
    assert "no mesh is set or active" in reason(operators.CSTALK_OT_clear)
    make_face()
    assert reason(operators.CSTALK_OT_clear) == "'Face' has no CSTalk performance"
    operators.load_audio(bpy.context.scene, speech)
    bpy.ops.cstalk.generate()
    assert reason(operators.CSTALK_OT_clear) is None


def test_panel_says_what_was_made_until_it_is_cleared(studio, speech):
    bpy.context.scene.render.fps = 24
    make_face()
    operators.load_audio(bpy.context.scene, speech)
    assert "hello 台詞.wav, 2.0 s" in said(panels.CSTALK_PT_main)
    bpy.ops.cstalk.generate()
    assert "Neutral, hello 台詞.wav 48 frames, 5 channels, 2.0 s" in said(panels.CSTALK_PT_main)
    bpy.ops.cstalk.clear()
    assert "48 frames" not in said(panels.CSTALK_PT_main)


def test_panel_counts_shapes_and_names_what_is_missing(studio):
    make_face("Face", [name for name in ARKIT if not name.startswith("eyeLook")])
    drawn = said(panels.CSTALK_PT_main)
    assert "44 of 52 shapes found" in drawn
    assert "Missing: eyeLookDownLeft," in drawn
    assert "and 4 more" in drawn


def test_panel_names_the_shape_that_is_used_of_two(studio):
    make_face("Face", ["Jaw Open", "JAW OPEN"])
    assert 'jawOpen: "Jaw Open" is used, not "JAW OPEN"' in said(panels.CSTALK_PT_main)


def test_panel_warns_when_the_face_does_not_follow(studio, speech):
    face = make_face()
    for block in face.data.shape_keys.key_blocks:
        block.mute = True
    operators.load_audio(bpy.context.scene, speech)
    bpy.ops.cstalk.generate()
    drawn = said(panels.CSTALK_PT_main)
    assert "the face does not follow" in drawn
    assert "Muted on 'Face'" in drawn


def test_panel_tells_of_drivers_and_widened_sliders(studio, speech):
    face = make_face()
    face.data.shape_keys.key_blocks["jawOpen"].driver_add("value")
    face.data.shape_keys.key_blocks["mouthSmileLeft"].slider_max = 0.2
    bpy.context.scene.cstalk.emotion = "happy"
    operators.load_audio(bpy.context.scene, speech)
    bpy.ops.cstalk.generate()
    drawn = said(panels.CSTALK_PT_main)
    assert "Left to their drivers: jawOpen" in drawn
    assert "does not follow" not in drawn
    assert "Slider ranges widened: mouthSmileLeft" in drawn


def test_error_box_has_message_hint_and_details(studio, speech, use_worker):
    make_face()
    operators.load_audio(bpy.context.scene, speech)
    assert reason(operators.CSTALK_OT_copy_error_details) == "There is no error"
    use_worker("die_midway")
    with pytest.raises(RuntimeError, match="exit code 139"):
        bpy.ops.cstalk.generate()
    drawn = said(panels.CSTALK_PT_main)
    assert "The worker process ended with exit code 139" in drawn
    assert "Generate again" in drawn
    assert "Copy Details" in drawn
    details = operators.error_details()
    assert "[worker-died]" in details
    assert "Segmentation fault, says the fake" in details
    assert bpy.app.version_string in details
    assert reason(operators.CSTALK_OT_copy_error_details) is None
    bpy.ops.cstalk.dismiss_error()
    assert "exit code" not in said(panels.CSTALK_PT_main)


def test_model_that_cannot_be_started_is_in_the_error_box(studio, speech, tmp_path):
    make_face()
    operators.load_audio(bpy.context.scene, speech)
    studio.launch = lambda: environment.worker_launch(str(tmp_path / "absent"))
    with pytest.raises(RuntimeError, match="No Python at"):
        bpy.ops.cstalk.generate()
    drawn = said(panels.CSTALK_PT_main)
    assert "No Python at" in drawn
    assert "clear it to use Blender's own Python" in drawn
    assert not studio.is_busy


def test_every_emotion_is_described_in_the_panel(studio):
    make_face()
    settings = bpy.context.scene.cstalk
    for name, description in choices.EMOTION_DESCRIPTIONS.items():
        settings.emotion = name
        assert description in said(panels.CSTALK_PT_main)


def test_every_item_of_the_tab_has_a_tooltip(studio, speech):
    make_face()
    operators.load_audio(bpy.context.scene, speech)
    studio.error = SessionError("x", hint="y")
    for panel in (panels.CSTALK_PT_main, panels.CSTALK_PT_options):
        for item in draw_panel(panel):
            is_menu = item.get("rna", "").endswith(("emotion[0]", ".key_rate[0]"))
            if ("operator" in item or "rna" in item) and not is_menu:
                assert item["tip"], item


def test_bad_sound_is_reported_by_the_button(studio, work):
    with pytest.raises(RuntimeError, match="not found"):
        bpy.ops.cstalk.load_audio(filepath=str(work / "absent.wav"))
    assert bpy.context.scene.cstalk.audio == ""


def test_button_loads_a_sound_and_start_frame_moves_it(studio, speech):
    from cstalk_blender import compat

    scene = bpy.context.scene
    scene.cstalk.start_frame = 5
    assert bpy.ops.cstalk.load_audio(filepath=str(speech)) == {"FINISHED"}
    assert scene.cstalk.audio_path == speech
    scene.cstalk.start_frame = 40
    assert all(compat.strip_span(strip)[0] == 40 for strip in compat.placed_strips(scene))


def positions(*names):
    """Number of the row of each button or property in the main panel, counted from the top."""
    drawn = draw_panel(panels.CSTALK_PT_main)
    found = [item.get("operator", item.get("rna", "")) for item in drawn]
    return [next(i for i, text in enumerate(found) if name in text) for name in names]


def test_no_button_moves_when_emotion_audio_or_job_change(studio, speech, use_worker):
    make_face()
    names = ("intensity", "cstalk.cancel")
    before, count = positions(*names), []
    for name in (*choices.EMOTIONS, choices.AUTO_EMOTION):
        bpy.context.scene.cstalk.emotion = name
        assert positions(*names) == before
        count.append(len(draw_panel(panels.CSTALK_PT_main)))
    assert len(set(count)) == 1
    operators.load_audio(bpy.context.scene, speech)
    assert positions(*names) == before
    bpy.ops.cstalk.generate()
    assert positions(*names) == before
    use_worker("slow")
    studio.start(generate_requests.request_of(bpy.context))
    assert positions(*names) == before


def test_clear_is_the_last_row_apart_from_generate(studio, speech):
    make_face()
    operators.load_audio(bpy.context.scene, speech)
    bpy.ops.cstalk.generate()
    generate, clear = positions("cstalk.generate", "cstalk.clear")
    assert clear == len(draw_panel(panels.CSTALK_PT_main)) - 1
    assert clear - generate > 3


def test_panel_says_what_has_changed_since_and_forgets_it_when_it_is_as_before(studio, speech):
    bpy.context.scene.render.fps = 24
    make_face()
    operators.load_audio(bpy.context.scene, speech)
    bpy.ops.cstalk.generate()
    assert "Changed since" not in said(panels.CSTALK_PT_main)
    settings = bpy.context.scene.cstalk
    settings.emotion = "sad"
    assert "Changed since: emotion" in said(panels.CSTALK_PT_main)
    settings.emotion, settings.seed = "neutral", 5
    assert "Changed since: options" in said(panels.CSTALK_PT_main)
    settings.seed = 0
    assert "Changed since" not in said(panels.CSTALK_PT_main)
    speech.write_bytes(speech.read_bytes() + bytes(100))
    assert "Changed since: audio file" in said(panels.CSTALK_PT_main)


def test_result_is_shown_with_its_face_only_and_goes_with_a_duplicate(studio, speech):
    first, second = make_face("Anna"), make_face("Bob")
    bpy.context.scene.cstalk.target = first
    operators.load_audio(bpy.context.scene, speech)
    bpy.ops.cstalk.generate()
    assert "hello 台詞.wav 24" in said(panels.CSTALK_PT_main).replace("48 f", "24 f")
    bpy.context.scene.cstalk.target = second
    assert "frames, 5 channels" not in said(panels.CSTALK_PT_main)
    copy = first.copy()
    bpy.context.scene.collection.objects.link(copy)
    bpy.context.scene.cstalk.target = copy
    assert "frames, 5 channels" in said(panels.CSTALK_PT_main)


def test_markers_and_weights_set_the_emotion_of_generate_and_the_panel_says_so(studio, speech):
    scene = bpy.context.scene
    scene.render.fps = 24
    face = make_face()
    operators.load_audio(scene, speech)
    assert "Emotion from" not in said(panels.CSTALK_PT_main)
    scene.timeline_markers.new("happy 0.7", frame=25)
    scene.timeline_markers.new("Nobody: sad", frame=30)
    assert "Emotion from 1 timeline marker" in said(panels.CSTALK_PT_main)
    keys = generate_requests.emotion_keys(scene, face)
    assert [(k.start_s, k.emotion, k.intensity) for k in keys] == [
        (0.0, "neutral", 1.0),
        (1.0, "happy", 0.7),
    ]
    face.cstalk_emotions.use, face.cstalk_emotions.angry = True, 0.5
    assert "Emotion from the animated weights of Face" in said(panels.CSTALK_PT_main)
    keys = generate_requests.emotion_keys(scene, face)
    assert [(k.start_s, k.emotion, k.intensity) for k in keys] == [(0.0, "angry", 0.5)]


def test_file_browser_shows_sound_files(studio):
    shown = bpy.ops.cstalk.load_audio.get_rna_type().properties["filter_glob"].default
    assert "*.wav;" in shown
    assert "*.mp3" in shown
