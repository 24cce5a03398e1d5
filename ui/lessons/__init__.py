"""Lessons: the panel that leads through one on every page, and the list of all."""
