"""Define the operators.

- ``base``: the mix-in of all operators.
- ``generate``: load audio, generate, cancel, clear.
- ``curves``: load curve files, move keys in time.
- ``direct``: presets, reset and update of a direction, channels, stored data.
- ``direct_lines``: lines of a batch as the settings direct them.
- ``ranges``: layers limited to a range of frames.
- ``edits``: discard and pin hand edits.
- ``takes``: play and delete takes, Try Five.
- ``batch``: read, bake and clear the lines of a batch, open its report.
- ``lines``: tick lines of the list, apply values to them, edit the cast.
- ``words``: correct words of a performance, copy a script from subtitles.
- ``mapping``: edit, save and load mappings of shape keys.
- ``rig``: fit a face, seal lips, head motion.
- ``runtime``: install, test and remove the GPU runtime.
"""
