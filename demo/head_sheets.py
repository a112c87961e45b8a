"""Render the demo head's reference sheets into docs/images: shapes, visemes, emotions, extremes.

    python -m demo.head_sheets [shapes] [visemes] [emotions] [extremes]

Run it with a Python that has bpy and pillow. Visemes and emotions are the poses that the training
data is made with (`model_runtime/training`), so the sheets show the training targets.
"""

from __future__ import annotations

import dataclasses
import json
import math
import sys
import tempfile
from pathlib import Path

import bpy
from mathutils import Vector
from PIL import Image, ImageDraw, ImageFont

from cstalk_blender.demo_head import build_demo_head

from . import studio

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs" / "images"
TRAINING = ROOT / "model_runtime" / "training"
TILE = 216  # pixels
GAP = 4
LABEL_HEIGHT = 24
BACKGROUND, TEXT = (24, 26, 31), (236, 238, 242)
SAMPLES = 6
JPEG_QUALITY = 80
PHONES = (
    *("sil", "m", "aa", "ah", "eh", "iy", "ao", "uw"),
    *("f", "th", "s", "sh", "l", "r", "w", "k"),
)
INTENSITIES = (0.35, 0.7, 1.0, 1.3)
# Views: what the camera looks at (m), how much it sees (m), angle to the side (degrees).
FACE_VIEW = ((0.0, -0.03, 0.215), 0.25, 14.0)
MOUTH_VIEW = ((0.0, -0.06, 0.157), 0.115, 22.0)
EXTREMES: dict[str, dict[str, float]] = {
    "jaw + smile": {"jawOpen": 1, "mouthSmile": 1},
    "jaw + funnel": {"jawOpen": 1, "mouthFunnel": 1},
    "jaw + close": {"jawOpen": 1, "mouthClose": 1},
    "jaw + close + smile": {"jawOpen": 0.6, "mouthClose": 0.6, "mouthSmile": 1},
    "pucker + funnel": {"mouthPucker": 1, "mouthFunnel": 1},
    "smile + pucker": {"mouthSmile": 1, "mouthPucker": 1},
    "frown + stretch": {"mouthFrown": 1, "mouthStretch": 1},
    "all teeth": {"mouthUpperUp": 1, "mouthLowerDown": 1, "mouthStretch": 1},
    "rolled lips": {"mouthRollUpper": 1, "mouthRollLower": 1, "mouthPress": 1},
    "puff + pucker": {"cheekPuff": 1, "mouthPucker": 1},
    "jaw left + open": {"jawLeft": 1, "jawOpen": 0.7, "mouthLeft": 1},
    "blink + brow down": {"eyeBlink": 1, "browDown": 1, "cheekSquint": 1},
    "wide + brows up": {"eyeWide": 1, "browInnerUp": 1, "browOuterUp": 1, "jawOpen": 0.6},
    "blink + look down": {"eyeBlink": 1, "eyeLookDown": 1},
    "tongue + jaw": {"tongueOut": 1, "jawOpen": 0.6},
    "one side": {"mouthSmileLeft": 1, "eyeBlinkLeft": 1, "browOuterUpRight": 1},
}
# Phones whose lips meet over a dropped jaw: the reference motion adds mouthClose to their pose.
CLOSED_PHONES = ("m",)
Pose = dict[str, float]


@dataclasses.dataclass(frozen=True)
class Tile:
    """One picture of a sheet."""

    label: str
    pose: Pose


class Photographer:
    """Renders a demo head in front of a camera."""

    def __init__(self, folder: Path) -> None:
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
        self.head = build_demo_head()
        self.keys = self.head.data.shape_keys.key_blocks
        self.path = folder / "tile.png"
        scene = bpy.context.scene
        centre, height = studio.moving_box(self.head)
        studio.add_lights(scene, centre, height)
        studio.use_film_settings(scene, is_own=False)
        # The tiles are small: six samples are enough.
        scene.cycles.samples = SAMPLES
        scene.render.resolution_x = scene.render.resolution_y = TILE
        studio.drop_subsurface()
        holder = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
        holder.data.lens = studio.LENS_MM
        scene.collection.objects.link(holder)
        scene.camera = holder

    def look(self, view: tuple[tuple[float, float, float], float, float]) -> None:
        """Place the camera for a view: target, height and angle."""
        target, height, degrees = view
        camera = bpy.context.scene.camera
        # With the sensor's width as scale, the view is `height` metres high.
        distance = height * camera.data.lens / camera.data.sensor_width
        angle = math.radians(degrees)
        offset = Vector((math.sin(angle), -math.cos(angle), 0.05)) * distance
        camera.location = Vector(target) + offset
        camera.rotation_euler = (-offset).to_track_quat("-Z", "Y").to_euler()

    def shoot(self, pose: Pose) -> Image.Image:
        """Return a picture of a pose; names without Left or Right mean both sides."""
        for key in self.keys:
            # All keys: poses must not add up.
            key.value = 0.0
        for name, amount in pose.items():
            found = [name] if name in self.keys else [f"{name}Left", f"{name}Right"]
            for key_name in found:
                # Intensities beyond 1 need a slider that allows them.
                self.keys[key_name].slider_max = max(1.0, amount)
                self.keys[key_name].value = amount
        bpy.context.scene.render.filepath = str(self.path)
        bpy.ops.render.render(write_still=True)
        with Image.open(self.path) as picture:
            return picture.convert("RGB")


