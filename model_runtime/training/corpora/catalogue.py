"""List what is known of each kind of corpus without opening it: rig, rate, licence."""

from __future__ import annotations

import dataclasses
import functools
import json
from pathlib import Path

from ...errors import BadArgument

CATALOGUE = Path(__file__).with_suffix(".json")
LICENCE_WORDS = "licence:"


@dataclasses.dataclass(frozen=True)
class Corpus:
    """One kind of corpus."""

    kind: str
    title: str
    rig: str
    """Rig definition that its channels belong to; empty for speech alone."""
    fps: float
    """Frame rate of its files, where they do not say themselves."""
    licence: str


@functools.cache
def catalogue() -> dict[str, Corpus]:
    """Return all kinds by name."""
    entries = json.loads(CATALOGUE.read_text(encoding="utf-8"))
    return {kind: Corpus(kind=kind, **entry) for kind, entry in entries.items()}


def corpus_named(kind: str) -> Corpus:
    """Return the entry of a kind.

    Raises:
        BadArgument: No such kind; the hint lists those there are.
    """
    if kind not in catalogue():
        raise BadArgument(
            f"Unknown kind of corpus {kind!r}", hint=f"One of: {', '.join(catalogue())}"
        )
    return catalogue()[kind]


def licence_of(folder: Path, corpus: Corpus) -> str:
    """Return the licence of what lies in a folder.

    What ``SOURCE.txt`` states after ``Licence:``; else the titles of the ``LICENSE`` files there;
    else what the catalogue says of such a corpus.

    Args:
        folder: May hold a ``SOURCE.txt`` that names it.
        corpus: Entry in the catalogue, whose licence is taken otherwise.
    """
    source = folder / "SOURCE.txt"
    for line in _lines(source):
        # The first line that states a licence counts.
        position = line.lower().find(LICENCE_WORDS)
        if position >= 0:
            return line[position + len(LICENCE_WORDS) :].strip()
    # British and American spelling of the file name.
    titles = {next(iter(_lines(path)), "").strip() for path in folder.glob("LICEN[CS]E*")} - {""}
    return "; ".join(sorted(titles)) or corpus.licence


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        return []
    return path.read_text(encoding="utf-8", errors="replace").splitlines()
