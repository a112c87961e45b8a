"""Decode audio files and compute the features of speech. No torch.

* ``store``: a decoded clip, mono at 16 kHz. Start here.
* ``decoding``: decoders tried in turn. ``decoders``: the decoders. ``wav``, ``ogg``, ``container``:
  file formats.
* ``resample``: change of the sample rate. ``level``: gain that follows the level of speech.
* ``features``: log-mel spectrum. ``equalisation``: correction of its mean over a recording.
* ``whistles``: sounds above the voice, such as birdsong.
"""
