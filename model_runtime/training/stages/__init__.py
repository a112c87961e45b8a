"""Train the networks, one stage per module.

* ``acoustic``, ``acoustic_run``: encoder and phone head. ``phone_measures``: their scores.
* ``correlation``, ``generator``: the two networks.
* ``losses``, ``loss_weights``: the terms of the generator's loss, and their tuned numbers.
* ``start_from``, ``distillation``: start from other weights, and keep the effect of emotions.
* ``output_calibration``: the fit of the calibration.
* ``final_evaluation``: the score on dev clips, the finished checkpoint's measures and model card.
* ``run``, ``machine``: the training loop and its device. ``provenance``: the record of a run.
* ``progress``: the progress line, and tensorboard.
"""
