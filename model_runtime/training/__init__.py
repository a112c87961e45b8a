"""Make models: corpora, reference motion, networks. Only the command line imports this.

* ``cli``, ``settings``: the command ``train`` and its TOML file.
* ``recipe``: all stages in order, from corpora to a measured checkpoint.
* ``corpora``, ``captures``: public corpora as clips, and filmed faces as curves.
* ``alignment``, ``teacher``: phone times, from pocketsphinx or from a Whisper encoder.
* ``preparation``, ``data``: corpora to caches, and caches to batches.
* ``reference``: the moving face that speech is labelled with.
* ``stages``: the networks, one stage per module.
* ``emotion``: the emotion classifier.
* ``pronunciation``: the dictionary and letter-to-sound model of ``model_runtime.text``.
"""
