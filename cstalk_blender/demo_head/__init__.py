"""Build a head with the 52 ARKit shapes by code.

- ``surface``: the skin as a signed distance field; ``topology``: quad meshes as arrays.
- ``skin`` and ``parts``: the meshes of the skin, eyes, mouth, hair and clothes.
- ``anatomy``: joins the parts; ``shapes``: the 52 movements; ``geometry``: both as arrays.
- ``materials`` and ``build``: the Blender object; ``armature``: its bones;
  ``operator``: *Add > Mesh > CSTalk Demo Head*.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .build import build_demo_head
    from .geometry import HeadGeometry, demo_head_geometry

__all__ = ["HeadGeometry", "build_demo_head", "demo_head_geometry"]


# PEP 562: importing the package must not need bpy, as tests of the geometry do without.
def __getattr__(name: str) -> Any:
    """Import on first use, so that the geometry can be had without Blender."""
    if name == "build_demo_head":
        from .build import build_demo_head

        return build_demo_head
    if name in ("HeadGeometry", "demo_head_geometry"):
        from . import geometry

        return getattr(geometry, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
