"""Find the shape key of each channel by its name, never by its position. No bpy.

Exact names win. Otherwise both names are normalised: ``jawOpen``, ``JawOpen``, ``jaw_open``,
``blendShape2.jawOpen``, ``A25_Jaw_Open`` and ``facs_bs_JawOpen`` are equal, and so are
``eyeBlinkLeft``, ``eyeBlink_L``, ``EyeBlink.L``, ``eyeBlink_Lf`` and ``eyeBlinkL``. A prefix or
suffix that several shape keys share (``Face_jawOpen``, ``01-jawOpen``, ``jawOpen_geo``) is dropped.
"""

from __future__ import annotations

import collections
import dataclasses
import functools
import re
from collections.abc import Callable, Iterable, Sequence

from ...package import rigs

SIDES = {
    **dict.fromkeys(("left", "l", "lf", "lt", "lft"), "left"),
    **dict.fromkeys(("right", "r", "rt", "rgt"), "right"),
}
SHARED_AFFIX_KEYS = 3
"""Shape keys that must share a prefix or suffix before it is dropped: two may be a left/right
pair."""

_SIDE = "l|r|lf|lt|rt|left|right|lft|rgt"
# Conventions of exporters, anchored where the same letters occur inside ordinary names.
_COPY = re.compile(r"\.\d{3}$")  # added by Blender: jawOpen.001
_NUMBERED = re.compile(r"^[AT]?\d+_(?=.)")  # Reallusion ActorCore: A25_Jaw_Open; 25_jawOpen
_DAZ = re.compile(r"^facs_(bs|ctrl|jnt)_")  # Daz Genesis 9
_SIDE_SUFFIX = re.compile(rf"[._ -]({_SIDE})$", re.IGNORECASE)
_SIDE_FIRST = re.compile(r"^(l|r|lf|lt|rt|lft|rgt)[._ -](?=.)", re.IGNORECASE)  # L_eyeBlink
_SEPARATOR = re.compile(r"[._:| -]+")
# ``(?=.)``: a name must remain after what is cut off.
_PREFIX = re.compile(r"^.*[.:|](?=.)")  # blendShape2.jawOpen, name:jawOpen
# Splits at changes of case: ``eyeBlinkL`` has the words eye, Blink and L; ``FACS`` stays one.
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_DIGITS = re.compile(r"\d+")


@dataclasses.dataclass(frozen=True)
class Mapping:
    """Shape keys of channels."""

    pairs: dict[str, str]
    """Channel to shape-key name, in the rig's order."""
    missing: tuple[str, ...]
    """Channels without a shape key, in the rig's order."""
    ambiguous: dict[str, tuple[str, ...]]
    """Channels with several matching shape keys, of which the first is used."""
    coverage: dict[str, tuple[int, int]]
    """Region to number of channels found and number of channels in it."""

    @property
    def found(self) -> int:
        """Number of channels that have a shape key."""
        return len(self.pairs)

    @property
    def total(self) -> int:
        """Number of channels of the rig."""
        return len(self.pairs) + len(self.missing)


class KeyIndex:
    """Shape keys of one mesh, looked up by a name in any spelling."""

    def __init__(
        self,
        shape_names: Sequence[str],
        wanted: Iterable[str],
        *,
        endings: Sequence[str] = (),
    ) -> None:
        """Index ``shape_names``.

        Args:
            shape_names: Names of shape keys, with or without the reference key.
            wanted: Names that will be looked up; prefixes and suffixes that several keys add to
                them are dropped.
            endings: Endings of shape keys to ignore, such as Daz's ``_div2``.
        """
        self._names = frozenset(shape_names)
        self._endings = tuple(endings)
        # Two tables, from strict to loose: words with their side apart, then mere letters.
        self._by_spelling: dict[str, list[str]] = {}
        self._by_letters: dict[str, list[str]] = {}
        spelled = {*map(self._spelling, wanted)}
        affixes = _shared_affixes(spelled, shape_names, self._spelling)
        for name in shape_names:
            match = affixes.match(name)
            bare = name if match is None else match[1]
            # ``setdefault`` keeps the order of the shape keys, so that "the first is used" is well
            # defined.
            self._by_spelling.setdefault(self._spelling(bare), []).append(name)
            self._by_letters.setdefault(_letters(bare), []).append(name)

    def find(self, name: str) -> tuple[str, ...]:
        """Return the shape keys called ``name``: the exact one alone, else every variant."""
        # Exact names beat variants, so that ``jawOpen`` is chosen where Blender also made
        # jawOpen.001.
        if name in self._names:
            return (name,)
        alike = self._by_spelling.get(self._spelling(name), [])
        if not alike:  # eyeblinkleft cannot be split into words
            alike = self._by_letters.get(_letters(name), [])
        return tuple(alike)

    def _spelling(self, name: str) -> str:
        for ending in self._endings:
            name = name.removesuffix(ending)
        return spelling(name)


