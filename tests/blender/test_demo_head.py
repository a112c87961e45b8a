"""The demo head: symmetrical, sealed, its lids on the eyes, whole at the extremes, easy to add."""

from __future__ import annotations

import dataclasses
import itertools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from mathutils import Vector
from mathutils.bvhtree import BVHTree
from numpy.typing import NDArray

from cstalk_blender.demo_head import build_demo_head, demo_head_geometry
from cstalk_blender.demo_head.anatomy import build_anatomy
from cstalk_blender.demo_head.geometry import FLOOR, METRES, HeadGeometry
from cstalk_blender.demo_head.parts.eyes import LOOPS
from cstalk_blender.demo_head.parts.lips import SEAL_RING
from cstalk_blender.demo_head.surface import EYE_CENTER, EYE_RADIUS
from cstalk_blender.demo_head.topology import edges_of
from cstalk_blender.rig.binding import geometry as geometry_of
from cstalk_blender.rig.drive import eyes
from model_runtime.curves.rig import load_rig

Floats = NDArray[np.float64]
ROOT = Path(__file__).resolve().parents[2]
FLIP = np.array([-1.0, 1.0, 1.0])
MILLIMETRE = 1e-3
# No edge grows beyond this factor, edges shorter than 2 mm counted as 2 mm (measured: 4.2).
STRETCH_LIMIT = 5.0
SHORT_EDGE = 2 * MILLIMETRE
# How far any pose may leave the box of the neutral head.
OUTSIDE_LIMIT = 35 * MILLIMETRE
SIDED = ("mouthLeft", "mouthRight", "jawLeft", "jawRight")
# Shapes that press the skin towards the teeth; each is tried with every other shape.
INWARD = {"mouthPucker", "mouthFunnel", "mouthClose", "mouthLeft"}
NEAR_SKIN = 4 * MILLIMETRE
EMOTIONS = {
    "happy": {"mouthSmile": 1.0, "cheekSquint": 1.0, "eyeSquint": 0.6},
    "sad": {"browInnerUp": 1.0, "mouthFrown": 1.0, "mouthShrugLower": 0.6},
    "angry": {"browDown": 1.0, "noseSneer": 1.0, "mouthPress": 0.6, "eyeWide": 0.5},
    "surprised": {"browInnerUp": 1.0, "browOuterUp": 1.0, "eyeWide": 1.0},
}
VISEMES = {
    "m": {"jawOpen": 0.15, "mouthClose": 0.15, "mouthPress": 0.6, "mouthRollUpper": 0.4},
    "a": {"jawOpen": 1.0, "mouthLowerDown": 0.6, "mouthUpperUp": 0.4},
    "u": {"jawOpen": 0.2, "mouthPucker": 1.0, "mouthFunnel": 0.6},
    "f": {"jawOpen": 0.1, "mouthRollLower": 1.0, "mouthUpperUp": 0.5},
    "th": {"jawOpen": 0.3, "tongueOut": 0.7},
}


@pytest.fixture(scope="module")
def head() -> HeadGeometry:
    return demo_head_geometry()


def both(pose: dict[str, float]) -> dict[str, float]:
    """The pose with `mouthSmile` spelled out as its left and its right shape."""
    known = set(demo_head_geometry().names)
    return {
        name: value
        for short, value in pose.items()
        for name in ([short] if short in known else [f"{short}Left", f"{short}Right"])
    }


