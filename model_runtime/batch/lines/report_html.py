"""Write the report of a batch as one self-contained HTML page, worst line first. Stdlib only."""

from __future__ import annotations

import dataclasses
import datetime
import html
import io
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from ...files import HTML_MARK, replacing
from .journal import DONE, Entry
from .report import status_of

MAX_LINES = 2000
"""Rows on the page: browsers are slow with longer tables. The CSV has all lines."""
GOOD, FAIR = 85.0, 60.0
"""Scores from which a line is good, and from which it is fair."""
SPARK_WIDTH, SPARK_HEIGHT = 168, 26

STYLE = """
:root { color-scheme: light dark; --ink: #1d2530; --soft: #5d6a79; --line: #dfe4ea; --page: #f6f7f9;
  --card: #fff; --good: #1b8a5a; --fair: #b07a00; --bad: #c8352e; --curve: #2f6fd0; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --soft: #98a4b3; --line: #2b333d;
  --page: #14181d; --card: #1b2027; --good: #4cc38a; --fair: #e2b04a; --bad: #ff7a70;
  --curve: #7fb0ff; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 32px; background: var(--page); color: var(--ink);
  font: 14px/1.45 system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main { max-width: 1280px; margin: 0 auto; }
h1 { font-size: 22px; margin: 0 0 4px; }
.facts { color: var(--soft); margin: 0 0 20px; }
.tiles { display: flex; flex-wrap: wrap; gap: 12px; margin-bottom: 20px; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 10px 18px; min-width: 116px; }
.tile b { display: block; font-size: 24px; font-variant-numeric: tabular-nums; }
.tile span { color: var(--soft); }
.tools { display: flex; gap: 8px; margin-bottom: 10px; }
.tools input { flex: 0 1 320px; font: inherit; color: inherit; background: var(--card);
  border: 1px solid var(--line); border-radius: 8px; padding: 6px 10px; }
.tools button { font: inherit; color: inherit; background: var(--card); cursor: pointer;
  border: 1px solid var(--line); border-radius: 8px; padding: 6px 12px; }
.tools button[aria-pressed=true] { border-color: var(--curve); color: var(--curve); }
.table { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: 8px 12px; border-bottom: 1px solid var(--line);
  vertical-align: middle; }
tr:last-child td { border-bottom: 0; }
th { color: var(--soft); font-weight: 600; font-size: 12px; white-space: nowrap; }
th[data-sort] { cursor: pointer; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.score { display: inline-block; min-width: 46px; text-align: center; font-weight: 650;
  padding: 2px 8px; border-radius: 999px; color: #fff; background: var(--bad); }
.score.good { background: var(--good); } .score.fair { background: var(--fair); }
@media (prefers-color-scheme: dark) { .score { color: #10151a; } }
.name { font-weight: 550; overflow-wrap: anywhere; min-width: 210px; max-width: 340px; }
.name small, .notes { color: var(--soft); font-weight: 400; }
.name small { display: block; }
.title { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3;
  overflow: hidden; }
.notes { max-width: 340px; } .error { color: var(--bad); }
svg.spark { display: block; } svg.spark path { fill: none; stroke: var(--curve);
  stroke-width: 1.3; stroke-linejoin: round; }
svg.spark line { stroke: var(--line); }
footer { color: var(--soft); margin-top: 16px; max-width: 900px; }
.hidden { display: none; }
@media print { body { background: #fff; padding: 0; } .tools { display: none; } }
"""

