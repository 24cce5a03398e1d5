"""The sections of the page that reads the model layer by layer."""