def seal_pairs() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Vertices of the upper and of the lower lip that touch each other."""
    anatomy = build_anatomy()
    ring = anatomy.lip_ring == SEAL_RING
    upper = np.flatnonzero(ring & (anatomy.lip_sin > 1e-6))
    lower = np.flatnonzero(ring & (anatomy.lip_sin < -1e-6))
    order = np.argsort(anatomy.lip_cos[lower])
    return upper[np.argsort(anatomy.lip_cos[upper])], lower[order]


def gaps(points: Floats) -> Floats:
    """Distance between the lips at each pair of touching vertices (m)."""
    upper, lower = seal_pairs()
    return np.linalg.norm(points[upper] - points[lower], axis=1)


def poses() -> Iterator[tuple[str, dict[str, float]]]:
    """Every pair of shapes at full strength, and every emotion with every viseme.

    mouthClose stands for closed lips over an open jaw: it always comes with as much jawOpen.
    """
    names = demo_head_geometry().names
    shorts = list(
        dict.fromkeys(
            name if name in SIDED else name.removesuffix("Left").removesuffix("Right")
            for name in names
        )
    )
    for first, second in itertools.combinations(shorts, 2):
        pose = {first: 1.0, second: 1.0}
        if "mouthClose" in pose:
            pose["jawOpen"] = 1.0
        yield f"{first}+{second}", both(pose)
    for (emotion, mood), (viseme, mouth) in itertools.product(EMOTIONS.items(), VISEMES.items()):
        yield f"{emotion}+{viseme}", both(mood | mouth)


def test_shapes_are_the_rig_channels_in_order(head: HeadGeometry) -> None:
    assert head.names == tuple(load_rig("arkit52").channel_names)
    assert head.deltas.shape == (52, len(head.neutral), 3)


def test_size_is_that_of_a_head_with_3000_to_8000_vertices(head: HeadGeometry) -> None:
    assert 3000 <= len(head.neutral) <= 8000
    skin = head.neutral[[part == "skin" for part in head.parts]]
    face = skin[skin[:, 1] < -0.05]
    chin = face[np.abs(face[:, 0]) < 0.01][:, 2].min()
    assert skin[:, 2].max() - chin == pytest.approx(0.24, abs=0.02)


def test_every_vertex_has_an_exact_mirror_image(head: HeadGeometry) -> None:
    assert np.array_equal(head.neutral[head.mirror] * FLIP, head.neutral)
    assert np.array_equal(np.sort(head.mirror), np.arange(len(head.neutral)))


def test_faces_are_mirrored_too(head: HeadGeometry) -> None:
    faces = {frozenset(face) for face in head.faces}
    assert {frozenset(int(head.mirror[i]) for i in face) for face in faces} == faces


def test_each_shape_is_the_exact_mirror_image_of_its_partner(head: HeadGeometry) -> None:
    for channel in load_rig("arkit52").channels:
        delta = head.deltas[head.names.index(channel.name)]
        partner = head.deltas[head.names.index(channel.mirror)]
        assert np.array_equal((delta * FLIP)[head.mirror], partner), channel.name


def test_every_shape_moves_the_face_visibly(head: HeadGeometry) -> None:
    moves = np.linalg.norm(head.deltas, axis=2).max(axis=1)
    assert np.isfinite(head.deltas).all()
    assert dict(zip(head.names, moves > 3 * MILLIMETRE, strict=True)) == dict.fromkeys(
        head.names, True
    )


def test_only_quads_lie_round_mouth_and_eyes(head: HeadGeometry) -> None:
    anatomy = build_anatomy()
    loops = (~np.isnan(anatomy.lip_ring) & (anatomy.lip_ring <= SEAL_RING + 3)) | (
        ~np.isnan(anatomy.lid_turn) & (anatomy.part == "skin")
    )
    sizes = {len(face) for face in head.faces if loops[list(face)].any()}
    assert sizes == {4}


def test_no_edge_has_more_than_two_faces_and_none_is_degenerate(head: HeadGeometry) -> None:
    pairs = [
        (min(a, b), max(a, b))
        for face in head.faces
        for a, b in zip(face, (*face[1:], face[0]), strict=True)
    ]
    assert max(np.unique(pairs, axis=0, return_counts=True)[1]) == 2
    ends = head.neutral[edges_of(head.faces)]
    assert np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1).min() > 0.1 * MILLIMETRE


def test_lips_touch_at_rest_without_overlap(head: HeadGeometry) -> None:
    assert gaps(head.neutral).max() < 1e-9
    anatomy = build_anatomy()
    lips = ~np.isnan(anatomy.lip_ring) & (anatomy.lip_ring <= SEAL_RING + 2)
    seal = anatomy.lip_ring == SEAL_RING
    order = np.argsort(anatomy.points[seal, 0])
    line = np.interp(anatomy.points[:, 0], *anatomy.points[seal][order][:, [0, 2]].T)
    above = (anatomy.points[:, 2] - line) * np.sign(anatomy.lip_sin)
    assert above[lips & (np.abs(anatomy.lip_sin) > 0.2)].min() > -0.01 * MILLIMETRE / METRES


def test_jaw_opens_the_lips(head: HeadGeometry) -> None:
    assert gaps(head.posed({"jawOpen": 1.0})).max() > 20 * MILLIMETRE


@pytest.mark.parametrize("amount", [0.2, 0.6, 1.0])
def test_mouth_close_cancels_the_gap_of_as_much_jaw_open(head: HeadGeometry, amount: float) -> None:
    pose = {"jawOpen": amount, "mouthClose": amount}
    assert gaps(head.posed(pose)).max() < 0.01 * MILLIMETRE


@pytest.mark.parametrize("shape", ["mouthSmile", "mouthPucker", "mouthStretch", "mouthDimple"])
def test_shapes_that_keep_the_lips_shut_do(head: HeadGeometry, shape: str) -> None:
    assert gaps(head.posed(both({shape: 1.0}))).max() < 0.1 * MILLIMETRE


def test_landmarks_measure_the_gap_of_the_lips(head: HeadGeometry) -> None:
    (upper,), (lower,) = head.landmarks["cstalk_lip_upper"], head.landmarks["cstalk_lip_lower"]
    opened = head.posed({"jawOpen": 1.0})
    assert np.array_equal(head.neutral[upper], head.neutral[lower])
    assert np.linalg.norm(opened[upper] - opened[lower]) == gaps(opened).max()


def lid_heights(points: Floats) -> Floats:
    """Height (m) of the lids' outer loops over the left eyeball."""
    anatomy = build_anatomy()
    inner = np.array([height <= 0.05 for *_, height, _, _ in LOOPS])
    count = len(LOOPS)
    lids = np.flatnonzero((anatomy.part == "skin") & ~np.isnan(anatomy.lid_turn))
    left = lids[anatomy.side[lids] > 0.0].reshape(count, -1)
    center = (np.array(EYE_CENTER) - np.array([0.0, 0.0, FLOOR])) * METRES
    outer = points[left[~inner]]
    return np.linalg.norm(outer - center, axis=-1) - EYE_RADIUS * METRES


