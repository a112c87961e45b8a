"""Define the metrics: pure functions of curves, phones and meshes."""
