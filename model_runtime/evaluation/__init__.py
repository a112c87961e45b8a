"""Measurements: ``evaluate`` (is the motion right) and ``benchmark`` (what does it cost)."""
