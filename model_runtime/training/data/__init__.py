"""Cache training items on disk and draw batches from them."""
