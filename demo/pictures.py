"""Draw the demo's contact sheet and curves, in the runtime's environment.

python -m demo.pictures JOB.json
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib as mpl

# Before pyplot is imported anywhere: no display is needed.
mpl.use("Agg")

from model_runtime.curves.formats import registry as formats

from .diagram import draw_diagram
from .job import read_job
from .sheet import draw_sheet
from .words import read_words


def main(arguments: list[str]) -> int:
    """Draw both pictures and return the exit status."""
    job = read_job(Path(arguments[0]))
    curves = formats.read_curves(job.curves)
    words = read_words(job.words)
    draw_sheet(job, curves, words)
    draw_diagram(job, curves, words)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
