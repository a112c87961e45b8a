"""Align speech with its text: by pocketsphinx (``forced``) or by a teacher (``posteriors``)."""
