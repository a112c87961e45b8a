"""Read which speakers and clips are kept from training: ``splits.tsv`` in the data folder.

The file is the only source of the three splits. Models are trained on ``train``, chosen on ``dev``
and measured on ``test`` once for each release candidate. Whoever reads speech through
``speech.read_speech_corpus`` finds the split in ``SpeechClip.split``; filmed clips are split by
:meth:`Splits.of_films`.
"""

from __future__ import annotations

import csv
import dataclasses
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from ...errors import BadArgument

log = logging.getLogger(__name__)

TRAIN: Final = "train"
DEV: Final = "dev"
TEST: Final = "test"
SPLITS: Final = (TRAIN, DEV, TEST)
FILE_NAME: Final = "splits.tsv"
EVERYBODY: Final = "*"

DEV_FILM_EVERY: Final[Mapping[str, int]] = {"grid_s1": 10, "grid_s4": 4}
"""Every n-th clip of the sorted list of a trained GRID speaker is ``dev``: both were split this way
since the first weights, and a talker who is trained on has no line in ``splits.tsv``."""


@dataclasses.dataclass(frozen=True)
class Splits:
    """The rows of ``splits.tsv``; what no row names is ``train``."""

    rows: Mapping[tuple[str, str], str] = dataclasses.field(default_factory=dict)
    """Split by corpus and speaker; the speaker ``*`` stands for all of the corpus."""

    def of(self, corpus: str, speaker: str) -> str:
        """Return ``train``, ``dev`` or ``test`` for a speaker of a corpus.

        Args:
            corpus: Folder under ``speech``, or ``capture/NAME``, or ``eval/NAME``.
            speaker: As ``metadata.tsv`` names them.
        """
        # The speaker's own row, then the corpus's, then training.
        return self.rows.get((corpus, speaker), self.rows.get((corpus, EVERYBODY), TRAIN))

    def of_films(self, corpus: str, names: Iterable[str]) -> dict[str, str]:
        """Return the split of each filmed clip of one corpus.

        Args:
            corpus: Folder under ``capture``, for example ``grid_s1``.
            names: All clips of the corpus; their order does not count.
        """
        whole = self.of(f"capture/{corpus}", EVERYBODY)
        every = DEV_FILM_EVERY.get(corpus)
        if whole != TRAIN or every is None:
            return dict.fromkeys(names, whole)
        # Every n-th of the sorted names: the split depends on neither order nor chance.
        return {
            name: TRAIN if index % every else DEV for index, name in enumerate(sorted(set(names)))
        }


def splits_above(folder: Path) -> Splits:
    """Return the splits of the data folder that a corpus lies in, one or two levels above it."""
    # Corpora lie in speech/NAME or capture/NAME, user corpora anywhere.
    data = folder.parent if (folder.parent / FILE_NAME).is_file() else folder.parent.parent
    return read_splits(data)


def read_splits(data: Path) -> Splits:
    """Return the splits of a data folder; everything is ``train`` where it has no ``splits.tsv``.

    Raises:
        BadArgument: A column is missing, or a split has an unknown name.
    """
    table = data / FILE_NAME
    if not table.is_file():
        log.info("no %s in %s: all clips are for training", FILE_NAME, data)
        return Splits()
    rows: dict[tuple[str, str], str] = {}
    with table.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            # Columns too many appear under the key None.
            if None in row or row.get("split") not in SPLITS:
                raise BadArgument(
                    f"{table}: bad row {row}",
                    hint="Give the columns corpus, speaker and split (train, dev or test)",
                )
            rows[row["corpus"], row["speaker"]] = row["split"]
    return Splits(rows)
