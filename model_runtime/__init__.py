"""Generate facial animation curves from speech. Runs without Blender and never imports bpy.

Packages in the order in which data passes through them:

* ``audio``: decode a file, resample it, bring it to the level of speech, compute features.
* ``emotion``: emotion keys and the emotion classifier.
* ``checkpoint``, ``engines``, ``model``: weights on disk, how they are run, the networks in torch.
* ``generate``, ``raw_curves``, ``style``: inference over a clip, window by window.
* ``clip_memory``: what the worker keeps of the last clip.
* ``text``: script text to phones with their times, which hold the mouth.
* ``postprocess``: stillness, frame rate, bounds and blinks.
* ``acting``: emotion over the line, gaze, head motion and asymmetry.
* ``curves``: rigs, tracks and curve files.
* ``batch``: many clips at once.
* ``cli``, ``worker``: the command line, and the process that the add-on talks to.
* ``performance``: everything that one clip depends on. ``expressions``: blends of emotions.
* ``protocol``, ``wire``: their messages, and the messages as lines of JSON.
* ``training``, ``evaluation``: only in a checkout, not in the extension.
* ``arrays``, ``choices``, ``config``, ``errors``, ``files``, ``version``, ``written``: shared
  definitions.
"""
