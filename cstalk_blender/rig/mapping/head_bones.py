"""Recognise neck and head among the bones of an armature, by the names of rig families. No bpy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

PREFIX = re.compile(
    r"^(mixamorig\d*[:_]|cc_base_|j_bip_c_|def[-_]|bip0*\d*[-_ ]|[a-z0-9]+:|c_)", re.IGNORECASE
)
"""Mixamo, Character Creator, VRoid, deform bones, Biped, namespaces, Auto-Rig."""
NO_CONTROL = re.compile(r"^(org|mch|vis|wgt)[-_]|twist_?leaf|_end$|nub$|top", re.IGNORECASE)
"""Bones of a mechanism that follow others: keys on them have no effect."""
HEADS = ("head", "head.x", "head_x", "head_01")
NECKS = (
    *("neck", "neck.x", "neck_x", "neck_01", "neck01", "neck1", "neck.01"),
    *("neck_lower", "necklower", "lowerneck", "necktwist01", "neck_twist_01"),
)
"""The lower neck where there are two: MetaHuman, Daz, Character Creator."""
RIGIFY_HEADS, RIGIFY_NECKS = ("spine.006",), ("spine.004",)
"""Of a Rigify metarig and its deform bones; the generated rig has controls ``head``, ``neck``."""


def chain_of(bones: Sequence[Any]) -> tuple[Any, ...]:
    """Return neck and head, one of them, or nothing.

    Args:
        bones: Have a ``name`` and a ``parent``, which is one of them or None.

    Returns:
        The bones from the trunk upwards; names without a prefix come first.
    """
    usable = [bone for bone in bones if not NO_CONTROL.search(bone.name)]
    head = _named_or_none(usable, HEADS) or _named_or_none(usable, RIGIFY_HEADS)
    if head is None:
        neck = _named_or_none(usable, NECKS)
        return () if neck is None else (neck,)
    above = [bone for bone in _ancestors(head) if bone in usable]
    neck = (
        _named_or_none(above, NECKS)
        or _named_or_none(above, RIGIFY_NECKS)
        or _named_or_none(usable, NECKS)
    )
    return (head,) if neck is None else (neck, head)


def carries(lower: Any, upper: Any) -> bool:
    """Return whether a bone is among those above another in the hierarchy.

    Args:
        lower: The bone that may carry.
        upper: The bone that may be carried.
    """
    return any(bone == lower for bone in _ancestors(upper))


def _ancestors(bone: Any) -> Iterable[Any]:
    above = bone.parent
    while above is not None:
        yield above
        above = above.parent


def _named_or_none(bones: Iterable[Any], names: Sequence[str]) -> Any:
    """Return the bone whose name is the earliest of ``names``, an unprefixed one before others."""
    ranked = []
    for number, bone in enumerate(bones):
        bare = PREFIX.sub("", bone.name).lower()
        if bare in names:
            is_prefixed = bare != bone.name.lower()
            ranked.append((is_prefixed, names.index(bare), number, bone))
    return min(ranked, key=lambda item: item[:3])[3] if ranked else None
