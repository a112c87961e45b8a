"""Batches of lines: what is asked for, the child that makes them, who speaks them. No bpy."""
