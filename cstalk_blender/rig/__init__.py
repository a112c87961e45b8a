"""Map curves to the face in Blender, write them as keyframes and check the result.

The packages are layers; each imports only those before it. `mapping` and `fitting` have no bpy.

- `mapping`: channels to shape keys by name, presets, and their coverage.
- `fitting`: numerical fitting of channels to unnamed shapes, lip gaps, rotations, driver inversion.
- `binding`: the meshes of a face in the scene, their shape keys, mapping and fit.
- `drive`: curves to values of the properties that move the face.
- `keys`: keyframes and Actions, and their removal.
- `clips`: clips of a batch as NLA strips and in files.
- `verify`: the check after a bake, and the lip seal.
"""
