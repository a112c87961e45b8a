"""Read a Whisper encoder, label speech with its phone posteriors and start our encoder from it.

- ``whisper``: runs the encoder; ``ctranslate2`` reads its file.
- ``probe``: turns its layers into phone posteriors.
- ``labels``: stores the posteriors and phone times of a clip; ``stage`` writes them for all speech.
- ``encoder_start``: copies its first layers into the generator.
- ``run``: the command that does all of it.
"""
