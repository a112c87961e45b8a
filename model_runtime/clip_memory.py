"""Keep what the last clip needed, so that a request that differs only in later stages skips it.

A correction, another script or other smoothing leave audio, features and the network's output as
they were. One clip is kept, up to ``LONGEST_S``; the results are those of a fresh run, bit by bit.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import hashlib
from collections.abc import Callable, Hashable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

from .audio.store import SAMPLE_RATE, SpeechStore

T = TypeVar("T")

LONGEST_S: Final = 480.0
"""Longer clips are not kept: 8 minutes take 31 MB of samples and about 20 MB of curves."""
WHOLE_BYTES: Final = 64 << 20
"""Larger files are recognised by size, time of change and this much of their beginning."""


@dataclasses.dataclass(frozen=True)
class ClipKey:
    """Used part of an audio file, by its contents."""

    digest: bytes
    start_s: float
    duration_s: float | None


class ClipMemory:
    """Decoded audio of the last clip and the results of its stages. For one thread."""

    def __init__(self, *, longest_s: float = LONGEST_S) -> None:
        """Create an empty memory.

        Args:
            longest_s: Longest clip to keep, in seconds; 0 keeps nothing.
        """
        self._longest_s = longest_s
        self._key: ClipKey | None = None
        self._store: SpeechStore | None = None
        self._open = contextlib.ExitStack()
        self._stages: dict[str, tuple[Hashable, Any]] = {}

    @contextlib.contextmanager
    def opened(
        self,
        path: Path,
        *,
        start_s: float,
        duration_s: float | None,
        watch: Callable[[float], None],
    ) -> Iterator[SpeechStore]:
        """Decode a clip, or return the one that is kept.

        Args:
            path: See ``SpeechStore.open``.
            start_s: See ``SpeechStore.open``.
            duration_s: See ``SpeechStore.open``.
            watch: See ``SpeechStore.open``; not called for a clip that is kept.

        Raises:
            BadArgument, BadAudio: See ``SpeechStore.open``.
        """
        key = self._key_or_none(path, start_s, duration_s)
        if key is not None and key == self._key and self._store is not None:
            yield self._store
            return
        self.clear()
        with contextlib.ExitStack() as stack:
            store = stack.enter_context(
                SpeechStore.open(path, start_s=start_s, duration_s=duration_s, watch=watch)
            )
            is_short = store.sample_count <= self._longest_s * SAMPLE_RATE
            # Again: a program may have written the file while it was decoded.
            if key is not None and is_short and key == self._key_or_none(path, start_s, duration_s):
                self._key, self._store, self._open = key, store, stack.pop_all()
            yield store

    def kept(
        self, stage: str, key: Hashable, compute: Callable[[], T], *, is_frozen: bool = False
    ) -> T:
        """Return the result of a stage of the clip that is open, computed if it is not kept.

        Args:
            stage: Name of the stage; the last result of each is kept.
            key: All that the result depends on beside the clip.
            compute: Computes the result; what it raises is passed on.
            is_frozen: The result cannot be changed, so that it needs no copy.

        Returns:
            A value of the caller's own, which may be changed unless it is frozen.
        """
        if self._key is None:
            return compute()
        if stage in self._stages and self._stages[stage][0] == key:
            known: T = self._stages[stage][1]
            return known if is_frozen else copy.deepcopy(known)
        value = compute()
        self._stages[stage] = (key, value if is_frozen else copy.deepcopy(value))
        return value

    def clear(self) -> None:
        """Forget the clip and free its memory."""
        self._key = self._store = None
        self._stages.clear()
        self._open.close()

    def _key_or_none(self, path: Path, start_s: float, duration_s: float | None) -> ClipKey | None:
        """Key of a clip; None where nothing is kept, or the file cannot be read."""
        if self._longest_s <= 0:
            return None
        digest = hashlib.blake2b(digest_size=32)
        try:
            if not path.is_file():  # opening a pipe would block
                return None
            with path.open("rb") as stream:
                left = WHOLE_BYTES
                while left > 0 and (block := stream.read(min(left, 1 << 20))):
                    digest.update(block)
                    left -= len(block)
            state = path.stat()
        except (OSError, ValueError):  # decoding reports it
            return None
        if state.st_size > WHOLE_BYTES:
            digest.update(f"{state.st_size} {state.st_mtime_ns}".encode())
        # By name too: warnings and errors name the file.
        digest.update(str(path).encode("utf-8", "surrogatepass"))
        return ClipKey(digest.digest(), start_s, duration_s)
