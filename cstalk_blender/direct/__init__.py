"""Turn a generated performance into what an animator can work with. numpy only, no bpy.

* ``edits``: what the artist changed on generated curves, and how new ones keep it.
* ``few_keys``: a curve as few Bezier keys with a bounded error, aligned within a region.
* ``splice``: a fit of the changed stretch alone, between keys that stay to the bit.
* ``direction``: settings of the layers; ``layers`` applies them, by ``regions``, ``ranges``,
  ``smoothing`` and ``blink_rate``.
* ``preset_files``: directions as JSON files; ``presets`` holds those of the extension.
* ``curve_view``: where the curve view draws what; ``waveform`` reads the audio for it.
* ``preview``: curves read at any frame, for a preview without keys.
* ``prediction``: what the model predicted, with and without emotion, as compact bytes.
"""
