"""Time engines and batches.

* `benchmark`: ``python -m model_runtime benchmark``.
* `timing_child`: one engine in a process of its own; `without_torch`: as it is inside Blender.
* `acting_timing`: eyes, head and idle beside the model.
* `batch_timing`: many lines through ``batch`` and one by one.
"""
