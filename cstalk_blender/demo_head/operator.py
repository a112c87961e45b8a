"""Add the operator and menu entry *Add > Mesh > CSTalk Demo Head*."""

from __future__ import annotations

import bpy

HEAD_MOTION = "cstalk_head_motion"
"""Custom property that lets a performance turn the bones (``rig.drive.eyes.HEAD_MOTION``)."""


def frame_selected(context: bpy.types.Context) -> None:
    """Move the view to the selected object, where the operator was called in a 3D view."""
    area = context.area
    if area is None or area.type != "VIEW_3D":
        return
    region = next((region for region in area.regions if region.type == "WINDOW"), None)
    if region is None:
        return
    context.view_layer.update()  # the new object has no bounds before
    with context.temp_override(area=area, region=region):
        if bpy.ops.view3d.view_selected.poll():  # type: ignore[call-arg]
            bpy.ops.view3d.view_selected()


class CSTALK_OT_add_demo_head(bpy.types.Operator):
    """Add a talking head with the 52 ARKit shape keys, to try CSTalk on"""

    bl_idname = "cstalk.add_demo_head"
    bl_label = "CSTalk Demo Head"
    bl_options = {"REGISTER", "UNDO"}

    with_bones: bpy.props.BoolProperty(
        name="Neck and Head Bones",
        description="Add an armature with a neck and a head bone, which Head turns (default: on)",
        default=True,
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only in object mode: the head is an object of its own."""
        # In edit mode the new object would not be what is edited.
        if context.mode != "OBJECT":
            cls.poll_message_set("Leave edit mode to add the demo head")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add the head at the 3D cursor, make it the active object and show it."""
        # Building the head takes its time, and most sessions never ask for it.
        from .armature import add_demo_armature
        from .build import build_demo_head
        from .geometry import demo_head_geometry

        head = build_demo_head(collection=context.collection)
        head.location = context.scene.cursor.location
        # As Blender's own Add operators: the new object alone is selected.
        for other in context.selected_objects:
            other.select_set(False)
        if self.with_bones:
            add_demo_armature(head, demo_head_geometry())
            head[HEAD_MOTION] = True
        head.select_set(True)
        context.view_layer.objects.active = head
        frame_selected(context)
        return {"FINISHED"}


def menu_func(menu: bpy.types.Menu, _context: bpy.types.Context) -> None:
    """Entry for `VIEW3D_MT_mesh_add`."""
    menu.layout.operator(CSTALK_OT_add_demo_head.bl_idname, icon="MONKEY")


def attach() -> None:
    """Add the operator to the menu Add > Mesh."""
    bpy.types.VIEW3D_MT_mesh_add.append(menu_func)


def detach() -> None:
    """Undo `attach`."""
    bpy.types.VIEW3D_MT_mesh_add.remove(menu_func)


CLASSES = (CSTALK_OT_add_demo_head,)
