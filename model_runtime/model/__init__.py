"""Define the generator and the correlation module in torch."""
