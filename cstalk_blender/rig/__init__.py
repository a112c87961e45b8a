"""The face in Blender: which shape key is which channel, which meshes, keys, and the proof."""
