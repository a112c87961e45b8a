"""Generate lines that are almost messages: hypothesis draws a message and a seed that spoils it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from model_runtime import choices

LINES_PER_EXAMPLE = 100
JUNK: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 2**63, 10**400, -0.0, 1e308, "", " ", "\0", "../../etc/passwd"),
    *("\ud800", "x" * 5000, [], {}, [[]], {"type": "generate"}, [None] * 50, "NUL", "日本語"),
)
IDS = ("r1", "r2", "", "../evil", "nobody", "r1\n")

numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**70), 2**70)
texts = st.text(max_size=30)
ids = st.sampled_from(IDS) | texts


def _fields(kind: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"type": st.just(kind), **fields})


keys = st.lists(
    st.fixed_dictionaries(
        {
            "start_s": numbers,
            "emotion": st.sampled_from(choices.EMOTIONS) | texts,
            "intensity": numbers,
        }
    ),
    max_size=3,
)
to_worker = st.one_of(
    _fields("generate", id=ids, audio=texts, output_folder=texts, fps=numbers, emotion_keys=keys),
    _fields(
        "generate",
        id=ids,
        output_folder=texts,
        performance=st.fixed_dictionaries({"audio": texts, "fps": numbers, "emotion_keys": keys}),
    ),
    _fields("cancel", id=ids),
)
from_worker = st.one_of(
    _fields("hello", protocol=st.integers(0, 4), runtime=texts, engine=texts, device=texts),
    _fields("progress", id=ids, fraction=numbers, seconds_left=st.none() | numbers, stage=texts),
    _fields("error", id=ids, code=texts, message=texts, hint=texts),
    _fields("cancelled", id=ids),
    _fields(
        "result",
        id=ids,
        path=texts,
        frames=st.integers(),
        channels=st.integers(),
        fps=numbers,
        seconds=numbers,
    ),
)
seeds = st.integers(0, 2**32)


def spoiled(message: dict[str, Any], seed: int) -> Iterator[str]:
    """Return ``LINES_PER_EXAMPLE`` lines: the message itself, then mild and wild variations."""
    chance = random.Random(seed)
    yield json.dumps(message)
    for _ in range(LINES_PER_EXAMPLE - 1):
        line = json.dumps(_other_values(message, chance))
        yield _other_letters(line, chance) if chance.random() < 0.5 else line


def _other_values(message: dict[str, Any], chance: random.Random) -> Any:
    changed = dict(message)
    for _ in range(chance.randrange(3)):
        name = chance.choice(list(changed) or ["type"])
        action = chance.randrange(4)
        if action == 0:
            changed.pop(name, None)
        elif action == 1:
            changed[name] = chance.choice(JUNK)
        elif action == 2:
            changed[f"{name}x"] = changed.pop(name, None)
        else:
            changed[name] = [changed.get(name)]
    return chance.choice((changed, changed, changed, [changed], str(changed)))


def _other_letters(line: str, chance: random.Random) -> str:
    at = chance.randrange(len(line) + 1)
    action = chance.randrange(6)
    if action == 0:
        return line[:at]
    if action == 1:
        return line[at:]
    if action == 2:
        return line[:at] + chr(chance.choice((0, 7, 34, 92, 123, 255, 0x2028, 0x1F600))) + line[at:]
    if action == 3:
        return line[:at] + line[at // 2 : at] * chance.randrange(4) + line[at:]
    if action == 4:
        return "[" * chance.randrange(1, 3000) + line
    return line.replace('"', chance.choice(("'", "", '""')), chance.randrange(1, 4))
