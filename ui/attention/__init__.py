"""The Attention page: who looks where, in a trained model and a text of one's own."""
