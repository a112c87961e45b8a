"""The settings of a performance, one set for each scene, saved in the blend file."""

from __future__ import annotations

from pathlib import Path

import bpy

from ...package import protocol
from ...rig.binding import targets
from ...scene import audio as sound

EMOTION_ITEMS = [
    (name, name.capitalize(), description, index)
    for index, (name, description) in enumerate(protocol.EMOTION_DESCRIPTIONS.items())
]
AUTO_INDEX = 1000
"""Beside all emotions there may ever be: blend files remember the number."""
EMOTION_ITEMS.append(
    (protocol.AUTO_EMOTION, "Auto (from voice)", protocol.AUTO_DESCRIPTION, AUTO_INDEX)
)
FINE_KEY_RATE = 60.0
"""Keys a second for the fine setting: the rate of the captures that ARKit shapes come from."""
KEY_RATE_ITEMS = [
    ("SCENE", "Scene Frame Rate", "One key on each frame: easy to edit"),
    ("FINE", "60 per Second", "Keys between the frames too: for motion blur and slow motion"),
]


def _is_mesh(_settings: CSTALK_PG_scene, candidate: bpy.types.Object) -> bool:
    return candidate.type == "MESH"


def _move_sound(settings: CSTALK_PG_scene, _context: bpy.types.Context) -> None:
    sound.move(settings.id_data, settings.start_frame)


class CSTALK_PG_scene(bpy.types.PropertyGroup):
    """What to perform, on whom, from which frame, and how."""

    target: bpy.props.PointerProperty(
        name="Face",
        description="Mesh with the face's shape keys; empty means the active mesh",
        type=bpy.types.Object,
        poll=_is_mesh,
    )
    audio: bpy.props.StringProperty(
        name="Speech", description="Sound file with the speech", subtype="FILE_PATH"
    )
    audio_seconds: bpy.props.FloatProperty(
        name="Length", description="Length of the speech in seconds", min=0.0
    )
    start_frame: bpy.props.IntProperty(
        name="Start Frame",
        description="Frame of the scene on which the speech begins, sound and keys alike",
        default=1,
        min=0,
        soft_max=100_000,
        update=_move_sound,
    )
    emotion: bpy.props.EnumProperty(
        name="Emotion", description="How the line is felt", items=EMOTION_ITEMS
    )
    intensity: bpy.props.FloatProperty(
        name="Intensity",
        description="Strength of the emotion: 0 is neutral, 1 is full; up to 1.5 by typing",
        default=1.0,
        min=0.0,
        soft_max=1.0,
        max=protocol.MAX_INTENSITY,
        step=5,
        precision=2,
        subtype="FACTOR",
    )
    seed: bpy.props.IntProperty(
        name="Seed",
        description="Another number gives another reading of the line; the same gives the same",
        default=0,
        min=0,
        max=2**31 - 1,
    )
    blink: bpy.props.BoolProperty(
        name="Blinks", description="Add blinks, at pauses where people blink", default=True
    )
    with_companions: bpy.props.BoolProperty(
        name="Teeth, Tongue, Lashes",
        description="Bake meshes below the face, or on its armature, that have the same shape keys",
        default=True,
    )
    key_rate: bpy.props.EnumProperty(
        name="Keys", description="How many keys a second", items=KEY_RATE_ITEMS
    )
    made: bpy.props.StringProperty(
        name="Made", description="What was made last: frames, channels, seconds"
    )
    heard: bpy.props.StringProperty(
        name="Heard", description="The emotion heard in the voice when it was made, if it was asked"
    )

    @property
    def audio_path(self) -> Path | None:
        """The speech as an absolute path; None when none was chosen."""
        return Path(bpy.path.abspath(self.audio)) if self.audio else None

    @property
    def keys_per_second(self) -> float | None:
        """Keys a second; None for those of the scene."""
        return FINE_KEY_RATE if self.key_rate == "FINE" else None


def chosen_face_or_none(context: bpy.types.Context) -> bpy.types.Object | None:
    """The face that was picked, else the active mesh."""
    return context.scene.cstalk.target or targets.default_target_or_none(context)


def is_attached() -> bool:
    """Return whether scenes have the settings, that is, whether the add-on is registered."""
    return hasattr(bpy.types.Scene, "cstalk")


def attach() -> None:
    """Add the settings to scenes."""
    bpy.types.Scene.cstalk = bpy.props.PointerProperty(type=CSTALK_PG_scene)  # type: ignore[func-returns-value]


def detach() -> None:
    """Undo `attach`."""
    del bpy.types.Scene.cstalk


CLASSES = (CSTALK_PG_scene,)
