"""Mix emotions: blends such as ``happy:0.6+surprised:0.4``, and named expressions. No numpy.

* ``blend``: a mixture as text, its weights, channel offsets and speech amplitude.
* ``listing``: the names of expressions alone.
* ``catalogue``: the shipped expressions (``expressions.json``), and those of a user's file.
"""
