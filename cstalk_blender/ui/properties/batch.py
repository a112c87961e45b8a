"""The list of lines of a scene, its cast, and where the lines go; saved in the blend file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import bpy

from ...dialogue import casting, patterns
from ...jobs.batch.request import Destination, LineStatus
from ...package import protocol
from .generate import EMOTION_ITEMS

AS_PANEL, AUTO = "PANEL", protocol.AUTO_EMOTION
LINE_EMOTION_ITEMS = [
    (AS_PANEL, "As Main Panel", "The emotion and intensity of the main panel", 100),
    *EMOTION_ITEMS,
]
UNKNOWN_EMOTION = "Unknown emotion"
"""Begins the problem of a line whose source names one that is none; choosing one solves it."""
DESTINATION_ITEMS = [
    (
        Destination.NLA,
        "NLA Strips",
        "An Action for each line, as strips on one NLA track of its character",
    ),
    (
        Destination.TIMELINE,
        "Timeline",
        "Keys straight on the timeline, all lines of a character in one Action",
    ),
    (
        Destination.ACTIONS,
        "Actions",
        "An Action for each line, kept in the file and played nowhere",
    ),
    (Destination.FILES, "Curve Files", "Only the files of curves in the output folder"),
    ("BLEND", "Blend Files", "A copy of this file for each line, with its performance"),
    ("GLTF", "glTF", "A .glb of the character for each line"),
    ("FBX", "FBX", "An .fbx of the character for each line"),
]
STATE_ITEMS = [
    (LineStatus.NEW, "New", "Not made yet"),
    (LineStatus.DONE, "Done", "Made"),
    (LineStatus.SKIPPED, "Unchanged", "Made before, and nothing has changed since"),
    (LineStatus.FAILED, "Failed", "Could not be made; the message says why"),
]
SOURCE_ITEMS = [
    ("FOLDER", "Folder", "All sounds in a folder and its subfolders"),
    ("LIST", "List", "A CSV or TSV: file, character, emotion, intensity, start, scene, out"),
    ("SEQUENCER", "Sequencer", "The sound strips of this scene, with their trims and gaps"),
]
OUTPUT_FOLDER = "cstalk"


def _is_character(_owner: object, candidate: bpy.types.Object) -> bool:
    return candidate.type in ("MESH", "ARMATURE", "EMPTY")


def _touched(item: CSTALK_PG_line, _context: bpy.types.Context) -> None:
    if item.state != LineStatus.FAILED or item.problem == "":
        item.state = LineStatus.NEW


def _felt(item: CSTALK_PG_line, context: bpy.types.Context) -> None:
    if item.problem.startswith(UNKNOWN_EMOTION):
        item.problem = item.hint = item.message = ""
    _touched(item, context)


class CSTALK_PG_line(bpy.types.PropertyGroup):
    """One line; ``name`` is its output without ending and names it in the journal."""

    use: bpy.props.BoolProperty(
        name="Make This Line", description="Make this line when baking", default=True
    )
    title: bpy.props.StringProperty(name="Line", description="The sound, as people call it")
    audio: bpy.props.StringProperty(name="Sound", subtype="FILE_PATH")
    role: bpy.props.StringProperty(
        name="Role", description="Character as the list, the sidecar or the file's name writes it"
    )
    scene_name: bpy.props.StringProperty(name="Scene", description="Scene that the list names")
    character: bpy.props.PointerProperty(
        name="Character",
        description="Who speaks this line: a face, or the armature or empty above it",
        type=bpy.types.Object,
        poll=_is_character,
        update=_touched,
    )
    emotion: bpy.props.EnumProperty(
        name="Emotion",
        description="How this line is felt",
        items=LINE_EMOTION_ITEMS,
        default=AS_PANEL,
        update=_felt,
    )
    intensity: bpy.props.FloatProperty(
        name="Intensity",
        description="Strength of this line's emotion: 0 is neutral, 1 is full",
        default=1.0,
        min=0.0,
        soft_max=1.0,
        max=protocol.MAX_INTENSITY,
        step=5,
        precision=2,
        subtype="FACTOR",
        update=_touched,
    )
    emotion_at: bpy.props.StringProperty(
        name="Changes",
        description="Changes of emotion within the line, as SECONDS:NAME:STRENGTH with spaces "
        "between, for example 2.5:sad:1 6:neutral:0",
        update=_touched,
    )
    seed: bpy.props.IntProperty(name="Seed", default=-1, min=-1)
    has_start: bpy.props.BoolProperty(
        name="At a Time", description="Begin at a time of its own, not after the line before"
    )
    start_s: bpy.props.FloatProperty(
        name="Start", description="Second of the timeline, counted from Start Frame", unit="TIME"
    )
    zero_frame: bpy.props.FloatProperty(name="Frame", description="Of second 0 of the sound file")
    cut_start_s: bpy.props.FloatProperty(name="From", min=0.0, precision=3)
    cut_duration_s: bpy.props.FloatProperty(name="Length", default=-1.0, precision=3)
    length_s: bpy.props.FloatProperty(
        name="Length", description="Length in seconds; 0 where it is not known before baking"
    )
    problem: bpy.props.StringProperty(name="Problem")
    hint: bpy.props.StringProperty(name="Hint")
    state: bpy.props.EnumProperty(name="State", items=STATE_ITEMS)
    message: bpy.props.StringProperty(name="Message", description="Why the line failed")
    score: bpy.props.FloatProperty(
        name="Score", description="How good the line looks, 0 to 100", default=-1.0
    )
    detected_emotion: bpy.props.StringProperty(
        name="Heard", description="Emotion that was heard in the voice when the line was made"
    )
    detected_emotion_at: bpy.props.StringProperty(name="Acted")
    placement_token: bpy.props.StringProperty(name="Placed")

    @property
    def says_itself(self) -> bool:
        """The line has an emotion of its own."""
        return bool(self.emotion != AS_PANEL)


class CSTALK_PG_role(bpy.types.PropertyGroup):
    """One row of the cast: which lines a character speaks."""

    pattern: bpy.props.StringProperty(
        name="Lines",
        description="Names of the lines, as anna_* or *_villain; also the role in a list. "
        "Empty means any",
    )
    channel: bpy.props.IntProperty(
        name="Channel", description="Channel of the sequencer; 0 means any", min=0, max=128
    )
    character: bpy.props.PointerProperty(
        name="Character",
        description="Who speaks them: a face, or the armature or empty above it",
        type=bpy.types.Object,
        poll=_is_character,
    )


class CSTALK_PG_batch(bpy.types.PropertyGroup):
    """The batch of a scene."""

    source_kind: bpy.props.EnumProperty(
        name="Lines From", description="Where the lines come from", items=SOURCE_ITEMS
    )
    folder: bpy.props.StringProperty(
        name="Folder",
        description="Folder with the sounds of the lines, subfolders too; or a pattern such as "
        "//lines/**/anna_*.wav",
        subtype="DIR_PATH",
    )
    list_path: bpy.props.StringProperty(
        name="List", description="CSV or TSV with a row for each line", subtype="FILE_PATH"
    )
    include: bpy.props.StringProperty(
        name="Only", description="Patterns of names to take, with spaces between, as *.wav anna_*"
    )
    exclude: bpy.props.StringProperty(
        name="Without", description="Patterns of names to leave out, as *_old.wav"
    )
    pattern: bpy.props.StringProperty(
        name="Name Pattern",
        description="How names of sounds, as line__angry_0.7, are read: {name} {character} {scene} "
        "{emotion} {intensity} {start} {any}; what may be missing stands in brackets",
        default=patterns.DEFAULT_PATTERN,
    )
    emotion_default: bpy.props.EnumProperty(
        name="If Not Said",
        description="Emotion of lines of which neither list, sidecar nor name says one",
        items=LINE_EMOTION_ITEMS,
        default=AS_PANEL,
    )
    lines: bpy.props.CollectionProperty(type=CSTALK_PG_line)
    index: bpy.props.IntProperty(name="Line", description="The line shown below the list")
    listed_from: bpy.props.StringProperty(name="Listed From")
    roles: bpy.props.CollectionProperty(type=CSTALK_PG_role)
    role_index: bpy.props.IntProperty(name="Cast", description="The chosen row of the cast")
    destination: bpy.props.EnumProperty(
        name="Into", description="What becomes of the lines", items=DESTINATION_ITEMS
    )
    gap_s: bpy.props.FloatProperty(
        name="Gap (s)",
        description="Seconds between a line and the next, where they follow each other",
        default=0.5,
        min=0.0,
        soft_max=5.0,
        precision=2,
    )
    is_asset: bpy.props.BoolProperty(
        name="Mark as Assets", description="Show the lines' Actions in the Asset Browser"
    )
    with_sounds: bpy.props.BoolProperty(
        name="Sounds on Sequencer",
        description="Put each line's sound on the sequencer, where the line plays",
        default=True,
    )
    write_livelink: bpy.props.BoolProperty(
        name="Live Link CSV", description="Also write each line as Live Link Face does"
    )
    write_a2f: bpy.props.BoolProperty(
        name="Audio2Face JSON", description="Also write each line as Audio2Face exports it"
    )
    output_folder: bpy.props.StringProperty(
        name="Output",
        description="Folder for curves, reports and files; what is finished there is not made "
        "again. Empty means a folder 'cstalk' beside this file, or else beside the lines",
        subtype="DIR_PATH",
    )

    @property
    def source(self) -> str:
        """Folder, pattern or list as an absolute path; the sequencer's name for strips."""
        if self.source_kind == "SEQUENCER":
            return "sequencer"
        text = self.folder if self.source_kind == "FOLDER" else self.list_path
        return bpy.path.abspath(text) if text else ""

    @property
    def formats(self) -> tuple[str, ...]:
        """Endings of the curve files."""
        return (
            "npz",
            *(("csv",) if self.write_livelink else ()),
            *(("json",) if self.write_a2f else ()),
        )

    @property
    def cast_list(self) -> Sequence[casting.Role]:
        """The rows of the cast that name somebody."""
        return [
            casting.Role(role.character.name, role.pattern, role.channel)
            for role in self.roles
            if role.character is not None
        ]

    def output_path_or_none(self) -> Path | None:
        """The output folder; None where there is no place for one yet."""
        if self.output_folder:
            return Path(bpy.path.abspath(self.output_folder))
        if bpy.data.filepath:
            return Path(bpy.data.filepath).parent / OUTPUT_FOLDER
        if self.source_kind == "SEQUENCER" or not self.source:
            return None
        source = Path(self.source)
        beside = source if source.is_dir() else source.parent
        return None if "*" in str(beside) else beside / OUTPUT_FOLDER


def attach() -> None:
    """Add the batch settings to scenes."""
    bpy.types.Scene.cstalk_batch = bpy.props.PointerProperty(type=CSTALK_PG_batch)  # type: ignore[func-returns-value]


def detach() -> None:
    """Undo `attach`."""
    del bpy.types.Scene.cstalk_batch


CLASSES = (CSTALK_PG_line, CSTALK_PG_role, CSTALK_PG_batch)
