"""The Embeddings page: the learned rows of characters and places as a map that moves through the training."""
