"""Define the settings of Generate, one set per scene, stored in the .blend file."""

from __future__ import annotations

from pathlib import Path

import bpy

from ... import compat
from ...package import choices
from ...rig.binding import targets
from ...scene import audio
from . import expressions

EMOTION_ITEMS = expressions.emotion_items()
SECOND_ITEMS = expressions.second_items()
FINE_KEY_RATE = 60.0
"""Keys per second of the fine setting: the frame rate of ARKit face captures."""
KEY_RATE_ITEMS = [
    ("SCENE", "Every Frame", "Set one key on each frame of the scene"),
    ("FINE", "60 per Second", "Set keys between frames too, for motion blur and slow motion"),
    ("FITTED", "Fitted", "Set few Bezier keys that stay within the tolerance and can be edited"),
]


def _is_mesh(_settings: CSTALK_PG_scene, candidate: bpy.types.Object) -> bool:
    return candidate.type == "MESH"


def _move_strip(settings: CSTALK_PG_scene, context: bpy.types.Context) -> None:
    face = settings.target or targets.default_target_or_none(context)
    audio.move(settings.id_data, settings.audio_path, settings.start_frame, face)


def _on_audio(settings: CSTALK_PG_scene, _context: bpy.types.Context) -> None:
    """Forget the sound of another file when a script sets the path."""
    if settings.sound is not None and audio.path_of(settings.sound) != _absolute(settings.audio):
        settings.sound = None


def _redraw_viewports(_settings: CSTALK_PG_scene, _context: bpy.types.Context) -> None:
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                area.tag_redraw()


def _absolute(path: str) -> Path | None:
    return Path(bpy.path.abspath(path)) if path else None


class CSTALK_PG_scene(bpy.types.PropertyGroup):
    """Face, audio file, start frame, emotion and options of Generate."""

    target: bpy.props.PointerProperty(
        name="Face",
        description="Mesh whose shape keys are animated. Empty uses the active mesh",
        type=bpy.types.Object,
        poll=_is_mesh,
    )
    audio: bpy.props.StringProperty(
        name="Audio File",
        description="Audio file with the speech",
        subtype="FILE_PATH",
        options=compat.path_options(),
        update=_on_audio,
    )
    sound: bpy.props.PointerProperty(
        name="Sound",
        description="Sound of the audio file in the .blend file, which may be packed or relinked",
        type=bpy.types.Sound,
    )
    audio_seconds: bpy.props.FloatProperty(
        name="Length", description="Length of the audio file in seconds", min=0.0
    )
    start_frame: bpy.props.IntProperty(
        name="Start Frame",
        description="Scene frame at which the audio file and the keys start (default: 1)",
        default=1,
        soft_min=-100_000,
        soft_max=100_000,
        update=_move_strip,
    )
    emotion: bpy.props.EnumProperty(
        name="Emotion",
        description="Emotion of the performance (default: Neutral)",
        items=EMOTION_ITEMS,
    )
    second_emotion: bpy.props.EnumProperty(
        name="Second Emotion",
        description="Emotion or expression that is blended with the first (default: None)",
        items=SECOND_ITEMS,
    )
    second_share: bpy.props.FloatProperty(
        name="Blend",
        description="Share of the second emotion, 0 to 1: 0 is the first alone (default: 0.5)",
        default=0.5,
        min=0.0,
        max=1.0,
        step=5,
        precision=2,
        subtype="FACTOR",
    )
    intensity: bpy.props.FloatProperty(
        name="Intensity",
        description="Strength of the emotion: 0 is neutral, 1 is full strength (default: 1). "
        "Values up to 1.5 can be typed",
        default=1.0,
        min=0.0,
        soft_max=1.0,
        max=choices.MAX_INTENSITY,
        step=5,
        precision=2,
        subtype="FACTOR",
    )
    seed: bpy.props.IntProperty(
        name="Seed",
        description="Random seed of blinks and small movements (default: 0)",
        default=0,
        min=0,
        max=2**31 - 1,
    )
    new_take: bpy.props.BoolProperty(
        name="New Take",
        description="Keep the take that plays, with its keys and hand edits, in the list of takes; "
        "otherwise Generate replaces it (default: off)",
        default=False,
    )
    blink: bpy.props.BoolProperty(
        name="Blinks", description="Add blinks, preferably at pauses (default: on)", default=True
    )
    with_companions: bpy.props.BoolProperty(
        name="Teeth, Tongue, Lashes",
        description="Also animate meshes of the character that have the same shape keys "
        "(default: on)",
        default=True,
    )
    key_rate: bpy.props.EnumProperty(
        name="Keys",
        description="How many keys are set (default: Fitted)",
        items=KEY_RATE_ITEMS,
        default="FITTED",
    )

    key_tolerance: bpy.props.FloatProperty(
        name="Tolerance",
        description="Largest deviation of fitted keys, in percent of a shape key's range "
        "(default: 1)",
        default=1.0,
        min=0.5,
        max=5.0,
        precision=1,
        subtype="PERCENTAGE",
    )

    show_curves: bpy.props.BoolProperty(
        name="Show Curves",
        description="Show audio, words and curves of the opened region at the lower edge of the 3D "
        "viewport. Click to jump to a frame, drag to limit the region to these frames, Shift+drag "
        "to limit the whole face (default: off)",
        default=False,
        options=set(),
        update=_redraw_viewports,
    )

    edit_blend_ms: bpy.props.FloatProperty(
        name="Border",
        description="Milliseconds over which hand edits pass into the generated curve when keys "
        "are written again (default: 80)",
        default=80.0,
        min=0.0,
        max=500.0,
        step=1000,
        precision=0,
    )

    @property
    def is_blended(self) -> bool:
        """True when a second emotion has a share."""
        can_blend = self.emotion != choices.AUTO_EMOTION
        has_second = self.second_emotion != expressions.NONE and self.second_share > 0
        return bool(can_blend and has_second and self.second_emotion != self.emotion)

    @property
    def emotion_text(self) -> str:
        """Emotion of the performance as keys have it: a name or a blend."""
        if not self.is_blended:
            return str(self.emotion)
        share = round(self.second_share, 3)
        return f"{self.emotion}:{1 - share:.3g}+{self.second_emotion}:{share:.3g}"

    @property
    def tolerance(self) -> float | None:
        """Largest deviation of fitted keys as a share of 1; None for a key on every frame."""
        return self.key_tolerance / 100 if self.key_rate == "FITTED" else None

    @property
    def audio_path(self) -> Path | None:
        """Absolute path of the audio file; None when none is set."""
        return _absolute(self.audio) if self.sound is None else audio.path_of(self.sound)

    @property
    def has_audio(self) -> bool:
        """True when the audio file exists or is packed into the .blend file."""
        path = self.audio_path
        is_packed = self.sound is not None and self.sound.packed_file is not None
        return is_packed or (path is not None and path.is_file())

    @property
    def keys_per_second(self) -> float | None:
        """Keys per second; None for the scene's frame rate."""
        return FINE_KEY_RATE if self.key_rate == "FINE" else None


def chosen_face_or_none(context: bpy.types.Context) -> bpy.types.Object | None:
    """Return the face of the panel: the one that is set, else the active mesh."""
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
