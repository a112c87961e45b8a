"""Facial curves as data: tracks, resampling, formats. numpy only; the add-on may import this."""
