"""Define the operators that correct the words of a performance and read scripts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import bpy
from bpy_extras.io_utils import ImportHelper

from ...errors import SessionError
from ...package import protocol, runtime_errors, script_files
from ...scene import strip_lines, word_markers, words
from ...scene.sequencer import sequencer_scene
from .. import generate_requests
from ..properties.acting import LONGEST_SCRIPT, PHONE_ITEMS, PHONE_NAMES
from ..properties.generate import chosen_face_or_none
from .base import OperatorBase
from .generate import CSTALK_OT_generate

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import OperatorReturnItems

HOLD_S = 0.12
"""Length that Hold Closed offers: that of a slow m."""
UNKNOWN_PHONE = "Unknown phone"


class WordOperator(OperatorBase):
    """Mix-in for operators that generate a corrected performance again.

    No subclass of the operator: Blender loses the poll of a registered class that has subclasses.
    """

    bl_options: ClassVar[set[str]] = {"REGISTER"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """Require a performance with recognised phones."""
        if (reason := CSTALK_OT_generate.disabled_reason(context)) is not None:
            return reason
        face = chosen_face_or_none(context)
        if not face.cstalk_result.summary:
            return "Generate first"
        return None

    def correct(
        self, context: bpy.types.Context, correction: protocol.Correction
    ) -> set[OperatorReturnItems]:
        """Store a correction with the face and generate again.

        Args:
            context: With the chosen face.
            correction: In seconds of the audio file.
        """
        if correction.end_s - correction.start_s < 0.01:
            self.report({"ERROR"}, "The word has no length. Set an end after its start")
            return {"CANCELLED"}
        audio = generate_requests.audio_identity(context.scene.cstalk)
        words.add_correction(chosen_face_or_none(context), correction, audio)
        return CSTALK_OT_generate.execute(self, context)


class CSTALK_OT_word_edit(WordOperator, bpy.types.Operator):
    """Change a word, its start and its end, and generate its mouth again"""

    bl_idname = "cstalk.word_edit"
    bl_label = "Edit Word"

    is_new: bpy.props.BoolProperty(options={"HIDDEN"})
    text: bpy.props.StringProperty(
        name="Word", description="Word that is spoken here; empty means that no word is"
    )
    first: bpy.props.FloatProperty(name="Start", description="Scene frame at which the word begins")
    last: bpy.props.FloatProperty(name="End", description="Scene frame at which the word ends")
    phones: bpy.props.StringProperty(
        name="Phones",
        description="Phones of the word, separated by blanks; empty takes those of the dictionary",
    )

    def invoke(self, context: bpy.types.Context, _event: Any) -> set[OperatorReturnItems]:
        """Show the values of the selected word."""
        kept = chosen_face_or_none(context).cstalk_words
        word = None if self.is_new else words.active_word_or_none(kept)
        if word is None:
            self.is_new, self.text, self.phones = True, "", ""
            self.first = context.scene.frame_current
            self.last = self.first + 0.3 * kept.frame_rate
        else:
            self.text, self.phones = word.text, word.phones
            self.first = words.frame_at(kept, word.start_s)
            self.last = words.frame_at(kept, word.end_s)
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Store the word and generate again."""
        kept = chosen_face_or_none(context).cstalk_words
        word = None if self.is_new else words.active_word_or_none(kept)
        phones = tuple(self.phones.lower().split())
        unknown = [phone for phone in phones if phone not in PHONE_NAMES]
        if unknown:
            self.report({"ERROR"}, f"{UNKNOWN_PHONE} {unknown[0]!r}. Use {' '.join(PHONE_NAMES)}")
            return {"CANCELLED"}
        # Another word is spoken with other phones, unless these were typed too.
        if word is not None and self.text != word.text and self.phones == word.phones:
            phones = ()
        return self.correct(
            context,
            protocol.Correction(
                start_s=round(words.time_at(kept, self.first), 4),
                end_s=round(words.time_at(kept, self.last), 4),
                text=self.text.strip(),
                phones=phones if self.text.strip() else (),
                was_start_s=None if word is None else round(word.start_s, 4),
                was_end_s=None if word is None else round(word.end_s, 4),
            ),
        )


class CSTALK_OT_word_phone(WordOperator, bpy.types.Operator):
    """Replace a phone of the selected word, and generate its mouth again"""

    bl_idname = "cstalk.word_phone"
    bl_label = "Replace Phone"

    place: bpy.props.IntProperty(options={"HIDDEN"})
    phone: bpy.props.EnumProperty(
        name="Phone", description="Phone that is spoken here", items=PHONE_ITEMS
    )

    def invoke(self, context: bpy.types.Context, _event: Any) -> set[OperatorReturnItems]:
        """Show the phone in a menu."""
        word = words.active_word_or_none(chosen_face_or_none(context).cstalk_words)
        names = [] if word is None else word.phones.split()
        if self.place < len(names):
            self.phone = names[self.place]
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Store the word with its phones and generate again."""
        word = words.active_word_or_none(chosen_face_or_none(context).cstalk_words)
        names = [] if word is None else word.phones.split()
        if word is None or not 0 <= self.place < len(names):
            self.report({"ERROR"}, "No word is selected. Select one in the list")
            return {"CANCELLED"}
        names[self.place] = self.phone
        start, end = round(word.start_s, 4), round(word.end_s, 4)
        return self.correct(
            context, protocol.Correction(start, end, word.text, tuple(names), start, end)
        )


class CSTALK_OT_hold_closed(WordOperator, bpy.types.Operator):
    """Keep the lips closed for some frames from the current one on, and generate them again"""

    bl_idname = "cstalk.hold_closed"
    bl_label = "Hold Closed Here"

    first: bpy.props.FloatProperty(name="Start", description="Scene frame at which lips are closed")
    last: bpy.props.FloatProperty(name="End", description="Scene frame at which lips may open")

    def invoke(self, context: bpy.types.Context, _event: Any) -> set[OperatorReturnItems]:
        """Offer a short closure at the current frame."""
        kept = chosen_face_or_none(context).cstalk_words
        self.first = context.scene.frame_current
        self.last = self.first + max(1.0, HOLD_S * kept.frame_rate)
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Store the closure and generate again."""
        kept = chosen_face_or_none(context).cstalk_words
        start, end = words.time_at(kept, self.first), words.time_at(kept, self.last)
        return self.correct(
            context, protocol.Correction(round(start, 4), round(end, 4), is_closed=True)
        )


