"""The sections of the Ladder page."""
