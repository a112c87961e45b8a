"""Convert filmed and recorded faces to ARKit curves and lip measures on the clock of their audio.

* `dataset`: captures on the model's clock, and their files.
* `grid`, `facegood`, `livelink_rom`: one corpus each.
* `landmarks`: filmed landmarks as still heads; `film_fit`: curves for them.
* `basis`, `fit`: how channels move landmarks, and the channels that move them as filmed.
* `rig_mesh`, `lip_models`: lips of a mesh; `loudness`: lag behind the audio.
"""
