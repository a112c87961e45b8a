"""Define the generator and the correlation module in torch.

* ``generator``: log-mel, emotion and style noise to curves and phones.
* ``correlation``: a region of the face from the other regions; used in training only.
* ``layers``, ``attention``: the layers of both.
"""
