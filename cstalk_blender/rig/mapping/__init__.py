"""Map channels to shape keys by their names. No bpy.

- `names`: normalise names; find the shape key of each channel.
- `families`: read naming families (``families/*.json``, and those of the user).
- `recognise`: find the family of a face and route its channels.
- `routing`: routes, and their evaluation on curves.
- `head_bones`: find neck and head among the bones of a rig.
- `coverage`: report each channel as mapped, doubtful or missing.
- `presets`: save, load and find mappings.
"""
