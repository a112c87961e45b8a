"""Prepare corpora for training: phones, features, speech curves, caches.

* ``stage``: the whole stage. ``corpus``: speech corpora, films and non-speech.
* ``phones``: phone times of a corpus. ``clip_task``: one clip that is to be cached;
  ``items``: a clip as training items.
* ``filmed``, ``recorded_faces``: filmed mouths, and recorded curves with their audio.
* ``synthetic_voices``, ``nonspeech``: speech of flite, and synthesised sounds without speech.
* ``relabel``: new speech curves in finished caches.
"""
