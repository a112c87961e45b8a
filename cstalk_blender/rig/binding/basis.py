"""Fit a face: build the normal equations from the motion of its shape keys and jaw bone.

The motion that channels request is that of the demo head (`demo_head`), or of any face with ARKit
shapes.
"""

from __future__ import annotations

import dataclasses
import functools
import re

import bpy
import numpy as np

from ...arrays import Array
from ...demo_head import demo_head_geometry
from ...errors import BadTarget
from ...package import rigs
from ..fitting import flame, landmarks, solver
from ..fitting.correspondence import Correspondence, Head, correspond
from ..mapping.names import map_channels, spelling
from ..mapping.routing import Target
from . import geometry
from .wiring import wiring_of

CHANNEL_RIG = "arkit52"
# Every place costs a row of each target's motion; the mouth of a dense head still has hundreds.
PLACES = 2000
"""Vertices of the face at which motions are compared."""
# FLAME's ``Exp`` keys are exempt in `usable_keys`: statistical components move the whole face.
IDENTITY_SHARE = 0.6
"""A shape key that moves more than this part of all vertices is an identity, not an expression."""
JAW_TURN = 0.25
"""Radians at which the jaw bone's motion per radian is first measured."""
JAW_BOUNDS = {"x": (-0.1, 0.7), "y": (-0.2, 0.2), "z": (-0.2, 0.2)}
"""Radians; a human jaw opens by about 0.6."""
# Rigs call it jaw, jaw_master (Rigify), jawRoot, CC_Base_JawRoot; "jawline" and the like do not
# fit.
JAW_NAME = re.compile(r"(^|[^a-z])jaw(root|_?master)?([^a-z]|$)", re.IGNORECASE)
OPEN_NAMES = ("jawopen", "mouthopen", "visemeaa", "aa", "ah", "a", "fclmtha", "ai", "open", "o")
"""Names of shape keys that open the jaw, the most reliable first, without sides and separators."""
# Ratios count, not sizes: the fit's weights scale with the motion they weigh.
MOUTH_WEIGHT, EYE_WEIGHT, OTHER_WEIGHT = 1.0, 0.7, 0.25
"""Weights of vertices at the mouth, at the eyes and elsewhere."""
GAP_SHARE = 0.3
"""Weight of the distance between the lips as a part of that of all vertices together: lips that
should meet and do not are the most visible error."""
HINT = "Its mouth must open by a shape key or a jaw bone; or map its keys by hand"


@dataclasses.dataclass(frozen=True)
class Source:
    """A head whose motion is known channel by channel."""

    head: Head
    motions: dict[str, Array]
    """Channel to the motion of each vertex, (V, 3)."""


@dataclasses.dataclass(frozen=True)
class FaceFit:
    """A fit, and the heads that were compared."""

    fit: solver.Fit
    found: Correspondence
    target: Head
    source: Source
    jaw: str
    """Name of the jaw bone; empty when there is none."""


# Once a session: the demo head is always the same, and finding its lips takes a moment.
@functools.cache
def demo_source() -> Source:
    """Return the demo head, which needs no object in the scene."""
    head = demo_head_geometry()
    motions = {name: np.asarray(d) for name, d in zip(head.names, head.deltas, strict=True)}
    edges = landmarks.edges_of_faces(head.faces)
    lips = (head.landmarks["cstalk_lip_upper"][0], head.landmarks["cstalk_lip_lower"][0])
    marks = landmarks.find_landmarks(head.neutral, edges, motions["jawOpen"], lips=lips)
    return Source(Head(np.asarray(head.neutral), motions["jawOpen"], marks), motions)


