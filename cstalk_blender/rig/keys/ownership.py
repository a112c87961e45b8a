"""Decide which Actions and F-curves CSTalk wrote, and remove nothing else.

A CSTalk Action carries custom properties: its given name, the clip, the face, and a digest of
every F-curve that was written. They survive renaming, saving, appending and undo, and a duplicate
carries them too. An Action is only deleted while its content is what was written and nothing else
refers to it.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import bpy
import numpy as np

from ... import compat

NAME = "cstalk"
"""Custom property of our Actions: the name that was given; version 0.1 wrote it too."""
LINE, BATCH = "cstalk_line", "cstalk_batch"
"""Custom properties of our Actions: name of the clip, and the batch that it belongs to."""
TAKE = "cstalk_take"
"""Custom property of our Actions: identity of the clip, such as the path of its audio file."""
KEPT = "cstalk_kept_take"
"""Custom property of our Actions of takes that do not play now: nothing is moved out of them."""
FACE = "cstalk_face_id"
"""Custom property of our Actions: `face_id` of the face that they were made for."""
WRITTEN = "cstalk_written"
"""Custom property of our Actions: JSON of slot handle to F-curve to digest of its keyframes."""
FAKE_USER = "cstalk_fake_user"
"""Custom property of our Actions whose fake user we set ourselves."""
ASSET = "cstalk_asset"
"""Custom property of our Actions that we marked as assets ourselves."""
ID = "cstalk_id"
"""Custom property of shape keys: identity of the face."""
# Shorter than what Blender 5 allows, so that a file keeps its names in an older version.
LONGEST_NAME = 63
"""Bytes of a data block's name before Blender 5.0, and of an NLA strip's name."""

_NUMBERED = re.compile(r"\.\d{3,}$")  # appended by Blender to the name of a duplicate


def is_ours(action: bpy.types.Action | None) -> bool:
    """Return True for an Action that CSTalk made, or a duplicate of one."""
    return action is not None and isinstance(action.get(NAME), str)


def is_renamed(action: bpy.types.Action) -> bool:
    """Return True when the user renamed a CSTalk Action; Blender's numbers do not count."""
    # The number is Blender's when the name is taken, not a wish of the user.
    return _NUMBERED.sub("", action.name) != _NUMBERED.sub("", str(action.get(NAME)))


def current_action_or_none(owner: bpy.types.ID) -> bpy.types.Action | None:
    """Return the Action that ``owner`` plays."""
    return None if owner.animation_data is None else owner.animation_data.action


def own_action_or_none(owner: bpy.types.ID) -> bpy.types.Action | None:
    """Return the Action that ``owner`` plays if it is ours."""
    action = current_action_or_none(owner)
    return action if is_ours(action) else None


def face_id(key: bpy.types.Key) -> str:
    """Return the identity of a face, made when it has none or when a duplicate has the same."""
    known = key.get(ID)
    # A duplicated face copies the property; both would own each other's takes.
    if not isinstance(known, str) or _is_ambiguous(key, known):
        key[ID] = known = uuid.uuid4().hex
    return known


def unique_face_id_or_none(key: bpy.types.Key) -> str | None:
    """Return the identity of a face; None when it has none or shares it with a duplicate."""
    known = key.get(ID)
    return known if isinstance(known, str) and not _is_ambiguous(key, known) else None


def set_name(action: bpy.types.Action, name: str) -> None:
    """Name a CSTalk Action.

    Args:
        action: The Action.
        name: Its name, shortened to what Blender keeps.
    """
    action.name = shortened(name)
    action[NAME] = action.name  # Blender may have numbered it


def clip_name(who: str, line: str) -> str:
    """Return the name of the Action of a clip, such as ``Anna 021_happy``.

    The clip's own name survives when both do not fit: it tells the strips of a face apart.

    Args:
        who: Name of the face.
        line: Name of the clip.
    """
    line = shortened(line)
    # The space between them takes one byte.
    return f"{shortened(who, max(0, LONGEST_NAME - len(line.encode()) - 1))} {line}".strip()


def shortened(name: str, longest: int = LONGEST_NAME) -> str:
    """Return ``name`` cut at its end to ``longest`` bytes, never inside of a letter.

    Args:
        name: Any text.
        longest: Bytes in UTF-8.
    """
    # Cutting bytes may split a letter, which decoding then drops.
    return name.encode("utf-8")[:longest].decode("utf-8", "ignore").rstrip()


