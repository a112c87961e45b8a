"""Make models: corpora, reference motion, networks. Only the command line imports this.

* ``cli``, ``settings``: the command ``train`` and its TOML file.
* ``recipe``: all stages in order, from corpora to a measured checkpoint.
* ``corpora``, ``captures``: public corpora as clips, and filmed faces as curves.
* ``alignment``, ``teacher``: phone times, from pocketsphinx or from a Whisper encoder.
* ``preparation``, ``data``: corpora to caches, and caches to batches.
* ``reference``: the moving face that speech is labelled with.
* ``stages``: the networks, one stage per module.
* ``emotion``: the emotion classifier.
* ``pronunciation``, ``phone_bigram``: the dictionary, letter-to-sound model and phone bigram of
  ``model_runtime.text``.
"""
