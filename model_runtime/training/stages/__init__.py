"""Train the networks, one stage per module: acoustic, correlation, generator, calibration.

``run`` holds the training loop, ``machine`` the device, ``losses`` the terms of the generator,
``provenance`` the record of a run.
"""
