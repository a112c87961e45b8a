"""Match name patterns in time proportional to the length of the name. Standard library only.

Python's `re` backtracks, so that a pattern of several fields can take minutes for one long name.
Here each pair of instruction and position is tried at most once; the first match in the order of
preference counts, as with `re`.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Sequence


class Op(enum.Enum):
    """Kind of an instruction."""

    TAKE = enum.auto()
    """Take one character that ``accepts`` allows, and go on."""
    SPLIT = enum.auto()
    """Go to ``first``, and if that fails to ``second``."""
    SAVE = enum.auto()
    """Remember the position in slot ``first``."""
    END = enum.auto()
    """Match if the text is at its end."""


@dataclasses.dataclass
class Instruction:
    """One step of a program."""

    op: Op
    accepts: Callable[[str], bool] = str.isprintable
    first: int = 0
    second: int = 0


class Program:
    """A compiled pattern. Add parts in their order, then `end`."""

    def __init__(self) -> None:
        self._code: list[Instruction] = []
        self._names: list[str] = []

    def text(self, text: str) -> None:
        """Add literal text; case does not matter."""
        for letter in text:
            self._code.append(Instruction(Op.TAKE, _is(letter)))

    def some(self, accepts: Callable[[str], bool], *, least: int, is_greedy: bool) -> None:
        """Add a run of characters.

        Args:
            accepts: Whether a character may be in it.
            least: Fewest characters, 0 or 1.
            is_greedy: Prefer the longest run, else the shortest.
        """
        for _ in range(least):
            self._code.append(Instruction(Op.TAKE, accepts))
        # A loop: take and come back, or go on.
        start = len(self._code)
        more, on = start + 1, start + 3
        self._split(more, on, is_greedy)
        self._code.append(Instruction(Op.TAKE, accepts))
        # Both ways equal: a jump.
        self._code.append(Instruction(Op.SPLIT, first=start, second=start))

    def one_of(self, words: Sequence[str]) -> None:
        """Add a choice of words, in the order of preference."""
        ends = []
        for i, word in enumerate(words):
            is_last = i == len(words) - 1
            split = None if is_last else len(self._code)
            if not is_last:
                self._split(len(self._code) + 1, 0, True)
            self.text(word)
            ends.append(len(self._code))
            # Jumps to the end are filled in when it is known.
            self._split(0, 0, True)
            if split is not None:
                self._code[split].second = len(self._code)
        for end in ends:
            self._code[end].first = self._code[end].second = len(self._code)

    def begin_optional(self) -> int:
        """Begin a part that may be absent; give the result to `end_optional`."""
        self._split(len(self._code) + 1, 0, True)
        return len(self._code) - 1

    def end_optional(self, begun: int) -> None:
        """End a part that may be absent."""
        self._code[begun].second = len(self._code)

    def begin_field(self, name: str) -> None:
        """Begin a field, whose text is part of the result."""
        self._names.append(name)
        self._code.append(Instruction(Op.SAVE, first=2 * len(self._names) - 2))

    def end_field(self, name: str) -> None:
        """End a field."""
        self._code.append(Instruction(Op.SAVE, first=2 * self._names.index(name) + 1))

    def end(self) -> None:
        """Complete the program."""
        self._code.append(Instruction(Op.END))

    def fullmatch(self, text: str) -> dict[str, str] | None:
        """Return the fields of a text, None if the pattern does not fit all of it."""
        tried: set[tuple[int, int]] = set()
        slots: dict[int, int] = {}
        # A stack of what is left to try: a place in the program, or a slot to restore.
        stack: list[tuple[int, int, dict[int, int]]] = [(0, 0, slots)]
        while stack:
            place, position, slots = stack.pop()
            # Each pair is tried once: the time is bounded by their number.
            while (place, position) not in tried:
                tried.add((place, position))
                step = self._code[place]
                if step.op is Op.TAKE:
                    if position == len(text) or not step.accepts(text[position]):
                        break
                    place, position = place + 1, position + 1
                elif step.op is Op.SPLIT:
                    # The less preferred way is tried later.
                    if step.second != step.first:
                        stack.append((step.second, position, slots))
                    place = step.first
                elif step.op is Op.SAVE:
                    # A copy: ways that are tried later keep their own slots.
                    slots = {**slots, step.first: position}
                    place += 1
                elif position == len(text):
                    return self._fields(text, slots)
                else:
                    break
        return None

    def _fields(self, text: str, slots: dict[int, int]) -> dict[str, str]:
        return {
            name: text[slots[2 * i] : slots[2 * i + 1]]
            for i, name in enumerate(self._names)
            if 2 * i + 1 in slots
        }

    def _split(self, first: int, second: int, is_first: bool) -> None:
        pair = (first, second) if is_first else (second, first)
        self._code.append(Instruction(Op.SPLIT, first=pair[0], second=pair[1]))


def _is(letter: str) -> Callable[[str], bool]:
    folded = letter.casefold()
    return lambda other: other.casefold() == folded
