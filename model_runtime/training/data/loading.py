"""The caches of a run, checked against its rig and its encoder."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from ...errors import BadArgument
from ..settings import Settings
from .cache import Cache, caches_in, read_cache

log = logging.getLogger(__name__)


def load_caches(settings: Settings, *, encoder: str = "") -> list[Cache]:
    """Every finished cache under ``settings.work``, mapped into memory.

    Args:
        settings: Of the run; corpora with sampling weight 0 are left out.
        encoder: Key of the pretrained encoder whose features are wanted; empty means log-mel.

    Raises:
        BadArgument: No cache at all, recorded faces of another rig, or an encoder whose features
            were not made yet.
    """
    caches = [
        read_cache(folder, encoder=encoder)
        for folder in caches_in(settings.work)
        if settings.corpora.get(folder.name, 1.0) > 0
    ]
    if not any(cache.entries for cache in caches):
        raise BadArgument(f"No caches under {settings.work}", hint="Run train prepare first")
    for cache in caches:
        rig = cache.note.get("rig", settings.rig)
        if rig != settings.rig:
            raise BadArgument(
                f"Cache {cache.name} holds faces of rig {rig}, and {settings.rig} is trained",
                hint="Run train prepare with this file, or give it another work folder",
            )
    return caches


def dev_split(caches: Sequence[Cache]) -> str:
    """``dev`` where clips were held out for choosing models, else ``train``."""
    if any(entry.split == "dev" for cache in caches for entry in cache.entries):
        return "dev"
    log.warning("no held-out clips: the report is on training clips")
    return "train"
