"""Engines run the generator. One interface; numpy always works, torch is faster."""
