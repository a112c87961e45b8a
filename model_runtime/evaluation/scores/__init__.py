"""Apply the metrics to the clips of a performer, and turn them into figures of the table.

* `speech`: closures, openness and widths; `articulation`: measures of the phone table.
* `films`: against filmed lips; `stillness`: without speech.
* `life`: gaze, blinks, expressions; `emotion`: emotions named; `motion`: against the labels.
* `phones`: the phone head, and lips in doubt.
* `detected_emotion`: emotions detected in voices of speakers left out.
"""
