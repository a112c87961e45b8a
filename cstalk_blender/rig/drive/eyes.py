"""Rotate eye and head bones by look channels and head channels.

The axes are those of the bones at rest, so any bone roll works. A look channel at 1 rotates the eye
by `LOOK_TURN`. Head channels (Live Link's yaw, pitch and roll, in radians) rotate neck and head of
a face where the user enabled it (`turn_head`).
"""

from __future__ import annotations

import re

import bpy
import numpy as np

from ...arrays import Array
from ..binding import geometry
from ..mapping import head_bones
from ..mapping.routing import Route

# Signs of Live Link's angles, measured on recorded takes: EyeYaw and EyePitch correlate by -1 with
# looking to the own left and upwards, and EyeRoll equals EyeYaw * EyePitch, which holds for an eye
# without twist when yaw is to the own right, pitch downwards and roll to the own left shoulder.
# Epic's converter (AppleARKit, ToBlendShapeMap) treats head and eyes alike.
LOOK_TURN = 0.5
"""Radians at value 1 of a look channel; Live Link takes stay under 0.7 (rigs/livelink61.json)."""
# Rounding in the bones' axes would make three routes, and three curves, out of one.
SMALLEST = 0.02
"""A smaller share of a rotation about one axis is rounding."""
# Names of many rigs: eye.L (Rigify), CC_Base_L_Eye, LeftEye, eye_left, FLAME's left_eye.
EYE = re.compile(
    r"(^|[^a-z])eye(ball)?s?([^a-z]|$)|^(left|right)eye|^[lr]eye|eye[lr]$", re.IGNORECASE
)
LEFT = re.compile(r"(^|[^a-z])(l|left)([^a-z]|$)|^left|^leye|eyel$", re.IGNORECASE)
RIGHT = re.compile(r"(^|[^a-z])(r|right)([^a-z]|$)|^right|^reye|eye[rR]$", re.IGNORECASE)
# Controls and parts around the eye have its name in theirs.
NO_EYE = re.compile(r"lid|brow|lash|target|track|master|aim|ctrl", re.IGNORECASE)
NECK_SHARE = 0.4
"""Share of a rotation that the neck takes, the head the rest. The joints below the skull and those
of the neck share turns about half and half (Bogduk and Mercer 2000, "Biomechanics of the cervical
spine"); a little less on the neck keeps the skin at the collar from folding."""
HEAD_MOTION = "cstalk_head_motion"
"""Custom property of a face whose head bone may rotate; absent is off."""
OBJECT_ROTATION = "cstalk_head_target:delta_rotation_euler"
"""Start of the target of routes to an object in place of bones."""
HEAD_CHANNELS = ("headYaw", "headPitch", "headRoll")
LOOKS = {
    # In and out are towards and away from the nose, hence mirrored between the eyes.
    "left": {"Up": "up", "Down": "down", "In": "right", "Out": "left"},
    "right": {"Up": "up", "Down": "down", "In": "left", "Out": "right"},
}


def eye_bones_or_none(face: bpy.types.Object) -> dict[str, bpy.types.Bone] | None:
    """Return the bones of the left and the right eye, found by name; None without a pair."""
    armature = face.find_armature()
    if armature is None:
        return None
    found: dict[str, bpy.types.Bone] = {}
    for bone in armature.data.bones:
        if not EYE.search(bone.name) or NO_EYE.search(bone.name):
            continue
        if LEFT.search(bone.name):
            found.setdefault("left", bone)
        elif RIGHT.search(bone.name):
            found.setdefault("right", bone)
    # A pair only: with one eye turning the face would squint.
    return found if len(found) == 2 else None


def look_routes(face: bpy.types.Object) -> list[Route]:
    """Return routes from the look channels to the eye bones; empty without eye bones."""
    bones = eye_bones_or_none(face)
    if bones is None:
        return []
    # The line between the eyes is left to right, whatever the axes of file and rig.
    heads = {side: geometry.bone_frame(face, bone)[1] for side, bone in bones.items()}
    left = heads["left"] - heads["right"]
    # Both eyes on one bone, or two bones at one place.
    if float(np.linalg.norm(left)) < 1e-9:
        return []
    turns = _turns(left, up_of(face))
    return [
        route
        for side, bone in bones.items()
        for word, way in LOOKS[side].items()
        for route in _routes(
            face, bone, f"eyeLook{word}{side.capitalize()}", LOOK_TURN * turns[way]
        )
    ]


def head_target_or_none(face: bpy.types.Object | None) -> bpy.types.Object | None:
    """Return the object, such as an empty, that head channels rotate in place of bones."""
    return None if face is None else getattr(face, "cstalk_head_target", None)


def turns_head(face: bpy.types.Object | None) -> bool:
    """Return True when head channels rotate the head bone of ``face``, or an object of its own."""
    if head_target_or_none(face) is not None:
        return True
    return face is not None and bool(face.get(HEAD_MOTION, False))


