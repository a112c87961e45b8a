"""The panel Mapping: what is mapped and why, fixes by hand, mappings saved and shared."""

from __future__ import annotations

import dataclasses
import json

import bpy
import numpy as np
import pytest

from cstalk_blender.package import track
from cstalk_blender.rig.binding import library, solved, targets
from cstalk_blender.rig.binding.wiring import wiring_of
from cstalk_blender.rig.mapping import presets, routing
from cstalk_blender.rig.mapping.presets import BadPreset
from cstalk_blender.rig.mapping.routing import Route, Target, evaluate_track
from cstalk_blender.ui import mapping_edits
from cstalk_blender.ui.operators import mapping as buttons
from cstalk_blender.ui.panels import generate as panels
from cstalk_blender.ui.panels import mapping as panels_mapping
from cstalk_blender.ui.properties import mapping as properties_mapping
from tests.fakes.faces import ARKIT, make_face
from tests.fakes.family_names import CC4, FACESHIFT, FLAME, LISTS, SRANIPAL
from tests.fakes.panel_layouts import draw_panel, said

PANEL = panels_mapping.CSTALK_PT_mapping


@pytest.fixture(autouse=True)
def shelf(addon, tmp_path, monkeypatch):
    """An empty user folder of one's own."""
    monkeypatch.setattr(library, "folder", lambda kind: tmp_path / "user 台" / kind)
    return tmp_path / "user 台" / library.MAPPINGS


def face_of(names, name="Hero"):
    """A face with the shape keys ``names``, the reference not among them."""
    return make_face(name, [key for key in names if key != "Basis"])


def view():
    return bpy.context.scene.cstalk_mapping_view


def open_region(region):
    view().open[list(panels_mapping.regions()).index(region)] = True


def target_of(mesh, channel):
    """Return the (shape key, gain, offset) that ``channel`` moves on ``mesh``."""
    return [
        (r.target, round(r.gain, 4), round(r.offset, 4))
        for r in targets.routing_of(mesh).of(channel)
    ]


@pytest.mark.parametrize("case", LISTS)
def test_every_family_is_covered_without_a_click(case):
    _family, names, channels = LISTS[case]
    face = face_of(names)
    assert targets.problem_or_none(face) is None
    assert len(targets.routing_of(face).channels) == channels
    assert f"{channels} of 52 channels move this mesh" in said(PANEL)
    assert f"{channels} of 52 shapes found" in said(panels.CSTALK_PT_main)


def test_regions_tell_what_is_mapped_and_open_to_their_channels():
    face_of([name for name in ARKIT if name != "tongueOut"])
    drawn = said(PANEL)
    assert "Mouth: 23 of 23" in drawn
    assert "Tongue: 0 of 1" in drawn
    assert "tongueOut" not in drawn
    open_region("tongue")
    drawn = said(PANEL)
    assert 'there is no key "tongueOut"' in drawn


def test_only_problems_hides_what_is_mapped():
    face_of(SRANIPAL)
    open_region("mouth")
    assert "mouthPucker" in said(PANEL)
    view().only_problems = True
    drawn = said(PANEL)
    assert "mouthPucker" not in drawn
    assert "mouthDimpleLeft" in drawn
    assert "the ape shape is lips closed over an open jaw" in drawn


def test_a_missing_channel_is_given_a_key_in_one_row():
    face = face_of([*ARKIT[:-1], "Zunge"])
    open_region("tongue")
    bpy.ops.cstalk.mapping_edit(channel="tongueOut")
    row = face.data.shape_keys.cstalk_mapping.rows[0]
    assert (row.channel, row.target) == ("tongueOut", "")
    row.target = "Zunge"
    assert target_of(face, "tongueOut") == [("Zunge", 1.0, 0.0)]
    assert "52 of 52 channels move this mesh" in said(PANEL)
    searches = [item for item in draw_panel(PANEL) if "key_blocks" in str(item) or item.get("rna")]
    assert any("target" in str(item.get("rna")) for item in searches)


def test_multiply_offset_and_invert_reach_the_values():
    face = face_of(ARKIT)
    bpy.ops.cstalk.mapping_edit(channel="jawOpen")
    row = face.data.shape_keys.cstalk_mapping.rows[0]
    row.gain, row.offset, row.invert = 0.5, 1.0, True
    curves = track.CurveTrack(np.ones((1, 1), np.float32), ("jawOpen",), 24.0)
    values = evaluate_track(targets.routing_of(face), curves)
    assert values[Target("shape", "jawOpen")][0] == pytest.approx(0.5)


