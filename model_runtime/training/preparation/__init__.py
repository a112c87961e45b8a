"""Prepare corpora for training: phones, features, speech curves, caches."""
