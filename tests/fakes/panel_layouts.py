"""Draw panels on a real layout without a window, and read them back."""

from __future__ import annotations

from typing import Any

import bpy


def draw_panel(panel: type) -> list[dict[str, Any]]:
    """Draw ``panel`` and return its items: dicts with draw_string, tip, operator, rna."""
    popover = bpy.context.window_manager.popover_begin__internal(
        ui_units_x=20, from_active_button=False
    )  # its _end would crash without a window

    class Drawn:
        layout = popover.layout

    panel.draw(Drawn, bpy.context)
    return list(_items(popover.layout.introspect()))


def texts(panel: type) -> list[str]:
    """Return the texts of ``panel``, in order."""
    return [item["draw_string"] for item in draw_panel(panel) if item.get("draw_string")]


def said(panel: type) -> str:
    """Return the texts of ``panel`` as one line, since its labels are wrapped."""
    return " ".join(texts(panel))


def _items(tree: Any) -> Any:
    for node in tree if isinstance(tree, list) else [tree]:
        if isinstance(node, dict) and "items" in node:
            yield from _items(node["items"])
        elif isinstance(node, dict):
            yield node