def test_one_channel_moves_several_keys_and_several_move_one():
    face = face_of(ARKIT)
    bpy.ops.cstalk.mapping_edit(channel="jawOpen")
    bpy.ops.cstalk.mapping_add(channel="jawOpen")
    rows = face.data.shape_keys.cstalk_mapping.rows
    rows[1].target, rows[1].gain = "mouthFunnel", 0.25
    routing = targets.routing_of(face)
    assert target_of(face, "jawOpen") == [("jawOpen", 1.0, 0.0), ("mouthFunnel", 0.25, 0.0)]
    assert [r.channel for r in routing.to(Target("shape", "mouthFunnel"))] == [
        "jawOpen",
        "mouthFunnel",
    ]
    open_region("jaw")
    assert "jawOpen 2 keys" in said(PANEL)


def test_removing_the_last_key_leaves_the_channel_out_and_reset_brings_it_back():
    face = face_of(ARKIT)
    open_region("jaw")
    bpy.ops.cstalk.mapping_edit(channel="jawOpen")
    bpy.ops.cstalk.mapping_remove(row=0)
    assert target_of(face, "jawOpen") == []
    assert "left out by hand" in said(PANEL)
    bpy.ops.cstalk.mapping_reset(channel="jawOpen")
    assert target_of(face, "jawOpen") == [("jawOpen", 1.0, 0.0)]
    assert len(face.data.shape_keys.cstalk_mapping.rows) == 0


def test_opening_and_closing_a_channel_changes_nothing():
    face = face_of(SRANIPAL)
    before = targets.routing_of(face)
    for channel in ("mouthClose", "browDownLeft", "tongueOut"):
        bpy.ops.cstalk.mapping_edit(channel=channel)
    bpy.ops.cstalk.mapping_edit(channel="tongueOut")
    assert len(face.data.shape_keys.cstalk_mapping.rows) == 0
    assert targets.routing_of(face) == before


def test_removing_a_row_that_is_gone_is_an_error_with_a_hint():
    face_of(ARKIT)
    with pytest.raises(RuntimeError, match="Row 7 does not exist"):
        bpy.ops.cstalk.mapping_remove(row=7)


def test_a_fix_is_one_step_of_undo():
    face_of(ARKIT)
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.cstalk.mapping_edit(channel="jawOpen")
    bpy.ops.cstalk.mapping_remove(row=0)
    bpy.ops.ed.undo_push(message="fixed")
    assert target_of(bpy.data.objects["Hero"], "jawOpen") == []
    bpy.ops.ed.undo()
    assert target_of(bpy.data.objects["Hero"], "jawOpen") == [("jawOpen", 1.0, 0.0)]


