"""Add the operator and menu entry *Add > Mesh > CSTalk Demo Head*."""

from __future__ import annotations

import bpy


class CSTALK_OT_add_demo_head(bpy.types.Operator):
    """Add a talking head with the 52 ARKit shape keys, to try CSTalk on"""

    bl_idname = "cstalk.add_demo_head"
    bl_label = "CSTalk Demo Head"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only in object mode: the head is an object of its own."""
        # In edit mode the new object would not be what is edited.
        if context.mode != "OBJECT":
            cls.poll_message_set("Leave edit mode to add the demo head")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add the head at the 3D cursor and make it the active object."""
        # Building the head takes its time, and most sessions never ask for it.
        from .build import build_demo_head  # not when the add-on is enabled: it takes its time

        head = build_demo_head(collection=context.collection)
        head.location = context.scene.cursor.location
        # As Blender's own Add operators: the new object alone is selected.
        for other in context.selected_objects:
            other.select_set(False)
        head.select_set(True)
        context.view_layer.objects.active = head
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
