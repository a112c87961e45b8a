"""Measurements of the model: ``evaluate`` (is the motion right) and ``benchmark`` (what it costs)."""
