"""The only file that knows Blender versions (4.2 to 5.2): where Actions and strips keep what.

Each function has one meaning on every version; the branches ask what is there, never a number.

=========================  =======================  ==============================
what                       4.2, 4.3                 4.4 and later
=========================  =======================  ==============================
F-curves of a datablock    ``action.fcurves``       a slot's channelbag in a strip
an animation plays when    the Action is assigned   the slot is assigned as well
strips of the sequencer    ``sequences``            ``strips`` (both in 4.4, 4.5)
times of a strip           ``frame_start``, ...     ``content_start``, ... from 5.1
=========================  =======================  ==============================
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import bpy


def curve_holder(action: bpy.types.Action, key: bpy.types.Key) -> Any:
    """What holds ``fcurves`` and ``groups`` of ``key`` in ``action``, made when missing.

    One Action holds the curves of one Key, so its first slot for keys is the one.
    """
    if not hasattr(action, "slots"):
        action.id_root = "KEY"
        return action
    slot = _key_slot_or_none(action) or action.slots.new(id_type="KEY", name=key.name)
    layer = action.layers[0] if len(action.layers) else action.layers.new("Layer")
    strip = layer.strips[0] if len(layer.strips) else layer.strips.new(type="KEYFRAME")
    return strip.channelbag(slot, ensure=True)


def assign_action(key: bpy.types.Key, action: bpy.types.Action | None, slot_name: str = "") -> None:
    """Make ``key`` play ``action``, with its slot; None plays nothing.

    Args:
        key: The shape keys.
        action: What to play.
        slot_name: Identifier of the slot to use; empty for the Action's first slot for keys.
    """
    animation = key.animation_data or key.animation_data_create()
    animation.action = action
    if action is not None and hasattr(animation, "action_slot"):
        named = [slot for slot in action.slots if slot.identifier == slot_name]
        animation.action_slot = named[0] if named else _key_slot_or_none(action)


def slot_name(key: bpy.types.Key) -> str:
    """Identifier of the slot that ``key`` plays; empty when there is none, or no slots at all."""
    slot = getattr(key.animation_data, "action_slot", None)
    return "" if slot is None else slot.identifier


def lacks_slot(key: bpy.types.Key) -> bool:
    """True when an Action is assigned but no slot, so that nothing plays."""
    animation = key.animation_data
    return (
        animation is not None
        and animation.action is not None
        and hasattr(animation, "action_slot")
        and animation.action_slot is None
    )


def strips_of(scene: bpy.types.Scene) -> Any:
    """The top-level strips of the scene's sequencer, which is made when missing."""
    editor = scene.sequence_editor or scene.sequence_editor_create()
    return editor.strips if hasattr(editor, "strips") else editor.sequences


def placed_strips(scene: bpy.types.Scene) -> list[Any]:
    """The top-level strips as they are; empty when there is no sequencer."""
    return [] if scene.sequence_editor is None else list(strips_of(scene))


def strip_span(strip: Any) -> tuple[int, int]:
    """First frame of ``strip`` and the one after its last."""
    if hasattr(strip, "left_handle"):
        return int(strip.left_handle), int(strip.right_handle)
    return int(strip.frame_final_start), int(strip.frame_final_end)


def move_strip(strip: Any, start_frame: int) -> None:
    """Put the content of ``strip`` at ``start_frame``; its trims go along."""
    if hasattr(strip, "content_start"):
        strip.content_start = start_frame
    else:
        strip.frame_start = start_frame


@contextlib.contextmanager
def window_context() -> Iterator[None]:
    """A window in the context, which a timer lacks and the undo stack wants."""
    windows = bpy.context.window_manager.windows
    if bpy.context.window is not None or not len(windows):
        yield
        return
    with bpy.context.temp_override(window=windows[0]):
        yield


def _key_slot_or_none(action: bpy.types.Action) -> Any:
    return next((slot for slot in action.slots if slot.target_id_type == "KEY"), None)