def source_of_face(face: bpy.types.Object) -> Source:
    """Return a face with ARKit shapes as the source.

    Raises:
        BadTarget: Its mouth cannot be found, or too few channels have a shape.
    """
    names = [block.name for block in face.data.shape_keys.key_blocks]
    pairs = map_channels(rigs.load_rig(CHANNEL_RIG), names).pairs
    # The other head's lips are found by its opening jaw, as those of the face.
    if "jawOpen" not in pairs:
        raise BadTarget(f"{face.name!r} has no jawOpen to fit to", hint="Use the demo head")
    motions = {c: geometry.shape_motion(face, name) for c, name in pairs.items()}
    return Source(_head(face, motions["jawOpen"]), motions)


def fit_face(face: bpy.types.Object, source: Source | None = None) -> FaceFit:
    """Build and solve the normal equations of a face.

    Args:
        face: A mesh with relative shape keys.
        source: Head whose motions are requested; None for the demo head.

    Raises:
        BadTarget: The face has no usable shape keys, or its mouth cannot be found.
    """
    source = demo_source() if source is None else source
    # Absolute keys are positions along a time line, whose values do not add up.
    key = face.data.shape_keys
    if key is None or not key.use_relative:
        raise BadTarget(f"{face.name!r} has no relative shape keys", hint=HINT)
    motions = geometry.shape_motions(face, usable_keys(face))
    jaw = jaw_bone_or_none(face)
    points = geometry.rest_points(face)
    opening = _opening(face, points, motions, jaw)
    target = _head(face, opening)
    channels = _channels(source)
    # One correspondence for both rounds: it depends on rest and on who follows the jaw, not on how
    # far.
    found = _found(source, target, motions, opening)
    turn = JAW_TURN
    fit = _solved(face, source, target, found, motions, jaw, turn, channels)
    if jaw is not None:  # once more, with the motion per radian that the jaw has where it opens
        # A rotation is not linear in its angle: the motion per radian shrinks as the jaw opens, so
        # that it is measured again where the first solution puts it.
        row = [t.name for t in fit.targets].index(f"{jaw.name}:rotation_x")
        opened = float(solver.solve_matrix(fit)[row, channels.index("jawOpen")])
        # A jaw that hardly turns would divide a tiny motion by a tiny angle.
        turn = opened if abs(opened) > 0.05 else turn
        fit = _solved(face, source, target, found, motions, jaw, turn, channels)
    return FaceFit(fit, found, target, source, "" if jaw is None else jaw.name)


def usable_keys(face: bpy.types.Object) -> list[str]:
    """Return the shape keys that a performance may move: no identity, no pose corrective."""
    key = face.data.shape_keys
    points = geometry.rest_points(face)
    size = float(np.ptp(points, axis=0).max())
    names = []
    for block in key.key_blocks:
        # A muted key shows nothing, whatever its value.
        if block == key.reference_key or block.mute or flame.IDENTITY.match(block.name):
            continue
        length = np.linalg.norm(geometry.shape_motion(face, block.name), axis=1)
        # Relative to the head, as meshes come in metres and in centimetres.
        moved = length > 1e-5 * size
        whole = not flame.EXPRESSION.match(block.name) and moved.mean() > IDENTITY_SHARE
        if moved.any() and not whole:
            names.append(block.name)
    return names


def jaw_bone_or_none(face: bpy.types.Object) -> bpy.types.Bone | None:
    """Return the jaw bone that moves most of the mesh."""
    armature = face.find_armature()
    if armature is None:
        return None
    bones = [bone for bone in armature.data.bones if JAW_NAME.search(bone.name)]
    # By vertices, not by name: rigs have control and helper bones of the same name without weights.
    shares = [float(geometry.bone_share(face, bone).sum()) for bone in bones]
    return bones[int(np.argmax(shares))] if shares and max(shares) > 0 else None


def _head(face: bpy.types.Object, opening: Array) -> Head:
    points = geometry.rest_points(face)
    try:
        marks = landmarks.find_landmarks(
            points, geometry.edges_of(face), opening, lips=marked_lips_or_none(face)
        )
    except landmarks.NoLips as why:
        raise BadTarget(f"The lips of {face.name!r} were not found: {why}", hint=HINT) from why
    return Head(points, opening, marks)


