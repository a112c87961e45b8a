"""The end of a batch: what concerns all lines at once, the report, and the scene's list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...dialogue import results
from ...dialogue.lines import stem_of
from ...errors import SessionError
from . import placement
from .progress import LineState
from .request import PLAYED, Assignment, BatchRequest, BatchTarget, Destination, LineStatus

States = Mapping[str, LineState]
"""By line, see ``lines.stem_of``."""


def taken_back(request: BatchRequest, states: States) -> bool:
    """Whether an undo took placed lines back meanwhile; they are to be placed again."""
    found = False
    for assignment in _good(request, states):
        state, item = (
            _state(assignment, states),
            item_or_none(request.target, stem_of(assignment.line)),
        )
        is_timeline = request.target.destination == Destination.TIMELINE
        if not is_timeline and item is not None and item.placement_token != state.token:
            state.status, found = LineStatus.MADE, True
    return found


def conclude(request: BatchRequest, states: States) -> tuple[str, ...]:
    """Timeline, lines that are not listed any more, sounds, report, list; notes for people.

    Raises:
        SessionError: The scene is gone, or a report cannot be written.
    """
    target, notes = request.target, list[str]()
    if target.destination == Destination.TIMELINE:
        notes += _place_timelines(request, states)
    if target.destination == Destination.NLA:
        faces = placement.faces_with_lines(target)
        speakers = {
            stem_of(assignment.line): assignment.face_uid for assignment in request.assignments
        }
        placement.remove_unlisted(faces, target, speakers)
    if target.with_sounds and target.destination in PLAYED:
        placement.place_sounds(_good(request, states), target)
    _report_misplaced(request, states)
    tell_list(request, states)
    return tuple(notes)


def tell_list(request: BatchRequest, states: States) -> None:
    """Write into the scene's list how each line ended."""
    for item in _rows(request.target):
        state = states.get(item.name)
        if state is not None:
            item.state = LineStatus.NEW if state.status == LineStatus.CANCELLED else state.status
            item.message = f"{state.message}. {state.hint}".strip(". ")
            if state.is_made:
                item.detected_emotion, item.detected_emotion_at = (
                    state.detected_emotion,
                    state.detected_emotion_at,
                )
            if not state.was_made:  # what was made before keeps its score
                item.score = -1.0 if state.score is None else state.score


def item_or_none(target: BatchTarget, line: str) -> Any:
    """The row of the scene's list for a line."""
    rows = _rows(target)
    index = rows.find(line) if len(rows) else -1
    return None if index < 0 else rows[index]


def _rows(target: BatchTarget) -> Any:
    settings = getattr(placement.scene_of(target), "cstalk_batch", None)
    return () if settings is None else settings.lines


def _place_timelines(request: BatchRequest, states: States) -> list[str]:
    """Key the lines of each face, unless none of them has changed."""
    notes: list[str] = []
    for assignments in placement.by_face(_good(request, states)).values():
        if all(
            _state(assignment, states).status == LineStatus.SKIPPED for assignment in assignments
        ):
            continue
        try:
            notes += placement.place_timeline(assignments, request.target)
        except SessionError as error:
            for assignment in assignments:
                state = _state(assignment, states)
                state.status, state.message, state.hint = LineStatus.FAILED, str(error), error.hint
            continue
        for assignment in assignments:
            item = item_or_none(request.target, stem_of(assignment.line))
            if item is not None:
                item.placement_token = _state(assignment, states).token
    return notes


def _report_misplaced(request: BatchRequest, states: States) -> None:
    """Write the report again where a line was made but is on no face."""
    misplaced = {
        assignment.line.targets[0]: results.Misplaced(state.message, state.hint)
        for assignment in request.assignments
        if (state := _state(assignment, states)).status == LineStatus.FAILED and state.is_made
    }
    if misplaced and request.report is not None:
        targets = [assignment.line.targets[0] for assignment in request.assignments]
        skipped = {
            assignment.line.targets[0]
            for assignment in request.assignments
            if _state(assignment, states).status == LineStatus.SKIPPED
        }
        results.write_reports(request.target.folder, request.report, targets, skipped, misplaced)


def _good(request: BatchRequest, states: States) -> list[Assignment]:
    return [
        c
        for c in request.assignments
        if _state(c, states).status in (LineStatus.DONE, LineStatus.SKIPPED)
    ]


def _state(assignment: Assignment, states: States) -> LineState:
    return states[stem_of(assignment.line)]
