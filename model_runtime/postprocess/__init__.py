"""Turn raw model output into finished curves.

* ``finish``: all steps in order. ``stillness``: no lip movement without speech. ``blinks``.
* ``articulation``: the mouth held to phones that a script makes known.
"""
