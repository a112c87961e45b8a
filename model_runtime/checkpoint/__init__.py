"""Read and write checkpoints without torch.

* ``folder``: a folder with ``config.json`` and ``weights.safetensors``.
* ``safetensors``: the tensor file. ``old_names``: tensor names of version 0.1.
* ``calibration``: the output calibration, folded into the heads.
"""
