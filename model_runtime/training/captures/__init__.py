"""Filmed and recorded faces made into ARKit curves and lip measures on the clock of their sound.

``python -m model_runtime.training.captures --data FOLDER --out FOLDER`` runs the whole of it.
"""
