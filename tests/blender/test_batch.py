"""A batch in Blender, on a fake child: from a folder to strips, keys, Actions and files."""

from __future__ import annotations

import json

import bpy
import pytest

from cstalk_blender.errors import BatchFailed, JobOverlap
from cstalk_blender.jobs.batch import job as batch_job
from cstalk_blender.jobs.batch.request import LineStatus
from cstalk_blender.rig.clips import strips
from cstalk_blender.ui import line_list, line_requests
from cstalk_blender.ui.operators import batch as operators_batch
from tests.fakes.faces import ARKIT, evaluated_heights, make_action, make_face, write_wav
from tests.fakes.sessions import tick_until

JAW = ARKIT.index("jawOpen")
SMILE = ARKIT.index("mouthSmileLeft")
LINES = ("anna_01__happy_0.5", "bob_01", "sub/anna_02")


@pytest.fixture
def folder(work):
    """Three lines of two seconds, one in a subfolder."""
    (work / "lines" / "sub").mkdir(parents=True)
    for name in LINES:
        write_wav(work / "lines" / f"{name}.wav")
    return work / "lines"


@pytest.fixture
def settings(batch, folder, work):
    """Two faces at 24 frames a second, and the list of the folder."""
    scene = bpy.context.scene
    scene.render.fps = 24
    make_face("bob")
    make_face("anna")
    settings = scene.cstalk_batch
    settings.folder, settings.output_folder = str(folder), str(work / "curves")
    line_list.fill(scene)
    return settings


def bake():
    """Press the button; without a window it returns when all is done."""
    assert bpy.ops.cstalk.batch_bake() == {"FINISHED"}


def ended(batch):
    """State of each line."""
    return {name: state.status for name, state in batch.states.items()}


def strips_on(name):
    """Name, first and last frame of each strip on our tracks of a face."""
    key = bpy.data.objects[name].data.shape_keys
    return [
        (strip.name, strip.frame_start, strip.frame_end)
        for nla_track in strips.our_tracks(key)
        for strip in nla_track.strips
    ]


def test_list_says_who_speaks_and_how(settings):
    found = {item.name: (item.character.name, item.emotion) for item in settings.lines}
    assert found == {
        LINES[0]: ("anna", "happy"),
        LINES[1]: ("bob", "PANEL"),
        LINES[2]: ("anna", "PANEL"),
    }
    assert settings.lines[0].intensity == pytest.approx(0.5)
    assert [item.length_s for item in settings.lines] == pytest.approx([2.0] * 3)


def test_lines_become_strips_one_after_another_on_their_characters(settings, batch):
    bake()
    assert set(ended(batch).values()) == {LineStatus.DONE}
    assert strips_on("anna") == [
        ("anna anna_01__happy_0.5", 1.0, 48.0),
        ("anna anna_02", 121.0, 168.0),
    ]
    assert strips_on("bob") == [("bob bob_01", 61.0, 108.0)]
    anna, bob = bpy.data.objects["anna"], bpy.data.objects["bob"]
    assert evaluated_heights(anna, 13)[JAW] == pytest.approx(1.0, abs=1e-3)
    assert evaluated_heights(anna, 20)[SMILE] == pytest.approx(0.5, abs=1e-3)
    assert evaluated_heights(anna, 85)[JAW] == 0.0  # bob speaks
    assert evaluated_heights(bob, 73)[JAW] == pytest.approx(1.0, abs=1e-3)
    assert evaluated_heights(anna, 133)[SMILE] == pytest.approx(0.0, abs=1e-3)
    assert bpy.context.scene.frame_end >= 168


def test_second_bake_changes_nothing_and_a_changed_line_alone_is_made_again(settings, batch):
    bake()
    before = {action.name: action.session_uid for action in bpy.data.actions}
    bake()
    assert set(ended(batch).values()) == {LineStatus.SKIPPED}
    assert {action.name: action.session_uid for action in bpy.data.actions} == before
    settings.lines[1].emotion = "happy"
    bake()
    assert ended(batch)[LINES[1]] == LineStatus.DONE
    assert [ended(batch)[name] for name in (LINES[0], LINES[2])] == [LineStatus.SKIPPED] * 2
    after = {action.name: action.session_uid for action in bpy.data.actions}
    assert {name for name in after if after[name] != before[name]} == {"bob bob_01"}
    smile = evaluated_heights(bpy.data.objects["bob"], 73)[SMILE]
    assert smile == pytest.approx(1.0, abs=1e-3)


