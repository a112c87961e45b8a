"""Read and write checkpoints without torch.

* ``folder``: a folder with ``config.json`` and ``weights.safetensors``.
* ``safetensors``: the tensor file.
"""
