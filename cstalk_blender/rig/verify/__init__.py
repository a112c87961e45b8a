"""Check a baked face, and seal its lips.

- `check`: does the face move as keyed (in pieces or at once).
- `mouth_check`: does the mouth open, do the lips meet or cross.
- `obstacles`: settings that hide keyframes.
- `evaluation`: the evaluated mesh at one frame.
- `seal`: add closing where lips should meet.
"""
