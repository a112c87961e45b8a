"""Laws of a conversation: who listens when, where they look, and lines faded into waiting."""

from __future__ import annotations

import numpy as np

from cstalk_blender.dialogue import conversation
from cstalk_blender.dialogue.conversation import Turn
from model_runtime.curves.track import CurveTrack

ANNA, BOB, CARL = 1, 2, 3
TURNS = (Turn(0.0, 2.0, ANNA), Turn(3.0, 5.0, BOB), Turn(4.0, 8.0, CARL))
AT = {ANNA: (30.0, 0.0), BOB: (-30.0, 5.0), CARL: (0.0, 0.0)}


def test_a_listener_looks_at_each_speaker_in_turn_a_moment_after_the_voice() -> None:
    scene = conversation.idle_scene(TURNS, ANNA, first_s=-1.0, direction=AT.__getitem__)
    assert [(p.start_s, p.end_s) for p in scene.listening] == [(4.0, 9.0)]  # two overlap
    found = [(round(k.time_s, 2), k.yaw_deg) for k in scene.look]
    assert found == [(4.18, -30.0), (4.28, -30.0), (5.18, -30.0), (5.28, 0.0)]


def test_nobody_listens_to_themselves_and_who_only_waits_looks_at_nobody() -> None:
    alone = conversation.idle_scene(TURNS[:1], ANNA, first_s=0.0, direction=AT.__getitem__)
    assert (alone.listening, alone.look) == ((), ())
    waiting = conversation.idle_scene(TURNS, ANNA, first_s=0.0, direction=None)
    assert (waiting.listening, waiting.look) == ((), ())


def test_a_speaker_talks_to_who_spoke_before_and_the_first_to_who_answers() -> None:
    assert conversation.partner_or_none(TURNS, TURNS[0]) == BOB
    assert conversation.partner_or_none(TURNS, TURNS[1]) == ANNA
    assert conversation.partner_or_none(TURNS[:1], TURNS[0]) is None


def test_a_line_replaces_waiting_and_fades_at_its_ends() -> None:
    waiting = CurveTrack(np.full((100, 2), 0.2, np.float32), ("eyeBlinkLeft", "headYaw"), 20.0)
    line = CurveTrack(np.full((20, 2), 0.8, np.float32), ("jawOpen", "eyeBlinkLeft"), 20.0)
    joined = conversation.over_idle(10.0, waiting, [(12.0, line)], 0.25)
    assert joined.channels == ("eyeBlinkLeft", "headYaw", "jawOpen")
    np.testing.assert_allclose(joined.column("jawOpen")[40:60], 0.8)
    np.testing.assert_allclose(joined.column("headYaw"), 0.2)  # the line has no head
    np.testing.assert_allclose(joined.column("eyeBlinkLeft")[:35], 0.2)
    assert np.abs(np.diff(joined.column("jawOpen"))).max() < 0.3
    assert joined.column("jawOpen")[-1] == 0