SCRIPT = """
const body = document.querySelector('tbody'), find = document.querySelector('#find');
const rows = [...body.rows], buttons = [...document.querySelectorAll('[data-show]')];
let shown = 'all';
function filter() {
  const words = find.value.toLowerCase();
  for (const row of rows) row.classList.toggle('hidden',
    !(shown === 'all' || row.dataset.level === shown) ||
    !row.textContent.toLowerCase().includes(words));
}
find.addEventListener('input', filter);
for (const button of buttons) button.addEventListener('click', () => {
  shown = button.dataset.show;
  for (const other of buttons) other.setAttribute('aria-pressed', other === button);
  filter();
});
for (const head of document.querySelectorAll('th[data-sort]')) {
  let down = false;
  head.addEventListener('click', () => {
    const column = head.cellIndex;
    const value = row => { const cell = row.cells[column];
      return 'value' in cell.dataset ? Number(cell.dataset.value) : cell.textContent; };
    rows.sort((a, b) => { const x = value(a), y = value(b);
      return (x < y ? -1 : x > y ? 1 : 0) * (down ? -1 : 1); });
    down = !down;
    body.append(...rows);
  });
}
"""

HEADS = (
    *(("Score", "number"), ("Line", ""), ("Lip Aperture", "plot"), ("Length", "number")),
    *(("Closures m/b/p", "number"), ("Lag", "number"), ("Jitter", "number")),
    *(
        ("Clipped", "number"),
        ("Silence", "number"),
        ("Confidence", "number"),
        ("Text Matched", "number"),
        ("Notes", ""),
    ),
)

FOOTER = """The score starts at 100. Points are subtracted for lips that stay open where the model
detects m, b or p, for lips that are more than 40 ms early or late, for jitter faster than speech,
for clipped audio, for lines that are mostly silent, and for unclear speech. Where less than 60 % of
a line's script is found, the score is at most that share: it may be another file. It shows which
lines to review first; it does not measure artistic quality."""


@dataclasses.dataclass(frozen=True)
class Heading:
    """Heading of the page."""

    title: str
    facts: str
    """Model, engine and machine in one line."""
    total: int
    done: int
    skipped: int
    failed: int
    audio_s: float
    """Length of all generated lines."""


def write_html(
    path: Path, heading: Heading, entries: Iterable[Entry], skipped: Collection[str] = ()
) -> None:
    """Write the page, replaced as a whole, with one row in memory at a time.

    Args:
        path: The file.
        heading: Title and totals.
        entries: Worst lines first, see ``Journal.ranked``.
        skipped: Targets that an earlier run had generated.

    Raises:
        BadOutput: The file cannot be written.
    """
    with replacing(path) as stream:
        text = io.TextIOWrapper(stream, "utf-8", errors="backslashreplace", newline="\n")
        text.write(_top(heading))
        for count, entry in enumerate(entries):
            if count >= MAX_LINES:
                break
            text.write(_row(entry, status_of(entry, skipped)))
        text.write(_bottom(heading.total))
        text.flush()
        text.detach()


def _top(heading: Heading) -> str:
    stamp = datetime.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M")
    tiles = [
        (heading.total, "lines"),
        (heading.done, "generated"),
        (heading.skipped, "unchanged"),
        (heading.failed, "failed"),
        (_clock(heading.audio_s), "of speech"),
    ]
    shown = "".join(
        f"<div class=tile><b>{value}</b><span>{name}</span></div>" for value, name in tiles
    )
    heads = "".join(
        f'<th class="{kind}">{title}</th>'
        if kind == "plot"
        else f'<th class="{kind}" data-sort title="Sort by this column">{title}</th>'
        for title, kind in HEADS
    )
    buttons = "".join(
        f'<button data-show="{level}" aria-pressed="{str(level == "all").lower()}">{name}</button>'
        for level, name in (
            ("all", "All"),
            ("failed", "Failed"),
            ("bad", "Poor"),
            ("fair", "Fair"),
            ("good", "Good"),
        )
    )
    title = html.escape(heading.title)
    return (
        "<!doctype html><html lang=en><head><meta charset=utf-8>"
        # The mark by which a later run knows the page as ours.
        f"{HTML_MARK}"
        '<meta name=viewport content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style></head><body><main><h1>{title}</h1>"
        f"<p class=facts>{stamp} · {html.escape(heading.facts)}</p><div class=tiles>{shown}</div>"
        f'<div class=tools><input id=find type=search placeholder="Find a line" '
        f'aria-label="Find a line">{buttons}</div>'
        f"<div class=table><table><thead><tr>{heads}</tr></thead><tbody>\n"
    )


