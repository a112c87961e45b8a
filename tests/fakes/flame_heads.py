"""Create stand-ins for FLAME heads and viseme-only heads, whose meshes may not be distributed.

The FLAME stand-in is another face than the demo head (stretched and bent), with another order of
vertices, no teeth, the names of the FLAME Blender add-on, 100 signed expression components that are
principal components of random poses with a part that no ARKit shape has, a jaw bone with smooth
skinning, and pose correctives.
"""

from __future__ import annotations

import dataclasses
import functools

import bpy
import numpy as np
from numpy.typing import NDArray

from cstalk_blender.demo_head import demo_head_geometry
from cstalk_blender.rig.fitting.bones import matrices

Array = NDArray[np.float64]

PARTS = ("skin", "eyes")
GROWTH = np.array([1.35, 1.25, 1.30])
COMPONENTS = 100
OWN_PART = 0.05
"""Share of the motion in the random poses that no ARKit shape has."""


@dataclasses.dataclass(frozen=True)
class StandIn:
    """A head in Blender whose vertices correspond to some of the demo head's."""

    face: bpy.types.Object
    origin: NDArray[np.int64]
    """Vertex of the demo head for each vertex, (V,)."""


def bent(points: Array) -> Array:
    """Points of another face: larger, not uniformly, and bent by some millimetres."""
    wave = 0.003 * np.sin(points[..., [1, 2, 0]] * 25.0)
    return np.asarray(points * GROWTH + wave)


def jaw_of_demo() -> tuple[float, Array, Array]:
    """Return angle in radians, hinge (3,) and weight of each vertex of the demo head's open jaw."""
    head = demo_head_geometry()
    motion = head.deltas[head.names.index("jawOpen")]
    length = np.linalg.norm(motion, axis=1)
    skin = np.array([part == "skin" for part in head.parts])
    most = skin & (length > np.quantile(length[skin], 0.97))
    y, z = head.neutral[most, 1], head.neutral[most, 2]
    rows = np.concatenate(
        [
            np.stack([-z, np.zeros_like(z), np.ones_like(z)], axis=1),
            np.stack([y, -np.ones_like(y), np.zeros_like(y)], axis=1),
        ]
    )
    wanted = np.concatenate([motion[most, 1], motion[most, 2]])
    turn, with_y, with_z = np.linalg.lstsq(rows, wanted, rcond=None)[0]
    hinge = np.array([0.0, with_y / turn, with_z / turn])
    reach = np.linalg.norm((head.neutral - hinge)[:, 1:], axis=1)
    share = np.clip(length / np.maximum(abs(turn) * reach, 1e-9), 0.0, 1.0)
    return float(turn), hinge, share


def make_flame_head(
    *,
    components: int = COMPONENTS,
    seed: int = 7,
    correctives: bool = True,
    rotation_mode: str = "XYZ",
) -> StandIn:
    """Return a FLAME stand-in with its armature, linked, the mesh active."""
    random = np.random.default_rng(seed)
    head = demo_head_geometry()
    origin = _order(seed)
    points = bent(head.neutral[origin])
    _turn, hinge, share = jaw_of_demo()
    hinge, share = bent(hinge), share[origin]
    basis = _components(seed)[:components]
    face = _mesh("FLAME-generic", points, _kept_faces(origin), armature=True)
    _bones(face, hinge, share, [bent(_eye(side)) for side in (1.0, -1.0)])
    face.shape_key_add(name="Basis", from_mix=False)
    for number in range(3):
        _key(face, f"Shape{number + 1}", points, 0.02 * points * random.normal(size=3))
    for number, motion in enumerate(basis):
        _key(face, f"Exp{number + 1}", points, motion)
    for number in range(36 if correctives else 0):
        near = share[:, None] * np.exp(-((np.abs(points[:, :1]) / 0.05) ** 2))
        _key(face, f"Pose{number + 1}", points, 0.003 * near * random.normal(size=3))
    face.parent.pose.bones["jaw"].rotation_mode = rotation_mode
    return StandIn(face, origin)


def make_viseme_head() -> StandIn:
    """Return a head with ten visemes, a blink and a smile, and no ARKit name."""
    head = demo_head_geometry()
    origin = np.arange(len(head.neutral))
    points = bent(head.neutral)
    face = _mesh("Visemes", points, list(head.faces), armature=False)
    face.shape_key_add(name="Basis", from_mix=False)
    for name, pose in VISEMES.items():
        moved = bent(head.posed(pose)) - points
        _key(face, name, points, moved)
    return StandIn(face, origin)


