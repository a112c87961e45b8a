"""Handle lines of dialogue without Blender: lists, characters, layout, worker process. No bpy.

* `lines`: read lists of lines; lines as protocol messages.
* `casting`: find the character that speaks a line.
* `emotion_keys`: emotion over time as keys, and as colours of a strip.
* `layout`: frames on which lines start; lines of one face in one track.
* `conversation`: who listens to whom between the lines, and lines over waiting.
* `fade`: emotion that rises and falls at the ends of a line.
* `batch_worker`: the process that generates a batch.
* `results`: the report of a batch.
"""
