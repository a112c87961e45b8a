"""Rotate eye and head bones by look channels and head channels.

The axes are those of the bones at rest, so any bone roll works. A look channel at 1 rotates the eye
by `LOOK_TURN`. Head channels (Live Link's yaw, pitch and roll, in radians) rotate the head bone of
a face where the user enabled it (`turn_head`).
"""

from __future__ import annotations

import re

import bpy
import numpy as np

from ...arrays import Array
from ..binding import geometry
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
HEAD = re.compile(r"^(cc_base_|mixamorig:|def[-_])?(head|neck)$", re.IGNORECASE)
HEAD_MOTION = "cstalk_head_motion"
"""Custom property of a face whose head bone may rotate; absent is off."""
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
    turns = _turns(left, _up(face))
    return [
        route
        for side, bone in bones.items()
        for word, way in LOOKS[side].items()
        for route in _routes(
            face, bone, f"eyeLook{word}{side.capitalize()}", LOOK_TURN * turns[way]
        )
    ]


def turns_head(face: bpy.types.Object | None) -> bool:
    """Return True when head channels rotate the head bone of ``face``."""
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
    """Return the bone ``head`` of the face's armature, else ``neck``."""
    armature = None if face is None else face.find_armature()
    if armature is None:
        return None
    named = [bone for bone in armature.data.bones if HEAD.match(bone.name)]
    # False sorts first: the head before the neck.
    named.sort(key=lambda bone: "head" not in bone.name.lower())
    return named[0] if named else None


def head_routes(face: bpy.types.Object) -> list[Route]:
    """Return routes from the head channels to the head bone; empty when disabled."""
    bone = head_bone_or_none(face)
    if bone is None or not turns_head(face):
        return []
    bones = eye_bones_or_none(face)
    left = np.array([1.0, 0.0, 0.0])  # of a face that looks along -Y, as usual in Blender
    if bones is not None:
        left = geometry.bone_frame(face, bones["left"])[1]
        left = left - geometry.bone_frame(face, bones["right"])[1]
    turns = _turns(left, _up(face))
    ways = (turns["right"], turns["down"], turns["roll"])
    return [
        route
        for channel, way in zip(HEAD_CHANNELS, ways, strict=True)
        for route in _routes(face, bone, channel, way)
    ]


def _up(face: bpy.types.Object) -> Array:
    """Return up in the face's space: that of its armature, which is upright at rest."""
    # A face without an armature has no bones to turn, so that there is one here.
    armature = face.find_armature()
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