def set_fake_user(action: bpy.types.Action) -> None:
    """Keep a CSTalk Action in saved files, and note that no user asked for it."""
    if not action.use_fake_user:
        action.use_fake_user = True
        action[FAKE_USER] = True


def record(action: bpy.types.Action) -> None:
    """Note all F-curves of a new Action as written by us."""
    written = {
        str(handle): {_label(curve): digest(curve) for curve in curves}
        for handle, curves in compat.curve_bags(action)
    }
    action[WRITTEN] = json.dumps(written)


def record_curve(action: bpy.types.Action, handle: int, curve: bpy.types.FCurve) -> None:
    """Note one F-curve that we changed or added.

    Args:
        action: A CSTalk Action.
        handle: Handle of the slot that the curve belongs to, 0 without slots.
        curve: The F-curve as it is now.
    """
    record_curves(action, handle, [curve])


def record_curves(
    action: bpy.types.Action, handle: int, curves: Iterable[bpy.types.FCurve]
) -> None:
    """Note F-curves of one slot that we changed or added.

    Args:
        action: A CSTalk Action.
        handle: Handle of the slot that the curves belong to, 0 without slots.
        curves: The F-curves as they are now.
    """
    written = _written(action)
    slot = written.setdefault(str(handle), {})
    slot.update((_label(curve), digest(curve)) for curve in curves)
    action[WRITTEN] = json.dumps(written)


def edited_labels(
    action: bpy.types.Action, handle: int, curves: Iterable[bpy.types.FCurve]
) -> set[str]:
    """Return path and component, as "path|0", of those F-curves that are not as we wrote them.

    Args:
        action: A CSTalk Action.
        handle: Handle of the slot that the curves belong to, 0 without slots.
        curves: F-curves of that slot.
    """
    slot = _written(action).get(str(handle), {})
    return {_label(curve) for curve in curves if slot.get(_label(curve)) != digest(curve)}


def digest(curve: bpy.types.FCurve) -> str:
    """Return a digest of the keyframes, their handles and the number of modifiers."""
    count = len(curve.keyframe_points)
    points, kinds = np.empty(2 * count, np.float32), np.empty(count, np.int32)
    curve.keyframe_points.foreach_get("co", points)
    curve.keyframe_points.foreach_get("interpolation", kinds)
    # A modifier changes what is played without changing a keyframe.
    content = points.tobytes() + kinds.tobytes() + bytes([len(curve.modifiers) % 256])
    if (kinds == _bezier()).any():  # handles shape these alone; digests of 0.1 had none
        for name in ("handle_left", "handle_right"):
            curve.keyframe_points.foreach_get(name, points)
            content += points.tobytes()
    # Eight bytes are enough to notice a change.
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def _bezier() -> int:
    kinds = bpy.types.Keyframe.bl_rna.properties["interpolation"].enum_items
    return int(kinds["BEZIER"].value)


def foreign_curves(action: bpy.types.Action, handle: int) -> list[Any]:
    """Return the F-curves of one slot of a CSTalk Action that the user added.

    Args:
        action: A CSTalk Action.
        handle: Handle of the slot, 0 without slots.
    """
    written = _known(action).get(handle, {})
    return [
        curve
        for found, curves in compat.curve_bags(action)
        if found == handle
        for curve in curves
        if _label(curve) not in written
    ]


def edited_curves(action: bpy.types.Action) -> list[Any]:
    """Return the F-curves that we wrote and the user changed since."""
    written = _known(action)
    return [
        curve
        for handle, curves in compat.curve_bags(action)
        for curve in curves
        # A curve without a digest is the user's, not an edit: compared with itself it is equal.
        if written.get(handle, {}).get(_label(curve), digest(curve)) != digest(curve)
    ]


def is_edited(action: bpy.types.Action, handle: int, curve: bpy.types.FCurve) -> bool:
    """Return True when a curve is not as we wrote it.

    Args:
        action: A CSTalk Action.
        handle: Handle of the slot that the curve belongs to, 0 without slots.
        curve: The F-curve.
    """
    return _known(action).get(handle, {}).get(_label(curve)) != digest(curve)


def written_slots(action: bpy.types.Action) -> set[int]:
    """Return the handles of the slots that we wrote to."""
    return {int(handle) for handle in _written(action)}


def takes_of(key: bpy.types.Key) -> Iterator[bpy.types.Action]:
    """Yield the Actions in the file that were made for a face."""
    known = unique_face_id_or_none(key)
    for action in bpy.data.actions if known is not None else ():
        if action.get(FACE) == known:
            yield action


