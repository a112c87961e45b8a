"""Time engines and batches."""
