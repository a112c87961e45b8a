"""Act beyond the lips: emotion over the line, gaze, head motion and asymmetry. numpy only.

* ``prosody``: loudness, pitch, stress and phrases of a recording, the cues of everything below.
* ``dynamics``: the share of an emotion's intensity that each moment of a line carries.
* ``gaze``: fixations and saccades, and the curves that turn the eyes.
* ``head``: yaw, pitch and roll of the head.
* ``asymmetry``: small differences between the left and the right half of the face.
* ``layers``: all of it onto a generated track, in the order in which a face is built.
* ``plan``: what a clip will get, before the model runs.
* ``look``: the rest direction of eyes and head, towards an object or a speaker.
* ``idle``: a face that waits or listens, without any recording.
* ``around``: waiting before and after a clip.

Everything is seeded, independent of the output frame rate, and off at strength 0: the curves are
then those of the model, bit by bit.
"""
