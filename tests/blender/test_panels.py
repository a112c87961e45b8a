"""The sidebar says what is, and why a button is off; drawn on a real layout, without a window."""

from __future__ import annotations

import time

import bpy
import pytest

from cstalk_blender.errors import SessionError
from cstalk_blender.jobs import generate as jobs
from cstalk_blender.session import environment
from cstalk_blender.ui.operators import generate as operators
from cstalk_blender.ui.panels import generate as panels
from tests.fakes.faces import ARKIT, make_face, write_wav
from tests.fakes.panel_layouts import draw_panel, said, texts
from tests.fakes.sessions import DEADLINE_S


@pytest.fixture
def speech(work):
    """Two seconds of sound."""
    return write_wav(work / "hello 台詞.wav")


def reason(operator):
    """Why ``operator`` is off; None when it is on. Asked as Blender asks."""
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
    studio.start(operators.scene_order(bpy.context))
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
    assert "Made: 48 frames, 5 channels, 2.0 s" in said(panels.CSTALK_PT_main)
    bpy.ops.cstalk.clear()
    assert "Made" not in said(panels.CSTALK_PT_main)


def test_panel_counts_shapes_and_names_what_is_missing(studio):
    make_face("Face", [name for name in ARKIT if not name.startswith("eyeLook")])
    drawn = said(panels.CSTALK_PT_main)
    assert "44 of 52 shapes found" in drawn
    assert "Without: eyeLookDownLeft," in drawn
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
    for name, description in jobs.protocol.EMOTION_DESCRIPTIONS.items():
        settings.emotion = name
        assert description in said(panels.CSTALK_PT_main)


def test_every_item_of_the_tab_has_a_tooltip(studio, speech):
    make_face()
    operators.load_audio(bpy.context.scene, speech)
    studio.error = SessionError("x", hint="y")
    for panel in (panels.CSTALK_PT_main, panels.CSTALK_PT_options):
        for item in draw_panel(panel):
            is_menu = item.get("rna", "").endswith((".emotion[0]", ".key_rate[0]"))
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


def test_file_browser_shows_sound_files(studio):
    shown = bpy.ops.cstalk.load_audio.get_rna_type().properties["filter_glob"].default
    assert "*.wav;" in shown
    assert "*.mp3" in shown
