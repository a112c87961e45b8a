"""Turn raw model output into finished curves.

* ``finish``: all steps in order. ``stillness``: no lip movement without speech. ``blinks``.
* ``lids``: eyes that strong expressions leave open.
* ``commitment``: the mouth of one phone where the network is in doubt between several.
* ``articulation``: the mouth held to phones that a script makes known.
"""
