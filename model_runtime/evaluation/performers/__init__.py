"""Performers."""
