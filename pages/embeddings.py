"""The learned rows of characters and places as a map that moves through the training."""

from minigpt_core.interpret.embedding_map import cosine_matrix, moving_map, pca
from ui.components.show_code import show_code
from ui.embeddings import sections

sections.page()
show_code("embeddings", pca, moving_map, cosine_matrix)
