"""Draw the contact sheet: frames of the film with time, word and phone under each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from PIL.ImageFont import FreeTypeFont

from model_runtime.curves.track import CurveTrack

from .job import Job, frame_path
from .words import Moment, Word, moments

COLUMNS = 6
ROWS = 4
TILE = 300  # pixels of a picture on the sheet
STUDIO_CROP = 0.78  # part of the picture that a tile shows: the face
LABEL_HEIGHT = 50
GAP = 8
TITLE_HEIGHT = 64
BACKGROUND = (24, 26, 31)
TEXT = (236, 238, 242)
QUIET_TEXT = (150, 158, 172)


def draw_sheet(job: Job, curves: CurveTrack, words: Sequence[Word]) -> None:
    """Write the contact sheet of a run whose frames have been rendered.

    Args:
        job: The run.
        curves: Generated curves, for the times.
        words: Timed words; empty for speech without them.
    """
    chosen = moments(words, curves.duration_s, COLUMNS * ROWS)
    width = COLUMNS * (TILE + GAP) + GAP
    height = TITLE_HEIGHT + ROWS * (TILE + LABEL_HEIGHT + GAP)
    sheet = Image.new("RGB", (width, height), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    draw.text((GAP + 4, 16), job.title, TEXT, font(26))
    for position, moment in enumerate(chosen):
        row, column = divmod(position, COLUMNS)
        corner = (
            GAP + column * (TILE + GAP),
            TITLE_HEIGHT + row * (TILE + LABEL_HEIGHT + GAP),
        )
        _draw_tile(sheet, draw, job, curves, moment, corner)
    partial = Path(job.out_sheet).with_suffix(".partial.png")
    sheet.save(partial)
    partial.replace(job.out_sheet)


def _draw_tile(
    sheet: Image.Image,
    draw: ImageDraw.ImageDraw,
    job: Job,
    curves: CurveTrack,
    moment: Moment,
    corner: tuple[int, int],
) -> None:
    # As in the film: the same frame for the same moment.
    index = min(round(moment.time_s * curves.fps), curves.frame_count - 1)
    with Image.open(frame_path(Path(job.frames_folder), index)) as picture:
        # The studio leaves room around the face; a user's picture is shown whole.
        side = min(picture.size) * (1.0 if job.blend else STUDIO_CROP)
        left, top = (picture.width - side) / 2, (picture.height - side) / 2
        box = (left, top, left + side, top + side)
        small = picture.resize((TILE, TILE), Image.Resampling.LANCZOS, box)
    sheet.paste(small, corner)
    below = corner[1] + TILE + 6
    draw.text((corner[0] + 4, below), f"{index / curves.fps:.2f} s", QUIET_TEXT, font(20))
    draw.text((corner[0] + TILE - 4, below), moment.label, TEXT, font(22), anchor="ra")


def font(size: int) -> FreeTypeFont:
    """Return DejaVu Sans, which comes with matplotlib, so that sheets look the same everywhere."""
    from matplotlib import font_manager

    return ImageFont.truetype(font_manager.findfont("DejaVu Sans"), size)
