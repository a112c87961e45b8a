"""Store the prediction and the direction of a clip of a batch with its Action. Main thread only.

Custom properties of the Action: they are saved, appended, duplicated and undone with it, and freed
when it is deleted.
"""

from __future__ import annotations

import base64
import json

import bpy

from ..direct import direction as directions
from ..direct import prediction as stored_predictions
from . import predictions

IDENTITY = "cstalk_prediction"
"""Custom property: identity of the prediction."""
DATA = "cstalk_prediction_data"
"""Custom property: the prediction as base64 text."""
FADE = "cstalk_fade"
"""Custom property: seconds in which the emotion rises and falls at the ends of the clip."""
DIRECTION = "cstalk_line_direction"
"""Custom property: settings of Direct as JSON; missing for the clip as generated."""


def save(
    action: bpy.types.Action, prediction: stored_predictions.Prediction, *, fade_s: float
) -> None:
    """Store the prediction of a clip; its direction is that of the clip as generated.

    Args:
        action: The Action of the clip.
        prediction: What the model predicted, before the fade.
        fade_s: Seconds of the fade, 0 without one.
    """
    action[IDENTITY], action[FADE] = prediction.id, float(fade_s)
    action[DATA] = base64.b64encode(prediction.to_bytes()).decode("ascii")
    action.pop(DIRECTION, None)


def has(action: bpy.types.Action | None) -> bool:
    """Return whether an Action has a stored prediction."""
    return action is not None and bool(action.get(DATA))


def load(action: bpy.types.Action) -> stored_predictions.Prediction:
    """Return the prediction of a clip.

    Raises:
        BadPrediction: It has none, or the stored text was changed.
    """
    if not has(action):
        raise stored_predictions.BadPrediction(
            f"{action.name!r} has no stored prediction", hint="Bake the lines again"
        )
    return predictions.decoded(str(action.get(IDENTITY, "")), str(action[DATA]))


def fade_s(action: bpy.types.Action) -> float:
    """Return the seconds of a clip's fade, 0 without one."""
    return float(action.get(FADE, 0.0))


def direction_of(action: bpy.types.Action | None) -> directions.Direction:
    """Return the direction that a clip was written with; neutral without one.

    Raises:
        BadDirection: The stored settings were changed.
    """
    text = "{}" if action is None else str(action.get(DIRECTION, "{}"))
    try:
        data = json.loads(text)
    except ValueError:
        data = text  # refused by the reader of directions
    return directions.from_json(data)


def write_direction(action: bpy.types.Action, direction: directions.Direction) -> None:
    """Note the direction that a clip was written with.

    Args:
        action: The Action of the clip.
        direction: Settings without values over time.
    """
    action[DIRECTION] = json.dumps(directions.as_json(direction))


def size_bytes(action: bpy.types.Action) -> int:
    """Return the bytes that the prediction of a clip takes in the .blend file."""
    return len(str(action.get(DATA, "")))


def remove(action: bpy.types.Action) -> int:
    """Remove the prediction of a clip, not its keys; return the bytes that are freed."""
    freed = size_bytes(action)
    for name in (IDENTITY, DATA, FADE):
        action.pop(name, None)
    return freed
