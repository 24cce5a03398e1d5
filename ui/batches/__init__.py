"""The sections of the Batches page."""
