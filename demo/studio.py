"""Set up camera, lights, background and render settings around a face."""

from __future__ import annotations

import math

import bpy
import numpy as np
from mathutils import Vector
from numpy.typing import NDArray

FILM_PIXELS = 400  # width and height unless asked otherwise
FILM_SAMPLES = 2  # enough for the denoiser
LENS_MM = 85.0  # a portrait lens
VIEW_ANGLE = math.radians(8.0)  # the camera is slightly to the side, so that the lips have depth
FRAME_HEIGHT = 2.12  # of the picture, in heights of the part of the face that moves
FRAME_RISE = 0.10  # of the camera above the middle of that part, in its heights
MOVES = 1e-3  # a vertex moves when a shape shifts it by this part of the mesh's size

KEY_LIGHT = ((-1.9, -2.6, 1.9), 1.5, 88.0, (1.0, 0.90, 0.80))
FILL_LIGHT = ((2.6, -2.4, 0.1), 3.0, 26.0, (0.80, 0.89, 1.0))
RIM_LIGHT = ((1.7, 2.1, 2.0), 1.2, 120.0, (0.92, 0.96, 1.0))
"""Place and size in face heights, watts for a face of 1 m, colour."""
EXPOSURE = 0.3  # stops
AMBIENT_LIGHT = 0.35  # of the background's own brightness
BACKGROUND_LOW = (0.045, 0.055, 0.075, 1.0)
BACKGROUND_HIGH = (0.20, 0.24, 0.31, 1.0)


def moving_box(face: bpy.types.Object) -> tuple[Vector, float]:
    """Return centre and height, in world space, of the vertices that shape keys move.

    When no shape moves anything, the box is that of the mesh.
    """
    mesh = face.data
    rest = _coordinates(mesh.shape_keys.key_blocks[0].data)
    # Of the mesh's own size: units differ between scenes.
    limit = MOVES * float(np.ptp(rest, axis=0).max())
    moved = np.zeros(len(rest), bool)
    for block in mesh.shape_keys.key_blocks[1:]:
        moved |= np.abs(_coordinates(block.data) - rest).max(axis=1) > limit
    points = rest[moved] if moved.any() else rest
    world = np.array(face.matrix_world)
    # Row vectors: the matrix is applied from the right.
    placed = points @ world[:3, :3].T + world[:3, 3]
    low, high = placed.min(0), placed.max(0)
    return Vector((low + high) / 2), float(high[2] - low[2])


def add_camera(scene: bpy.types.Scene, centre: Vector, height: float) -> None:
    """Add a portrait camera in front of a face, looking along +Y.

    Args:
        scene: Scene of the face.
        centre: Centre of the moving part.
        height: Its height in metres.
    """
    centre = centre + Vector((0.0, 0.0, FRAME_RISE * height))
    camera = bpy.data.cameras.new("Camera")
    camera.lens = LENS_MM
    camera.sensor_fit = "VERTICAL"
    # The picture's height at the face, by similar triangles.
    distance = height * FRAME_HEIGHT / (camera.sensor_height / LENS_MM)
    # Near and far planes scale with the scene: depth precision is relative.
    camera.clip_start, camera.clip_end = distance / 100, distance * 100
    holder = bpy.data.objects.new("Camera", camera)
    offset = Vector((math.sin(VIEW_ANGLE), -math.cos(VIEW_ANGLE), 0.0)) * distance
    holder.location = centre + offset
    holder.rotation_euler = (-offset).to_track_quat("-Z", "Y").to_euler()
    scene.collection.objects.link(holder)
    scene.camera = holder


def add_lights(scene: bpy.types.Scene, centre: Vector, height: float) -> None:
    """Add key, fill and rim light scaled to the face, and a soft background.

    Args:
        scene: Scene of the face.
        centre: Centre of the moving part.
        height: Its height in metres.
    """
    for name, (place, size, watts, colour) in {
        "Key": KEY_LIGHT,
        "Fill": FILL_LIGHT,
        "Rim": RIM_LIGHT,
    }.items():
        light = bpy.data.lights.new(name, "AREA")
        # Power grows with the square of the distance for the same brightness.
        light.energy = watts * height**2
        light.size = size * height
        light.color = colour
        holder = bpy.data.objects.new(name, light)
        offset = Vector(place) * height
        holder.location = centre + offset
        holder.rotation_euler = (-offset).to_track_quat("-Z", "Y").to_euler()
        scene.collection.objects.link(holder)
    scene.world = _background()