def _bottom(total: int) -> str:
    more = f" The page shows the worst {MAX_LINES} of {total} lines." if total > MAX_LINES else ""
    return (
        f"</tbody></table></div><footer>{FOOTER}{more}</footer></main>"
        f"<script>{SCRIPT}</script></body></html>\n"
    )


def _row(entry: Entry, status: str) -> str:
    found = entry.quality
    detected = f"detected {entry.detected_emotion}" if entry.detected_emotion else ""
    below = " · ".join(filter(None, (entry.character, entry.emotion, detected, status)))
    name = f"{_title(entry.name)}<small>{_escaped(below)}</small>"
    if entry.state != DONE:
        reason = f"{entry.error}. {entry.hint}".rstrip(". ")
        cells = [_cell('<span class="score">failed</span>', -1), f"<td class=name>{name}</td>"]
        cells.append(f'<td colspan={len(HEADS) - 2} class="error">{_escaped(reason)}</td>')
        # colspan: a failed line has no measures.
        return f'<tr data-level="failed">{"".join(cells)}</tr>\n'
    level = "good" if entry.score >= GOOD else "fair" if entry.score >= FAIR else "bad"
    lag, closure = found.get("lag_s"), found.get("closure")
    met = "" if closure is None else f"{round(closure * found['closures'])} of {found['closures']}"
    notes = "; ".join(found.get("notes", ()))
    cells = [
        _cell(f'<span class="score {level}">{entry.score:.0f}</span>', entry.score),
        f"<td class=name>{name}</td>",
        f"<td>{sparkline(entry.opening)}</td>",
        _cell(f"{entry.duration_s:.1f} s", entry.duration_s),
        _cell(met, -1 if closure is None else closure),
        # Zero without a sign.
        _cell("" if lag is None else f"{lag * 1000:+.0f} ms" if lag else "0 ms", lag or 0),
        *(_percent(found.get(key)) for key in ("jitter", "clipping", "silence", "confidence")),
        _percent(entry.text_matched),
        f"<td class=notes>{_escaped(notes)}</td>",
    ]
    return f'<tr data-level="{level}">{"".join(cells)}</tr>\n'


def _title(name: str) -> str:
    """Return a line's name with line breaks allowed after slashes and underscores."""
    shown = _escaped(name)
    # <wbr>: long names would widen the table.
    broken = shown.replace("/", "/<wbr>").replace("_", "_<wbr>")
    return f'<span class=title title="{shown}">{broken}</span>'


def sparkline(points: Sequence[int]) -> str:
    """Return a small plot of values from 0 to 99 as inline SVG."""
    if not points:
        return ""
    step = SPARK_WIDTH / max(1, len(points) - 1)
    height = SPARK_HEIGHT - 3
    # Two digits: the plot is 168 pixels wide.
    path = " ".join(
        f"{'L' if i else 'M'}{i * step:.1f} {1.5 + height * (1 - point / 99):.1f}"
        for i, point in enumerate(points)
    )
    bottom = SPARK_HEIGHT - 1
    return (
        f"<svg class=spark width={SPARK_WIDTH} height={SPARK_HEIGHT} role=img "
        f'aria-label="Lip aperture over the line">'
        f'<line x1=0 x2={SPARK_WIDTH} y1={bottom} y2={bottom} /><path d="{path}"/></svg>'
    )


def _cell(shown: str, value: float) -> str:
    return f'<td class=number data-value="{value:g}">{shown}</td>'


def _percent(value: float | None) -> str:
    if value is None:
        return _cell("", -1)
    digits = 1 if 0 < value < 0.01 else 0
    return _cell(f"{value:.{digits}%}", value)


def _escaped(text: str) -> str:
    # Lone surrogates of file names are no valid HTML.
    return html.escape(text.encode("utf-8", "backslashreplace").decode())


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