def test_name_that_looks_like_an_emotion_is_marked_in_the_list(settings, folder):
    write_wav(folder / "bob_02_happy_80.wav")
    line_list.fill(bpy.context.scene)
    item = settings.lines[settings.lines.find("bob_02_happy_80")]
    assert item.emotion == "PANEL"
    assert item.state == LineStatus.NEW
    assert "'happy' but sets no emotion" in item.message


def test_line_given_to_another_character_leaves_the_first(settings, batch):
    bake()
    settings.lines[1].character = bpy.data.objects["anna"]
    bake()
    assert strips_on("bob") == []
    assert len(strips_on("anna")) == 3


def test_unticked_line_goes_from_its_face_and_moved_ones_move(settings, batch):
    bake()
    settings.lines[0].use = False
    bake()
    assert [name for name, *_ in strips_on("anna")] == ["anna anna_02"]
    assert strips_on("bob") == [("bob bob_01", 1.0, 48.0)]


def test_one_bad_line_is_reported_and_the_others_are_made(settings, batch, folder):
    (folder / f"{LINES[1]}.wav").unlink()
    bake()
    assert batch.outcome == "failed"
    assert batch.summary == "2 lines made, 1 failed"
    item = settings.lines[settings.lines.find(LINES[1])]
    assert item.state == LineStatus.FAILED
    assert "cannot be read" in item.message
    assert len(strips_on("anna")) == 2


def test_line_that_nobody_speaks_fails_with_a_hint(settings, batch):
    for item in settings.lines:
        item.character = None
    settings.lines[0].role = "Clara"
    bpy.context.scene.cstalk.target = bpy.data.objects["bob"]
    bake()
    assert ended(batch)[LINES[0]] == LineStatus.FAILED
    assert "No character is assigned" in batch.states[LINES[0]].message
    assert len(strips_on("bob")) == 2
    assignments = line_requests.request_of(bpy.context.scene).assignments
    who = [casting.line.row.character for casting in assignments]
    assert who == ["Clara", "bob", "bob"]  # as the report names them


def test_clear_puts_faces_back(settings, batch):
    key = bpy.data.objects["anna"].data.shape_keys
    key.key_blocks["jawOpen"].slider_max = 0.5
    bake()
    assert key.key_blocks["jawOpen"].slider_max >= 1.0
    bpy.ops.cstalk.batch_clear()
    assert strips_on("anna") == strips_on("bob") == []
    assert key.key_blocks["jawOpen"].slider_max == 0.5
    assert not [action for action in bpy.data.actions if action.name.startswith("CSTalk")]
    bake()
    assert set(ended(batch).values()) == {LineStatus.DONE}


def test_action_that_the_artist_renamed_is_theirs_and_stays(settings, batch):
    bake()
    bpy.data.actions["bob bob_01"].name = "Mine"
    settings.lines[1].emotion = "happy"
    bake()
    assert "Mine" in bpy.data.actions
    assert [name for name, *_ in strips_on("bob")] == ["bob bob_01"]


def test_whole_batch_is_one_undo_step(settings, batch):
    bpy.ops.ed.undo_push(message="before")
    bake()
    bpy.ops.ed.undo()
    assert strips_on("anna") == []
    assert bpy.context.scene.cstalk_batch.lines[0].state == LineStatus.NEW
    bpy.ops.ed.redo()
    assert len(strips_on("anna")) == 2


def test_undo_in_the_middle_takes_nothing_away_for_good(settings, batch, use_child):
    bpy.ops.ed.undo_push(message="before")
    bpy.context.scene.frame_current = 7
    bpy.ops.ed.undo_push(message="frame")
    use_child("slow")
    batch.start(line_requests.request_of(bpy.context.scene))
    tick_until(batch, lambda: batch.states[LINES[0]].status == LineStatus.DONE)
    bpy.ops.ed.undo()
    assert strips_on("anna") == []
    batch._worker.resume()
    tick_until(batch, lambda: not batch.is_busy)
    assert batch.error is None
    assert len(strips_on("anna")) == 2