def map_channels(rig: rigs.RigDefinition, shape_names: Sequence[str]) -> Mapping:
    """Find the shape key of every channel.

    Args:
        rig: The channels.
        shape_names: Names of shape keys, with or without the reference key.

    Returns:
        A mapping in which no shape key is used twice. An exact name beats a variant; of several
        variants the first in ``shape_names`` is used and all are reported.
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


# Every name is spelled again for each family and each lookup.
@functools.lru_cache(maxsize=8192)
def spelling(name: str) -> str:
    """Return the normalised spelling of a name: its side, then its words in lower case, joined.

    ``mouthLeft`` and ``mouth_L`` are equal; ``mouthLeft`` and ``mouthRight`` are not. A name in
    another alphabet is returned unchanged.
    """
    # The copy's number goes first: `_PREFIX` would keep it and drop the name before the dot.
    name = _DAZ.sub("", _COPY.sub("", name))
    side = ""
    suffix = _SIDE_SUFFIX.search(name)
    if suffix is not None:
        side = SIDES[suffix.group(1).lower()]
        name = name[: suffix.start()]
    # The side may stand before or behind the prefix: L_Face_blink, Face.L_blink; hence twice.
    side, name = _split_side(side, name)
    side, name = _split_side(side, _NUMBERED.sub("", _PREFIX.sub("", name)))
    words = _WORD.findall(name)
    # browDownL has no separator for the pattern above; only a capital that is a word of its own
    # counts.
    if not side and words and words[-1] in ("L", "R"):
        side = SIDES[words.pop().lower()]
    words = [word.lower() for word in words] or [name.lower()]
    # A name with both words (``leftToRight``) has no side of its own.
    sided = [word for word in words if word in ("left", "right")]
    if not side and len(sided) == 1:
        side = SIDES[sided[0]]
        words.remove(sided[0])
    return f"{side}:{''.join(words)}"


def _split_side(side: str, name: str) -> tuple[str, str]:
    """Return side and name without the side at its front, unless the side is known already."""
    first = None if side else _SIDE_FIRST.match(name)
    return (side, name) if first is None else (SIDES[first[1].lower()], name[first.end() :])


def _letters(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _shared_affixes(
    wanted: set[str], shape_names: Sequence[str], spelled: Callable[[str], str]
) -> re.Pattern[str]:
    """Return a pattern whose group 1 is a name without the prefix and suffix that keys share.

    Numbers within them may differ: ``01-jawOpen`` and ``02-mouthFunnel`` share a prefix.
    """
    # Each key votes for all splits that leave a known name; the split with most votes is the affix.
    counts: collections.Counter[tuple[str, str]] = collections.Counter()
    for name in shape_names:
        # Keys already known without a cut say nothing about a shared affix.
        if spelled(name) in wanted:
            continue
        # Cuts only at separators: else ``o`` in any word would be found as the viseme O.
        separators = list(_SEPARATOR.finditer(name))
        starts = [0, *(separator.end() for separator in separators)]
        ends = [*(separator.start() for separator in separators), len(name)]
        counts.update(
            {
                (_DIGITS.sub("#", name[:start]), _DIGITS.sub("#", name[end:]))
                for start in starts
                for end in ends
                if start < end and spelled(name[start:end]) in wanted
            }
        )
    # The longest middle wins a tie: eyeBlink_L_geo without _geo, not without _L_geo.
    (prefix, suffix), count = max(
        counts.items(), key=lambda item: (item[1], -len("".join(item[0]))), default=(("", ""), 0)
    )
    if count < SHARED_AFFIX_KEYS:
        prefix = suffix = ""
    return re.compile(f"{_numbered(prefix)}(.+){_numbered(suffix)}$")


def _numbered(affix: str) -> str:
    return r"\d+".join(map(re.escape, affix.split("#")))


def _coverage(rig: rigs.RigDefinition, found: Iterable[str]) -> dict[str, tuple[int, int]]:
    found = set(found)
    return {
        region: (
            sum(rig.channels[column].name in found for column in rig.region_columns(region)),
            len(rig.region_columns(region)),
        )
        for region in rig.regions
    }
