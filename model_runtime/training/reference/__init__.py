"""Make the reference motion that speech is labelled with: articulation, expressions, prosody.

* ``motion``: the whole face. ``articulation``: phones to mouth controls.
* ``expression_blending``: the mouth of an expression with that of speech.
* ``lips``: lip measures in mesh space. ``prosody``: loudness, pitch and pauses.
* ``calibrate``: the fit of the articulation to filmed mouths. ``phone_shapes``: its targets for
  ``postprocess.commitment``.
* ``rig``: the rig of the reference motion.
"""
