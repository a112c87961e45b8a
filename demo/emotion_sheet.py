"""Join the pictures of the emotions to a sheet, in the runtime's environment.

python -m demo.emotion_sheet JOB.json
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image, ImageDraw

from .emotion_job import EmotionJob, picture_path, read_emotion_job
from .sheet import BACKGROUND, QUIET_TEXT, TEXT, font

TILE = 200  # pixels of a picture on the sheet
MARGIN = 140  # left of the rows, for the emotions' names
HEADER = 84
CROP = 0.62  # part of the picture that a tile shows: brows to chin
CROP_DOWN = 0.02  # offset of its centre below that of the picture
GAP = 6
JPEG_QUALITY = 85


def main(arguments: list[str]) -> int:
    """Draw the sheet and return the exit status."""
    draw_emotions(read_emotion_job(Path(arguments[0])))
    return 0


def draw_emotions(job: EmotionJob) -> None:
    """Write the sheet of a job whose pictures have been rendered."""
    size = (
        MARGIN + len(job.times_s) * (TILE + GAP),
        HEADER + len(job.curves) * (TILE + GAP),
    )
    sheet = Image.new("RGB", size, BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    draw.text((GAP + 4, 12), job.title, TEXT, font(22))
    for column, label in enumerate(job.labels):
        middle = MARGIN + column * (TILE + GAP) + TILE / 2
        draw.text((middle, HEADER - 8), label, QUIET_TEXT, font(18), anchor="ms")
    for row, emotion in enumerate(job.curves):
        top = HEADER + row * (TILE + GAP)
        draw.text((GAP + 4, top + TILE / 2), emotion, TEXT, font(18), anchor="lm")
        for column in range(len(job.times_s)):
            with Image.open(picture_path(Path(job.pictures), emotion, column)) as picture:
                # The tile shows brows to chin; hair and shirt say nothing of an emotion.
                side = picture.width * CROP
                left = (picture.width - side) / 2
                upper = left + CROP_DOWN * picture.height
                box = (left, upper, left + side, upper + side)
                # Lanczos: a bilinear reduction would alias.
                small = picture.resize((TILE, TILE), Image.Resampling.LANCZOS, box)
            sheet.paste(small, (MARGIN + column * (TILE + GAP), top))
    partial = Path(job.out).with_suffix(".partial.jpg")
    sheet.save(partial, quality=JPEG_QUALITY)
    partial.replace(job.out)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
