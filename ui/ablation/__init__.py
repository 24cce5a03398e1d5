"""The sections of the page that takes a model apart."""
