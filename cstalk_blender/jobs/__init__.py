"""Run what takes longer than one redraw: the add-on's jobs and the timer that drives them.

* `open_jobs`: each job of the session, created at its first use; the load handler.
* `pump`: the timer, its edge for unexpected errors, redrawing.
* `stepper`: the interface of work that is done in pieces.
* `request`: a Generate as plain data, and the scene and faces it is for.
* `generate`: one Generate at a time, from the request to the keyframes.
* `direct`: the settings of a face baked again as they change.
* `direct_lines`: the settings of a face applied to its lines of a batch.
* `curve_view`: what the curve view shows of a face.
* `takes`: switch, delete and clear takes of a face.
* `preview`: the settings of a face played before its keys are written.
* `delivery`: curves to keyframes, undo step and check.
* `install`: installation, test and repair of the GPU runtime.
* `batch`: many lines.
"""
