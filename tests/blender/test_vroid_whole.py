"""Fit This Face on a VRoid head, from the button to the moving mesh."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from cstalk_blender.demo_head import demo_head_geometry
from cstalk_blender.package import track
from cstalk_blender.rig.binding import basis, solved
from cstalk_blender.rig.keys import bake
from cstalk_blender.ui.operators import rig as operators
from tests.fakes.family_heads import make_family_head

HEAD = demo_head_geometry()
PREFIX = "Face.M_F00_000_00_"
"""VRoid Studio's own export form: the mesh's name stands before each key."""


def mark(face, name, vertex):
    """A vertex group with one vertex, as the guide tells the user to make."""
    face.vertex_groups.new(name=name).add([vertex], 1.0, "REPLACE")


def neighbour_of(vertex):
    """Another vertex of a face that holds ``vertex``."""
    return next(v for face in HEAD.faces if vertex in face for v in face if v != vertex)


def lip_gap(face, upper, lower, frame):
    """Distance of two vertices on the evaluated mesh."""
    bpy.context.scene.frame_set(frame)
    mesh = face.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    return float(np.linalg.norm(mesh.vertices[upper].co - mesh.vertices[lower].co))


def test_the_button_fits_a_vroid_head_by_its_marked_lips(addon, monkeypatch):
    face = make_family_head("VRoid")
    for block in face.data.shape_keys.key_blocks[1:]:
        block.name = PREFIX + block.name
    upper, lower = (HEAD.landmarks[f"cstalk_lip_{side}"][0] for side in ("upper", "lower"))
    marked = neighbour_of(upper)  # not what the motion of the mesh would give
    for group in list(face.vertex_groups):
        face.vertex_groups.remove(group)
    mark(face, "cstalk_lip_upper", marked)
    mark(face, "cstalk_lip_lower", lower)
    fits, fit = [], basis.fit_face
    monkeypatch.setattr(basis, "fit_face", lambda *a: fits.append(fit(*a)) or fits[-1])
    bpy.context.scene.cstalk.target = face
    assert operators.CSTALK_OT_solve_face.disabled_reason(bpy.context) is None
    assert bpy.ops.cstalk.solve_face() == {"FINISHED"}
    marks = fits[0].target.landmarks
    assert (marks.lip_upper, marks.lip_lower) == (marked, lower)
    assert all(target.name.startswith(PREFIX + "Fcl_") for target in fits[0].fit.targets)
    assert solved.fit_or_none(face) is not None
    curves = np.zeros((3, 2), np.float32)
    curves[1, 0] = 1.0
    bake.bake_track(
        [face],
        track.CurveTrack(curves, ("jawOpen", "mouthSmileLeft"), 24.0),
        start_frame=1.0,
        frame_rate=24.0,
        line="test",
    )
    shut, opened = (lip_gap(face, upper, lower, frame) for frame in (1, 2))
    assert opened - shut > 0.005  # metres: a mouth that is open


def test_the_button_is_off_with_a_reason_where_every_movement_has_a_name(addon):
    face = make_family_head("exact")
    bpy.context.scene.cstalk.target = face
    reason = operators.CSTALK_OT_solve_face.disabled_reason(bpy.context)
    assert reason == "All channels are found by name: no fit needed"
    with pytest.raises(RuntimeError, match="poll"):
        bpy.ops.cstalk.solve_face()
    assert solved.fit_or_none(face) is None
