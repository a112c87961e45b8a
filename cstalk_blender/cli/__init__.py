"""Provide the shell command ``blender --command cstalk``.

- ``command``: registers the command with Blender.
- ``options``: its options.
- ``bake``: runs ``cstalk bake``.
- ``events``: progress and results as text or JSON lines.
"""