def remove_or_keep(action: bpy.types.Action) -> str:
    """Delete a CSTalk Action that nothing plays, unless the user changed or uses it.

    Returns:
        Empty when it was deleted, else a sentence that says why it was kept.
    """
    reason = _reason_to_keep(action)
    if not reason:
        bpy.data.actions.remove(action)
        return ""
    # Kept means kept after saving as well.
    action.use_fake_user = True
    return f"{action.name!r} was kept: {reason}"


def _reason_to_keep(action: bpy.types.Action) -> str:
    if is_renamed(action):
        return "it was renamed"
    if action.asset_data is not None and not _asset_mark_is_ours(action):
        return "it is marked as an asset"
    others = sorted(user.name for user in bpy.data.user_map(subset={action})[action])
    if others:
        return f"{others[0]!r} uses it"
    if action.use_fake_user and not _fake_user_is_ours(action):
        return "it has a fake user"
    edited = [curve.data_path for curve in edited_curves(action)]
    if edited:
        return f"{len(edited)} of its F-curves were edited"
    if any(foreign_curves(action, handle) for handle, _curves in compat.curve_bags(action)):
        return "it has F-curves that CSTalk did not write"
    return ""


def _fake_user_is_ours(action: bpy.types.Action) -> bool:
    # Version 0.1 set the fake user of batch lines without a note.
    is_old = action.get(WRITTEN) is None
    return bool(action.get(FAKE_USER)) or (is_old and action.get(LINE) is not None)


def _asset_mark_is_ours(action: bpy.types.Action) -> bool:
    is_old = action.get(WRITTEN) is None
    return bool(action.get(ASSET)) or (is_old and action.get(BATCH) is not None)


def _is_ambiguous(key: bpy.types.Key, known: str) -> bool:
    return any(other != key and other.get(ID) == known for other in bpy.data.shape_keys)


def _label(curve: bpy.types.FCurve) -> str:
    return f"{curve.data_path}|{curve.array_index}"


def _known(action: bpy.types.Action) -> dict[int, dict[str, str]]:
    """Return the digests that we wrote, by slot handle and by the curve's present path.

    Renaming a shape key changes the path of its curve: one that we did not note has the content of
    one that is gone.
    """
    written = _written(action)
    known: dict[int, dict[str, str]] = {}
    for handle, curves in compat.curve_bags(action):
        noted = dict(written.get(str(handle), {}))
        labels = {_label(curve) for curve in curves}
        gone = [noted[label] for label in noted if label not in labels]
        for curve in curves if gone else ():
            if _label(curve) not in noted and (found := digest(curve)) in gone:
                gone.remove(found)
                noted[_label(curve)] = found
        known[handle] = noted
    return known


def _written(action: bpy.types.Action) -> dict[str, dict[str, str]]:
    text = action.get(WRITTEN)
    if not isinstance(text, str):
        return _written_by_0_1(action)
    try:
        found = json.loads(text)
    except ValueError:
        # A damaged note makes all curves foreign, which protects them.
        return {}
    return found if isinstance(found, dict) else {}


def _written_by_0_1(action: bpy.types.Action) -> dict[str, dict[str, str]]:
    """Return the F-curves that version 0.1 wrote, which it did not note.

    It keyed all curves on the same frames, linearly: those on the commonest frames are its.
    """
    frames: dict[tuple[int, str], bytes] = {}
    curves = {}
    linear = bpy.types.Keyframe.bl_rna.properties["interpolation"].enum_items["LINEAR"].value
    for handle, bag in compat.curve_bags(action):
        for curve in bag:
            points = np.empty(2 * len(curve.keyframe_points), np.float32)
            kinds = np.empty(len(curve.keyframe_points), np.int32)
            curve.keyframe_points.foreach_get("co", points)
            curve.keyframe_points.foreach_get("interpolation", kinds)
            # The user's own curves mostly have Bezier keys or other frames.
            if (kinds == linear).all() and not len(curve.modifiers):
                frames[handle, _label(curve)] = points[0::2].tobytes()
                curves[handle, _label(curve)] = curve
    commonest = Counter(frames.values()).most_common(1)
    found: dict[str, dict[str, str]] = {}
    for (handle, name), where in frames.items():
        if where == commonest[0][0]:
            found.setdefault(str(handle), {})[name] = digest(curves[handle, name])
    return found
