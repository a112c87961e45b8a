"""Create the demo head's materials: viewport colours and nodes for renders."""

from __future__ import annotations

import dataclasses

import bpy


@dataclasses.dataclass(frozen=True)
class Look:
    """Appearance of a material."""

    color: tuple[float, float, float]
    """Linear RGB."""
    roughness: float = 0.5
    subsurface: float = 0.0
    """Weight of light under the surface; its colour is the base colour."""
    glow: float = 0.0
    """Strength of its own light, so that it is not lost in the shade of the mouth."""


LOOKS = {
    "skin": Look((0.86, 0.55, 0.42), 0.48, 0.12),
    "lips": Look((0.72, 0.31, 0.27), 0.42, 0.1),
    "lid": Look((0.70, 0.36, 0.30), 0.45, 0.0),
    "mouth": Look((0.36, 0.09, 0.08), 0.6, 0.0, 0.05),
    "gum": Look((0.72, 0.28, 0.28), 0.4, 0.0),
    "teeth": Look((0.90, 0.87, 0.80), 0.25, 0.0, 0.12),
    "tongue": Look((0.74, 0.27, 0.27), 0.45, 0.0, 0.1),
    "sclera": Look((0.90, 0.90, 0.89), 0.08, 0.0),
    "limbus": Look((0.04, 0.09, 0.10), 0.08, 0.0),
    "iris": Look((0.12, 0.34, 0.36), 0.08, 0.0),
    "pupil": Look((0.004, 0.004, 0.005), 0.05, 0.0),
    "brow": Look((0.055, 0.026, 0.016), 0.7, 0.0),
    "hair": Look((0.12, 0.05, 0.025), 0.62, 0.0),
    "shirt": Look((0.10, 0.25, 0.36), 0.85, 0.0),
}
# The prefix marks materials as ours.
PREFIX = "CSTalk "
# Reach of the light under the skin (m).
SUBSURFACE_SCALE = 0.006
# Vertex attribute that reddens the skin, and the colour it goes to (linear RGB).
BLUSH = "cstalk_blush"
BLUSH_COLOR = (0.84, 0.32, 0.24)
BLUSH_STRENGTH = 0.55


def _add_blush(material: bpy.types.Material, shader: bpy.types.ShaderNode, look: Look) -> None:
    """Mix the skin's colour with the blush where the mesh's attribute says so."""
    nodes, links = material.node_tree.nodes, material.node_tree.links
    # Nodes by type name: their labels are translated.
    amount, scale, mix = (
        nodes.new(kind) for kind in ("ShaderNodeAttribute", "ShaderNodeMath", "ShaderNodeMix")
    )
    amount.attribute_name = BLUSH
    scale.operation = "MULTIPLY"
    scale.inputs[1].default_value = BLUSH_STRENGTH
    mix.data_type = "RGBA"
    # The mix node has sockets of every data type under the same names; only the type tells them
    # apart.
    colors = [socket for socket in mix.inputs if socket.type == "RGBA"]
    colors[0].default_value, colors[1].default_value = (*look.color, 1.0), (*BLUSH_COLOR, 1.0)
    links.new(amount.outputs["Fac"], scale.inputs[0])
    links.new(scale.outputs[0], next(s for s in mix.inputs if s.type == "VALUE"))
    links.new(next(s for s in mix.outputs if s.type == "RGBA"), shader.inputs["Base Color"])


def _make(name: str, look: Look) -> bpy.types.Material:
    material = bpy.data.materials.new(PREFIX + name)
    # Viewport colour: solid shading shows no nodes.
    material.diffuse_color = (*look.color, 1.0)
    material.roughness = look.roughness
    if material.node_tree is None:  # before Blender 5 nodes are off until asked for
        material.use_nodes = True
    # By type: the name is translated in other languages.
    shader = next(n for n in material.node_tree.nodes if n.type == "BSDF_PRINCIPLED")
    shader.inputs["Base Color"].default_value = (*look.color, 1.0)
    shader.inputs["Roughness"].default_value = look.roughness
    shader.inputs["Subsurface Weight"].default_value = look.subsurface
    shader.inputs["Subsurface Scale"].default_value = SUBSURFACE_SCALE
    shader.inputs["Emission Color"].default_value = (*look.color, 1.0)
    shader.inputs["Emission Strength"].default_value = look.glow
    if name == "skin":
        _add_blush(material, shader, look)
    return material


def head_material(name: str) -> bpy.types.Material:
    """Return the material of a part of the head, created when the file lacks it."""
    # An existing material is used again, with the user's changes.
    found = bpy.data.materials.get(PREFIX + name)
    return found if found is not None else _make(name, LOOKS[name])
