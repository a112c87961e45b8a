"""Perform audio files: with a checkpoint, the labels of training, Rhubarb's cues, loudness."""
