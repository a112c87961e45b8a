"""Recognise the words and phones of a clip, with or without a script. numpy only."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from ..arrays import FloatArray
from ..clip_memory import ClipMemory
from ..config import PHONES
from ..protocol import Performance
from .corrections import correct_track, held_phones, shifted
from .decode import decoded_track
from .formats.subtitles import cues_of
from .formats.textgrid import is_textgrid
from .given_timing import given_problem, given_track
from .pronounce import own_pronunciations, script_problem
from .script import ScriptMatch, match_script
from .track import Phone, PhoneTrack


@dataclasses.dataclass(frozen=True)
class Recognition:
    """Words and phones of a clip."""

    track: PhoneTrack
    """Words of a script that was found, else phones alone; with the user's corrections."""
    match: ScriptMatch | None
    """None without a script."""
    held: tuple[Phone, ...]
    """Known phones, which hold the mouth."""
    problem: str = ""
    """Why the script could not be read; empty where it could."""


def recognise(
    performance: Performance,
    posteriors: FloatArray | None,
    *,
    frame_rate: float,
    memory: ClipMemory | None = None,
) -> Recognition | None:
    """Recognise a clip.

    Args:
        performance: Script, pronunciations, corrections, and where the clip begins in its file.
        posteriors: Probability of each phone in each frame, shape (T, P); None, or phones that are
            not ``config.PHONES``, cannot be recognised.
        frame_rate: Frames a second.
        memory: Keeps what was recognised before corrections.

    Returns:
        None where the model recognises no phones.
    """
    if posteriors is None or posteriors.shape[1] != len(PHONES):
        return None
    own = own_pronunciations(performance.pronunciations)
    key = (performance.script, performance.language, performance.pronunciations, len(posteriors))
    memory = ClipMemory(longest_s=0.0) if memory is None else memory
    found = memory.kept(
        "words", key, lambda: _read(performance, posteriors, frame_rate, own), is_frozen=True
    )
    track, match, known, problem = found.track, found.match, found.held, found.problem
    is_used = (match is not None and match.is_used) or bool(known)
    corrections = shifted(performance.corrections, -performance.start_s)
    if not corrections:
        return found
    track = correct_track(
        track,
        corrections,
        posteriors,
        frame_rate=frame_rate,
        own=own,
        language=performance.language,
    )
    if not is_used:  # recognised phones are the network's own; corrected words alone hold
        known = tuple(phone for word in track.words for phone in word.phones)
    else:
        known = track.phones
    return Recognition(track, match, held_phones(known, corrections), problem)


def _problem(performance: Performance, own: Mapping[str, tuple[tuple[str, ...], ...]]) -> str:
    """Why the script cannot be read."""
    if is_textgrid(performance.script):
        return given_problem(performance.script)
    cues = cues_of(performance.script)
    text = " ".join(cue.text for cue in cues) if cues else performance.script
    return script_problem(text, own, language=performance.language)


def _read(
    performance: Performance,
    posteriors: FloatArray,
    frame_rate: float,
    own: Mapping[str, tuple[tuple[str, ...], ...]],
) -> Recognition:
    """Words and phones without corrections."""
    match, problem = None, _problem(performance, own)
    if is_textgrid(performance.script) and not problem:
        track = given_track(
            performance.script,
            posteriors,
            frame_rate=frame_rate,
            clip_start_s=performance.start_s,
            own=own,
            language=performance.language,
        )
        return Recognition(track, None, track.phones)
    if performance.script.strip() and not problem:
        match = match_script(
            performance.script,
            posteriors,
            phone_names=PHONES,
            frame_rate=frame_rate,
            own=own,
            clip_start_s=performance.start_s,
            language=performance.language,
        )
    if match is not None and match.is_used:
        return Recognition(match.track, match, match.track.phones, problem)
    return Recognition(decoded_track(posteriors, frame_rate), match, (), problem)
