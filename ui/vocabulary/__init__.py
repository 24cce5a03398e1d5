"""The sections of the Vocabulary page."""
