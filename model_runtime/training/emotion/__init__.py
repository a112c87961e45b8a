"""Emotion."""
