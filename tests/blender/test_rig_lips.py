"""Lips on real meshes: m, b and p close on every head at least as often as on the demo head."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import bpy
import numpy as np
import pytest

from cstalk_blender.demo_head import build_demo_head, demo_head_geometry
from cstalk_blender.errors import BadTarget
from cstalk_blender.package import formats, track
from cstalk_blender.rig.binding import targets
from cstalk_blender.rig.drive import mouth
from cstalk_blender.rig.drive.target_curves import TargetCurve, target_curves
from cstalk_blender.rig.fitting import lips
from cstalk_blender.rig.keys import bake
from cstalk_blender.rig.verify import check, seal
from cstalk_blender.rig.verify.evaluation import evaluate_mesh
from cstalk_blender.rig.verify.obstacles import obstacles
from tests.conftest import DATA, ROOT
from tests.fakes import family_heads, public_rigs
from tests.fakes.faces import ARKIT, make_face

CLIPS = ("psx_austen_0870", "psx_austen_0880", "psx_austen_0890")
TOLERANCE_S = 0.02
"""An m, b or p may close this much before or after its phone (shared/docs/data.md)."""


def syllables(*, fps: float = 60.0, closing: float = 1.0) -> track.CurveTrack:
    """Three opened vowels with closed lips between them, and silence round it."""
    times = np.arange(round(2.0 * fps)) / fps
    jaw = np.clip(np.sin(np.pi * (times - 0.25) / 0.5) ** 2, 0.0, 1.0) * (times > 0.25)
    jaw = np.where(times < 1.75, 0.35 + 0.35 * jaw, 0.0) * (times > 0.25)
    shut = np.clip(np.cos(np.pi * (times - 0.25) / 0.5) ** 2 * 1.8 - 0.8, 0.0, 1.0)
    values = np.zeros((len(times), 52), np.float32)
    values[:, ARKIT.index("jawOpen")] = jaw
    values[:, ARKIT.index("mouthClose")] = closing * shut * jaw
    return track.CurveTrack(values, ARKIT, fps)


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    """Clips of the evaluation, spoken by the shipped model: curves and their m, b and p."""
    folder = DATA / "eval" / "austen"
    if not folder.is_dir():
        pytest.skip(f"no clips at {folder}")
    found = []
    for clip in CLIPS:
        out = tmp_path_factory.mktemp("curves") / "line.npz"
        command = [sys.executable, "-m", "model_runtime", "generate", str(folder / f"{clip}.wav")]
        subprocess.run([*command, "-o", str(out), "--fps", "60"], cwd=ROOT, check=True)
        found.append((formats.read_curves(str(out)), bilabials(folder / f"{clip}.phone.json")))
    return found


def bilabials(path: Path) -> list[tuple[float, float]]:
    """Begin and end of each m, b and p in seconds."""
    words = json.loads(path.read_text(encoding="utf-8"))["w"]
    phones = [phone for word in words for phone in word.get("w", [])]
    return [(p["b"], p["b"] + p["d"]) for p in phones if p["t"] in ("M", "B", "P")]


def closed_count(face, curves, phones) -> int:
    """At how many of ``phones`` the lips of ``face`` meet."""
    gap = lips.relative(mouth.mouth_of(face).gaps(target_curves(face, curves), curves.frame_count))
    return met_count(gap, curves, phones)


def met_count(gap, curves, phones) -> int:
    """At how many of ``phones`` a relative gap comes under the limit."""
    times = curves.times_s()
    spans = [(times >= a - TOLERANCE_S) & (times <= b + TOLERANCE_S) for a, b in phones]
    return sum(bool(gap[span].min() < lips.CLOSED) for span in spans)


def sealed_count(face, curves, phones) -> int:
    """The same after a bake and a seal, from the keys that are played then."""
    bake.bake_track([face], curves, start_frame=0, frame_rate=60.0, line="x")
    report = seal.seal_lips(face, 60.0)
    assert report.after.met >= report.before.met
    key = face.data.shape_keys
    played = seal._curves_of(key.animation_data.action, key)
    _frames, values = seal._keys(played, curves.frame_count)
    asked = [TargetCurve("shape", name, column, ()) for name, column in values.items()]
    gap = lips.relative(mouth.mouth_of(face).gaps(asked, curves.frame_count))
    return met_count(gap, curves, phones)


@pytest.mark.data
@pytest.mark.parametrize("head", list(public_rigs.FILES))
def test_bilabials_close_on_public_heads_at_least_as_often_as_on_the_demo_head(head, spoken):
    demo, face = build_demo_head(), public_rigs.build_or_skip(head)
    on_demo = sum(closed_count(demo, *line) for line in spoken)
    plain = sum(closed_count(face, *line) for line in spoken)
    sealed = sum(sealed_count(face, *line) for line in spoken)
    total = sum(len(phones) for _curves, phones in spoken)
    sys.stderr.write(f"{head}: {plain} of {total} close, {sealed} sealed; {on_demo} on the demo\n")
    assert total > 8
    assert plain >= on_demo
    assert sealed >= plain


@pytest.mark.data
def test_middle_of_the_face_cap_lips_is_where_the_data_document_says():
    marks = mouth.mouth_of(public_rigs.build_or_skip("Face Cap")).marks
    assert (marks.lip_upper, marks.lip_lower) == (1668, 1666)


def test_lips_of_the_demo_head_meet_and_the_check_says_so():
    head, curves = build_demo_head(), syllables()
    bake.bake_track([head], curves, start_frame=1, frame_rate=24.0, line="x")
    report = check.check_faces([head], curves, bpy.context.scene, start_frame=1, frame_rate=24.0)
    assert report.moved
    assert not report.lips_open
    assert any("mm" in measure for measure in report.measures)
    assert any(measure.startswith("Lips meet in 2 of 2") for measure in report.measures)


def weak_head():
    """A demo head whose mouthClose closes a third."""
    head = build_demo_head()
    blocks = head.data.shape_keys.key_blocks
    rest, close = blocks["Basis"].data, blocks["mouthClose"].data
    for index, point in enumerate(close):
        point.co = 0.3 * point.co + 0.7 * rest[index].co
    return head


def test_lips_that_stay_open_are_reported_and_the_seal_closes_them():
    head, curves = weak_head(), syllables()
    bake.bake_track([head], curves, start_frame=1, frame_rate=24.0, line="x")
    before = check.check_faces([head], curves, bpy.context.scene, start_frame=1, frame_rate=24.0)
    assert before.lips_open
    report = seal.seal_lips(head, 24.0)
    assert report.key == "mouthClose"
    assert (report.before.met, report.after.met) == (0, 2)
    where = mouth.mouth_of(head)
    runs = lips.closure_runs(mouth.reference_gap(curves), curves.fps)
    closed = [float(mouth_gap(head, where, 1 + (a + b) / 2 / 60.0 * 24.0)) for a, b in runs]
    widest = float(mouth_gap(head, where, 1 + 0.5 * 24.0))
    assert max(closed) < lips.CLOSED * widest
    assert seal.seal_lips(head, 24.0).largest < 0.05


def mouth_gap(head, where, frame):
    """Lip gap of the evaluated mesh at a frame."""
    points, _values = evaluate_mesh(head, bpy.context.scene, frame)
    return where.gap(points.astype(np.float64))


def test_seal_is_taken_back_with_the_performance():
    head = weak_head()
    block = head.data.shape_keys.key_blocks["mouthClose"]
    before = block.slider_max
    bake.bake_track([head], syllables(), start_frame=1, frame_rate=24.0, line="x")
    seal.seal_lips(head, 24.0)
    bake.clear_bake([head])
    assert block.slider_max == before
    assert len(bpy.data.actions) == 0


def open_head():
    """A demo head that has nothing to close its lips with but its jaw."""
    head = build_demo_head()
    for block in list(head.data.shape_keys.key_blocks)[1:]:
        if block.name not in ("jawOpen", "mouthSmileLeft", "mouthSmileRight"):
            head.shape_key_remove(block)
    return head


def test_head_without_a_closing_key_opens_less_at_closures_and_a_second_press_adds_nothing():
    head, curves = open_head(), syllables()
    assert mouth.closing_keys(mouth.mouth_of(head)) == {}
    bake.bake_track([head], curves, start_frame=1, frame_rate=24.0, line="x")
    where = mouth.mouth_of(head)
    widest_before = float(mouth_gap(head, where, 1 + 0.5 * 24.0))
    report = seal.seal_lips(head, 24.0)
    assert report.key == "jawOpen"
    assert (report.before.met, report.after.met, report.after.wanted) == (0, 2, 2)
    runs = lips.closure_runs(mouth.reference_gap(curves), curves.fps)
    closed = [float(mouth_gap(head, where, 1 + (a + b) / 2 / 60.0 * 24.0)) for a, b in runs]
    widest = float(mouth_gap(head, where, 1 + 0.5 * 24.0))
    assert max(closed) < lips.CLOSED * widest
    assert widest == pytest.approx(widest_before, rel=0.02), "vowels keep their opening"
    assert seal.seal_lips(head, 24.0).largest < 0.05


@pytest.mark.parametrize("case", ["MakeHuman", "Faceshift", "Daz 9", "MetaHuman"])
def test_seal_closes_left_and_right_alike_where_several_keys_close_the_lips(case):
    face, curves = family_heads.make_family_head(case), syllables()
    blocks = face.data.shape_keys.key_blocks
    closing = {route.target for route in targets.routing_of(face).of("mouthClose")}
    for point, rest in (
        (p, r) for n in closing for p, r in zip(blocks[n].data, blocks[0].data, strict=True)
    ):
        point.co = 0.5 * (point.co + rest.co)
    bake.bake_track([face], curves, start_frame=1, frame_rate=24.0, line="x")
    report = seal.seal_lips(face, 24.0)
    assert report.key.count(",") + 1 == len(closing)
    assert (report.before.met, report.after.met, report.after.wanted) == (0, 2, 2)
    runs = lips.closure_runs(mouth.reference_gap(curves), curves.fps)
    for frame in (1 + (a + b) / 2 / 60.0 * 24.0 for a, b in runs):
        points, _values = evaluate_mesh(face, bpy.context.scene, frame)
        mirrored = points[demo_head_geometry().mirror] * [-1.0, 1.0, 1.0]
        np.testing.assert_allclose(mirrored, points, atol=1e-4)


@pytest.mark.parametrize("names", [["mouthClose"], list(ARKIT)], ids=["one", "all"])
def test_seal_of_lips_that_drivers_move_is_refused_with_another_way(names):
    head, curves = weak_head(), syllables()
    for name in names:
        head[name] = 0.0
        driver = head.data.shape_keys.key_blocks[name].driver_add("value").driver
        variable = driver.variables.new()
        variable.name = "v"
        variable.targets[0].id, variable.targets[0].data_path = head, f'["{name}"]'
        driver.expression = "v"
    bake.bake_track([head], curves, start_frame=1, frame_rate=24.0, line="x")
    with pytest.raises(BadTarget, match=r"Drivers set (jawOpen|mouthClose)") as caught:
        seal.seal_lips(head, 24.0)
    assert "Mapping" in caught.value.hint


def test_easing_is_taken_back_by_clear():
    head = open_head()
    bake.bake_track([head], syllables(), start_frame=1, frame_rate=24.0, line="x")
    seal.seal_lips(head, 24.0)
    bake.clear_bake([head])
    assert head.data.shape_keys.key_blocks["jawOpen"].value == 0.0
    assert len(bpy.data.actions) == 0


def test_locked_keys_are_named_and_move_all_the_same():
    head, curves = build_demo_head(), syllables()
    head.data.shape_keys.key_blocks["jawOpen"].lock_shape = True
    bake.bake_track([head], curves, start_frame=1, frame_rate=24.0, line="x")
    report = check.check_faces([head], curves, bpy.context.scene, start_frame=1, frame_rate=24.0)
    assert report.moved
    assert not report.problems
    assert any(m.startswith("Locked on") and "jawOpen" in m for m in report.measures)


def test_muted_and_pinned_keys_are_named_as_what_hides_the_performance():
    head = build_demo_head()
    head.data.shape_keys.key_blocks["jawOpen"].mute = True
    head.show_only_shape_key = True
    found = obstacles(head, {"jawOpen": np.ones(1)})
    assert [("Muted" in f and "jawOpen" in f) or "pinned" in f for f in found] == [True, True]


def test_mouth_close_that_brings_its_own_jaw_is_converted():
    head, curves = build_demo_head(), syllables()
    blocks = head.data.shape_keys.key_blocks
    plain = mouth.mouth_of(head).gaps(target_curves(head, curves), curves.frame_count)
    rest, jaw, close = (blocks[name].data for name in ("Basis", "jawOpen", "mouthClose"))
    for index, point in enumerate(close):
        point.co = point.co + jaw[index].co - rest[index].co
    converted = mouth.mouth_of(head).gaps(target_curves(head, curves), curves.frame_count)
    np.testing.assert_allclose(converted, plain, atol=1e-4)


def test_seal_without_a_performance_or_without_lips_is_refused():
    with pytest.raises(BadTarget, match="plays no performance"):
        seal.seal_lips(build_demo_head(), 24.0)
    strip = make_face()
    bake.bake_track([strip], syllables(), start_frame=1, frame_rate=24.0, line="x")
    with pytest.raises(BadTarget, match="lips"):
        seal.seal_lips(strip, 24.0)


def test_mesh_cache_is_named_as_what_hides_the_keys():
    head = build_demo_head()
    head.modifiers.new("Cache", "MESH_CACHE")
    head.modifiers.new("Round", "SUBSURF")
    found = obstacles(head, {"jawOpen": np.ones(1)})
    assert len(found) == 1
    assert "Mesh Cache" in found[0]
