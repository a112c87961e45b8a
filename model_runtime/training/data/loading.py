"""Load the caches of a run and check them against its rig and its encoder."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from ...errors import BadArgument
from ..settings import Settings
from .cache import Cache, caches_in, read_cache

log = logging.getLogger(__name__)


def load_caches(settings: Settings, *, encoder: str = "") -> list[Cache]:
    """Return every finished cache under ``settings.work``, mapped into memory.

    Args:
        settings: Of the run; corpora with sampling weight 0 are left out.
        encoder: Key of a pretrained encoder; empty for log-mel.

    Raises:
        BadArgument: No cache, recorded faces of another rig, or no features of the encoder.
    """
    caches = [
        read_cache(folder, encoder=encoder)
        for folder in caches_in(settings.work)
        # Weight 0 leaves a corpus out before it is mapped.
        if settings.corpora.get(folder.name, 1.0) > 0
    ]
    if not any(cache.entries for cache in caches):
        raise BadArgument(f"No caches under {settings.work}", hint="Run train prepare first")
    for cache in caches:
        # Caches of reference motion fit any rig; recorded faces hold the channels of one.
        rig = cache.note.get("rig", settings.rig)
        if rig != settings.rig:
            raise BadArgument(
                f"Cache {cache.name} holds faces of rig {rig}, but {settings.rig} is trained",
                hint="Run train prepare with this file, or give it another work folder",
            )
    return caches


def dev_split(caches: Sequence[Cache]) -> str:
    """Return ``dev`` where there are development clips, else ``train``."""
    if any(entry.split == "dev" for cache in caches for entry in cache.entries):
        return "dev"
    log.warning("no development clips: the report uses training clips")
    return "train"