def turn_head(face: bpy.types.Object, *, on: bool) -> None:
    """Enable or disable the rotation of the head bone by head channels.

    Args:
        face: A face mesh.
        on: True to enable.
    """
    if on:
        face[HEAD_MOTION] = True
    # Removed instead of False: a face without the setting has no trace of it in the file.
    else:
        face.pop(HEAD_MOTION, None)


def head_bone_or_none(face: bpy.types.Object | None) -> bpy.types.Bone | None:
    """Return the head bone of the face's armature, else its neck; None without either."""
    chain = head_chain(face)
    return chain[-1] if chain else None


def head_chain(face: bpy.types.Object | None) -> tuple[bpy.types.Bone, ...]:
    """Return the bones that turn the head, the neck first; empty without an armature or a match.

    Of two necks (Character Creator, Daz, MetaHuman) the lower one turns: the upper one follows it.
    """
    armature = None if face is None else face.find_armature()
    return () if armature is None else head_bones.chain_of(list(armature.data.bones))


def head_routes(face: bpy.types.Object) -> list[Route]:
    """Return routes from the head channels to neck and head, or an object; empty when disabled."""
    if head_target_or_none(face) is not None:
        return _object_routes(face)
    chain = head_chain(face)
    if not chain or not turns_head(face):
        return []
    bones = eye_bones_or_none(face)
    left = np.array([1.0, 0.0, 0.0])  # of a face that looks along -Y, as usual in Blender
    if bones is not None:
        left = geometry.bone_frame(face, bones["left"])[1]
        left = left - geometry.bone_frame(face, bones["right"])[1]
    turns = _turns(left, up_of(face))
    ways = (turns["right"], turns["down"], turns["roll"])
    shares: tuple[float, ...] = (1.0,)
    if len(chain) == 2:
        # A Rigify head does not inherit the neck's rotation, so it takes the whole turn.
        rest = 1 - NECK_SHARE if head_bones.carries(*chain) else 1.0
        shares = (NECK_SHARE, rest)
    return [
        route
        for bone, share in zip(chain, shares, strict=True)
        for channel, way in zip(HEAD_CHANNELS, ways, strict=True)
        for route in _routes(face, bone, channel, share * way)
    ]


def _object_routes(face: bpy.types.Object) -> list[Route]:
    """Routes to the delta rotation of an object, which adds to the rotation it has."""
    goal = head_target_or_none(face)
    to_world = np.array(face.matrix_world.to_3x3().normalized())
    parent = goal.matrix_parent_inverse
    if goal.parent is not None:
        parent = goal.parent.matrix_world @ parent
    to_parent = np.array(parent.to_3x3().normalized()).T
    turns = _turns(np.array([1.0, 0.0, 0.0]), up_of(face))
    return [
        Route(channel, "property", f"{OBJECT_ROTATION}[{axis}]", float(share))
        for channel, way in zip(HEAD_CHANNELS, ("right", "down", "roll"), strict=True)
        for axis, share in enumerate(to_parent @ to_world @ turns[way])
        if abs(share) > SMALLEST
    ]


def up_of(face: bpy.types.Object) -> Array:
    """Return up in the face's space: that of its armature, which is upright at rest."""
    # A face without an armature has no bones to turn, so that there is one here.
    armature = face.find_armature()
    if armature is None:
        return np.array([0.0, 0.0, 1.0])
    matrix = np.array(face.matrix_world.inverted() @ armature.matrix_world)[:3, :3]
    up = matrix @ np.array([0.0, 0.0, 1.0])
    return np.asarray(up / np.linalg.norm(up))


def _turns(left: Array, up: Array) -> dict[str, Array]:
    """Return rotation vectors of one radian towards each side, in the face's space."""
    left = left / np.linalg.norm(left)
    # Gram-Schmidt: eyes at different heights must not tilt the axis of a nod.
    up = up - (up @ left) * left
    up = up / np.linalg.norm(up)
    front = np.cross(left, up)
    aside, upward = np.cross(front, left), np.cross(front, up)
    # A rotation about front x left carries the front to the left.
    return {
        "left": aside,
        "right": -aside,
        "up": upward,
        "down": -upward,
        "roll": np.cross(up, left),
    }


def _routes(face: bpy.types.Object, bone: bpy.types.Bone, channel: str, turn: Array) -> list[Route]:
    # The vector's components along the bone's axes are its angles for small turns, whatever the
    # roll.
    axes, _head = geometry.bone_frame(face, bone)
    # ``axes`` has the axes as columns: the transpose projects on them.
    return [
        Route(channel, "bone", f"{bone.name}:rotation_{axis}", float(share))
        for axis, share in zip("xyz", axes.T @ turn, strict=True)
        if abs(share) > SMALLEST * float(np.linalg.norm(turn))
    ]