def test_cancel_keeps_what_is_made_and_the_next_bake_goes_on(settings, batch, use_child):
    use_child("slow")
    batch.start(line_requests.request_of(bpy.context.scene))
    with pytest.raises(JobOverlap):
        batch.start(line_requests.request_of(bpy.context.scene))
    tick_until(batch, lambda: batch.states[LINES[0]].status == LineStatus.DONE)
    batch.cancel()
    tick_until(batch, lambda: not batch.is_busy)
    assert batch.outcome == "cancelled"
    assert batch.summary == "1 line made, 2 left for the next time"
    assert len(strips_on("anna")) == 1
    use_child("good")
    bake()
    assert ended(batch) == dict(
        zip(LINES, [LineStatus.SKIPPED, LineStatus.DONE, LineStatus.DONE], strict=True)
    )


def test_second_cancel_ends_a_worker_that_hangs(settings, batch, use_child):
    use_child("deaf")
    batch.start(line_requests.request_of(bpy.context.scene))
    tick_until(batch, lambda: batch.states[LINES[0]].status == LineStatus.DONE)
    worker = batch._worker._process._popen
    batch.cancel()
    batch.tick()
    assert batch.is_busy
    batch.cancel()
    tick_until(batch, lambda: not batch.is_busy)
    assert (batch.error, batch.outcome) == (None, "cancelled")
    assert batch.summary == "1 line made, 2 left for the next time"
    assert worker.wait(timeout=60) is not None


def test_pause_holds_and_goes_on(settings, batch, use_child):
    use_child("slow")
    batch.start(line_requests.request_of(bpy.context.scene))
    batch.pause()
    tick_until(batch, lambda: batch.is_paused)
    assert "Paused" in batch.stage_text
    batch.pause()
    tick_until(batch, lambda: not batch.is_busy)
    assert set(ended(batch).values()) == {LineStatus.DONE}


@pytest.mark.fault("Cancel of a paused batch with a line that waits for the user")
def test_cancel_of_a_paused_batch_places_what_is_made_and_ends(
    settings, batch, use_child, monkeypatch
):
    use_child("slow")
    with monkeypatch.context() as patch:  # a line is ready, and the user is in Edit Mode
        patch.setattr(batch_job.generate_request, "waiting_for_or_none", lambda: "Leave Edit Mode")
        batch.start(line_requests.request_of(bpy.context.scene))
        batch.pause()
        tick_until(batch, lambda: batch.is_paused)
        assert batch.states[LINES[0]].status == LineStatus.MADE
        batch.cancel()
    tick_until(batch, lambda: not batch.is_busy)
    assert [name for name, *_ in strips_on("anna")] == ["anna anna_01__happy_0.5"]


def test_child_that_dies_is_told_and_its_finished_lines_are_kept(settings, batch, use_child):
    use_child("die")
    assert operators_batch.CSTALK_OT_batch_bake.disabled_reason(bpy.context) is None
    batch.start(line_requests.request_of(bpy.context.scene))
    batch.wait()
    assert isinstance(batch.error, BatchFailed)
    assert "Segmentation fault, says the fake" in batch.error.details
    use_child("good")
    bake()
    assert ended(batch)[LINES[0]] in (LineStatus.DONE, LineStatus.SKIPPED)
    assert set(ended(batch).values()) <= {LineStatus.DONE, LineStatus.SKIPPED}
    assert len(strips_on("anna")) == 2


def test_folder_that_another_blender_writes_into_is_a_clear_message(settings, batch, use_child):
    use_child("busy")
    batch.start(line_requests.request_of(bpy.context.scene))
    batch.wait()
    assert "Another batch is writing" in str(batch.error)
    assert strips_on("anna") == []


