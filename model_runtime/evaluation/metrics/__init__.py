"""Define the metrics: pure functions of curves, phones and meshes.

* `mesh`: curves on a head; `phone_table`: the mouth in every phone.
* `speech`: closures, openness, widths; `articulation`: rounding, labiodentals, tongue, visemes.
* `phone_classes`: the mouth by phone class, beside two measured faces.
* `pulses`: rectangular pulses and speed; `motion`: motion against a reference.
* `life`: gaze, blinks, the course of an expression; `emotion_classifier`: emotions named.
* `phone_head`: phones that a network detects.
* `measures`: rows of the table with their bars; `intervals`: confidence intervals.
"""
