"""Align speech with its text: by pocketsphinx (``forced``) or by a teacher (``posteriors``).

* ``corpora``: all clips of a corpus, resumable.
* ``lexicon``: pronunciations of words. ``espeak``: IPA of words that the dictionary lacks;
  ``pronounce``: that IPA as phones.
"""
