"""Show the curve view at the lower edge of the 3D viewport and take clicks and drags in it.

A gizmo and no draw handler with a modal operator: Blender gives it the clicks within its strip and
all others to what lies below, draws it after another file is read, and drops it with its class.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..direct import curve_view
from ..jobs import curve_view as contents
from ..jobs import direct as direct_job
from ..scene import direction
from . import curve_drawing
from .properties.generate import chosen_face_or_none

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems

DRAG = 4
"""Pixels at a resolution scale of 1 under which a drag is a click."""
_reader: contents.Reader | None = None


def content_or_none(context: bpy.types.Context) -> contents.Content | None:
    """Return what the view shows; None where it is off or has nothing to show."""
    global _reader  # noqa: PLW0603  created here, since enabling must not read the module
    if not context.scene.cstalk.show_curves:
        return None
    if _reader is None:
        _reader = contents.Reader()
    return _reader.content_or_none(chosen_face_or_none(context), context.scene)


def view_or_none(context: bpy.types.Context, content: contents.Content) -> curve_view.View | None:
    """Return the rectangle of the strip in the region of the context; None without room.

    Args:
        context: Of a 3D viewport.
        content: What is shown.
    """
    region, scene = context.region, context.scene
    covered = {"LEFT": 0.0, "RIGHT": 0.0}
    # Toolbar and sidebar lie over the viewport where regions overlap; else it ends beside them.
    if context.preferences.system.use_region_overlap:
        for other in context.area.regions:
            if other.type in ("TOOLS", "UI") and other.width > 1 and other.alignment in covered:
                covered[other.alignment] = max(covered[other.alignment], float(other.width))
    frames = content.curves.frames
    within = (scene.frame_preview_start, scene.frame_preview_end)
    return curve_view.view_or_none(
        region.width,
        (covered["LEFT"], covered["RIGHT"]),
        context.preferences.system.ui_scale,
        (float(frames[0]), float(frames[-1])),
        within if scene.use_preview_range else None,
    )


class CSTALK_GT_curve_view(bpy.types.Gizmo):
    """The strip of curves."""

    bl_idname = "CSTALK_GT_curve_view"
    __slots__ = ("drag", "is_overall")

    def setup(self) -> None:
        """Start without a drag."""
        self.drag: tuple[float, float] | None = None
        self.is_overall = False
        self.use_draw_modal = True

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the strip."""
        found = self._shown_or_none(context)
        if found is not None:
            content, view = found
            selected = None
            if self.drag is not None and is_drag(self.drag, view):
                first, last = sorted(self.drag)
                selected = view.frame_at(first), view.frame_at(last)
            curve_drawing.draw(content, view, context.scene.frame_current_final, selected)

    def test_select(self, context: bpy.types.Context, location: tuple[int, int]) -> int:
        """Return 0 where the mouse is over the strip, else -1."""
        found = self._shown_or_none(context)
        return 0 if found is not None and found[1].rect.contains(*location) else -1

    def invoke(
        self, _context: bpy.types.Context, event: bpy.types.Event
    ) -> set[OperatorReturnItems]:
        """Begin a click or a drag."""
        self.drag = (event.mouse_region_x, event.mouse_region_x)
        self.is_overall = event.shift
        return {"RUNNING_MODAL"}

    def modal(
        self, context: bpy.types.Context, event: bpy.types.Event, _tweak: set[str]
    ) -> set[OperatorReturnItems]:
        """Follow the mouse."""
        if self.drag is not None:
            self.drag = (self.drag[0], event.mouse_region_x)
            context.area.tag_redraw()
        return {"RUNNING_MODAL"}

    def exit(self, context: bpy.types.Context, cancel: bool) -> None:
        """Jump to the frame, or limit the settings to the frames of the drag."""
        drag, self.drag = self.drag, None
        found = None if cancel or drag is None else self._shown_or_none(context)
        if found is None:
            return
        content, view = found
        finish(context, content, view, drag, is_overall=self.is_overall)

    def _shown_or_none(
        self, context: bpy.types.Context
    ) -> tuple[contents.Content, curve_view.View] | None:
        content = content_or_none(context)
        view = None if content is None else view_or_none(context, content)
        return None if content is None or view is None else (content, view)


def is_drag(drag: tuple[float, float], view: curve_view.View) -> bool:
    """Return whether the mouse has moved far enough for a range.

    Args:
        drag: Pixels of its start and its end.
        view: The strip.
    """
    return abs(drag[1] - drag[0]) >= DRAG * view.scale


def finish(
    context: bpy.types.Context,
    content: contents.Content,
    view: curve_view.View,
    drag: tuple[float, float],
    *,
    is_overall: bool,
) -> None:
    """Do what a click or a drag asks for.

    Args:
        context: The context of the strip.
        content: What is shown.
        view: The strip.
        drag: Pixels of its start and its end.
        is_overall: The range is that of the whole face, not of the region that is shown.
    """
    if not is_drag(drag, view):
        context.scene.frame_set(round(view.frame_at(drag[1])))
        return
    first, last = sorted(round(view.frame_at(x)) for x in drag)
    if bpy.ops.cstalk.direct_range.poll():
        # True: with an undo step, which a gizmo has not.
        bpy.ops.cstalk.direct_range(
            "EXEC_DEFAULT",
            True,
            region=direction.OVERALL if is_overall else content.region,
            first_frame=first,
            last_frame=max(last, first + 1),
        )


class CSTALK_GGT_curve_view(bpy.types.GizmoGroup):
    """Holds the strip of curves."""

    bl_idname = "CSTALK_GGT_curve_view"
    bl_label = "CSTalk Curves"
    bl_space_type = "VIEW_3D"
    bl_region_type = "WINDOW"
    bl_options = {"PERSISTENT", "SHOW_MODAL_ALL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Show the strip in a window, for faces with a performance that can be directed."""
        if bpy.app.background or not context.scene.cstalk.show_curves:
            return False
        return direct_job.can_direct(chosen_face_or_none(context))

    def setup(self, _context: bpy.types.Context) -> None:
        """Add the strip."""
        self.gizmos.new(CSTALK_GT_curve_view.bl_idname)


def attach() -> None:
    """Do nothing; `detach` forgets what was read."""


def detach() -> None:
    """Forget what was read."""
    global _reader  # noqa: PLW0603
    _reader = None


CLASSES = (CSTALK_GT_curve_view, CSTALK_GGT_curve_view)