def test_rows_are_saved_with_the_file(work):
    face = face_of(ARKIT)
    bpy.ops.cstalk.mapping_edit(channel="jawOpen")
    face.data.shape_keys.cstalk_mapping.rows[0].gain = 0.25
    path = str(work / "hero.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    assert target_of(bpy.data.objects["Hero"], "jawOpen") == [("jawOpen", 0.25, 0.0)]


def fix_jaw(face, gain):
    mapping_edits.open_channel(face, "jawOpen")
    face.data.shape_keys.cstalk_mapping.rows[0].gain = gain


def test_a_saved_mapping_is_found_again_by_a_rig_of_the_same_keys(shelf):
    fix_jaw(face_of(ARKIT), 0.5)
    view().preset_name = "Hero, softer 台"
    assert bpy.ops.cstalk.mapping_save() == {"FINISHED"}
    assert len(list(shelf.glob("*.json"))) == 1
    twin = face_of(ARKIT[::-1], "Twin")
    assert target_of(twin, "jawOpen") == [("jawOpen", 0.5, 0.0)]
    assert 'Preset "Hero, softer 台"' in said(PANEL)
    other = face_of(CC4, "Other")
    assert target_of(other, "jawOpen") == [("Jaw_Open", 1.0, 0.0)]


def test_of_two_mappings_for_one_rig_that_of_the_same_mesh_counts():
    hero, twin = face_of(ARKIT, "Hero"), face_of(ARKIT, "Twin")
    fix_jaw(hero, 0.5)
    mapping_edits.save_preset(hero, "Hero's")
    mapping_edits.use_base(twin, "NAMES")
    fix_jaw(twin, 2.0)
    mapping_edits.save_preset(twin, "Twin's")
    for mesh in (hero, twin):
        mapping_edits.reset(mesh)
    assert target_of(hero, "jawOpen") == [("jawOpen", 0.5, 0.0)]
    assert target_of(twin, "jawOpen") == [("jawOpen", 2.0, 0.0)]


def test_names_can_be_preferred_to_a_saved_mapping():
    face = face_of(ARKIT)
    fix_jaw(face, 0.5)
    mapping_edits.save_preset(face, "Soft")
    bpy.ops.cstalk.mapping_use(base="NAMES")
    assert target_of(face, "jawOpen") == [("jawOpen", 1.0, 0.0)]
    bpy.ops.cstalk.mapping_reset(channel="")
    assert target_of(face, "jawOpen") == [("jawOpen", 0.5, 0.0)]


def test_a_deleted_mapping_is_gone_and_names_count_again(shelf):
    face = face_of(ARKIT)
    fix_jaw(face, 0.5)
    mapping_edits.save_preset(face, "Soft")
    bpy.ops.cstalk.mapping_delete()
    assert list(shelf.glob("*.json")) == []
    assert target_of(face, "jawOpen") == [("jawOpen", 1.0, 0.0)]


def test_a_picked_mapping_that_is_not_here_is_said_and_names_are_used(shelf):
    face = face_of(ARKIT)
    fix_jaw(face, 0.5)
    mapping_edits.save_preset(face, "Soft").unlink()
    assert target_of(face, "jawOpen") == [("jawOpen", 1.0, 0.0)]
    assert "not found; the names are used" in said(PANEL)


def test_export_and_import_give_the_same_mapping(work, shelf):
    face = face_of(SRANIPAL)
    fix_jaw(face, 0.5)
    path = work / "shared 台.json"
    assert bpy.ops.cstalk.mapping_export(filepath=str(path)) == {"FINISHED"}
    before = targets.routing_of(face)
    mapping_edits.use_base(face, "NAMES")
    assert bpy.ops.cstalk.mapping_import(filepath=str(path)) == {"FINISHED"}
    after = targets.routing_of(face)
    assert after.routes == before.routes
    assert after.bounds == before.bounds


def test_a_strangers_mapping_for_other_keys_serves_those_that_are_there(work):
    donor = face_of([*ARKIT, "Extra"], "Donor")
    fix_jaw(donor, 0.5)
    path = work / "donor.json"
    presets.write(path, mapping_edits.preset_of(donor, "Donor's"))
    hero = face_of([name for name in ARKIT if name != "mouthPucker"], "Hero")
    mapping_edits.import_preset(hero, path)
    assert target_of(hero, "jawOpen") == [("jawOpen", 0.5, 0.0)]
    assert target_of(hero, "mouthPucker") == []
    open_region("mouth")
    assert 'the mesh has no shape key "mouthPucker"' in said(PANEL)


def test_a_mapping_of_another_rig_altogether_is_refused(work):
    path = work / "cc.json"
    presets.write(path, mapping_edits.preset_of(face_of(CC4, "CC"), "CC"))
    face = face_of(FACESHIFT, "Shift")
    with pytest.raises(BadPreset, match="has none of the 64") as caught:
        mapping_edits.import_preset(face, path)
    assert caught.value.hint
    assert wiring_of(face).preset is None


@pytest.mark.parametrize("data", [b"", b"{}", b"[" * 9000, b"\x80PK", b'{"format": 1}'])
def test_a_file_that_is_no_mapping_is_refused_and_nothing_changes(work, data, shelf):
    face = face_of(ARKIT)
    before = targets.routing_of(face)
    path = work / "bad.json"
    path.write_bytes(data)
    with pytest.raises(RuntimeError, match="Not a CSTalk mapping file"):
        bpy.ops.cstalk.mapping_import(filepath=str(path))
    assert targets.routing_of(face) == before
    assert not shelf.exists()


def test_menu_offers_the_mappings_of_this_rig_first():
    other = face_of(CC4, "Other")
    mapping_edits.save_preset(other, "For another")
    face = face_of(ARKIT)
    mapping_edits.save_preset(face, "For this")
    entries = [
        item["draw_string"]
        for item in draw_panel(panels_mapping.CSTALK_MT_mapping_presets)
        if item.get("draw_string")
    ]
    assert entries[:2] == ["Automatic", "Names Only"]
    assert entries.index("For this") < entries.index("For another")


def test_saving_needs_a_name():
    face_of(ARKIT)
    reason = buttons.CSTALK_OT_mapping_save.disabled_reason(bpy.context)
    assert reason == "Enter a name for the mapping"
    assert not bpy.ops.cstalk.mapping_save.poll()


def test_buttons_are_off_without_a_face():
    assert "Select a mesh" in buttons.CSTALK_OT_mapping_edit.disabled_reason(bpy.context)
    assert "Select a mesh" in said(PANEL)


def test_teeth_have_a_mapping_of_their_own():
    head = make_face("Head")
    teeth = make_face("Teeth", ["jawOpen", "Zahn"], parent=head)
    bpy.context.scene.cstalk.target = head
    assert "Teeth, teeth: 1 of 52" in said(PANEL)
    bpy.ops.cstalk.mapping_show(mesh="Teeth")
    assert "1 of 52 channels move this mesh" in said(PANEL)
    bpy.ops.cstalk.mapping_edit(channel="mouthLeft")
    teeth.data.shape_keys.cstalk_mapping.rows[0].target = "Zahn"
    assert target_of(teeth, "mouthLeft") == [("Zahn", 1.0, 0.0)]
    assert target_of(head, "mouthLeft") == [("mouthLeft", 1.0, 0.0)]


def test_a_rig_with_none_of_the_names_is_told_and_can_be_mapped_by_hand():
    face = face_of(["Schluessel 1", "Schluessel 2", "Mund auf", "Mund zu"])
    problem = targets.problem_or_none(face)
    assert "None of the 4 shape keys of 'Hero'" in str(problem)
    assert '"Schluessel 1", "Schluessel 2", "Mund auf" and 1 more' in str(problem)
    assert "pick keys by hand or load a preset under Mapping" in problem.hint
    mapping_edits.open_channel(face, "jawOpen")
    face.data.shape_keys.cstalk_mapping.rows[0].target = "Mund auf"
    assert targets.problem_or_none(face) is None
    assert "1 of 52 shapes found" in said(panels.CSTALK_PT_main)


def test_a_flame_head_is_known_and_sent_to_the_fit():
    face = face_of(FLAME)
    problem = targets.problem_or_none(face)
    assert "'Hero' is a FLAME head" in str(problem)
    assert "Fit This Face" in problem.hint


def test_a_solvers_routing_is_kept_as_a_preset():
    face = face_of(FLAME[:340])
    routes = (
        *(
            Route(channel, "shape", f"Exp{index + 1}", 0.1 * index - 2.0)
            for index, channel in enumerate(ARKIT[:30])
        ),
        Route("jawOpen", "bone", "jaw:rotation_x", 0.4),
    )
    solved = dataclasses.replace(targets.routing_of(face), routes=routes, source="Solved")
    preset = dataclasses.replace(mapping_edits.preset_of(face, "Solved"), routing=solved)
    presets.save(library.mappings().folder, preset)
    assert targets.problem_or_none(face) is None
    assert targets.routing_of(face).routes == routes


def test_a_table_of_ones_own_makes_a_face_known():
    folder = library.folder(library.FAMILIES)
    folder.mkdir(parents=True)
    face = face_of(["Mund_auf", "Mund_zu"])
    assert targets.problem_or_none(face) is not None
    table = {"format": 1, "name": "haus", "title": "Unser Haus"}
    channels = {"jawOpen": "Mund_auf", "mouthClose": "Mund_zu"}
    (folder / "haus.json").write_text(json.dumps(table | {"channels": channels}), "utf-8")
    (folder / "kaputt.json").write_text("{", "utf-8")
    assert targets.problem_or_none(face) is None
    drawn = said(PANEL)
    assert "Not a naming family: kaputt.json" in drawn
    assert "Unser Haus" in said(panels.CSTALK_PT_main)


def test_every_button_and_setting_has_a_tooltip():
    face_of(SRANIPAL)
    for region in panels_mapping.regions():
        open_region(region)
    bpy.ops.cstalk.mapping_edit(channel="mouthClose")
    for operator in buttons.CLASSES:
        assert operator.__doc__, operator
        assert "UNDO" in operator.bl_options or operator is buttons.CSTALK_OT_mapping_export
    for item in draw_panel(PANEL):
        if item.get("operator") or item.get("rna"):
            assert item.get("tip"), item


def test_a_fitted_face_says_that_its_mapping_waits(monkeypatch):
    face = face_of(FLAME)
    monkeypatch.setattr(solved, "fit_or_none", lambda target: object() if target == face else None)
    assert targets.problem_or_none(face) is None
    assert "Hero: fitted, see Rig" in said(panels.CSTALK_PT_main)
    assert "The fit of this face is used." in said(PANEL)


def test_kinds_and_regions_of_the_panel_are_those_of_the_routes():
    assert properties_mapping.KINDS == routing.KINDS
    assert len(properties_mapping.regions()) == properties_mapping.MOST_REGIONS
