"""Dialogue production: a folder or list of lines to curves, resumable, in parallel, reported."""
