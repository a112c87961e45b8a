"""Store predictions with the face that they were made for. Main thread only.

They are properties of the face's object, as its result is: they go with the face when it is saved,
renamed, duplicated or appended, and one undo step takes keys, result and prediction back together.
The bytes are kept as base64 text, since Blender's own byte strings end at the first zero.
"""

from __future__ import annotations

import base64
import functools

import bpy

from ..direct import prediction as stored_predictions

DECODED = 8
"""Predictions that stay decoded; ten seconds at 60 frames a second take half a megabyte each."""


class CSTALK_PG_prediction(bpy.types.PropertyGroup):
    """One stored prediction; ``name`` is its title."""

    identity: bpy.props.StringProperty(
        name="Identity", description="Identity of the prediction, which depends on its content"
    )
    data: bpy.props.StringProperty(name="Data", description="The prediction as base64 text")
    bytes: bpy.props.IntProperty(
        name="Size", description="Bytes that the prediction takes in the .blend file", min=0
    )
    has_emotion: bpy.props.BoolProperty(
        name="Emotion Apart", description="Speech and emotion are known apart"
    )
    line: bpy.props.StringProperty(
        name="Clip", description="Name of the clip, for the names of Actions"
    )
    take: bpy.props.StringProperty(
        name="Take", description="Identity of the clip, such as the path of its audio file"
    )


class CSTALK_PG_predictions(bpy.types.PropertyGroup):
    """All predictions of a face."""

    items: bpy.props.CollectionProperty(type=CSTALK_PG_prediction)
    active: bpy.props.StringProperty(
        name="Active", description="Identity of the prediction whose keys the face plays"
    )


def save(
    face: bpy.types.Object,
    prediction: stored_predictions.Prediction,
    *,
    line: str,
    take: str = "",
    title: str = "",
    keep_others: bool = False,
) -> CSTALK_PG_prediction:
    """Store a prediction with a face and make it the active one.

    Args:
        face: The face, as `targets.face_objects` returns it first.
        prediction: The prediction; one of the same identity is replaced.
        line: Name of the clip, for the names of Actions.
        take: Identity of the clip, as for a bake; empty for ``line``.
        title: Emotion and audio file; empty for ``line``.
        keep_others: Keep the other predictions of the face.

    Returns:
        The stored entry; valid until predictions are added or removed.
    """
    held = face.cstalk_predictions
    # One performance plays at a time; others are kept only where the user asked for them.
    if not keep_others:
        held.items.clear()
    stored = _entry_or_none(face, prediction.id) or held.items.add()
    stored.name, stored.identity = title or line, prediction.id
    stored.data = base64.b64encode(prediction.to_bytes()).decode("ascii")
    # Bytes of the text, which is what the file has.
    stored.bytes, stored.has_emotion = len(stored.data), prediction.has_emotion
    stored.line, stored.take = line, take or line
    held.active = prediction.id
    return stored


def entry_or_none(face: bpy.types.Object | None, identity: str = "") -> CSTALK_PG_prediction | None:
    """Return a stored entry of a face.

    Args:
        face: The face; None has no predictions.
        identity: Identity of the prediction; empty for the active one.

    Returns:
        The entry, valid until predictions are added or removed; None without it.
    """
    if face is None:
        return None
    return _entry_or_none(face, identity or face.cstalk_predictions.active)


def load_or_none(
    face: bpy.types.Object | None, identity: str = ""
) -> stored_predictions.Prediction | None:
    """Return a prediction of a face.

    Args:
        face: The face; None has no predictions.
        identity: Identity of the prediction; empty for the active one.

    Returns:
        The prediction; None without it.

    Raises:
        BadPrediction: The stored text was changed.
    """
    entry = entry_or_none(face, identity)
    return None if entry is None else decoded(entry.identity, entry.data)


def activate(face: bpy.types.Object, identity: str) -> bool:
    """Make a stored prediction the active one; the keys stay as they are.

    Args:
        face: The face.
        identity: Identity of the prediction.

    Returns:
        Whether the face has it.
    """
    if _entry_or_none(face, identity) is None:
        return False
    face.cstalk_predictions.active = identity
    return True


def remove(face: bpy.types.Object, identity: str) -> int:
    """Remove one prediction; the keys stay as they are.

    Args:
        face: The face.
        identity: Identity of the prediction.

    Returns:
        The bytes that are freed, 0 when the face does not have it.
    """
    held = face.cstalk_predictions
    for index, entry in enumerate(held.items):
        if entry.identity == identity:
            freed = int(entry.bytes)
            held.items.remove(index)
            if held.active == identity:
                # The newest of the others, as the keys are of none of them for certain.
                held.active = held.items[-1].identity if held.items else ""
            return freed
    return 0


def clear(face: bpy.types.Object) -> int:
    """Remove all predictions of a face; return the bytes that are freed."""
    freed = size_bytes(face)
    face.cstalk_predictions.items.clear()
    face.cstalk_predictions.active = ""
    return freed


def size_bytes(face: bpy.types.Object) -> int:
    """Return the bytes that the predictions of a face take in the .blend file."""
    return sum(int(entry.bytes) for entry in face.cstalk_predictions.items)


def attach() -> None:
    """Add the predictions to objects."""
    bpy.types.Object.cstalk_predictions = bpy.props.PointerProperty(type=CSTALK_PG_predictions)  # type: ignore[func-returns-value]


def detach() -> None:
    """Undo `attach`."""
    del bpy.types.Object.cstalk_predictions


def _entry_or_none(face: bpy.types.Object, identity: str) -> CSTALK_PG_prediction | None:
    items = face.cstalk_predictions.items
    return next((entry for entry in items if entry.identity == identity), None)


# Text and identity are the key, so that an undo gives the older one without reading again.
@functools.lru_cache(maxsize=DECODED)
def decoded(identity: str, data: str) -> stored_predictions.Prediction:
    """Return the prediction of a stored text; the text is compared, so that edits are noticed.

    Args:
        identity: Identity that was stored with it.
        data: The text.

    Raises:
        BadPrediction: The text was changed, or is of another prediction.
    """
    try:
        found = stored_predictions.from_bytes(base64.b64decode(data, validate=True))
    except ValueError as error:
        raise stored_predictions.BadPrediction(
            f"The stored prediction cannot be read: {error}", hint=stored_predictions.HINT
        ) from error
    # Two properties that an edit of the file could make disagree.
    if found.id != identity:
        raise stored_predictions.BadPrediction(
            "The stored prediction is another than its identity says", hint=stored_predictions.HINT
        )
    return found


CLASSES = (CSTALK_PG_prediction, CSTALK_PG_predictions)
