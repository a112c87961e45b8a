"""Provide the shell command ``blender --command cstalk``.

- ``command``: registers the command with Blender.
- ``bake``: runs ``cstalk bake``.
"""