VISEMES = {
    "AI": {"jawOpen": 0.7, "mouthLowerDownLeft": 0.3, "mouthLowerDownRight": 0.3},
    "E": {"jawOpen": 0.3, "mouthStretchLeft": 0.6, "mouthStretchRight": 0.6},
    "O": {"jawOpen": 0.5, "mouthFunnel": 0.8},
    "U": {"jawOpen": 0.2, "mouthPucker": 0.9},
    "MBP": {"mouthPressLeft": 0.6, "mouthPressRight": 0.6, "mouthRollLower": 0.3},
    "FV": {
        "jawOpen": 0.1,
        "mouthRollLower": 0.9,
        "mouthUpperUpLeft": 0.2,
        "mouthUpperUpRight": 0.2,
    },
    "L": {"jawOpen": 0.25},
    "WQ": {"mouthPucker": 0.6, "jawOpen": 0.1},
    "Blink": {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0},
    "Smile": {"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0},
}


def _order(seed: int) -> NDArray[np.int64]:
    """Return the kept vertices of the demo head in the stand-in's order."""
    origin = np.flatnonzero(np.isin(np.array(demo_head_geometry().parts), PARTS))
    np.random.default_rng(seed).shuffle(origin)
    return origin


def lbs(points: Array, hinge: Array, share: Array, turn: float) -> Array:
    """Return the motion of linear blend skinning about X through the hinge."""
    rotation = matrices(np.array([[turn, 0.0, 0.0]]))[0]
    return np.asarray(share[:, None] * ((points - hinge) @ (rotation - np.eye(3)).T))


@functools.cache
def _components(seed: int) -> Array:
    """Return principal components (100, V, 3) of random poses without the jaw bone's motion."""
    random, head, origin = np.random.default_rng(seed), demo_head_geometry(), _order(seed)
    points = bent(head.neutral[origin])
    turn, hinge, share = jaw_of_demo()
    hinge, share = bent(hinge), share[origin]
    rest, poses = head.neutral[origin], []
    jaw = head.names.index("jawOpen")
    lower = [n for n, name in enumerate(head.names) if name.startswith(("jaw", "mouth"))]
    for number in range(260):
        values = random.random(52) * (random.random(52) < 0.25)
        values[head.names.index("tongueOut")] = 0.0
        if number % 2:  # as in captures, half of the frames move the upper face alone
            values[lower] *= 0.05
        posed = bent(rest + np.tensordot(values, head.deltas[:, origin], axes=1)) - points
        own = np.zeros_like(points)
        for _wave in range(3):
            middle = points[random.integers(len(points))]
            apart = np.linalg.norm(points - middle, axis=1) / 0.05
            own += np.exp(-(apart**2))[:, None] * random.normal(size=3)
        own *= OWN_PART * np.linalg.norm(posed) / max(np.linalg.norm(own), 1e-9)
        poses.append(posed - lbs(points, hinge, share, turn * values[jaw]) + own)
    stacked = np.stack(poses).reshape(len(poses), -1)
    stacked -= stacked.mean(axis=0)
    squares, mixtures = np.linalg.eigh(stacked @ stacked.T)
    mixtures = mixtures[:, ::-1][:, :COMPONENTS].T  # the strongest first
    deviation = np.sqrt(squares[::-1][:COMPONENTS, None] / len(poses))
    components = mixtures @ stacked / np.linalg.norm(mixtures @ stacked, axis=1, keepdims=True)
    return np.asarray((deviation * components).reshape(-1, len(points), 3))


def _kept_faces(origin: NDArray[np.int64]) -> list[tuple[int, ...]]:
    place = {int(vertex): number for number, vertex in enumerate(origin)}
    faces = demo_head_geometry().faces
    return [tuple(place[v] for v in face) for face in faces if all(v in place for v in face)]


def _eye(side: float) -> Array:
    head = demo_head_geometry()
    eyes = np.array([part == "eyes" for part in head.parts]) & (head.neutral[:, 0] * side > 0)
    return np.asarray(head.neutral[eyes].mean(axis=0))


def _mesh(name: str, points: Array, faces: list, *, armature: bool) -> bpy.types.Object:
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(points.tolist(), [], faces)
    face = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(face)
    if armature:
        holder = bpy.data.objects.new(f"{name}-armature", bpy.data.armatures.new(name))
        bpy.context.scene.collection.objects.link(holder)
        face.parent = holder
        face.modifiers.new("Armature", "ARMATURE").object = holder
    bpy.context.view_layer.objects.active = face
    return face


def _bones(face: bpy.types.Object, hinge: Array, share: Array, eyes: list[Array]) -> None:
    armature = face.parent
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    places = {"root": np.zeros(3), "neck": hinge - [0, -0.02, 0.08], "jaw": hinge}
    places |= {"left_eye": eyes[0], "right_eye": eyes[1]}
    for name, place in places.items():
        bone = armature.data.edit_bones.new(name)
        bone.head, bone.tail = place, place + np.array([0.0, 0.0, 0.01])
        bone.parent = armature.data.edit_bones.get(
            "neck" if name not in ("root", "neck") else "root"
        )
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.context.view_layer.objects.active = face
    jaw, neck = face.vertex_groups.new(name="jaw"), face.vertex_groups.new(name="neck")
    for vertex, part in enumerate(share):
        jaw.add([vertex], float(part), "REPLACE")
        neck.add([vertex], float(1.0 - part), "REPLACE")


def _key(face: bpy.types.Object, name: str, points: Array, motion: Array) -> None:
    block = face.shape_key_add(name=name, from_mix=False)
    block.data.foreach_set("co", (points + motion).astype(np.float32).ravel())
    block.value = 0.0
