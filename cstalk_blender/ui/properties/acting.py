"""Store how a performance is acted and what is spoken, one set per scene, saved in the .blend."""

from __future__ import annotations

import bpy

from ...package import choices, protocol
from ...rig.drive import eyes

STRENGTH = {"min": 0.0, "max": choices.MAX_ACTING, "soft_max": 1.0, "step": 5, "precision": 2}
IDLE_TIME = {"min": 0.0, "soft_max": 10.0, "max": 600.0, "precision": 1, "step": 50}
"""Seconds; ten minutes is the limit of the runtime."""
SIDE_ITEMS = [
    ("auto", "By Seed", "The seed chooses the stronger half of the face"),
    ("left", "Left", "The character's own left half is the stronger"),
    ("right", "Right", "The character's own right half is the stronger"),
]
LONGEST_SCRIPT = 200_000
"""Characters of a script that travel with a request: three hours of speech with times."""
LANGUAGE_ITEMS = [
    ("en", "English", "Dictionary of 126,000 words, other words by their spelling"),
    ("de", "German", "Words by rules of spelling"),
    ("es", "Spanish", "Words by rules of spelling"),
    ("it", "Italian", "Words by rules of spelling"),
    ("fr", "French", "Words by rules of spelling"),
    ("pt", "Portuguese", "Words by rules of spelling, of Brazil and of Portugal"),
    ("nl", "Dutch", "Words by rules of spelling"),
    ("ru", "Russian", "Words by rules of spelling, in Cyrillic"),
    ("ja", "Japanese", "Kana alone; words with kanji are left out"),
    ("zh", "Mandarin", "Pinyin alone, with or without tones"),
    ("other", "Other", "A language that espeak-ng reads, where it is installed"),
]
PHONE_EXAMPLES = {
    **{"aa": "father", "ae": "cat", "ah": "but, about", "ao": "law", "aw": "now", "ay": "my"},
    **{"b": "bee", "ch": "cheese", "d": "day", "dh": "this", "eh": "red", "er": "bird"},
    **{"ey": "day", "f": "fee", "g": "go", "hh": "he", "ih": "sit", "iy": "see", "jh": "joy"},
    **{"k": "key", "l": "lay", "m": "me", "n": "no", "ng": "sing", "ow": "go", "oy": "boy"},
    **{"p": "pay", "r": "ray", "s": "see", "sh": "she", "t": "tea", "th": "think"},
    **{"uh": "book", "uw": "too", "v": "vote", "w": "we", "y": "yes", "z": "zoo"},
    "zh": "measure",
}
PHONE_NAMES = tuple(PHONE_EXAMPLES)
PHONE_ITEMS = [(name, name, f"As in {word}") for name, word in PHONE_EXAMPLES.items()]


class CSTALK_PG_acting(bpy.types.PropertyGroup):
    """Strengths of what a face does beyond its speech, and the script of the line."""

    dynamics: bpy.props.FloatProperty(
        name="Dynamics",
        description="Rise and fall of the emotion over the line, 0 to 2: 0 holds it as a pose, "
        "1 is natural",
        default=choices.NATURAL["dynamics"],
        subtype="FACTOR",
        **STRENGTH,
    )
    eyes: bpy.props.FloatProperty(
        name="Eyes",
        description="Amount of gaze, 0 to 2: looks away and back, saccades, lids that follow",
        default=choices.NATURAL["eyes"],
        subtype="FACTOR",
        **STRENGTH,
    )
    head: bpy.props.FloatProperty(
        name="Head",
        description="Amount of head motion, 0 to 2; it needs Head Bone Motion on the Rig page",
        default=choices.NATURAL["head"],
        subtype="FACTOR",
        **STRENGTH,
    )
    asymmetry: bpy.props.FloatProperty(
        name="Asymmetry",
        description="Difference between the halves of the face, 0 to 2: 1 is about 8 percent",
        default=choices.NATURAL["asymmetry"],
        subtype="FACTOR",
        **STRENGTH,
    )
    favoured_side: bpy.props.EnumProperty(
        name="Favoured Side", description="Half of the face that is stronger", items=SIDE_ITEMS
    )
    look_at: bpy.props.PointerProperty(
        name="Look At",
        description="Object or camera that the face looks at over the length of the line. "
        "Empty looks straight ahead",
        type=bpy.types.Object,
    )
    idle_before: bpy.props.FloatProperty(
        name="Idle Before",
        description="Seconds before the line in which the face waits: blinks, gaze, breath "
        "(default: 0)",
        default=0.0,
        **IDLE_TIME,
    )
    idle_after: bpy.props.FloatProperty(
        name="Idle After",
        description="Seconds after the line in which the face waits: blinks, gaze, breath "
        "(default: 0)",
        default=0.0,
        **IDLE_TIME,
    )
    language: bpy.props.EnumProperty(
        name="Language",
        description="Language of the script (default: English)",
        items=LANGUAGE_ITEMS,
    )
    language_code: bpy.props.StringProperty(
        name="Language Code",
        description="Voice of espeak-ng, such as pl for Polish. Without espeak-ng the audio "
        "alone is used",
        maxlen=20,
    )
    use_script: bpy.props.BoolProperty(
        name="Use Script",
        description="Let the mouth follow the words of the script where they are spoken",
        default=True,
    )
    script: bpy.props.StringProperty(
        name="Script",
        description="Words that are spoken in the audio file; stage directions in "
        "brackets are left out",
    )
    script_text: bpy.props.PointerProperty(
        name="Text",
        description="Text data block with the words, in place of the line above",
        type=bpy.types.Text,
    )

    found: bpy.props.StringProperty(
        name="Found", description="Share of the script that the last performance found"
    )

    @property
    def language_used(self) -> str:
        """Language that a request carries, ISO 639-1."""
        if self.language != "other":
            return str(self.language)
        return str(self.language_code).strip().lower() or "other"

    @property
    def spoken(self) -> str:
        """The script that a request carries; empty where none is used."""
        if not self.use_script:
            return ""
        text = self.script if self.script_text is None else self.script_text.as_string()
        return str(text)[:LONGEST_SCRIPT]


def acting_of(scene: bpy.types.Scene, face: bpy.types.Object | None) -> protocol.Acting:
    """Return the strengths for a request.

    Args:
        scene: The scene with the settings.
        face: Head motion is off where no head bone of this face may turn: its eyes would
            otherwise counter a motion that nobody sees.
    """
    settings = scene.cstalk_acting
    return protocol.Acting(
        dynamics=settings.dynamics,
        eyes=settings.eyes,
        head=settings.head if eyes.turns_head(face) else 0.0,
        asymmetry=settings.asymmetry,
        favoured_side=settings.favoured_side,
    )


def attach() -> None:
    """Add the settings to scenes."""
    bpy.types.Object.cstalk_head_target = bpy.props.PointerProperty(  # type: ignore[func-returns-value]
        name="Head Object",
        description="Object, such as an empty, that head motion rotates in place of bones. "
        "Empty uses the bones",
        type=bpy.types.Object,
    )
    bpy.types.Scene.cstalk_acting = bpy.props.PointerProperty(type=CSTALK_PG_acting)  # type: ignore[func-returns-value]


def detach() -> None:
    """Undo `attach`."""
    del bpy.types.Scene.cstalk_acting
    del bpy.types.Object.cstalk_head_target


CLASSES = (CSTALK_PG_acting,)
