"""Measure performances (``evaluate``) and their cost (``benchmark``)."""