def use_film_settings(scene: bpy.types.Scene, *, is_own: bool, pixels: int = FILM_PIXELS) -> None:
    """Set the render settings: Cycles in the studio, Workbench in the user's scene.

    Args:
        scene: Scene to render.
        is_own: The scene is the user's.
        pixels: Width and height.
    """
    render = scene.render
    render.resolution_x = render.resolution_y = pixels
    render.resolution_percentage = 100
    # Data stays in memory between frames: only shape keys change.
    render.use_persistent_data = True
    render.image_settings.file_format = "PNG"
    render.image_settings.color_mode = "RGB"
    # Little compression: it would only take time.
    render.image_settings.compression = 15
    if is_own:
        # Workbench: it needs no lights or materials of the user's scene.
        render.engine = "BLENDER_WORKBENCH"
        shading = scene.display.shading
        shading.light, shading.color_type = "STUDIO", "TEXTURE"
        shading.show_cavity = True
        return
    render.engine = "CYCLES"
    render.film_transparent = False
    cycles = scene.cycles
    cycles.samples = FILM_SAMPLES
    cycles.use_adaptive_sampling = False
    # Three bounces: more are not seen in so small a picture.
    cycles.max_bounces = 3
    cycles.use_denoising = True
    cycles.denoiser = "OPENIMAGEDENOISE"
    cycles.denoising_prefilter = "FAST"
    cycles.denoising_quality = "FAST"
    cycles.seed = 0  # the same noise in each frame does not shimmer after the denoiser
    scene.view_settings.view_transform = "Standard"  # keeps the colours of a drawn face
    scene.view_settings.exposure = EXPOSURE


def drop_subsurface() -> None:
    """Turn off subsurface scattering: it costs time, and two samples cannot show it."""
    for material in bpy.data.materials:
        for node in material.node_tree.nodes if material.node_tree else ():
            if node.type == "BSDF_PRINCIPLED":
                node.inputs["Subsurface Weight"].default_value = 0.0


def prepare_windows(scene: bpy.types.Scene) -> None:
    """Let every 3D view look through the camera with materials shown."""
    for screen in bpy.data.screens:
        for area in screen.areas:
            if area.type == "VIEW_3D":
                space = area.spaces.active
                space.shading.type = "MATERIAL"
                space.overlay.show_overlays = False
                space.region_3d.view_perspective = "CAMERA"
                space.region_3d.view_camera_zoom = 30.0
    scene.frame_set(scene.frame_start)


def _coordinates(points: bpy.types.bpy_prop_collection) -> NDArray[np.float32]:
    flat = np.empty(3 * len(points), np.float32)
    points.foreach_get("co", flat)
    return flat.reshape(-1, 3)


def _background() -> bpy.types.World:
    """Return a world that is dark below and lighter above, dimmer as a light than in the camera."""
    world = bpy.data.worlds.new("Studio")
    world.use_nodes = True
    nodes, links = world.node_tree.nodes, world.node_tree.links
    window = nodes.new("ShaderNodeTexCoord")
    split = nodes.new("ShaderNodeSeparateXYZ")
    ramp = nodes.new("ShaderNodeValToRGB")
    ramp.color_ramp.elements[0].color = BACKGROUND_LOW
    ramp.color_ramp.elements[1].color = BACKGROUND_HIGH
    # Window coordinates: the background does not turn with the camera.
    links.new(window.outputs["Window"], split.inputs[0])
    links.new(split.outputs["Y"], ramp.inputs["Fac"])
    links.new(ramp.outputs["Color"], nodes["Background"].inputs["Color"])
    ray, strength = nodes.new("ShaderNodeLightPath"), nodes.new("ShaderNodeMapRange")
    strength.inputs["To Min"].default_value = AMBIENT_LIGHT
    # Camera rays see the ramp as it is; for light rays it is dimmer.
    links.new(ray.outputs["Is Camera Ray"], strength.inputs["Value"])
    links.new(strength.outputs["Result"], nodes["Background"].inputs["Strength"])
    return world