def shape_tiles(photographer: Photographer) -> list[Tile]:
    """Return rest and each shape alone; `mouthClose` together with the open jaw it is made for."""
    tiles = [Tile("neutral", {})]
    for key in photographer.keys[1:]:
        pose = {key.name: 1.0}
        label = key.name
        # mouthClose alone pushes the lips through each other: it is the counterpart of an open jaw.
        if key.name == "mouthClose":
            pose["jawOpen"], label = 1.0, "mouthClose + jawOpen"
        tiles.append(Tile(label, pose))
    return tiles


def viseme_tiles() -> list[Tile]:
    """Return the mouth poses of a selection of phones."""
    text = (TRAINING / "reference" / "phone_targets.json").read_text(encoding="utf-8")
    targets = json.loads(text)["targets"]
    poses = {phone: dict(targets[phone]) for phone in PHONES}
    for phone in CLOSED_PHONES:
        poses[phone]["mouthClose"] = poses[phone]["jawOpen"]
    return [Tile(phone, pose) for phone, pose in poses.items()]


def emotion_tiles() -> list[Tile]:
    """Return each emotion (columns) at rising intensity (rows)."""
    text = (TRAINING / "reference" / "expression_arkit52.json").read_text(encoding="utf-8")
    emotions = json.loads(text)["emotions"]
    return [
        Tile(
            f"{name} {intensity:g}",
            # Gaze does not scale: eyes look somewhere or they do not.
            {key: value * intensity for key, value in entry["pose"].items() if "Look" not in key}
            | {key: value for key, value in entry["pose"].items() if "Look" in key},
        )
        for intensity in INTENSITIES
        for name, entry in emotions.items()
    ]


def draw_sheet(photographer: Photographer, name: str, tiles: list[Tile], columns: int) -> None:
    """Render tiles and write docs/images/demo_head_NAME.jpg.

    Args:
        photographer: Head and camera.
        name: Name of the sheet.
        tiles: Poses in reading order.
        columns: Tiles in a row.
    """
    rows = -(-len(tiles) // columns)
    pitch = (TILE + GAP, TILE + LABEL_HEIGHT + GAP)
    sheet = Image.new("RGB", (columns * pitch[0] + GAP, rows * pitch[1] + GAP), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(15)
    for number, tile in enumerate(tiles):
        row, column = divmod(number, columns)
        left, top = GAP + column * pitch[0], GAP + row * pitch[1]
        sheet.paste(photographer.shoot(tile.pose), (left, top))
        draw.text((left + TILE // 2, top + TILE + 3), tile.label, TEXT, font, anchor="ma")
    OUT.mkdir(parents=True, exist_ok=True)
    sheet.save(OUT / f"demo_head_{name}.jpg", quality=JPEG_QUALITY, optimize=True)


def main(arguments: list[str]) -> int:
    """Draw the named sheets, or all, and return the exit status."""
    # No argument: every sheet.
    wanted = arguments or ["shapes", "visemes", "emotions", "extremes"]
    with tempfile.TemporaryDirectory() as folder:
        photographer = Photographer(Path(folder))
        photographer.look(FACE_VIEW)
        if "shapes" in wanted:
            draw_sheet(photographer, "shapes", shape_tiles(photographer), 9)
        if "emotions" in wanted:
            draw_sheet(
                photographer, "emotions", emotion_tiles(), len(emotion_tiles()) // len(INTENSITIES)
            )
        if "extremes" in wanted:
            extremes = [Tile(label, pose) for label, pose in EXTREMES.items()]
            draw_sheet(photographer, "extremes", extremes, 8)
        if "visemes" in wanted:
            photographer.look(MOUTH_VIEW)
            draw_sheet(photographer, "visemes", viseme_tiles(), 8)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