@pytest.mark.parametrize("amount", [0.0, 0.25, 0.5, 0.75, 1.0])
def test_lids_never_cut_into_the_eye_while_they_close(head: HeadGeometry, amount: float) -> None:
    assert lid_heights(head.posed({"eyeBlinkLeft": amount})).min() >= 0.0


@pytest.mark.parametrize(
    "shape", ["eyeSquintLeft", "eyeWideLeft", "cheekSquintLeft", "browDownLeft"]
)
def test_lids_stay_on_the_eye(head: HeadGeometry, shape: str) -> None:
    assert lid_heights(head.posed(both({shape: 1.0}))).min() >= 0.0


def test_blink_closes_the_eye_completely(head: HeadGeometry) -> None:
    (upper,), (lower,) = head.landmarks["cstalk_lid_upper_L"], head.landmarks["cstalk_lid_lower_L"]
    shut, wide = head.posed({"eyeBlinkLeft": 1.0}), head.neutral
    assert np.linalg.norm(wide[upper] - wide[lower]) > 15 * MILLIMETRE
    assert np.linalg.norm(shut[upper] - shut[lower]) < 0.2 * MILLIMETRE


def test_gaze_turns_the_eyeball_under_its_lids(head: HeadGeometry) -> None:
    anatomy = build_anatomy()
    center = (np.array(EYE_CENTER) - np.array([0.0, 0.0, FLOOR])) * METRES
    ball = (anatomy.part == "eyes") & (anatomy.side > 0.0)
    front = ball & (head.neutral[:, 1] < center[1] - 0.4 * EYE_RADIUS * METRES)
    for side, height in itertools.product(("In", "Out"), ("Up", "Down")):
        pose = {f"eyeLook{side}Left": 1.0, f"eyeLook{height}Left": 1.0}
        arms = head.posed(pose)[front] - center
        radius = np.linalg.norm(arms, axis=1) / (EYE_RADIUS * METRES)
        assert np.abs(radius - 1.0).max() < 0.07, pose
        pupil = arms[np.argmin(head.neutral[front, 1])]
        assert (pupil[0] < 0.0) == (side == "In")
        assert (pupil[2] > 0.0) == (height == "Up")


