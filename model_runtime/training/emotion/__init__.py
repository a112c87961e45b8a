"""Train the classifier of emotions in voices.

* `stage`: ``train emotion``.
* `voice_data`: voices with a known emotion; `voice_augment`: distorted copies of them.
* `fit`: kernel ridge regression and cross-validation.
"""
