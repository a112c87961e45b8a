"""Rig channels to shape-key names, by name and never by position. No bpy.

Exact names win. Else both sides are brought to one spelling: ``jawOpen``, ``JawOpen``,
``jaw_open``, ``blendShape2.jawOpen``, ``A25_Jaw_Open`` and ``facs_bs_JawOpen`` are the same, and so
are ``eyeBlinkLeft``, ``eyeBlink_L``, ``EyeBlink.L`` and ``eyeBlinkL``. A prefix that several shape
keys share (``Face_jawOpen``, ``Face_mouthFunnel``, ...) is dropped.
"""

from __future__ import annotations

import collections
import dataclasses
import functools
import re
from collections.abc import Callable, Iterable, Sequence

from ...package import rigs

SIDES = {"left": "left", "l": "left", "lft": "left", "right": "right", "r": "right", "rgt": "right"}
SHARED_PREFIX_KEYS = 3
"""Shape keys that must share a prefix before it is taken for one: two may be a left/right pair."""

_COPY = re.compile(r"\.\d{3}$")  # Blender's own: jawOpen.001
_NUMBERED = re.compile(r"^[AT]?\d+_(?=.)")  # Reallusion ActorCore: A25_Jaw_Open; 25_jawOpen
_DAZ = re.compile(r"^facs_(bs|ctrl|jnt)_")  # Daz Genesis 9
_SIDE_SUFFIX = re.compile(r"[._ -](l|r|left|right|lft|rgt)$", re.IGNORECASE)
_SIDE_FIRST = re.compile(r"^(l|r|lft|rgt)[._ -](?=.)", re.IGNORECASE)  # L_eyeBlink
_SEPARATOR = re.compile(r"[._:| -]")
_PREFIX = re.compile(r"^.*[.:|](?=.)")  # blendShape2.jawOpen, name:jawOpen
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@dataclasses.dataclass(frozen=True)
class Mapping:
    """Which shape key plays which channel."""

    pairs: dict[str, str]
    """Channel to shape-key name, in the rig's order."""
    missing: tuple[str, ...]
    """Channels without a shape key, in the rig's order."""
    ambiguous: dict[str, tuple[str, ...]]
    """Channels for which several shape keys stand, and these; the first of them is used."""
    coverage: dict[str, tuple[int, int]]
    """Region to (channels found, channels there are)."""

    @property
    def found(self) -> int:
        """Number of channels that have a shape key."""
        return len(self.pairs)

    @property
    def total(self) -> int:
        """Number of channels of the rig."""
        return len(self.pairs) + len(self.missing)


class KeyIndex:
    """The shape keys of one mesh, to be found by a name in any spelling."""

    def __init__(
        self,
        shape_names: Sequence[str],
        wanted: Iterable[str],
        *,
        endings: Sequence[str] = (),
    ) -> None:
        """Index ``shape_names``.

        Args:
            shape_names: Names of shape keys, the reference key among them or not.
            wanted: Names that will be looked for; a prefix that several keys put before them goes.
            endings: Endings that count for nothing, as Daz's ``_div2``.
        """
        self._names = frozenset(shape_names)
        self._endings = tuple(endings)
        self._by_spelling: dict[str, list[str]] = {}
        self._by_letters: dict[str, list[str]] = {}
        prefix = _shared_prefix({*map(self._spelling, wanted)}, shape_names, self._spelling)
        for name in shape_names:
            bare = name.removeprefix(prefix)
            self._by_spelling.setdefault(self._spelling(bare), []).append(name)
            self._by_letters.setdefault(_letters(bare), []).append(name)

    def find(self, name: str) -> tuple[str, ...]:
        """Shape keys that bear ``name``: itself alone where it is there, else every variant."""
        if name in self._names:
            return (name,)
        alike = self._by_spelling.get(self._spelling(name), [])
        if not alike:  # eyeblinkleft has no words
            alike = self._by_letters.get(_letters(name), [])
        return tuple(alike)

    def _spelling(self, name: str) -> str:
        for ending in self._endings:
            name = name.removesuffix(ending)
        return spelling(name)


def map_channels(rig: rigs.RigDefinition, shape_names: Sequence[str]) -> Mapping:
    """Find the shape key of every channel of ``rig``.

    Args:
        rig: The channels.
        shape_names: Names of shape keys, the reference key among them or not.

    Returns:
        A mapping in which no shape key is used twice. An exact name beats a variant; among variants
        the first in ``shape_names`` is used and all are reported.
    """
    index = KeyIndex(shape_names, rig.channel_names)
    pairs: dict[str, str] = {}
    missing: list[str] = []
    ambiguous: dict[str, tuple[str, ...]] = {}
    for channel in rig.channel_names:
        candidates = index.find(channel)
        if not candidates:
            missing.append(channel)
            continue
        pairs[channel] = candidates[0]
        if len(candidates) > 1:
            ambiguous[channel] = candidates
    return Mapping(pairs, tuple(missing), ambiguous, _coverage(rig, pairs))


@functools.lru_cache(maxsize=8192)
def spelling(name: str) -> str:
    """The one spelling of a name: side first, then its words, lower-case and joined.

    ``mouthLeft`` and ``mouth_L`` agree; ``mouthLeft`` and ``mouthRight`` do not. A name in another
    alphabet stays as it is.
    """
    name = _DAZ.sub("", _COPY.sub("", name))
    side = ""
    suffix = _SIDE_SUFFIX.search(name)
    if suffix is not None:
        side = SIDES[suffix.group(1).lower()]
        name = name[: suffix.start()]
    side, name = _side_first(side, name)
    side, name = _side_first(side, _NUMBERED.sub("", _PREFIX.sub("", name)))
    words = _WORD.findall(name)
    if not side and words and words[-1] in ("L", "R"):
        side = SIDES[words.pop().lower()]
    words = [word.lower() for word in words] or [name.lower()]
    sided = [word for word in words if word in ("left", "right")]
    if not side and len(sided) == 1:
        side = SIDES[sided[0]]
        words.remove(sided[0])
    return f"{side}:{''.join(words)}"


def _side_first(side: str, name: str) -> tuple[str, str]:
    """Side and name without the side before it, unless the side is known already."""
    first = None if side else _SIDE_FIRST.match(name)
    return (side, name) if first is None else (SIDES[first[1].lower()], name[first.end() :])


def _letters(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _shared_prefix(
    wanted: set[str], shape_names: Sequence[str], spelled: Callable[[str], str]
) -> str:
    counts: collections.Counter[str] = collections.Counter()
    for name in shape_names:
        if spelled(name) in wanted:
            continue
        ends = [separator.end() for separator in _SEPARATOR.finditer(name)]
        counts.update(name[:end] for end in ends if spelled(name[end:]) in wanted)
    prefix, count = max(counts.items(), key=lambda item: item[1], default=("", 0))
    return prefix if count >= SHARED_PREFIX_KEYS else ""


def _coverage(rig: rigs.RigDefinition, found: Iterable[str]) -> dict[str, tuple[int, int]]:
    found = set(found)
    return {
        region: (
            sum(rig.channels[column].name in found for column in rig.region_columns(region)),
            len(rig.region_columns(region)),
        )
        for region in rig.regions
    }