def test_teeth_and_tongue_follow_the_jaw(head: HeadGeometry) -> None:
    jaw = head.deltas[head.names.index("jawOpen")]
    parts = np.array(head.parts)
    assert jaw[parts == "teeth_lower", 2].max() < 0.0
    assert jaw[parts == "tongue", 2].max() < 0.0
    assert not jaw[parts == "teeth_upper"].any()


def test_tongue_comes_out_between_the_lips(head: HeadGeometry) -> None:
    out = head.posed({"tongueOut": 1.0, "jawOpen": 0.3})
    parts = np.array(head.parts)
    (lip,) = head.landmarks["cstalk_lip_lower"]
    assert out[parts == "tongue", 1].min() < out[lip, 1] - 10 * MILLIMETRE


def test_brow_shapes_move_the_brows(head: HeadGeometry) -> None:
    brows = np.array(head.parts) == "brows"
    left = brows & (head.neutral[:, 0] > 0.0)
    inner = left & (head.neutral[:, 0] < 0.025)
    outer = left & (head.neutral[:, 0] > 0.04)
    rise = {name: head.deltas[head.names.index(name)][:, 2] for name in head.names}
    assert rise["browDownLeft"][inner].mean() < -5 * MILLIMETRE
    assert rise["browInnerUp"][inner].mean() > 5 * MILLIMETRE
    assert rise["browInnerUp"][outer].mean() < 0.5 * rise["browInnerUp"][inner].mean()
    assert rise["browOuterUpLeft"][outer].mean() > 4 * MILLIMETRE


def test_no_pose_tears_the_mesh_or_leaves_its_box(head: HeadGeometry) -> None:
    edges = edges_of(head.faces)
    rest = np.linalg.norm(head.neutral[edges[:, 0]] - head.neutral[edges[:, 1]], axis=1)
    low, high = head.neutral.min(axis=0) - OUTSIDE_LIMIT, head.neutral.max(axis=0) + OUTSIDE_LIMIT
    worst = {}
    for name, pose in poses():
        points = head.posed(pose)
        length = np.linalg.norm(points[edges[:, 0]] - points[edges[:, 1]], axis=1)
        worst[name] = (length / np.maximum(rest, SHORT_EDGE)).max()
        assert ((points >= low) & (points <= high)).all(), name
    assert {name: factor for name, factor in worst.items() if factor > STRETCH_LIMIT} == {}


@pytest.mark.parametrize("name, pose", [p for p in poses() if set(p[0].split("+")) & INWARD])
def test_teeth_stay_behind_the_skin(head: HeadGeometry, name: str, pose: dict[str, float]) -> None:
    points = head.posed(pose)
    skin = [face for face, kind in zip(head.faces, head.materials, strict=True) if kind == "skin"]
    tree = BVHTree.FromPolygons(points.tolist(), skin)
    teeth = np.flatnonzero(np.char.startswith(np.array(head.parts), "teeth"))
    for tooth in points[teeth]:
        place, normal, _, distance = tree.find_nearest(tooth, NEAR_SKIN)
        if place is not None:
            outside = float(normal.dot(Vector(tooth) - place))
            assert outside < MILLIMETRE, (name, tooth, distance)


