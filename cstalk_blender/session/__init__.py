"""The model's process seen from Blender: a Python, one child, one ending for each request."""
