"""Define the operators that limit layers of Direct to a range of frames."""

from __future__ import annotations

import bpy

from ...jobs import direct as direct_job
from ...scene import direction
from .direct import DirectOperator

HALF_S = 0.5
"""Seconds on each side of the current frame of a range that is not given."""


class CSTALK_OT_direct_range(DirectOperator, bpy.types.Operator):
    """Limit these settings to the second around this frame; drag in the curves for other frames"""

    bl_idname = "cstalk.direct_range"
    bl_label = "Limit to Range"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    region: bpy.props.StringProperty(default=direction.OVERALL, options={"HIDDEN", "SKIP_SAVE"})
    first_frame: bpy.props.FloatProperty(options={"HIDDEN", "SKIP_SAVE"})
    last_frame: bpy.props.FloatProperty(options={"HIDDEN", "SKIP_SAVE"})

    def change(self, face: bpy.types.Object) -> None:
        """Set the range."""
        scene = bpy.context.scene
        start_frame, rate = direct_job.place_of(face, scene)
        first, last = self.first_frame, self.last_frame
        if last <= first:
            first, last = (scene.frame_current + side * HALF_S * rate for side in (-1, 1))
        ends = ((frame - start_frame) / rate for frame in (first, last))
        direction.set_range(face, self.region, *ends)


class CSTALK_OT_direct_range_clear(DirectOperator, bpy.types.Operator):
    """Clear the range: the settings act on the whole performance"""

    bl_idname = "cstalk.direct_range_clear"
    bl_label = "Clear Range"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    region: bpy.props.StringProperty(default=direction.OVERALL, options={"HIDDEN", "SKIP_SAVE"})

    def change(self, face: bpy.types.Object) -> None:
        """Clear the range."""
        direction.set_range(face, self.region, 0.0, 0.0)


CLASSES = (CSTALK_OT_direct_range, CSTALK_OT_direct_range_clear)
