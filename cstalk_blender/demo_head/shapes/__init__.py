"""Define the 52 ARKit shapes of the demo head as movements of its vertices.

- ``brow``: brows, cheeks and nose; ``eyes``: lids and gaze.
- ``jaw``: jaw and tongue; ``mouth``: lips.
"""
