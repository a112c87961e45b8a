"""Read corpora: one loader for each public format, all giving the same clips.

* `reading`: any corpus by its kind; `catalogue`: rig, rate and licence of each kind.
* `clip`: the clips; `splits`: their splits; `held_out`: ``splits.tsv``, who is not trained on.
* `files`, `matching`, `emotion_labels`: safe reading, channels by name, emotions by word.
* `speech`: folders with ``metadata.tsv``; `own`: those and our captures; `grid`: GRID's texts.
* `beat`, `beat2`, `blendvoca`, `claire`, `emoface`, `etf`, `livelink`, `mead`: a format each.
* `maya_cache`, `textgrid`: file formats that they hold.
"""