class CSTALK_OT_corrections_clear(WordOperator, bpy.types.Operator):
    """Remove all corrections of this face, and generate again without them"""

    bl_idname = "cstalk.corrections_clear"
    bl_label = "Remove Corrections"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """Require corrections."""
        if (reason := super().disabled_reason(context)) is not None:
            return reason
        has_any = chosen_face_or_none(context).cstalk_words.corrections
        return None if has_any else "There are no corrections"

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Remove them and generate again."""
        words.clear_corrections(chosen_face_or_none(context))
        return CSTALK_OT_generate.execute(self, context)


class CSTALK_OT_words_to_markers(OperatorBase, bpy.types.Operator):
    """Set a timeline marker at the start of each word; markers set before for this face go"""

    bl_idname = "cstalk.words_to_markers"
    bl_label = "Words to Markers"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """Require words."""
        face = chosen_face_or_none(context)
        has_words = face is not None and len(face.cstalk_words.words) > 0
        return None if has_words else "Generate with a script first"

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Set the markers."""
        count = word_markers.set_markers(context.scene, chosen_face_or_none(context))
        self.report({"INFO"}, f"{count} markers set. Move them, then click Markers to Words")
        return {"FINISHED"}


class CSTALK_OT_markers_to_words(WordOperator, bpy.types.Operator):
    """Move words to their timeline markers, remove these markers, and generate the mouth again"""

    bl_idname = "cstalk.markers_to_words"
    bl_label = "Markers to Words"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """Require markers of words."""
        if (reason := super().disabled_reason(context)) is not None:
            return reason
        has_any = word_markers.has_markers(chosen_face_or_none(context))
        return None if has_any else "Click Words to Markers first"

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Store the moved words and generate again."""
        face = chosen_face_or_none(context)
        moved = word_markers.moved_words(context.scene, face)
        word_markers.remove_markers(context.scene, face)
        audio = generate_requests.audio_identity(context.scene.cstalk)
        for one in moved:
            words.add_correction(face, one, audio)
        if not moved:
            self.report({"INFO"}, "No marker was moved")
            return {"FINISHED"}
        return CSTALK_OT_generate.execute(self, context)


class CSTALK_OT_script_from_subtitles(OperatorBase, bpy.types.Operator):
    """Copy the texts of all text strips that overlap the audio strip into the script"""

    bl_idname = "cstalk.script_from_subtitles"
    bl_label = "Copy from Subtitles"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str | None:
        """Require an audio file."""
        has_audio = context.scene.cstalk.audio_path is not None
        return None if has_audio else "Load an audio file first"

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Copy the texts."""
        try:
            text = subtitles_of(context.scene)
        except SessionError as error:
            return self.fail(error)
        if not text:
            self.report({"ERROR"}, "No text strip overlaps the audio. Add the subtitles first")
            return {"CANCELLED"}
        settings = context.scene.cstalk_acting
        settings.script_text, settings.script = None, " ".join(text.split())
        return {"FINISHED"}


class CSTALK_OT_import_timing(OperatorBase, bpy.types.Operator, ImportHelper):
    """Take the times of words and phones from a Praat TextGrid, in place of the script"""

    bl_idname = "cstalk.import_timing"
    bl_label = "Import Timing"
    bl_options = {"REGISTER", "UNDO"}

    filename_ext = ".TextGrid"
    filter_glob: bpy.props.StringProperty(default="*.TextGrid", options={"HIDDEN"})

    def execute(self, context: bpy.types.Context) -> set[OperatorReturnItems]:
        """Read the file into a text data block and choose it as the script."""
        path = Path(bpy.path.abspath(self.filepath))
        try:
            text = script_files.read_timing(path)
        except runtime_errors.RuntimeFault as fault:
            self.report({"ERROR"}, f"{fault}. {fault.hint}")
            return {"CANCELLED"}
        if len(text) > LONGEST_SCRIPT:
            self.report({"ERROR"}, f"{path.name} is too long. Export the tiers of this line alone")
            return {"CANCELLED"}
        block = bpy.data.texts.new(path.name)
        block.from_string(text)
        settings = context.scene.cstalk_acting
        settings.script_text, settings.use_script = block, True
        return {"FINISHED"}


def subtitles_of(scene: bpy.types.Scene) -> str:
    """Return the texts of the strips that overlap the audio file of a scene; empty without any."""
    first = scene.cstalk.start_frame
    frames = generate_requests.duration_s(scene) * generate_requests.frame_rate(scene)
    return strip_lines.script_under(sequencer_scene(scene), first, round(first + frames))


CLASSES = (
    CSTALK_OT_word_edit,
    CSTALK_OT_word_phone,
    CSTALK_OT_hold_closed,
    CSTALK_OT_corrections_clear,
    CSTALK_OT_words_to_markers,
    CSTALK_OT_markers_to_words,
    CSTALK_OT_script_from_subtitles,
    CSTALK_OT_import_timing,
)
