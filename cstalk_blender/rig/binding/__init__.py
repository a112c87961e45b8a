"""Connect faces in the scene with mappings and fits.

- `targets`: find the meshes of a face from any part of the character.
- `eligibility`: explain why an object cannot be baked.
- `shapes`: find shape keys that move nothing.
- `wiring`: everything that decides how one mesh is moved.
- `library`: families and mappings of the user.
- `geometry`: read vertices, shape keys and bone weights as arrays.
- `basis`: build and solve the fit of a face.
- `solved`: store the fit with its object.
"""
