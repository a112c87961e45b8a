"""Write performances as keyframes, and remove nothing that the user made.

- `bake`: bake a performance in pieces or at once; clear it.
- `rebake`: write changed curves in place, for the sliders of a direction.
- `preview`: play curves without writing keys.
- `build`: write F-curves into Actions that nothing plays yet.
- `earlier`: fitted keys that stay where curves have not changed.
- `install`: assign Actions, take them off, return the user's F-curves.
- `switching`: let data blocks play one of several Actions, and restore it exactly.
- `ownership`: identity of our Actions, and what the user changed in them.
- `hand_edits`: carry the user's edits over to a take that is generated again.
- `edit_marks`: which of these edits are pinned or adopted.
- `memory`: values, sliders and Actions from before the first bake.
- `transfer`: copy F-curves between Actions.
- `fcurves`: keyframes as arrays.
- `report`: results of a bake and of clearing.
- `tracks`: recognise NLA tracks with clips of a batch.
"""
