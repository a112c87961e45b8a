"""Convert filmed and recorded faces to ARKit curves and lip measures on the clock of their audio.

``python -m model_runtime.training.captures --data FOLDER --out FOLDER`` runs the whole of it.
"""
