"""VRoid heads are fitted: names behind a prefix, an upper lip that rises as the lower one falls."""

from __future__ import annotations

import numpy as np
import pytest

from cstalk_blender.demo_head import demo_head_geometry
from cstalk_blender.errors import BadTarget
from cstalk_blender.rig.binding import basis, geometry, solved
from cstalk_blender.rig.binding.wiring import wiring_of
from cstalk_blender.rig.fitting import landmarks
from tests.fakes.faces import make_face
from tests.fakes.family_heads import make_family_head

HEAD = demo_head_geometry()
LIPS = tuple(HEAD.landmarks[f"cstalk_lip_{side}"][0] for side in ("upper", "lower"))
MOTIONS = dict(zip(HEAD.names, np.asarray(HEAD.deltas), strict=True))


def vroid_head():
    """A stand-in in VRoid Studio's own export form: the mesh's name before each key."""
    face = make_family_head("VRoid")
    for block in face.data.shape_keys.key_blocks[1:]:
        block.name = f"Face.M_F00_000_00_{block.name}"
    return face


def opening(rise):
    """A mouth that opens by a falling lower lip and, at ``rise`` 1, as much by a rising upper."""
    lifted = MOTIONS["mouthUpperUpLeft"] + MOTIONS["mouthUpperUpRight"]
    size = np.linalg.norm(MOTIONS["jawOpen"][LIPS[1]]) / np.linalg.norm(lifted[LIPS[0]])
    return MOTIONS["jawOpen"] + rise * size * lifted


def test_a_vroid_head_is_fitted_and_its_fit_is_kept():
    face = vroid_head()
    fit = basis.fit_face(face)
    marks = fit.target.landmarks
    assert (marks.lip_upper, marks.lip_lower) == LIPS
    solved.store_fit(face, fit.fit)
    jaw = fit.fit.channels.index("jawOpen")
    gains = dict(zip(fit.fit.targets, basis.solver.solve_matrix(fit.fit)[:, jaw], strict=True))
    strongest = max(gains, key=lambda target: abs(gains[target]))
    assert strongest.name == "Face.M_F00_000_00_Fcl_MTH_A"
    assert solved.fit_or_none(face) is not None


@pytest.mark.parametrize("rise", [0.0, 0.3, 0.6, 0.9])
def test_lips_are_found_where_the_upper_one_rises_while_the_lower_falls(rise):
    edges = landmarks.edges_of_faces(HEAD.faces)
    marks = landmarks.find_landmarks(np.asarray(HEAD.neutral), edges, opening(rise))
    found = HEAD.neutral[[marks.lip_upper, marks.lip_lower]]
    assert np.linalg.norm(found - HEAD.neutral[list(LIPS)], axis=1).max() < 0.1 * marks.width


def test_marked_lips_are_obeyed_where_no_seam_is_found():
    points = np.asarray(HEAD.neutral)
    edges = landmarks.edges_of_faces(HEAD.faces)
    middle = points[list(LIPS)].mean(axis=0)
    # The lips move as one with all skin round them: nothing parts.
    near = np.exp(-np.sum((points - middle) ** 2, axis=1) / 0.02**2)
    together = near[:, None] * np.array([0.0, 0.0, -0.02])
    together[LIPS[1]] += (0.0, 0.0, -0.002)
    with pytest.raises(landmarks.NoLips):
        landmarks.find_landmarks(points, edges, together)
    marks = landmarks.find_landmarks(points, edges, together, lips=LIPS)
    assert (marks.lip_upper, marks.lip_lower) == LIPS
    assert abs(float(marks.left @ [1.0, 0.0, 0.0])) > 0.99


def test_a_head_that_no_key_opens_is_told_what_to_do():
    face = make_face("Face", ["eyeBlinkLeft", "eyeBlinkRight"])
    with pytest.raises(BadTarget, match="No shape key of 'Face' opens the mouth"):
        basis.fit_face(face)


def test_the_opening_of_a_vroid_head_is_that_of_its_open_vowel():
    face = vroid_head()
    route = wiring_of(face).recognition.routing.of("jawOpen")[0]
    assert route.target == "Face.M_F00_000_00_Fcl_MTH_A"
    moved = geometry.shape_motion(face, route.target)
    assert np.linalg.norm(moved[LIPS[1]]) > np.linalg.norm(moved[LIPS[0]])
