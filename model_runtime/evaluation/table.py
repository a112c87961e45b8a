"""Write plain text tables: columns lined up, a rule under the headings."""

from __future__ import annotations


def aligned(rows: list[list[str]]) -> str:
    """Return rows of equal length as lines; the first row is the heading."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    # rstrip: trailing blanks make diffs of tables noisy.
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    rule = "  ".join("-" * width for width in widths)
    return "\n".join([lines[0], rule, *lines[1:]])
