"""Fit channels to the shapes of a face, and compute with lips, bones and drivers. No bpy.

- `landmarks`: find lips, chin, nose and eyes from the motion of the jaw.
- `correspondence`: transfer motion from one head to another.
- `solver`: bounded least squares from channels to shapes.
- `flame`: names and pose correctives of FLAME heads.
- `lips`: lip gaps, closures and their correction.
- `bones`: rotations in the modes of pose bones.
- `expressions`: evaluate and invert driver expressions.
"""
