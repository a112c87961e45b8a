"""Finish a batch: what concerns all lines at once, the report, the scene's list."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ...dialogue import results
from ...dialogue.lines import stem_of
from ...errors import SessionError
from ...scene import audio as sound
from . import idle, placement
from .progress import LineState
from .request import PLAYED, Assignment, BatchRequest, BatchTarget, Destination, LineStatus

States = Mapping[str, LineState]
"""States of the lines, by id (``lines.stem_of``)."""


@dataclasses.dataclass(frozen=True)
class Conclusion:
    """The sentences and files that a finished batch shows to the user."""

    notes: tuple[str, ...]
    reports: dict[str, str]
    """Paths of the reports, by kind."""
    problems: tuple[str, ...] = ()
    """Why a report is missing; it is part of the notes."""


def reopen_reverted(request: BatchRequest, states: States) -> bool:
    """Set lines whose placement an undo has reverted meanwhile to MADE.

    Args:
        request: The batch.
        states: States of its lines.

    Returns:
        Whether there are such lines, which must be placed again.
    """
    found = False
    for assignment in _good(request, states):
        state = _state(assignment, states)
        item = item_or_none(request.target, stem_of(assignment.line))
        is_timeline = request.target.destination == Destination.TIMELINE
        if not is_timeline and item is not None and item.placement_token != state.token:
            state.status, found = LineStatus.MADE, True
    return found


def conclude(request: BatchRequest, states: States, engine: str) -> Conclusion:
    """Key timelines, remove lines that are not listed any more, add audio, write the report.

    Args:
        request: The batch.
        states: States of its lines, which are updated.
        engine: Engine and device, for the report.

    Raises:
        SessionError: The scene was removed.
    """
    target, notes = request.target, list[str]()
    if target.destination == Destination.TIMELINE:
        notes += _place_timelines(request, states)
    if target.destination == Destination.NLA:
        faces = placement.faces_with_lines(target)
        speakers = {stem_of(one.line): one.face_uid for one in request.assignments}
        placement.remove_unlisted(faces, target, speakers)
        if request.idle is not None:
            notes += _place_idle(request, states)
    if target.with_sounds and target.destination in PLAYED:
        placement.place_sounds(_good(request, states), target)
    # A batch that is cancelled before its worker starts has no folder and nothing to report.
    is_unstarted = all(state.status == LineStatus.CANCELLED for state in states.values())
    has_folder = request.report is not None and request.report.parent.is_dir()
    reports, problems = dict[str, str](), tuple[str, ...]()
    if has_folder or not is_unstarted:
        try:
            reports, problems = _write_reports(request, states, engine)
        except SessionError as error:  # the journal cannot be read; the lines are in the scene
            problems = (f"No report: {error}. {error.hint}".rstrip(". "),)
    update_list(request, states)
    return Conclusion((*notes, *problems), reports, problems)


def update_list(request: BatchRequest, states: States) -> None:
    """Write how each line ended into the scene's list.

    Args:
        request: The batch.
        states: States of its lines.
    """
    for item in _rows(request.target):
        state = states.get(item.name)
        if state is None:
            continue
        item.state = LineStatus.NEW if state.status == LineStatus.CANCELLED else state.status
        item.message = f"{state.message}. {state.hint}".strip(". ")
        if state.is_made:
            item.detected_emotion = state.detected_emotion
            item.detected_emotion_at = state.detected_emotion_at
        if state.score is not None or not state.was_made:
            item.score = -1.0 if state.score is None else state.score
            item.text_matched = -1.0 if state.text_matched is None else state.text_matched


def item_or_none(target: BatchTarget, line: str) -> Any:
    """Return the row of the scene's list for a line, None without one.

    Args:
        target: Names the scene.
        line: Id of the line.
    """
    rows = _rows(target)
    index = rows.find(line) if len(rows) else -1
    return None if index < 0 else rows[index]


def _rows(target: BatchTarget) -> Any:
    settings = getattr(placement.scene_of(target), "cstalk_batch", None)
    return () if settings is None else settings.lines


def _place_timelines(request: BatchRequest, states: States) -> list[str]:
    """Key the lines of each face, unless none of them has changed; returns notes."""
    notes: list[str] = []
    for assignments in placement.by_face(_good(request, states)).values():
        is_unchanged = all(_state(one, states).status == LineStatus.SKIPPED for one in assignments)
        if is_unchanged and request.idle is None:  # waiting depends on the lines of all
            continue
        try:
            notes += placement.place_timeline(
                assignments, request.target, _waiting_or_none(request, states, assignments[0])
            )
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


def _place_idle(request: BatchRequest, states: States) -> list[str]:
    assert request.idle is not None
    scene = placement.scene_of(request.target)
    good = _good(request, states)
    return idle.place_idle(scene, good, _lengths(states), request.target, request.idle)


def _waiting_or_none(request: BatchRequest, states: States, of: Assignment) -> Any:
    """Return second and curves of waiting for the face of a line; None without waiting."""
    face = placement.face_or_none(of)
    if request.idle is None or face is None:
        return None
    scene = placement.scene_of(request.target)
    rate = sound.frame_rate(scene)
    turns = idle.turns_of(_good(request, states), _lengths(states), rate)
    return idle.waiting_curves(scene, face, turns, request.idle) if turns else None


def _lengths(states: States) -> dict[str, float]:
    return {line: state.length_s for line, state in states.items()}


def _write_reports(
    request: BatchRequest, states: States, engine: str
) -> tuple[dict[str, str], tuple[str, ...]]:
    assert request.report is not None, "the job sets the path of the report"
    by_target = {one.line.targets[0]: _state(one, states) for one in request.assignments}
    return results.write_reports(
        results.ReportRequest(
            folder=request.target.folder,
            csv=request.report,
            targets=[target for target, state in by_target.items() if _is_reported(state)],
            skipped={
                target
                for target, state in by_target.items()
                if state.was_made or state.status == LineStatus.SKIPPED
            },
            misplaced={
                target: results.Misplaced(state.message, state.hint)
                for target, state in by_target.items()
                if state.status == LineStatus.FAILED and state.is_made
            },
            engine=engine,
        )
    )


def _is_reported(state: LineState) -> bool:
    """Return whether the journal's entry of a line is of this run or still valid."""
    return state.status != LineStatus.CANCELLED


def _good(request: BatchRequest, states: States) -> list[Assignment]:
    good = (LineStatus.DONE, LineStatus.SKIPPED)
    return [one for one in request.assignments if _state(one, states).status in good]


def _state(assignment: Assignment, states: States) -> LineState:
    return states[stem_of(assignment.line)]
