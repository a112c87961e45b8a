"""Read a Whisper encoder, label speech with its phone posteriors and start our encoder from it.

``whisper`` runs the encoder, ``ctranslate2`` reads its file, ``probe`` turns its layers into phone
posteriors, ``labels`` reads and aligns them, ``stage`` writes them for all training speech, ``run`` is the command, and ``encoder_start`` copies its first
layers into the generator.
"""