def test_geometry_needs_no_blender() -> None:
    code = (
        "import sys; sys.modules['bpy'] = None\n"
        "from cstalk_blender.demo_head import demo_head_geometry\n"
        "assert len(demo_head_geometry().names) == 52"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr


def test_built_object_has_the_keys_with_their_ranges(head: HeadGeometry) -> None:
    made = build_demo_head()
    basis, *keys = made.data.shape_keys.key_blocks
    assert basis.name == "Basis"
    assert tuple(key.name for key in keys) == head.names
    assert {(key.slider_min, key.slider_max, key.value) for key in keys} == {(0.0, 1.0, 0.0)}


def test_built_keys_hold_the_geometry(head: HeadGeometry) -> None:
    block = build_demo_head().data.shape_keys.key_blocks["jawOpen"]
    flat = np.empty(3 * len(head.neutral), dtype=np.float32)
    block.data.foreach_get("co", flat)
    assert np.allclose(flat.reshape(-1, 3), head.posed({"jawOpen": 1.0}), atol=1e-6)


def test_built_mesh_is_valid_smooth_and_coloured() -> None:
    mesh = build_demo_head().data
    assert not mesh.validate(verbose=True)
    assert all(polygon.use_smooth for polygon in mesh.polygons)
    used = {mesh.materials[polygon.material_index].name for polygon in mesh.polygons}
    assert {"CSTalk skin", "CSTalk lips", "CSTalk iris", "CSTalk teeth", "CSTalk brow"} <= used


def test_vertex_groups_mark_the_landmarks(head: HeadGeometry) -> None:
    made = build_demo_head()
    for name, where in head.landmarks.items():
        index = made.vertex_groups[name].index
        found = [v.index for v in made.data.vertices if index in {g.group for g in v.groups}]
        assert found == sorted(where), name
    assert {"cstalk_lip_upper", "cstalk_mouth_corner_R", "cstalk_lid_upper_L"} <= set(
        head.landmarks
    )


def test_two_heads_share_materials_and_nothing_else() -> None:
    first, second = build_demo_head(), build_demo_head("Second")
    first.data.shape_keys.key_blocks["jawOpen"].value = 1.0
    assert second.data.shape_keys.key_blocks["jawOpen"].value == 0.0
    assert list(first.data.materials) == list(second.data.materials)


def test_head_is_linked_to_the_collection_that_is_given() -> None:
    collection = bpy.data.collections.new("Cast")
    made = build_demo_head(collection=collection)
    assert made.users_collection == (collection,)


def test_operator_adds_an_active_head_at_the_cursor(addon: Any) -> None:
    bpy.context.scene.cursor.location = (1.0, 2.0, 3.0)
    assert bpy.ops.cstalk.add_demo_head() == {"FINISHED"}
    made = bpy.context.view_layer.objects.active
    assert made.name == "CSTalk Demo Head"
    assert made.select_get()
    bpy.context.view_layer.update()
    assert tuple(made.matrix_world.translation) == (1.0, 2.0, 3.0)


def test_operator_gives_the_head_bones_that_turn_the_whole_face(addon: Any) -> None:
    bpy.ops.cstalk.add_demo_head()
    made = bpy.context.view_layer.objects.active
    assert [bone.name for bone in eyes.head_chain(made)] == ["neck", "head"]
    assert eyes.turns_head(made)
    sums = np.zeros(len(made.data.vertices))
    for name in ("chest", "neck", "head"):
        sums += geometry_of.group_weights(made, [name])
    np.testing.assert_allclose(sums, 1.0, atol=1e-3)
    head = geometry_of.group_weights(made, ["head"])
    for name in ("mouthSmileLeft", "browInnerUp", "eyeBlinkRight", "tongueOut"):
        moved = np.abs(geometry_of.shape_motion(made, name)).max(1) > 1e-3
        assert head[moved].min() > 0.99, name
    bpy.ops.cstalk.add_demo_head(with_bones=False)
    assert bpy.context.view_layer.objects.active.find_armature() is None


def test_geometry_is_frozen(head: HeadGeometry) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        head.neutral = head.neutral * 2.0  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        head.neutral[0, 0] = 1.0