def test_saved_file_knows_what_is_made_and_makes_it_not_again(settings, batch, work):
    bake()
    path = str(work / "szene.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    assert len(strips_on("anna")) == 2
    before = {action.session_uid for action in bpy.data.actions}
    bake()
    assert set(ended(batch_job.current_job()).values()) == {LineStatus.SKIPPED}
    assert {action.session_uid for action in bpy.data.actions} == before


def test_reading_again_keeps_what_was_set_and_takes_new_lines(settings, folder):
    settings.lines[1].emotion, settings.lines[1].intensity = "sad", 0.25
    settings.lines[2].use = False
    write_wav(folder / "bob_02__angry.wav")
    line_list.fill(bpy.context.scene)
    items = {item.name: item for item in settings.lines}
    assert (items[LINES[1]].emotion, items[LINES[1]].intensity) == ("sad", 0.25)
    assert not items[LINES[2]].use
    assert items["bob_02__angry"].emotion == "angry"


def test_timeline_gets_all_lines_in_one_action_with_no_keys_in_the_pauses(settings, batch):
    settings.destination = "TIMELINE"
    bake()
    anna = bpy.data.objects["anna"]
    action = anna.data.shape_keys.animation_data.action
    assert action.name == "anna lines of lines"
    assert bpy.context.scene.frame_start == 1
    assert evaluated_heights(anna, 13)[JAW] == pytest.approx(1.0, abs=1e-3)
    assert evaluated_heights(anna, 133)[JAW] == pytest.approx(1.0, abs=1e-3)
    assert evaluated_heights(anna, 85)[JAW] == pytest.approx(0.0, abs=1e-3)
    from cstalk_blender import compat

    curve = compat.curves_of(anna.data.shape_keys)[0]
    frames = [point.co.x for point in curve.keyframe_points]
    assert not [frame for frame in frames if 60 < frame < 110]
    bake()
    assert set(ended(batch).values()) == {LineStatus.SKIPPED}
    bpy.ops.cstalk.batch_clear()
    assert anna.data.shape_keys.animation_data.action is None


def test_actions_only_are_kept_in_the_file_as_assets_and_play_nowhere(settings, batch):
    settings.destination, settings.is_asset = "ACTIONS", True
    bake()
    assert strips_on("anna") == []
    action = bpy.data.actions["anna anna_02"]
    assert action.asset_data is not None
    assert "anna" in [tag.name for tag in action.asset_data.tags]
    assert action.frame_range[0] == 1.0
    assert action.use_fake_user


def test_own_action_above_the_lines_is_told(settings, batch):
    make_action("Artist", bpy.data.objects["anna"].data.shape_keys, "browInnerUp", 0.5)
    bake()
    assert any("'Artist' plays above the lines" in note for note in batch.notes)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Blender's own exporters
@pytest.mark.parametrize("kind", ["BLEND", "GLTF", "FBX"])
def test_each_line_in_a_file_and_the_scene_as_before(settings, batch, work, kind):
    operator = {"GLTF": "io_scene_gltf2", "FBX": "io_scene_fbx"}.get(kind)
    if operator is not None:
        import addon_utils

        addon_utils.enable(operator)
    settings.destination = kind
    scene = bpy.context.scene
    before = (scene.frame_start, scene.frame_end, sorted(bpy.data.actions.keys()))
    bake()
    assert set(ended(batch).values()) == {LineStatus.DONE}, batch.states
    ending = {"BLEND": "blend", "GLTF": "glb", "FBX": "fbx"}[kind]
    made = sorted(path.name for path in (work / "curves").rglob(f"*.{ending}"))
    assert made == sorted(f"{name.rpartition('/')[2]}.{ending}" for name in LINES)
    assert (scene.frame_start, scene.frame_end, sorted(bpy.data.actions.keys())) == before
    assert not list((work / "curves").rglob(".cstalk-*.*"))
    if kind == "BLEND":
        bpy.ops.wm.open_mainfile(filepath=str(work / "curves" / f"{LINES[1]}.blend"))
        assert evaluated_heights(bpy.data.objects["bob"], 13)[JAW] == pytest.approx(1.0, abs=1e-3)
        assert bpy.context.scene.frame_end == 48


def test_glb_holds_the_line_s_morph_animation(settings, batch, work):
    import addon_utils

    addon_utils.enable("io_scene_gltf2")
    settings.destination = "GLTF"
    bake()
    data = (work / "curves" / f"{LINES[1]}.glb").read_bytes()
    length = int.from_bytes(data[12:16], "little")
    scene = json.loads(data[20 : 20 + length])
    paths = [c["target"]["path"] for a in scene["animations"] for c in a["channels"]]
    assert paths == ["weights"]


def test_an_output_folder_beside_an_unsaved_file_is_unknown(settings):
    settings.output_folder = "//curves"
    assert settings.output_path_or_none() is None
    settings.output_folder = "curves"
    assert settings.output_path_or_none().is_absolute()
