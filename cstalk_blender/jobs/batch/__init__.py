"""Generate a batch of lines and place the results in the scene.

* `request`: the batch as plain data: lines, faces, frames, destination.
* `audio`: decode what the worker cannot.
* `job`: the batch's `pump.TimerPump`.
* `progress`: states of the lines, counts, fraction.
* `earlier`: lines of other batches in the scene, which new ones follow.
* `placement`: what becomes of one line's curves: strips, keyframes, Actions, files.
* `idle`: characters wait and listen before, between and after their lines.
* `report`: the end of a batch: what concerns all lines, the report, the scene's list.
"""
