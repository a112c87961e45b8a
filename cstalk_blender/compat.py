"""Hide the differences between Blender 4.2 and 5.2 in Actions and sequencer strips.

No other module branches on the version. Branches test for attributes, never for a number.

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
from collections.abc import Collection, Iterator
from typing import Any

import bpy


def path_options() -> set[str]:
    """Return the options of a property whose path can be relative to the .blend file ("//")."""
    # Older versions refuse a property with an option that they do not know.
    is_known = "is_path_supports_blend_relative" in bpy.types.Property.bl_rna.properties
    return {"ANIMATABLE", *(["PATH_SUPPORTS_BLEND_RELATIVE"] if is_known else [])}


def shares_actions() -> bool:
    """Return whether Actions have slots, so that one can hold curves of several data blocks."""
    return "slots" in bpy.types.Action.bl_rna.properties


def curve_holder(action: bpy.types.Action, owner: bpy.types.ID) -> Any:
    """Return the object with ``fcurves`` and ``groups`` of ``owner`` in ``action``.

    With slots it is the channelbag of the slot that ``owner`` plays, else of the slot of its name,
    else of a new slot: owners never share curves.

    Args:
        action: The Action; a missing slot, layer or strip is added.
        owner: Shape keys, an object or another data block with animation.
    """
    if not shares_actions():
        # Until 4.3 an Action belongs to a kind of data block, which an empty one does not have yet.
        action.id_root = owner.id_type
        return action
    slot = _slot_of_or_none(action, owner)
    if slot is None:
        slot = action.slots.new(id_type=owner.id_type, name=owner.name)
    # Actions have one layer with one strip as yet.
    layer = action.layers[0] if len(action.layers) else action.layers.new("Layer")
    strip = layer.strips[0] if len(layer.strips) else layer.strips.new(type="KEYFRAME")
    # ``ensure`` creates the channelbag, which is missing until a slot has curves.
    return strip.channelbag(slot, ensure=True)


def curves_of(owner: bpy.types.ID) -> list[Any]:
    """Return the F-curves of the Action that ``owner`` plays; nothing is added."""
    return [curve for curves in _curve_lists(owner) for curve in curves]


def mute_curves(owner: bpy.types.ID, labels: Collection[tuple[str, int]]) -> None:
    """Mute F-curves of the Action that an evaluated data block plays; the file is not changed.

    Args:
        owner: An evaluated data block.
        labels: Path and component of the F-curves.
    """
    for curves in _curve_lists(owner):
        muted = [c.mute or (c.data_path, c.array_index) in labels for c in curves]
        # As an array: a property that is set alone would tag the original for an update.
        curves.foreach_set("mute", muted)


def _curve_lists(owner: bpy.types.ID) -> list[Any]:
    animation = owner.animation_data
    if animation is None or animation.action is None:
        return []
    action = animation.action
    if not shares_actions():
        return [action.fcurves]
    # Without a slot nothing plays, whatever the Action holds.
    if animation.action_slot is None:
        return []
    bags = [
        strip.channelbag(animation.action_slot)
        for layer in action.layers
        for strip in layer.strips
        if strip.type == "KEYFRAME"
    ]
    return [bag.fcurves for bag in bags if bag is not None]


def assign_action(
    owner: bpy.types.ID, action: bpy.types.Action | None, slot_name: str = ""
) -> None:
    """Make ``owner`` play ``action`` with its slot.

    Args:
        owner: Shape keys, an object or another data block with animation.
        action: The Action; None plays nothing.
        slot_name: Identifier of the slot to use; empty for that of the owner's name, else the
            Action's first slot for such an owner.
    """
    animation = owner.animation_data or owner.animation_data_create()
    # Assigning chooses a slot by itself where one fits; the right one is set below.
    animation.action = action
    if action is not None and shares_actions():
        fitting = [slot for slot in action.slots if slot.target_id_type == owner.id_type]
        named = [slot for slot in fitting if slot.identifier == slot_name]
        named = named or [slot for slot in fitting if slot.name_display == owner.name] or fitting
        if named and animation.action_slot != named[0]:
            animation.action_slot = named[0]


def slot_name(owner: bpy.types.ID) -> str:
    """Return the identifier of the slot that ``owner`` plays; empty without one."""
    slot = getattr(owner.animation_data, "action_slot", None)
    return "" if slot is None else slot.identifier


def lacks_slot(owner: bpy.types.ID) -> bool:
    """Return whether an Action is assigned without a slot, so that nothing plays."""
    animation = owner.animation_data
    return (
        animation is not None
        and animation.action is not None
        and hasattr(animation, "action_slot")
        and animation.action_slot is None
    )


def add_strip(track: Any, action: bpy.types.Action, slot_identifier: str) -> Any:
    """Add a strip of ``action`` to an NLA track at the frames of its keys.

    Args:
        track: The NLA track.
        action: The Action.
        slot_identifier: Slot to play; empty without slots.

    Returns:
        The strip.
    """
    start = float(action.frame_range[0])
    strip = track.strips.new(action.name, int(start), action)
    strip.frame_start = start  # the argument above is whole frames only
    strip.extrapolation = "HOLD"
    if hasattr(strip, "action_slot") and slot_identifier:
        strip.action_slot = next(s for s in action.slots if s.identifier == slot_identifier)
    return strip


def add_strip_or_none(track: Any, action: bpy.types.Action, slot_identifier: str) -> Any:
    """Add a strip as `add_strip` does; None if other strips of the track leave no room.

    Args:
        track: The NLA track.
        action: The Action.
        slot_identifier: Slot to play; empty without slots.
    """
    first, last = (float(frame) for frame in action.frame_range)
    # Asked before adding, which would raise for strips that overlap.
    if any(strip.frame_start < last and first < strip.frame_end for strip in track.strips):
        return None
    try:
        return add_strip(track, action, slot_identifier)
    except RuntimeError:  # less than a frame apart
        return None


def slot_of_action(action: bpy.types.Action, owner: bpy.types.ID) -> str:
    """Return the identifier of the slot of ``action`` named after ``owner``; empty without slots.

    Args:
        action: The Action.
        owner: A data block with animation.
    """
    if not shares_actions():
        return ""
    fitting = [slot for slot in action.slots if slot.target_id_type == owner.id_type]
    named = [slot for slot in fitting if slot.name_display == owner.name] or fitting
    return str(named[0].identifier) if named else ""


def strips_of(scene: bpy.types.Scene) -> Any:
    """Return the top-level strips of the scene's sequencer, which is added if missing."""
    editor = scene.sequence_editor or scene.sequence_editor_create()
    # 4.4 and 4.5 have both names.
    return editor.strips if hasattr(editor, "strips") else editor.sequences


