"""Run the generator network on a CPU or GPU.

* ``base``: the interface of an engine, and the features it takes.
* ``factory``: the choice of engine and device, and how one is opened.
* ``numpy_engine``, ``numpy_layers``: the built-in engine, numpy only.
* ``encodings``: encoder output of the last features, kept for another emotion.
* ``torch_engine``, ``torch_encoder``, ``device``: the PyTorch engine, pretrained speech encoders
  and the choice of a GPU. Only these import torch.
"""
