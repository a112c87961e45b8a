"""Classify the emotion of a voice and turn emotion keys into weights over time.

* ``keys``: emotion keys to one weight per emotion and frame.
* ``expressive``: what named expressions add beyond emotions.
* ``voice_frames``, ``pitch``: timbre, loudness and pitch, 50 times a second.
* ``voice_statistics``: statistics of a stretch of voice, the input of the classifier.
* ``classifier``: the emotion classifier and its files.
* ``timeline``: classifications of windows to stretches of one emotion.
* ``detect``: all of these for a clip, used by ``--emotion auto``.
"""