def placed_strips(scene: bpy.types.Scene) -> list[Any]:
    """Return the top-level strips as a list; empty without a sequencer."""
    return [] if scene.sequence_editor is None else list(strips_of(scene))


def strip_span(strip: Any) -> tuple[int, int]:
    """Return the first frame of ``strip`` and the frame after its last one."""
    # The frames in which it is visible, whatever its content.
    if hasattr(strip, "left_handle"):
        return int(strip.left_handle), int(strip.right_handle)
    return int(strip.frame_final_start), int(strip.frame_final_end)


def set_span(strip: Any, first: int, last: int) -> None:
    """Trim a strip; its content stays in place.

    Args:
        strip: A sequencer strip.
        first: First visible frame.
        last: Frame after the last visible one.
    """
    if hasattr(strip, "left_handle"):
        strip.left_handle, strip.right_handle = first, last
    else:
        strip.frame_final_start, strip.frame_final_end = first, last


def add_sound_or_none(
    scene: bpy.types.Scene, name: str, path: str, channel: int, frame: int
) -> Any:
    """Add a sound strip; None if this Blender has no sound or cannot decode the file.

    Args:
        scene: Scene of the sequencer.
        name: Name of the strip.
        path: Audio file.
        channel: Channel of the strip.
        frame: Scene frame at time 0 of the file.
    """
    try:
        return strips_of(scene).new_sound(name, path, channel, frame)
    # Blender raises for files that it cannot decode, and without Audaspace for all.
    except RuntimeError:
        return None


def zero_frame(strip: Any, rate: float) -> float:
    """Return the scene frame at time 0 of the audio file of a strip, whatever is trimmed.

    Args:
        strip: A sound strip.
        rate: Frames per second of its scene.
    """
    start = strip.content_start if hasattr(strip, "content_start") else strip.frame_start
    # A trim moves the visible part, not time 0 of the file.
    trim = strip.content_trim_start if hasattr(strip, "content_trim_start") else None
    trim = strip.animation_offset_start if trim is None else trim
    # In seconds, as Blender measures the offset of sounds.
    return float(start) - float(trim) - float(getattr(strip, "sound_offset", 0.0)) * rate


def is_retimed(strip: Any) -> bool:
    """Return whether a strip plays faster or slower than its audio file."""
    keys = [key.timeline_frame for key in getattr(strip, "retiming_keys", ())]
    # Two keys stand at the ends of an unchanged strip; more are changes of speed.
    return len(keys) > 2 or (len(keys) == 2 and abs(keys[1] - keys[0] - strip.frame_duration) > 1)


def children_of(strip: Any) -> list[Any]:
    """Return the strips inside a meta strip; none for others."""
    if strip.type != "META":
        return []
    return list(strip.strips if hasattr(strip, "strips") else strip.sequences)


def channel_name(scene: bpy.types.Scene, channel: int) -> str:
    """Return the name of a channel of the sequencer; empty if it has the default name.

    Args:
        scene: Scene of the sequencer.
        channel: Number of the channel.
    """
    name = scene.sequence_editor.channels[channel].name
    # A default name says nothing about who speaks on the channel.
    return "" if name == f"Channel {channel}" else str(name)


def is_channel_muted(scene: bpy.types.Scene, channel: int) -> bool:
    """Return whether a channel of the sequencer is muted.

    Args:
        scene: Scene of the sequencer.
        channel: Number of the channel.
    """
    return bool(scene.sequence_editor.channels[channel].mute)


def move_strip(strip: Any, start_frame: int) -> None:
    """Move a strip; its trims move too.

    Args:
        strip: A sequencer strip.
        start_frame: Frame at which its content starts.
    """
    if hasattr(strip, "content_start"):
        strip.content_start = start_frame
    else:
        strip.frame_start = start_frame


@contextlib.contextmanager
def window_context() -> Iterator[None]:
    """Provide a window in the context, which timers lack and the undo stack needs."""
    windows = bpy.context.window_manager.windows
    if bpy.context.window is not None or not len(windows):
        yield
        return
    # The first window, as any will do: operators and undo ask for one.
    with bpy.context.temp_override(window=windows[0]):
        yield


def _slot_of_or_none(action: bpy.types.Action, owner: bpy.types.ID) -> Any:
    animation = owner.animation_data
    # The slot that it plays comes first: its name may have changed.
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
