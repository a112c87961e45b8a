"""Read and write the parts of a scene that a performance depends on.

- ``audio``: audio strips of Generate on the sequencer, paths of sounds.
- ``audio_length``: lengths of audio files.
- ``audio_decode``: WAV files of audio that the worker cannot decode.
- ``sequencer``: the scene whose sequencer the user sees.
- ``strip_lines``: sound strips as lines of a batch, text strips as scripts.
- ``look_at``: the direction of an object from a face over time.
- ``result``: what was generated for a face, and what has changed since.
- ``words``: words of a face's performance, and the user's corrections.
- ``word_markers``: starts of words as timeline markers, and where they were moved.
- ``predictions``: what the model predicted for a face, stored with it.
- ``line_predictions``: what the model predicted for a clip of a batch, stored with its Action.
- ``direction``: the layers of a face's performance as settings that can be keyed.
- ``takes``: the list of a face's takes, and what a take that does not play needs.
- ``retime``: moves keys to another start frame or frame rate.
- ``emotion_track``: emotion over time from animated weights and timeline markers.
"""
