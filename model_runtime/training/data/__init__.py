"""Cache training items on disk and draw batches from them.

* ``cache``: the files of a cache. ``loading``: the caches of a run, checked against its rig.
* ``encoder_inputs``: log-mel, or features of a pretrained encoder.
* ``batches``: windows for correlation and generator; ``acoustic_batches``: for the encoder.
* ``augment``: distortion of features. ``emotion_tracks``: random emotion over time.
* ``rig_rows``: labels on the channels of the trained rig.
"""