def marked_lips_or_none(face: bpy.types.Object) -> tuple[int, int] | None:
    """Return the vertices marked by the groups ``cstalk_lip_upper`` and ``cstalk_lip_lower``."""
    names = ("cstalk_lip_upper", "cstalk_lip_lower")
    if any(name not in face.vertex_groups for name in names):
        return None
    upper, lower = geometry.heaviest_vertices(face, names)
    return upper, lower


def _opening(
    face: bpy.types.Object, points: Array, motions: dict[str, Array], jaw: bpy.types.Bone | None
) -> Array:
    """Return the motion of the mesh when the mouth opens, (V, 3)."""
    if jaw is not None:
        # The bone first: a vowel's shape key moves the lips as well.
        return _jaw_motion(face, points, jaw, (JAW_TURN, 0.0, 0.0))
    plain = {spelling(name).replace(":", "").replace("_", ""): name for name in motions}
    for wanted in OPEN_NAMES:
        if wanted in plain:
            return motions[plain[wanted]]
    # A family knows its keys behind any prefix: Face.M_F00_000_00_Fcl_MTH_A.
    routes = wiring_of(face).recognition.routing.of("jawOpen")
    named = [route for route in routes if route.target in motions]
    if named:
        return np.asarray(np.sum([r.gain * motions[r.target] for r in named], axis=0))
    raise BadTarget(f"No shape key of {face.name!r} opens the mouth", hint=HINT)


def _jaw_motion(
    face: bpy.types.Object, points: Array, jaw: bpy.types.Bone, angles: tuple[float, float, float]
) -> Array:
    # Linear blend skinning by hand: evaluating a pose would change the scene and its undo state.
    share, frame = geometry.bone_share(face, jaw), geometry.bone_frame(face, jaw)
    motion = geometry.turned_by(points, share, frame, angles)
    key = face.data.shape_keys
    names = [] if key is None else [block.name for block in key.key_blocks]
    # The add-on's correctives follow the jaw's angle, so that they belong to its motion.
    if flame.is_flame(names) and flame.has_jaw_correctives(names):
        for name, values in flame.jaw_corrections(np.array([angles])).items():
            motion = motion + values[0] * geometry.shape_motion(face, name)
    return motion


def _channels(source: Source) -> list[str]:
    """Return the channels to fit, in the rig's order; lids follow the look channels."""
    names = rigs.load_rig(CHANNEL_RIG).channel_names
    return [channel for channel in names if channel in source.motions]


