"""Describe a Generate as plain data, and find its scene and face. Main thread only."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bpy

from ..errors import SceneChanged
from ..package import protocol
from ..rig.binding import targets
from ..scene import audio as sound
from ..scene import audio_decode as sound_decode
from ..scene import takes

# Operators that hold data of the mesh or of F-curves until they end.
INTERACTIVE_OPERATORS = (
    "TRANSFORM_OT_",
    "MESH_OT_",
    "SCULPT_OT_",
    "PAINT_OT_",
    "GRAPH_OT_",
    "ACTION_OT_",
)
"""Prefixes of modal operators that a change of the data would disturb."""


@dataclasses.dataclass(frozen=True)
class GenerateRequest:
    """A Generate that the user asked for."""

    message: protocol.Generate
    scene_uid: int
    scene_name: str
    target_uid: int
    target_name: str
    start_frame: int
    with_companions: bool
    tolerance: float | None = None
    """Largest deviation of few fitted keys; None sets a key on every frame."""
    take: str = ""
    """Identity of the take, see `takes.identity_for`. A later bake of it replaces this one."""
    title: str = ""
    """Emotion and audio file, stored with the face."""
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """Settings of the panel as plain data, stored with the face."""
    clip: str = ""
    """Path of the audio file; empty for ``take``."""
    is_new_take: bool = False
    """Keep the take that plays, beside the new one."""

    @property
    def line(self) -> str:
        """Name of the audio file, for Actions."""
        return self.message.performance.audio.stem


def request_for(
    scene: bpy.types.Scene,
    target: bpy.types.Object,
    performance: protocol.Performance,
    *,
    start_frame: int,
    with_companions: bool = True,
    tolerance: float | None = None,
    title: str = "",
    settings: Mapping[str, Any] | None = None,
    is_new_take: bool = False,
) -> GenerateRequest:
    """Return the request for a performance by ``target``.

    Args:
        scene: Where to bake.
        target: The face.
        performance: What to generate; an audio file that the worker cannot decode is replaced by a
            temporary WAV file.
        start_frame: Frame on which the audio file begins.
        with_companions: Bake teeth, tongue and lashes too.
        tolerance: Largest deviation of few fitted keys; None sets a key on every frame.
        title: Emotion and audio file, stored with the face.
        settings: Settings of the panel as plain data, stored with the face.
        is_new_take: Keep the take that plays, beside the new one.

    Raises:
        BadTarget: The target is no face.
        BadSound: The file is missing or holds no audio.
    """
    targets.face_objects(target, with_companions=with_companions)
    # Before the worker is asked, so that a missing file is reported at once.
    sound.length_s(performance.audio)
    audio = sound_decode.for_model(performance.audio, Path(bpy.app.tempdir))
    clip = str(performance.audio.absolute())  # not a temporary copy
    # Another line of the character: the earlier one stays in the list.
    is_new_take = is_new_take or takes.plays_another_clip(target, clip)
    message = protocol.Generate(
        id="",
        output_folder="",
        performance=dataclasses.replace(performance, audio=audio),
        is_layered=True,
    )
    return GenerateRequest(
        message=message,
        scene_uid=scene.session_uid,
        scene_name=scene.name,
        target_uid=target.session_uid,
        target_name=target.name,
        start_frame=start_frame,
        with_companions=with_companions,
        tolerance=tolerance,
        take=takes.identity_for(target, clip, is_new=is_new_take),
        title=title or performance.audio.name,
        settings=settings or {},
        clip=clip,
        is_new_take=is_new_take,
    )


@dataclasses.dataclass(frozen=True)
class Found:
    """Scene and faces of a request as they are now."""

    scene: bpy.types.Scene
    faces: list[bpy.types.Object]
    """The target first."""


def find(request: GenerateRequest) -> Found:
    """Return scene and faces of a request as they are now.

    Raises:
        SceneChanged: Scene or target are gone.
        BadTarget: The target is no face any more.
    """
    # By session id: names change, and references do not survive an undo.
    scene = _found(bpy.data.scenes, request.scene_uid, f"The scene {request.scene_name!r}")
    target = _found(bpy.data.objects, request.target_uid, f"The face {request.target_name!r}")
    if target.name not in scene.objects:
        raise SceneChanged(
            f"The face {target.name!r} is no longer in the scene {scene.name!r}",
            hint="Put it back, or choose another face, and generate again",
        )
    return Found(scene, targets.face_objects(target, with_companions=request.with_companions))


def waiting_for_or_none() -> str | None:
    """Return why keyframes cannot be written now, as an instruction; None when they can."""
    # A render evaluates the scene in another thread while keys would change it.
    if bpy.app.is_job_running("RENDER"):
        return "waiting for the render to end"
    # There is no view layer while a file is read.
    active = bpy.context.view_layer.objects.active if bpy.context.view_layer is not None else None
    # In Edit Mode Blender overwrites the mesh's data on leaving it.
    if active is not None and active.mode not in ("OBJECT", "POSE"):
        return (
            "leave Edit Mode to write the keys"
            if active.mode == "EDIT"
            else ("go to Object Mode to write the keys")
        )
    for window in bpy.context.window_manager.windows:
        if any(o.bl_idname.startswith(INTERACTIVE_OPERATORS) for o in window.modal_operators):
            return "finish what you are doing to write the keys"
    return None


def _found(collection: Any, uid: int, what: str) -> Any:
    found = next((item for item in collection if item.session_uid == uid), None)
    if found is None:
        raise SceneChanged(
            f"{what} was removed during generation",
            hint="Undo the removal or choose another face, then generate again",
        )
    return found
