"""Find the scene whose sequencer the user sees. Main thread only."""

from __future__ import annotations

import bpy


def sequencer_scene(scene: bpy.types.Scene) -> bpy.types.Scene:
    """Return the scene that holds the sound strips for ``scene``.

    Since Blender 5.0 a workspace has its own sequencer scene, which may be another one than the
    active scene. Other scenes than the active one have their own sequencer.
    """
    shown = getattr(bpy.context.workspace, "sequencer_scene", None)
    is_active = bpy.context.scene == scene
    return shown if shown is not None and is_active else scene


def show_sequencer_of(scene: bpy.types.Scene) -> None:
    """Make the workspace show the sequencer of ``scene``, unless it shows one already."""
    workspace = bpy.context.workspace
    if hasattr(workspace, "sequencer_scene") and workspace.sequencer_scene is None:
        workspace.sequencer_scene = scene
