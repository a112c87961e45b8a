"""Turn curves into values of the properties that move a face.

- `target_curves`: values of shape keys, bones and properties for a track.
- `plan`: the properties to key, and what cannot be keyed.
- `properties`: merge values that share a property.
- `drivers`: the property to key instead of a driven one.
- `eyes`: routes of look and head channels to bones.
- `facing`: where a face is and which way it looks.
- `mouth`: lip gap under a performance, and the shape keys that close it.
- `values`: read and write properties by animation path.
"""
