"""Perform audio files.

* `base`: the interface, and a cache around it.
* `model`: a checkpoint, or an engine of a running training.
* `reference`: the labels of training, given the true phones.
* `rhubarb`: recorded mouth cues of Rhubarb Lip Sync; `loudness`: the energy alone.
"""
