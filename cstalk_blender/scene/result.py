"""Keep with each face what was generated for it, and find what has changed since.

The result is stored on the object of the face, in the .blend file: it goes with the face when it is
appended or duplicated, and one undo step takes back keys and result. Main thread only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import bpy

if TYPE_CHECKING:  # these modules are not needed when the add-on is enabled
    from ..rig.keys.report import BakeReport
    from ..rig.verify.check import CheckReport

LIPS = "Lips meet"
"""Start of the check's sentence about closures."""
LABELS = {
    "audio": "audio file",
    "emotion": "emotion",
    "script": "script",
    "corrections": "corrections",
    "options": "options",
    "mapping": "mapping",
    "start_frame": "start frame",
    "frame_rate": "frame rate",
    "stretching": "time stretching",
}
"""What can differ from the settings of a result, as users call it."""
CHECKED = ("has_moved", "problems", "measures", "lips_open")
"""Notes of the check."""
DIRECTION = "direction"
"""Note with the settings of the layers that the keys were written with."""
TIMES = ("start_frame", "frame_rate", "stretching")
"""Differences that are solved by moving keys, without generating again."""


class CSTALK_PG_result(bpy.types.PropertyGroup):
    """The performance that was generated for a face, and its settings."""

    title: bpy.props.StringProperty(
        name="Performance", description="Emotion and audio file of the performance"
    )
    summary: bpy.props.StringProperty(
        name="Summary", description="Frames, channels and seconds of the performance"
    )
    detected_emotion: bpy.props.StringProperty(
        name="Detected Emotion", description="Emotion detected from the voice"
    )
    settings: bpy.props.StringProperty(
        name="Settings", description="Settings of the performance as JSON"
    )
    details: bpy.props.StringProperty(
        name="Details", description="Notes of the bake and the check as JSON"
    )


def result_of_or_none(face: bpy.types.Object | None) -> CSTALK_PG_result | None:
    """Return the result of a face; None when nothing was generated for it."""
    # A result without a summary is the empty group that each object has.
    return face.cstalk_result if face is not None and face.cstalk_result.summary else None


def store(
    face: bpy.types.Object,
    report: BakeReport,
    *,
    title: str,
    settings: Mapping[str, Any],
    detected_emotion: str = "",
) -> None:
    """Store the result of a bake; the check follows with `store_check`.

    Args:
        face: The face.
        report: What was baked.
        title: Emotion and audio file.
        settings: Settings of the performance, by the keys of `LABELS`.
        detected_emotion: Emotion detected from the voice, if any.
    """
    result = face.cstalk_result
    result.title, result.summary = title, report.summary()
    result.detected_emotion = detected_emotion
    # JSON in a text property: settings may change from release to release.
    result.settings = json.dumps(dict(settings))
    names = ("widened", "driven", "rerouted", "refused", "kept")
    details: dict[str, Any] = {name: list(getattr(report, name)) for name in names}
    details["edits"] = report.edit_sentence()
    result.details = json.dumps(details)


def store_check(face: bpy.types.Object, check: CheckReport) -> None:
    """Add what the check found to the result of a face.

    Args:
        face: The face.
        check: The report of the check.
    """
    details = details_of(face.cstalk_result)
    details.update(
        has_moved=check.moved,
        problems=list(check.problems),
        measures=list(check.measures),
        lips_open=check.lips_open,
    )
    face.cstalk_result.details = json.dumps(details)


def update(face: bpy.types.Object, report: BakeReport) -> None:
    """Note that the keys of a face were written again, as directed.

    What the check found is dropped, since it is about other keys.

    Args:
        face: A face with a result.
        report: What was written.
    """
    details = details_of(face.cstalk_result)
    for name in CHECKED:
        details.pop(name, None)
    details.update(edits=report.edit_sentence(), widened=list(report.widened))
    face.cstalk_result.summary = report.summary()
    face.cstalk_result.details = json.dumps(details)
    # Written without time stretching, which *Re-time* applies again.
    values = settings_of(face.cstalk_result)
    if "stretching" in values:
        values["stretching"] = 1.0
        face.cstalk_result.settings = json.dumps(values)


def set_times(
    face: bpy.types.Object, *, start_frame: int, frame_rate: float, stretching: float
) -> None:
    """Note that the keys of a face were moved.

    Args:
        face: A face with a result.
        start_frame: Scene frame at time 0 of the audio file.
        frame_rate: Frames per second of the scene.
        stretching: Frames of animation per frame of the timeline.
    """
    values = settings_of(face.cstalk_result)
    values.update(start_frame=start_frame, frame_rate=frame_rate, stretching=stretching)
    face.cstalk_result.settings = json.dumps(values)


def add_note(face: bpy.types.Object, name: str, text: str) -> None:
    """Add a note to the result of a face.

    Args:
        face: The face.
        name: Name of the note.
        text: The note.
    """
    details = details_of(face.cstalk_result)
    details[name] = text
    face.cstalk_result.details = json.dumps(details)


def clear(face: bpy.types.Object) -> None:
    """Remove the result of a face."""
    for name in ("title", "summary", "detected_emotion", "settings", "details"):
        setattr(face.cstalk_result, name, "")


def settings_of(result: CSTALK_PG_result) -> dict[str, Any]:
    """Return the settings of a result; empty for a result of version 0.1."""
    return _object_of(result.settings)


def details_of(result: CSTALK_PG_result) -> dict[str, Any]:
    """Return the notes of bake and check by name."""
    return _object_of(result.details)


def lips_text(details: Mapping[str, Any]) -> str:
    """Return the check's sentence about closures; empty without one."""
    found = (text for text in details.get("measures", ()) if text.startswith(LIPS))
    return next(found, "")


def changes(result: CSTALK_PG_result, settings: Mapping[str, Any]) -> list[str]:
    """Return the keys of `LABELS` in which ``settings`` differ from those of a result.

    Args:
        result: The result of a face.
        settings: Present settings, with the same keys.
    """
    before = settings_of(result)
    # Only keys that the result has: an older release stored fewer.
    return [key for key in LABELS if key in before and before[key] != settings.get(key)]


def attach() -> None:
    """Add the result to objects."""
    bpy.types.Object.cstalk_result = bpy.props.PointerProperty(type=CSTALK_PG_result)  # type: ignore[func-returns-value]


def detach() -> None:
    """Undo `attach`."""
    del bpy.types.Object.cstalk_result


def _object_of(text: str) -> dict[str, Any]:
    """Return a JSON object; empty for a text that is none."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


CLASSES = (CSTALK_PG_result,)
