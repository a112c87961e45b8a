"""Curves to a face without holding the window: one piece of the work for each tick.

Find and plan; write keys; give them to the face; make it one undo step; check that the face moves,
a mesh and a frame in each piece. Each piece finds scene and face again. What cannot be split
is Blender's own: the undo step of a large file, a frame of a heavy scene. Main thread only.
"""

from __future__ import annotations

import enum

import bpy

from ..errors import SessionError
from ..package import track
from ..rig.keys import bake, bake_steps
from ..rig.verify import check
from ..scene import audio as sound
from .request import Found, Order, find

KEYS_BUDGET_S = 0.006
"""Seconds a tick may spend on writing keys."""


class Stage(enum.Enum):
    """What the next tick does."""

    PLAN = enum.auto()
    KEYS = enum.auto()
    GIVE = enum.auto()
    UNDO = enum.auto()
    CHECK = enum.auto()


class Delivery:
    """One performance on its way to its face."""

    def __init__(self, order: Order, curves: track.CurveTrack) -> None:
        self._order, self._curves = order, curves
        self._stage = Stage.PLAN
        self._building: bake_steps.Building | None = None
        self._report: bake.BakeReport | None = None
        self._checking: check.Checking | None = None

    @property
    def is_given(self) -> bool:
        """True when the face has the keys, and there is nothing left to cancel."""
        return self._report is not None

    def step(self) -> tuple[bake.BakeReport, check.CheckReport] | None:
        """One piece; the reports after the last.

        Raises:
            SceneChanged: Scene or target are gone.
            SessionError: The bake was refused; the scene is as it was.
        """
        if self._stage is Stage.PLAN:
            self._plan(find(self._order))
        elif self._stage is Stage.KEYS:
            find(self._order)
            assert self._building is not None
            if self._building.step(KEYS_BUDGET_S):
                self._stage = Stage.GIVE
        elif self._stage is Stage.GIVE:
            self._give(find(self._order))
        elif self._stage is Stage.UNDO:
            bpy.ops.ed.undo_push(message="CSTalk Generate")
            self._stage = Stage.CHECK
        else:
            assert self._report is not None
            checked = self._check(self._report)
            return None if checked is None else (self._report, checked)
        return None

    def drop(self) -> None:
        """Leave the scene as it was, unless the face has its keys already."""
        if self._building is not None:
            self._building.drop()

    def _plan(self, found: Found) -> None:
        order = self._order
        self._building = self._building or bake_steps.Building(
            self._curves,
            start_frame=order.start_frame,
            frame_rate=sound.frame_rate(found.scene),
            line=order.line,
        )
        self._building.begin(found.faces)
        self._stage = Stage.KEYS

    def _give(self, found: Found) -> None:
        assert self._building is not None
        report = self._building.finish(found.faces)
        if report is None:
            self._stage = Stage.PLAN
            return
        scene = found.scene
        sound.extend_range(scene, report.first_frame, report.last_frame)
        if hasattr(scene, "cstalk"):
            scene.cstalk.made = report.summary()
            scene.cstalk.heard = self._curves.heard
        self._report, self._stage = report, Stage.UNDO

    def _check(self, report: bake.BakeReport) -> check.CheckReport | None:
        try:
            found = find(self._order)
        except SessionError as gone:
            return _unchecked(str(gone))
        if found.scene != bpy.context.scene:
            return _unchecked(f"{found.scene.name!r} is not open")
        if any(name not in bpy.data.actions for name in report.actions):
            return _unchecked("the keys were undone")
        self._checking = self._checking or check.Checking(
            self._curves,
            start_frame=self._order.start_frame,
            frame_rate=sound.frame_rate(found.scene),
            left_out=report.driven,
        )
        return self._checking.step(found.faces, found.scene)


def _unchecked(why: str) -> check.CheckReport:
    return check.CheckReport(True, (f"Not checked: {why}",))
