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


def shares_actions() -> bool:
    """True where one Action can hold the curves of several datablocks, each in its slot."""
    return "slots" in bpy.types.Action.bl_rna.properties


def curve_holder(action: bpy.types.Action, owner: bpy.types.ID) -> Any:
    """What holds ``fcurves`` and ``groups`` of ``owner`` in ``action``, made when missing.

    With slots it is that of the slot which ``owner`` plays, else of the slot of its name, else of
    a new one: owners never share curves.
    """
    if not shares_actions():
        action.id_root = owner.id_type
        return action
    slot = _slot_of_or_none(action, owner)
    if slot is None:
        slot = action.slots.new(id_type=owner.id_type, name=owner.name)
    layer = action.layers[0] if len(action.layers) else action.layers.new("Layer")
    strip = layer.strips[0] if len(layer.strips) else layer.strips.new(type="KEYFRAME")
    return strip.channelbag(slot, ensure=True)


def curves_of(owner: bpy.types.ID) -> list[Any]:
    """F-curves of the Action that ``owner`` plays; nothing is made."""
    animation = owner.animation_data
    if animation is None or animation.action is None:
        return []
    action = animation.action
    if not shares_actions():
        return list(action.fcurves)
    if animation.action_slot is None:
        return []
    bags = [
        strip.channelbag(animation.action_slot)
        for layer in action.layers
        for strip in layer.strips
        if strip.type == "KEYFRAME"
    ]
    return [curve for bag in bags if bag is not None for curve in bag.fcurves]


def assign_action(
    owner: bpy.types.ID, action: bpy.types.Action | None, slot_name: str = ""
) -> None:
    """Make ``owner`` play ``action``, with its slot; None plays nothing.

    Args:
        owner: Shape keys, an object, anything that can be animated.
        action: What to play.
        slot_name: Identifier of the slot to use; empty for that of the owner's name, else the
            Action's first slot for such an owner.
    """
    animation = owner.animation_data or owner.animation_data_create()
    animation.action = action
    if action is not None and shares_actions():
        fitting = [slot for slot in action.slots if slot.target_id_type == owner.id_type]
        named = [slot for slot in fitting if slot.identifier == slot_name]
        named = named or [slot for slot in fitting if slot.name_display == owner.name] or fitting
        if named and animation.action_slot != named[0]:
            animation.action_slot = named[0]


def slot_name(owner: bpy.types.ID) -> str:
    """Identifier of the slot that ``owner`` plays; empty when there is none, or no slots at all."""
    slot = getattr(owner.animation_data, "action_slot", None)
    return "" if slot is None else slot.identifier


def lacks_slot(owner: bpy.types.ID) -> bool:
    """True when an Action is assigned but no slot, so that nothing plays."""
    animation = owner.animation_data
    return (
        animation is not None
        and animation.action is not None
        and hasattr(animation, "action_slot")
        and animation.action_slot is None
    )


def add_strip(track: Any, action: bpy.types.Action, slot_identifier: str) -> Any:
    """A strip of ``action`` on the NLA ``track`` that plays it where and how it was keyed."""
    start = float(action.frame_range[0])
    strip = track.strips.new(action.name, int(start), action)
    strip.frame_start = start  # the argument above is whole frames only
    strip.extrapolation = "HOLD"
    if hasattr(strip, "action_slot") and slot_identifier:
        strip.action_slot = next(s for s in action.slots if s.identifier == slot_identifier)
    return strip


def add_strip_or_none(track: Any, action: bpy.types.Action, slot_identifier: str) -> Any:
    """`add_strip`, or None where other strips of the ``track`` leave no room."""
    first, last = (float(frame) for frame in action.frame_range)
    if any(strip.frame_start < last and first < strip.frame_end for strip in track.strips):
        return None
    try:
        return add_strip(track, action, slot_identifier)
    except RuntimeError:  # less than a frame apart
        return None


def slot_of_action(action: bpy.types.Action, owner: bpy.types.ID) -> str:
    """Identifier of the slot of ``action`` that is named after ``owner``; empty without slots."""
    if not shares_actions():
        return ""
    fitting = [slot for slot in action.slots if slot.target_id_type == owner.id_type]
    named = [slot for slot in fitting if slot.name_display == owner.name] or fitting
    return str(named[0].identifier) if named else ""


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


def set_span(strip: Any, first: int, last: int) -> None:
    """Let ``strip`` be heard from ``first`` to before ``last``; its content stays in place."""
    if hasattr(strip, "left_handle"):
        strip.left_handle, strip.right_handle = first, last
    else:
        strip.frame_final_start, strip.frame_final_end = first, last


def add_sound_or_none(
    scene: bpy.types.Scene, name: str, path: str, channel: int, frame: int
) -> Any:
    """A sound strip, or None where this Blender has no sound or cannot read the file."""
    try:
        return strips_of(scene).new_sound(name, path, channel, frame)
    except RuntimeError:
        return None


def zero_frame(strip: Any, rate: float) -> float:
    """Frame at which second 0 of the sound file of ``strip`` lies, whatever is cut off."""
    start = strip.content_start if hasattr(strip, "content_start") else strip.frame_start
    trim = strip.content_trim_start if hasattr(strip, "content_trim_start") else None
    trim = strip.animation_offset_start if trim is None else trim
    return float(start) - float(trim) - float(getattr(strip, "sound_offset", 0.0)) * rate


def is_retimed(strip: Any) -> bool:
    """True when ``strip`` plays faster or slower than its sound, as far as can be told."""
    keys = [key.timeline_frame for key in getattr(strip, "retiming_keys", ())]
    return len(keys) > 2 or (len(keys) == 2 and abs(keys[1] - keys[0] - strip.frame_duration) > 1)


def children_of(strip: Any) -> list[Any]:
    """Strips inside a meta strip; none for others."""
    if strip.type != "META":
        return []
    return list(strip.strips if hasattr(strip, "strips") else strip.sequences)


def channel_name(scene: bpy.types.Scene, channel: int) -> str:
    """Name of a channel of the sequencer; empty where it was never named."""
    name = scene.sequence_editor.channels[channel].name
    return "" if name == f"Channel {channel}" else str(name)


def is_channel_muted(scene: bpy.types.Scene, channel: int) -> bool:
    """True when a channel of the sequencer is switched off."""
    return bool(scene.sequence_editor.channels[channel].mute)


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


def _slot_of_or_none(action: bpy.types.Action, owner: bpy.types.ID) -> Any:
    animation = owner.animation_data
    if animation is not None and animation.action == action and animation.action_slot is not None:
        return animation.action_slot
    fitting = [slot for slot in action.slots if slot.target_id_type == owner.id_type]
    return next((slot for slot in fitting if slot.name_display == owner.name), None)


def curve_bags(action: bpy.types.Action) -> list[tuple[int, Any]]:
    """Return (slot handle, F-curves) of everything an Action animates; handle 0 without slots."""
    if not shares_actions():
        return [(0, action.fcurves)]
    return [
        (int(bag.slot_handle), bag.fcurves)
        for layer in action.layers
        for strip in layer.strips
        if strip.type == "KEYFRAME"
        for bag in strip.channelbags
    ]


def slot_handle(owner: bpy.types.ID) -> int:
    """Return the handle of the slot that ``owner`` plays; 0 for none, or without slots."""
    slot = getattr(owner.animation_data, "action_slot", None)
    return 0 if slot is None else int(slot.handle)
