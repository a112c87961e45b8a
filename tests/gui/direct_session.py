"""Direct a performance in a real window: script, sliders, a preset, an edited key, a word.

    blender --window-geometry 0 0 1600 900 --python direct_session.py -- ZIP SPEECH LONG LINES OUT

`build.py gui` starts it. Not collected by pytest.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))

import person
import play
from person import Steps
from play import OUT, SPEECH, hold, missing, until

SCRIPT = (
    "Hello! Oh, I love this voice. Please watch my mouth move both ways, "
    "and see how four wishes bring pure joy."
)
"""The words of the speech (``demo/speech/line.txt``)."""
WORD, OTHER = "four", "more"
"""A word of the script, and the one that replaces it: f becomes m, so the lips must close."""
PULL = 45
"""Pixels by which the slider is pulled: about a third of its width."""
EDITED, EDIT = "browInnerUp", 0.3
"""Channel whose middle key is raised, and by how much."""
CLOSED = "mouthClose"


def face() -> Any:
    """Return the head."""
    return bpy.context.view_layer.objects.active


def job() -> Any:
    """Return the Generate job of the installed add-on."""
    return play.module("jobs.generate").current_job()


def curve_of(channel: str) -> Any:
    """Return the F-curve that moves a shape key of the head."""
    data = face().data.shape_keys.animation_data
    bag = data.action.layers[0].strips[0].channelbag(data.action_slot)
    return bag.fcurves.find(f'key_blocks["{channel}"].value')


def values(channel: str) -> list[float]:
    """Return a channel at each frame of the performance."""
    found = curve_of(channel)
    first, last = (round(frame) for frame in found.range())
    return [found.evaluate(frame) for frame in range(first, last + 1)]


def span(channel: str) -> float:
    """Return the difference between the largest and the smallest value of a channel."""
    found = values(channel)
    return max(found) - min(found)


def session() -> Steps:
    """Run the session; each ``yield`` lets Blender run for so many seconds."""
    yield from play.begins()
    yield from play.loads(SPEECH)
    yield from pastes_the_script()
    yield from generates("the performance arrives")
    yield from shows_the_acting()
    yield from lists_the_words()
    yield from opens_direct()
    yield from pulls_the_brows()
    yield from uses_a_preset()
    yield from keeps_an_edit()
    yield from corrects_a_word()
    yield from undoes_and_redoes()
    yield from lists_the_takes()


def pastes_the_script() -> Steps:
    """Open the page Script, and paste the words."""
    yield from play.opens_page("CSTALK_PT_script")
    yield from person.click_button("cstalk_acting.script", missing, upwards=True)
    yield from person.press("ctrl+a")
    bpy.context.window_manager.clipboard = SCRIPT
    yield from person.press("ctrl+v")
    yield from person.press("Return")
    hold("the script is taken", bpy.context.scene.cstalk_acting.script == SCRIPT)
    hold("the script is used", bpy.context.scene.cstalk_acting.use_script)
    yield from person.look(OUT, "d1_script")
    yield from play.closes_page()


def generates(law: str) -> Steps:
    """Generate with an emotion, to the end."""
    bpy.context.scene.cstalk.emotion = "happy"
    yield from person.click_button("bpy.ops.cstalk.generate", missing)
    yield from arrives(law)


def arrives(law: str) -> Steps:
    """Wait for the end of Generate."""
    yield from until(lambda: not job().is_busy, law)
    hold(f"without an error {job().error or ''}".rstrip(), job().error is None)
    yield from person.rest(0.5)


def shows_the_acting() -> Steps:
    """Open the page Acting."""
    yield from play.opens_page("CSTALK_PT_acting")
    yield from person.look(OUT, "d2_acting")
    yield from play.closes_page()


def lists_the_words() -> Steps:
    """Open the page Script again: the words are listed and the script was found."""
    kept = face().cstalk_words
    texts = [word.text.lower().strip(".,!") for word in kept.words]
    hold(f"all words are listed ({len(texts)})", len(texts) == len(SCRIPT.split()))
    hold(f"{WORD!r} is one of them", WORD in texts)
    yield from play.opens_page("CSTALK_PT_script")
    kept.index = texts.index(WORD) if WORD in texts else 0
    frame = kept.zero_frame + kept.words[kept.index].start_s * kept.frame_rate
    hold("selecting a word jumps to it", abs(bpy.context.scene.frame_current - frame) <= 0.5)
    yield from play.scrolls_to_page()
    yield from person.look(OUT, "d3_words")
    yield from play.closes_page()


def opens_direct() -> Steps:
    """Open the page Direct."""
    yield from play.opens_page("CSTALK_PT_direct")
    yield from play.scrolls_to_page()
    yield from person.look(OUT, "d4_direct")


def pulls_the_brows() -> Steps:
    """Pull Strength of the brows down and up; the keys follow."""
    yield from play.scrolls_to_page()
    settings = face().cstalk_direction
    before, mouth = span(EDITED), values("jawOpen")
    yield from play.drags_slider("cstalk_direction.brows.strength", -PULL)
    low = settings.brows.strength
    hold(f"Strength is pulled down ({low:.2f})", 0.0 <= low < 1.0)
    yield from person.rest(0.5)
    hold(
        f"the brows move by that share ({span(EDITED):.3f} of {before:.3f})",
        abs(span(EDITED) - low * before) < 0.02,
    )
    hold("the jaw does not change", values("jawOpen") == mouth)
    yield from person.look(OUT, "d5_pulled")
    yield from play.drags_slider("cstalk_direction.brows.strength", 2 * PULL)
    high = settings.brows.strength
    hold(f"Strength is pulled up ({high:.2f})", high > low)
    yield from person.rest(0.5)
    hold(f"the brows move more ({span(EDITED):.3f})", span(EDITED) > low * before)


def uses_a_preset() -> Steps:
    """Choose the first preset of the menu."""
    yield from person.click_button("CSTALK_MT_direct_presets", missing)
    yield from person.look(OUT, "d6_presets")
    yield from person.press("Down", "Return")
    yield from person.over_viewport()
    yield from person.rest(0.5)
    strength = face().cstalk_direction.overall.strength
    hold(f"a preset sets the page (Strength {strength:.2f})", strength != 1.0)
    yield from person.look(OUT, "d7_preset")
    yield from person.click_button("bpy.ops.cstalk.direct_reset", missing)
    yield from person.rest(0.5)
    hold("Reset restores it", face().cstalk_direction.overall.strength == 1.0)
    hold("and the region", face().cstalk_direction.brows.strength == 1.0)
    yield from play.closes_page()


def keeps_an_edit() -> Steps:
    """Raise a key by hand and generate again: the edit stays."""
    found = curve_of(EDITED)
    key = found.keyframe_points[len(found.keyframe_points) // 2]
    frame, raised = key.co.x, key.co.y + EDIT
    key.co.y = raised
    found.update()
    with person.in_view():
        bpy.ops.ed.undo_push(message="Edit Key")
    yield from generates("it is generated again")
    now = curve_of(EDITED).evaluate(frame)
    hold(f"the edit stays ({now:.3f} for {raised:.3f})", abs(now - raised) < 0.02)
    yield from person.look(OUT, "d8_edited")


def corrects_a_word() -> Steps:
    """Replace a word in the dialog; lips close where it begins."""
    yield from play.opens_page("CSTALK_PT_script")
    yield from play.scrolls_to_page()
    kept = face().cstalk_words
    texts = [word.text.lower().strip(".,!") for word in kept.words]
    kept.index = texts.index(WORD) if WORD in texts else 0
    yield from person.rest(0.5)
    _before[:] = values(CLOSED)
    yield from person.click_button("bpy.ops.cstalk.word_edit(is_new=False)", missing, upwards=True)
    yield from person.look(OUT, "d9_edit_word")
    with person.in_view():
        bpy.ops.cstalk.word_edit("EXEC_DEFAULT", **_correction(kept))
    yield from person.press("Escape")
    yield from arrives("the correction is generated")
    texts = [word.text for word in face().cstalk_words.words]
    hold(f"the list has the new word {texts[-5:]}", OTHER in texts)
    _after[:] = values(CLOSED)
    hold("the mouth changes", _before != _after)
    yield from person.look(OUT, "d10_corrected")


_before: list[float] = []
_after: list[float] = []


def _correction(kept: Any) -> dict[str, object]:
    word = kept.words[kept.index]
    return {
        "is_new": False,
        "text": OTHER,
        "first": kept.zero_frame + word.start_s * kept.frame_rate,
        "last": kept.zero_frame + word.end_s * kept.frame_rate,
        "phones": word.phones,
    }


def undoes_and_redoes() -> Steps:
    """Undo the correction in one step, and redo it."""
    yield from person.over_viewport()
    yield from person.press("ctrl+z")
    yield from person.rest(1.0)
    hold("one undo takes the correction back", values(CLOSED) == _before)
    hold("also from the list", OTHER not in [word.text for word in face().cstalk_words.words])
    yield from person.press("ctrl+shift+z")
    yield from person.rest(1.0)
    hold("redo brings it again", values(CLOSED) == _after)
    yield from play.closes_page()


def lists_the_takes() -> Steps:
    """Open the page Takes."""
    yield from play.opens_page("CSTALK_PT_takes")
    yield from person.look(OUT, "d11_takes")


play.run(session)
