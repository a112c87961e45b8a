"""Format values for labels and messages. No bpy."""

from __future__ import annotations

from collections.abc import Sequence


def listed(names: Sequence[str], limit: int = 4) -> str:
    """Return the first names, separated by commas, and how many more there are.

    Args:
        names: At least one name.
        limit: Names that are written out.
    """
    head = ", ".join(names[:limit])
    return head if len(names) <= limit else f"{head} and {len(names) - limit} more"


def quoted(names: Sequence[str], limit: int = 2) -> str:
    """Return `listed` names, each in double quotes."""
    return listed([f'"{name}"' for name in names], limit)


def counted(count: int, noun: str) -> str:
    """Return a count with its noun: "1 line", "2 lines"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def clock(seconds: float) -> str:
    """Return a duration: "42 s", "3:05 min", "1:02 h"."""
    whole = round(seconds)
    if whole < 100:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02d} h"


def byte_size(count: int) -> str:
    """Return a size in a file: "0 KB", "121 KB", "1.4 MB"."""
    return f"{count / 1e6:.1f} MB" if count >= 999_500 else f"{count / 1e3:.0f} KB"
