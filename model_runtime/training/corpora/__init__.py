"""Corpora: one loader for each public format, all giving the same clips."""