def _found(
    source: Source, target: Head, motions: dict[str, Array], opening: Array
) -> Correspondence:
    # Only vertices that something moves: the rest would dilute the weights.
    moved = np.max([np.linalg.norm(m, axis=1) for m in (*motions.values(), opening)], axis=0)
    near = np.linalg.norm(target.points - target.points[target.landmarks.lip_upper], axis=1)
    face = np.flatnonzero((moved > 1e-3 * moved.max()) & (near < 4.0 * target.landmarks.width))
    # Every n-th vertex of the face: deterministic, and as dense as the mesh is there.
    return correspond(source.head, target, face[:: max(1, len(face) // PLACES)])


def _solved(
    face: bpy.types.Object,
    source: Source,
    target: Head,
    found: Correspondence,
    motions: dict[str, Array],
    jaw: bpy.types.Bone | None,
    turn: float,
    channels: list[str],
) -> solver.Fit:
    """Return the normal equations with the jaw's motion per radian measured at ``turn``."""
    rows = dict(motions)
    targets = [Target("shape", name) for name in motions]
    bounds = [_bounds(face, name) for name in motions]
    if jaw is not None:
        for number, axis in enumerate("xyz"):
            size = turn if axis == "x" else JAW_TURN
            # One axis after the other: the fit takes the three angles as independent.
            angles = tuple(size if i == number else 0.0 for i in range(3))
            name = f"{jaw.name}:rotation_{axis}"
            rows[name] = _jaw_motion(face, target.points, jaw, angles) / size
            targets.append(Target("bone", name))
            bounds.append(JAW_BOUNDS[axis])
    requested = found.motions(np.stack([source.motions[channel] for channel in channels]))
    basis = np.stack([motion[found.places] for motion in rows.values()])
    weights = _weights(target, found)
    upper, lower = target.landmarks.lip_upper, target.landmarks.lip_lower
    # The gap is one more place, whose motion is that of the lower lip minus the upper.
    gap = np.stack([motion[lower] - motion[upper] for motion in rows.values()])[:, None]
    marks = source.head.landmarks
    wanted = np.stack([m[marks.lip_lower] - m[marks.lip_upper] for m in _of(source, channels)])
    # Rotated and scaled as the other motions, so that both ask for the same size.
    wanted = found.laid_over.motions(wanted)[:, None]
    # Squared weights add up in the normal equations; hence the square root.
    gap_weight = np.sqrt(GAP_SHARE * float((weights**2).sum()))
    fit = solver.fit_of(
        np.concatenate([basis, gap], axis=1),
        np.concatenate([requested, wanted], axis=1),
        np.append(weights, gap_weight),
        targets,
        channels,
        bounds,
    )
    return _made_symmetric(fit)


def _of(source: Source, channels: list[str]) -> list[Array]:
    return [source.motions[channel] for channel in channels]


def _bounds(face: bpy.types.Object, name: str) -> tuple[float, float]:
    if flame.EXPRESSION.match(name):
        return -flame.EXPRESSION_LIMIT, flame.EXPRESSION_LIMIT
    block = face.data.shape_keys.key_blocks[name]
    # At least 0 to 1, also where a slider was limited by hand.
    return float(min(block.slider_min, 0.0)), float(max(block.slider_max, 1.0))


def _weights(target: Head, found: Correspondence) -> Array:
    """Return the weight of each vertex: most at the mouth, much at the eyes."""
    marks, points = target.landmarks, target.points[found.places]
    middle = 0.5 * (target.points[marks.lip_upper] + target.points[marks.lip_lower])

    def near(place: Array, reach: float) -> Array:
        apart = np.linalg.norm(points - place, axis=1) / (reach * marks.width)
        # Gaussian, so that the weights have no edge that the fit could show as a crease.
        return np.asarray(np.exp(-(apart**2)))

    weights = OTHER_WEIGHT + MOUTH_WEIGHT * near(middle, 0.9)
    for eye in () if marks.eyes is None else marks.eyes:
        # The larger of both, so that no vertex counts for mouth and eye at once.
        weights = np.maximum(weights, OTHER_WEIGHT + EYE_WEIGHT * near(eye, 0.4))
    return weights


def _made_symmetric(fit: solver.Fit) -> solver.Fit:
    """Return the fit with left like right, unless targets mix the sides as FLAME's do."""
    names = [target.name for target in fit.targets]
    # Components of FLAME move both sides with one value, so that there is nothing to mirror.
    if flame.is_flame(names):
        return fit
    by_spelling = {spelling(name): number for number, name in enumerate(names)}
    partners, signs = [], []
    for number, target in enumerate(fit.targets):
        # Both sides of a key spell alike but for the side in front of the colon.
        side, _colon, rest = spelling(target.name).partition(":")
        other = {"left": "right", "right": "left"}.get(side, "")
        partners.append(by_spelling.get(f"{other}:{rest}", number) if other else number)
        # A turn about the bone's X opens the jaw, which the mirror keeps; the others change their
        # sign.
        turned = target.kind == "bone" and not target.name.endswith("_x")
        signs.append(-1.0 if turned else 1.0)
    if any(partners[partner] != number for number, partner in enumerate(partners)):
        return fit  # two keys of one side have the same partner
    mirrors = {channel.name: channel.mirror for channel in rigs.load_rig(CHANNEL_RIG).channels}
    columns = [fit.channels.index(mirrors[channel]) for channel in fit.channels]
    return solver.symmetric(fit, partners, columns, signs)
