"""The end of a batch: what concerns all lines at once, the report, and the scene's list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..dialogue import results
from ..dialogue.lines import stem_of
from ..errors import SessionError
from . import placement as jobs_placing
from .batch_request import (
    CANCELLED,
    DONE,
    FAILED,
    MADE,
    NEW,
    NLA,
    PLAYED,
    SKIPPED,
    TIMELINE,
    BatchOrder,
    LineState,
)
from .placement import Casting, Stage

States = Mapping[str, LineState]
"""By line, see ``lines.stem_of``."""


def taken_back(order: BatchOrder, states: States) -> bool:
    """Whether an undo took placed lines back meanwhile; they are to be placed again."""
    found = False
    for casting in _good(order, states):
        state, item = _state(casting, states), item_or_none(order.stage, stem_of(casting.line))
        is_timeline = order.stage.destination == TIMELINE
        if not is_timeline and item is not None and item.placement_token != state.token:
            state.state, found = MADE, True
    return found


def conclude(order: BatchOrder, states: States) -> tuple[str, ...]:
    """Timeline, lines that are not listed any more, sounds, report, list; notes for people.

    Raises:
        SessionError: The scene is gone, or a report cannot be written.
    """
    stage, notes = order.stage, list[str]()
    if stage.destination == TIMELINE:
        notes += _place_timelines(order, states)
    if stage.destination == NLA:
        faces = jobs_placing.faces_with_lines(stage)
        speakers = {stem_of(casting.line): casting.face_uid for casting in order.castings}
        jobs_placing.remove_unlisted(faces, stage, speakers)
    if stage.with_sounds and stage.destination in PLAYED:
        jobs_placing.place_sounds(_good(order, states), stage)
    _report_misplaced(order, states)
    tell_list(order, states)
    return tuple(notes)


def tell_list(order: BatchOrder, states: States) -> None:
    """Write into the scene's list how each line ended."""
    for item in _rows(order.stage):
        state = states.get(item.name)
        if state is not None:
            item.state = NEW if state.state == CANCELLED else state.state
            item.message = f"{state.message}. {state.hint}".strip(". ")
            if state.is_made:
                item.detected_emotion, item.detected_emotion_at = state.heard, state.acted_at
            if not state.was_made:  # what was made before keeps its score
                item.score = -1.0 if state.score is None else state.score


def summary(states: States) -> str:
    """One line about a batch."""
    counts = dict.fromkeys((DONE, SKIPPED, FAILED, CANCELLED), 0)
    for state in states.values():
        counts[state.state] = counts.get(state.state, 0) + 1
    made = counts[DONE]
    parts = [f"{made} line{'' if made == 1 else 's'} made"]
    words = ((SKIPPED, "unchanged"), (FAILED, "failed"), (CANCELLED, "left for the next time"))
    parts += [f"{counts[name]} {word}" for name, word in words if counts[name]]
    return ", ".join(parts)


def item_or_none(stage: Stage, line: str) -> Any:
    """The row of the scene's list for a line."""
    rows = _rows(stage)
    index = rows.find(line) if len(rows) else -1
    return None if index < 0 else rows[index]


def _rows(stage: Stage) -> Any:
    settings = getattr(jobs_placing.scene_of(stage), "cstalk_batch", None)
    return () if settings is None else settings.lines


def _place_timelines(order: BatchOrder, states: States) -> list[str]:
    """Key the lines of each face, unless none of them has changed."""
    notes: list[str] = []
    for castings in jobs_placing.by_face(_good(order, states)).values():
        if all(_state(casting, states).state == SKIPPED for casting in castings):
            continue
        try:
            notes += jobs_placing.place_timeline(castings, order.stage)
        except SessionError as error:
            for casting in castings:
                state = _state(casting, states)
                state.state, state.message, state.hint = FAILED, str(error), error.hint
            continue
        for casting in castings:
            item = item_or_none(order.stage, stem_of(casting.line))
            if item is not None:
                item.placement_token = _state(casting, states).token
    return notes


def _report_misplaced(order: BatchOrder, states: States) -> None:
    """Write the report again where a line was made but is on no face."""
    misplaced = {
        casting.line.targets[0]: results.Misplaced(state.message, state.hint)
        for casting in order.castings
        if (state := _state(casting, states)).state == FAILED and state.is_made
    }
    if misplaced and order.report is not None:
        targets = [casting.line.targets[0] for casting in order.castings]
        skipped = {
            casting.line.targets[0]
            for casting in order.castings
            if _state(casting, states).state == SKIPPED
        }
        results.write_reports(order.stage.folder, order.report, targets, skipped, misplaced)


def _good(order: BatchOrder, states: States) -> list[Casting]:
    return [c for c in order.castings if _state(c, states).state in (DONE, SKIPPED)]


def _state(casting: Casting, states: States) -> LineState:
    return states[stem_of(casting.line)]
