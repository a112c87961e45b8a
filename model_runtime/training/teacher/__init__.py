"""Read a Whisper encoder, label speech with its phone posteriors and start our encoder from it.

``whisper`` runs the encoder, ``ctranslate2`` reads its file, ``probe`` turns its layers into phone
posteriors, ``stage`` writes those for all training speech, and ``encoder_start`` copies its first
layers into the generator.
"""
